"""Systems that are poorer than a server expects: what they refuse or lack is said in one true sentence, or the server works
all the same."""

import os
import platform
import subprocess
import sys
import tempfile
import unittest

import accounting
import programs

HERE = os.path.dirname(os.path.abspath(__file__))
BOTS = 5


def without(*calls):
    return [sys.executable, os.path.join(HERE, "restricted.py"), ",".join(calls)]


@unittest.skipUnless(platform.machine() == "x86_64", "knows the numbers of this machine's calls only")
class Restricted(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="serried-live-")
        self.addCleanup(self.folder.cleanup)

    def start(self, *options, within=(), **settings):
        server = programs.SocketServer(self.folder.name, "--npcs", "10", *options, within=within, **settings)
        self.addCleanup(server.stop)
        return server

    def play(self, *options, within=(), **settings):
        """Bots play on a server that is restricted, from a swarm that is too; what the server said."""
        server = self.start(*options, within=within, **settings)
        self.assertTrue(server.wait_for("serried-server: ready"), server.output())
        swarm = programs.Background(self.folder.name, "serried-swarm", "--bots", str(BOTS), "--server",
                                    f"127.0.0.1:{server.port}", "--token-key", server.key, "--seconds", "2", "--status",
                                    "none", within=within)
        self.addCleanup(swarm.stop)
        self.assertEqual(swarm.ended(30), 0, swarm.output())
        self.assertEqual(server.stop(), 0, server.output())
        summary = server.summary()
        self.assertEqual(summary["players_peak"], BOTS)
        accounting.check(self, summary)
        return server.output()

    def refused(self, said, *options, within=()):
        server = self.start(*options, within=within)
        self.assertEqual(server.ended(), 1, server.output())
        self.assertIn(said, server.output())
        self.assertNotIn("ready", server.output())

    def test_one_datagram_a_call(self):
        said = self.play(within=without("recvmmsg", "sendmmsg"))
        self.assertIn("forbids recvmmsg", said)
        self.assertIn("forbids sendmmsg", said)

    def test_no_way_to_receive_or_to_send(self):
        self.refused("forbids to receive datagrams", within=without("recvmmsg", "recvmsg"))
        self.refused("forbids to send datagrams", within=without("sendmmsg", "sendmsg"))

    def test_ipv4_alone(self):
        self.assertIn("no IPv6; the server speaks IPv4 alone", self.play(address=None, within=without("socket6")))

    def test_no_choice_of_cpus(self):
        self.refused("forbids to choose a CPU", within=without("sched_setaffinity"))
        self.refused("does not say which CPUs", within=without("sched_getaffinity"))

    @unittest.skipUnless(os.geteuid() == 0, "hides /sys: needs root")
    def test_no_sys(self):
        self.refused("/sys is not mounted", within=["unshare", "--mount", "sh", "-c",
                                                    'mount -t tmpfs none /sys && exec "$@"', "sh"])

    @unittest.skipUnless(os.geteuid() == 0, "makes a network namespace: needs root")
    def test_no_ephemeral_port(self):
        narrow = "ip link set lo up && echo 40000 40001 > /proc/sys/net/ipv4/ip_local_port_range && exec \"$@\""
        within = ["unshare", "--net", "sh", "-c", narrow, "sh"]
        key = os.path.join(self.folder.name, "token.key")
        subprocess.run([programs.path("serried-token"), "keygen", "--out", key], check=True, stdout=subprocess.DEVNULL)
        swarm = programs.Background(self.folder.name, "serried-swarm", "--bots", str(BOTS), "--server", "127.0.0.1:40002",
                                    "--token-key", key, "--seconds", "1", within=within)
        self.assertNotEqual(swarm.ended(), 0)
        self.assertIn("no UDP port is left", swarm.output())

    def test_an_empty_configuration_file(self):
        empty = os.path.join(self.folder.name, "empty.toml")
        with open(empty, "w", encoding="utf-8"):
            pass
        self.play("--config", empty)
        done = programs.run("serried-server", "--config", self.folder.name)
        self.assertEqual(done.returncode, 2)
        self.assertIn("cannot be read", done.stderr)


class InstructionSets(unittest.TestCase):
    def test_a_set_that_the_cpu_has_not_is_refused(self):
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            flags = file.read().split()
        if "avx512ifma" in flags:
            self.skipTest("this CPU has them all")
        done = programs.run("serried-server", "--driver", "socket", "--isa", "avx512")
        self.assertEqual(done.returncode, 2)
        self.assertIn("--isa asks for avx512", done.stderr)


if __name__ == "__main__":
    unittest.main()
