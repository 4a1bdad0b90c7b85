#!/usr/bin/env python3
"""The ethdev port against a kernel: ARP, ping, ping6 and UDP over veth (AF_XDP, AF_PACKET) and tap, in namespaces of our
own, and against itself over memif. Usage: ports_live.py path/to/port_echo. Needs root; exits with 77 (skipped) without."""

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import unittest

from programs import inside, sh

ECHO = ""
PORT = 4000
SECONDS = 6
PREFIX = f"serried-port-{os.getpid()}"


class Udp:
    """A socket made inside a namespace by a child, so that this process stays where it is."""

    SCRIPT = """
import os, socket, sys
family = socket.AF_INET6 if ':' in sys.argv[1] else socket.AF_INET
s = socket.socket(family, socket.SOCK_DGRAM)
s.settimeout(1)
good = 0
for i in range(200):
    text = os.urandom(1 + i * 6 % 1200)
    s.sendto(text, (sys.argv[1], int(sys.argv[2])))
    try:
        good += s.recv(4096) == text
    except TimeoutError:
        pass
print(good)
"""

    @staticmethod
    def echoes(space, address):
        return int(inside(space, sys.executable, "-c", Udp.SCRIPT, address, str(PORT)).stdout)


class Ports(unittest.TestCase):
    def setUp(self):
        self.spaces = []
        self.programs = []

    def tearDown(self):
        for program in self.programs:
            if program.poll() is None:
                program.send_signal(signal.SIGKILL)
            program.wait()
            program.stdout.close()
        for space in self.spaces:
            sh("ip", "netns", "delete", space, check=False)

    def space(self, name):
        space = f"{PREFIX}-{name}"
        sh("ip", "netns", "add", space)
        self.spaces.append(space)
        inside(space, "ip", "link", "set", "lo", "up")
        return space

    def start(self, space, device, number, *eal, to=()):
        arguments = [ECHO, str(SECONDS), device, f"10.77.0.{number}/24", f"fd77::{number}/64", str(PORT), *to, "--",
                     "--no-huge", "--no-pci", "-m", "128", "--no-shconf", "--no-telemetry", "--log-level", "error",
                     "--file-prefix", f"{PREFIX}-{number}", *eal]
        prefix = ["ip", "netns", "exec", space] if space else []
        program = subprocess.Popen(prefix + arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.programs.append(program)
        return program

    def ready(self, program):
        text = ""
        for line in program.stdout:
            text += line
            if line.startswith("ready:"):
                return line
        self.fail(f"the port did not start: {text}")

    def counters(self, program):
        text = program.communicate(timeout=SECONDS + 20)[0]
        self.assertEqual(program.returncode, 0, text)
        found = re.findall(r"(\w+) (\d+)", text.strip().splitlines()[-1])
        counters = {name: int(value) for name, value in found}
        frame_drops = ("foreign_frame", "bad_frame", "bad_ip_checksum", "ip_fragment", "foreign_address", "foreign_port",
                       "bad_udp_checksum", "nic_missed")
        self.assertEqual(counters["rx_frames"], counters["rx_packets"] + counters["rx_host_frames"] +
                         sum(counters.get(name, 0) for name in frame_drops), text)
        return counters

    def converse(self, space, program):
        """What a kernel in `space` gets from the port at .1: pings answered, datagrams echoed whole."""
        self.assertIn(" 0% packet loss", inside(space, "ping", "-c", "3", "-i", "0.2", "-W", "1", "10.77.0.1").stdout)
        self.assertIn(" 0% packet loss", inside(space, "ping", "-6", "-c", "3", "-i", "0.2", "-W", "1", "fd77::1").stdout)
        self.assertEqual(Udp.echoes(space, "10.77.0.1"), 200)
        self.assertEqual(Udp.echoes(space, "fd77::1"), 200)
        counters = self.counters(program)
        self.assertEqual(counters["rx_packets"], 400)
        self.assertEqual(counters["tx_packets"], 400)
        self.assertGreaterEqual(counters["tx_host_frames"], 8)  # six pings, an ARP reply, an advertisement

    def veth(self):
        near, far = self.space("near"), self.space("far")
        sh("ip", "link", "add", "near0", "netns", near, "type", "veth", "peer", "name", "far0", "netns", far)
        for space, link in ((near, "near0"), (far, "far0")):
            inside(space, "ip", "link", "set", link, "up")
        inside(far, "ip", "address", "add", "10.77.0.2/24", "dev", "far0")
        inside(far, "ip", "-6", "address", "add", "fd77::2/64", "dev", "far0", "nodad")
        # The kernel leaves UDP checksums to a device that veth has not.
        inside(far, "ethtool", "-K", "far0", "tx", "off")
        return near, far

    def test_af_packet(self):
        near, far = self.veth()
        program = self.start(near, "net_af_packet0", 1, "--vdev", "net_af_packet0,iface=near0,qdisc_bypass=1")
        self.ready(program)
        self.converse(far, program)

    def test_af_xdp(self):
        near, far = self.veth()
        program = self.start(near, "net_af_xdp0", 1, "--vdev", "net_af_xdp0,iface=near0,busy_budget=0")
        self.ready(program)
        self.converse(far, program)

    def test_tap(self):
        space = self.space("tap")
        program = self.start(space, "net_tap0", 1, "--vdev", "net_tap0,iface=tap77")
        self.ready(program)
        inside(space, "ip", "link", "set", "tap77", "up")
        inside(space, "ip", "address", "add", "10.77.0.2/24", "dev", "tap77")
        inside(space, "ip", "-6", "address", "add", "fd77::2/64", "dev", "tap77", "nodad")
        self.converse(space, program)

    def test_memif(self):
        with tempfile.TemporaryDirectory(prefix="serried-port-") as folder:
            wire = f"socket={folder}/memif.sock,socket-abstract=no,rsize=10"
            server = self.start(None, "net_memif0", 1, "--vdev", f"net_memif0,role=server,{wire}")
            time.sleep(1)
            client = self.start(None, "net_memif0", 2, "--vdev", f"net_memif0,role=client,{wire}",
                                to=("--to", "10.77.0.1", str(PORT)))
            self.ready(server)
            self.ready(client)
            said = self.counters(client)
            self.assertGreater(said["tx_packets"], 1000)
            self.assertEqual(said["rx_packets"], said["tx_packets"] - said.get("nic_missed", 0))
            self.assertGreater(said["no_next_hop"], 0)  # what it said before it knew whom to say it to


if __name__ == "__main__":
    if len(sys.argv) < 2 or not os.access(sys.argv[1], os.X_OK):
        sys.exit("usage: ports_live.py path/to/port_echo")
    if os.geteuid() != 0:
        print("skipped: namespaces need root")
        sys.exit(77)
    if sh("ip", "netns", "add", f"{PREFIX}-try", check=False).returncode != 0:
        print("skipped: no network namespaces here")
        sys.exit(77)
    sh("ip", "netns", "delete", f"{PREFIX}-try")
    ECHO = os.path.abspath(sys.argv.pop(1))
    unittest.main(verbosity=2)
