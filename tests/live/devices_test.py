"""A server on two devices, over memif with two io lanes, and a swarm on the wire of each: all bots are in one world. None is
lost, no view differs, nothing is unaccounted."""

import json
import os
import subprocess
import tempfile
import time
import unittest

import accounting
import programs
from programs import sh

BOTS, SECONDS = 100, 8  # bots of each swarm
MOVES_PER_MINUTE = 15  # of each bot: one in 4 s, so that much of what it sends comes to another io lane
SWARMS = 2
PREFIX = f"serried-devices-{os.getpid()}"


def lcores(index):
    """One core for the server and one for both swarms, where there are two."""
    cores = sorted(os.sched_getaffinity(0))
    return ["--lcores", f"0@{cores[min(index, len(cores) - 1)]}"]


def eal(name, cpu, memory):
    return [*lcores(cpu), "--no-huge", "--no-shconf", "-m", str(memory), "--no-pci", "--no-telemetry",
            "--log-level=lib.eal:warning", "--file-prefix", f"{PREFIX}-{name}"]


class Memif:
    """A memif of the server for each swarm."""

    driver, io_lanes, within = "net_memif", 2, [[]] * (SWARMS + 1)
    server_options = ["--verify-udp-checksum", "off"]  # memory has checksums of its own

    def __init__(self, folder):
        self.folder = folder

    def vdev(self, role, wire, device):
        path = os.path.join(self.folder, f"wire{wire}.sock")
        return f"--vdev=net_memif{device},role={role},socket={path},socket-abstract=no,rsize=11"

    def server_end(self, wire):
        return self.vdev("server", wire, wire)

    def swarm_end(self, wire):
        return self.vdev("client", wire, 0)

    def remove(self):
        pass


class AfXdp:
    """A veth pair for each swarm, which is in a namespace of its own; the server has the near ends of both in one."""

    driver, io_lanes, server_options = "net_af_xdp", 1, []

    def __init__(self, _):
        self.spaces = [f"{PREFIX}-near", *[f"{PREFIX}-far{i}" for i in range(SWARMS)]]
        self.within = [["ip", "netns", "exec", space] for space in self.spaces]
        try:
            self.lay()
        except RuntimeError:
            self.remove()
            raise

    def lay(self):
        for space in self.spaces:
            sh("ip", "netns", "add", space)
        for i in range(SWARMS):
            sh("ip", "link", "add", f"near{i}", "netns", self.spaces[0], "numrxqueues", "1", "numtxqueues", "1", "type", "veth",
               "peer", "name", f"far{i}", "netns", self.spaces[1 + i], "numrxqueues", "1", "numtxqueues", "1")
            for within, end in ((self.within[0], f"near{i}"), (self.within[1 + i], f"far{i}")):
                # The kernel says nothing here by itself: every frame on the wire is ours.
                sh(*within, "sh", "-c", f"echo 1 >/proc/sys/net/ipv6/conf/{end}/disable_ipv6", check=False)
                sh(*within, "ethtool", "-K", end, "tx", "off", "gro", "off", check=False)
                sh(*within, "ip", "link", "set", end, "up")

    def server_end(self, wire):
        return f"--vdev=net_af_xdp{wire},iface=near{wire},busy_budget=0"

    def swarm_end(self, wire):
        return f"--vdev=net_af_xdp0,iface=far{wire},busy_budget=0"

    def remove(self):
        for space in self.spaces:
            sh("ip", "netns", "delete", space, check=False)


