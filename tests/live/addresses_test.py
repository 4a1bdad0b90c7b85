"""A server that names no address, on a machine with several: each client hears from the address that it asked, of either IP
version, link-local ones by their interfaces, whichever io lane its datagrams come to; and the port stays the first server's."""

import json
import os
import subprocess
import tempfile
import unittest

import accounting
import programs

PREFIX = f"serried-{os.getpid()}-addresses"
BOTS = 8


def sh(*words):
    done = subprocess.run(words, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(words)}: {done.stdout}{done.stderr}")
    return done.stdout


class Loopback(unittest.TestCase):
    """Nothing that needs rights."""

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="serried-live-")
        self.addCleanup(self.folder.cleanup)

    def start(self, *options):
        server = programs.SocketServer(self.folder.name, "--npcs", "10", *options)
        self.addCleanup(server.stop)
        return server

    def test_a_second_server_is_refused(self):
        for lanes in (("1", "1"), ("2", "2"), ("1", "2"), ("2", "1")):
            with self.subTest(lanes=lanes):
                first = self.start("--io-lanes", lanes[0])
                self.assertTrue(first.wait_for("serried-server: ready"), first.output())
                second = programs.SocketServer(self.folder.name, "--npcs", "10", "--io-lanes", lanes[1],
                                               port=first.port)
                self.addCleanup(second.stop)
                self.assertEqual(second.ended(), 1, second.output())
                self.assertIn("is taken by another program", second.output())
                self.assertEqual(first.stop(), 0, first.output())

    def test_what_an_address_may_say(self):
        key = ("--driver", "socket", "--token-key", "/nonexistent/token.key")
        for address, said in (("fe80::1", "fe80::1%eth0"), ("fe80::1%nowhere", 'no interface "nowhere"'),
                              ("::1%lo", "leave out %lo")):
            done = programs.run("serried-server", *key, "--address", address)
            self.assertEqual(done.returncode, 2, done.stdout + done.stderr)
            self.assertIn(said, done.stderr)
            done = programs.run("serried-swarm", "--token-key", "/nonexistent/token.key", "--server", f"[{address}]:40000")
            self.assertEqual(done.returncode, 2, done.stdout + done.stderr)
            self.assertIn(said, done.stderr)
        done = programs.run("serried-server", "--address", "fe80::1%lo")
        self.assertIn("--driver ethdev stands on none", done.stderr)


@unittest.skipUnless(os.geteuid() == 0, "makes network namespaces: needs root")
class Addresses(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="serried-live-")
        self.addCleanup(self.folder.cleanup)
        self.near, self.far = f"{PREFIX}-near", f"{PREFIX}-far"
        for space in (self.near, self.far):
            sh("ip", "netns", "add", space)
            self.addCleanup(sh, "ip", "netns", "delete", space)
            sh("ip", "-n", space, "link", "set", "lo", "up")
        for i in (0, 1):
            sh("ip", "link", "add", f"near{i}", "netns", self.near, "type", "veth", "peer", "name", f"far{i}", "netns",
               self.far)
            for space, end, host in ((self.near, "near", 1), (self.far, "far", 2)):
                sh("ip", "-n", space, "link", "set", f"{end}{i}", "up")
                for address in (f"10.78.{i}.{host}/24", f"fd78:{i}::{host}/64", f"fe80::{host}/64"):
                    sh("ip", "-n", space, "address", "add", address, "dev", f"{end}{i}",
                       *(["nodad"] if ":" in address else []))
            sh("ip", "-n", self.near, "address", "add", f"10.78.{i}.3/24", "dev", f"near{i}")
        self.key = os.path.join(self.folder.name, "token.key")
        sh(programs.path("serried-token"), "keygen", "--out", self.key)

    def inside(self, space, name, *arguments):
        program = programs.Background(self.folder.name, name, *arguments, within=["ip", "netns", "exec", space])
        self.addCleanup(program.stop)
        return program

    def serve(self, *options):
        server = self.inside(self.near, "serried-server", *programs.SOCKET_EAL, "--file-prefix", PREFIX, "--", "--driver",
                             "socket", "--udp-port", "40000", "--token-key", self.key, "--npcs", "50", "--status", "none",
                             "--json-summary", os.path.join(self.folder.name, "server.json"), *options)
        self.assertTrue(server.wait_for("serried-server: ready"), server.output())
        return server

    def play(self, space, endpoint, base):
        return self.inside(space, "serried-swarm", "--bots", str(BOTS), "--server", endpoint, "--token-key", self.key,
                           "--seconds", "3", "--player-base", str(base), "--roam-per-minute", "60", "--status", "none")

    def expect_played(self, server, endpoints):
        swarms = [(endpoint, self.play(space, endpoint, 1 + 1000 * i)) for i, (space, endpoint) in enumerate(endpoints)]
        for endpoint, swarm in swarms:
            self.assertEqual(swarm.ended(40), 0, endpoint + "\n" + swarm.output())
        self.assertEqual(server.stop(), 0, server.output())
        with open(os.path.join(self.folder.name, "server.json"), encoding="utf-8") as file:
            summary = json.load(file)
        self.assertEqual(summary["players_peak"], BOTS * len(endpoints))
        self.assertNotIn("no_next_hop", summary["drops"])
        accounting.check(self, summary)
        return summary

    def test_any_address_is_answered_from(self):
        server = self.serve("--io-lanes", "2", "--steering", "off")
        far = ["10.78.0.1", "10.78.0.3", "10.78.1.3", "[fd78:0::1]", "[fd78:1::1]", "[fe80::1%far0]", "[fe80::1%far1]"]
        near = ["127.0.0.1", "127.0.0.2", "[::1]"]
        summary = self.expect_played(server, [(self.far, f"{address}:40000") for address in far] +
                                     [(self.near, f"{address}:40000") for address in near])
        self.assertGreater(summary["sessions"]["handed_over"], 0)
        self.assertGreater(summary["sessions"]["roamed"], 0)

    def test_a_link_local_address_alone(self):
        server = self.serve("--address", "fe80::1%near1")
        self.assertIn("ready on [fe80::1%near1]:40000", server.output())
        self.expect_played(server, [(self.far, "[fe80::1%far1]:40000")])


if __name__ == "__main__":
    unittest.main()