class Devices(unittest.TestCase):
    def setUp(self):
        self.programs = []
        folder = tempfile.TemporaryDirectory(prefix="serried-live-")
        self.addCleanup(folder.cleanup)
        self.addCleanup(self.end_all)
        self.folder = folder.name
        self.key = os.path.join(self.folder, "token.key")
        subprocess.run([programs.path("serried-token"), "keygen", "--out", self.key], check=True,
                       stdout=subprocess.DEVNULL)

    def end_all(self):
        for program in self.programs:
            program.stop()

    def start(self, command, *arguments):
        program = programs.Background(self.folder, *arguments, within=command)
        self.programs.append(program)
        return program

    def start_server(self, wires):
        names = [f"{wires.driver}{i}" for i in range(SWARMS)]
        ports = [word for i, name in enumerate(names) for word in ("--port", name, "--address", f"10.77.{i}.1/24@{name}")]
        self.summary_file = os.path.join(self.folder, "server.json")
        return self.start(wires.within[0], "serried-server", *eal("server", 0, 640),
                          *[wires.server_end(i) for i in range(SWARMS)], "--", *ports, *wires.server_options, "--io-lanes",
                          str(wires.io_lanes), "--token-key", self.key, "--npcs", "200", "--audit", "1", "--players-max",
                          str(SWARMS * BOTS), "--sessions-max", "1024", "--address-rate", "0", "--prefix-rate", "0",
                          "--status", "line", "--json-summary", self.summary_file)

    def start_swarm(self, wires, wire):
        """It stays on the wire until the server has left: memif does not bear that a peer leaves in the middle of a burst."""
        return self.start(wires.within[1 + wire], "serried-swarm", *eal(f"swarm{wire}", 1, 256), wires.swarm_end(wire), "--",
                          "--driver", "ethdev", "--queues", str(wires.io_lanes), "--address", f"10.77.{wire}.2/24", "--server",
                          f"10.77.{wire}.1:40000", "--bots", str(BOTS), "--player-base", str(1 + 1000 * wire), "--rate", "30",
                          "--token-key", self.key, "--seconds", str(SECONDS), "--roam-per-minute", str(MOVES_PER_MINUTE),
                          "--linger", "60", "--status", "line", "--json", self.swarm_file(wire))

    def swarm_file(self, wire):
        return os.path.join(self.folder, f"swarm{wire}.json")

    def swarm_summary(self, wire, swarm, seconds=90):
        """What it leaves at the end, while it stays on the wire."""
        limit = time.monotonic() + seconds
        while time.monotonic() < limit and swarm.process.poll() is None:
            try:
                with open(self.swarm_file(wire), encoding="utf-8") as file:
                    return json.load(file)
            except (OSError, ValueError):
                time.sleep(0.1)
        self.fail(swarm.output())

    def play(self, wires):
        """The summary of the server, which is as it should be."""
        self.addCleanup(wires.remove)
        server = self.start_server(wires)
        self.assertTrue(server.wait_for("ready on 10.77.0.1:40000, 10.77.1.1:40000"), server.output())
        swarms = [self.start_swarm(wires, i) for i in range(SWARMS)]
        swarm_summaries = [self.swarm_summary(i, swarm) for i, swarm in enumerate(swarms)]
        self.assertEqual(server.stop(), 0, server.output())
        for swarm in swarms:
            self.assertEqual(swarm.stop(), 0, swarm.output())

        for summary in swarm_summaries:
            self.assertEqual(summary["connected"], BOTS, summary)
            self.assertEqual(summary["errors"], 0, summary)
            self.assertEqual(summary["view_mismatches"], 0, summary)
            self.assertGreater(summary["audits"], BOTS)
        with open(self.summary_file, encoding="utf-8") as file:
            summary = json.load(file)
        self.assertEqual(summary["sessions"]["established"], SWARMS * BOTS, summary)
        self.assertEqual(summary["sessions"]["timed_out"], 0, summary)
        self.assertGreater(summary["sessions"]["roamed"], SWARMS * BOTS, summary)
        self.assertNotIn("no_next_hop", summary["drops"], summary)
        self.assertIn(f"at most {SWARMS * BOTS}", server.output())  # players at a time
        for i in range(SWARMS):
            self.assertIn(f"{wires.driver}{i} ({wires.driver}", server.output())
        accounting.check(self, summary)
        return summary

    def test_two_devices_of_memif(self):
        summary = self.play(Memif(self.folder))
        self.assertGreater(summary["sessions"]["handed_over"], 0, "no datagram came to another lane")

    @unittest.skipUnless(os.geteuid() == 0, "makes network namespaces: needs root")
    def test_two_devices_of_af_xdp(self):
        self.play(AfXdp(self.folder))

    def test_one_device_under_two_names_is_refused(self):
        done = programs.run("serried-server", *eal("twice", 0, 256), "--vdev=net_null0", "--", "--port", "0", "--port", "net_null0",
                            "--address", "10.77.0.1/24@0", "--address", "10.77.1.1/24@net_null0", "--token-key", self.key,
                            "--players-max", "64", "--sessions-max", "64")
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertIn("--port net_null0 and --port 0 are one device", done.stderr)


if __name__ == "__main__":
    unittest.main()
