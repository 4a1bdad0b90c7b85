"""Our XDP program and serried-ctl on an interface that server and kernel share: our UDP reaches the server, all else the
kernel; banned addresses end in the kernel, and their sessions end; bans are listed, lifted and run out."""

import json
import os
import subprocess
import sys
import tempfile
import time
import unittest

import accounting
import programs
from programs import inside, sh

PORT = 40000
SERVER, PLAYER, FLOODER = "10.77.0.1", "10.77.0.2", "10.77.0.3"
SERVER6 = "fd77::1"
PREFIX = f"serried-filter-{os.getpid()}"

SEND = """
import socket, sys
family = socket.AF_INET6 if ":" in sys.argv[4] else socket.AF_INET
for source in sys.argv[1].split(","):
    with socket.socket(family, socket.SOCK_DGRAM) as s:
        if family == socket.AF_INET6:
            s.setsockopt(socket.IPPROTO_IPV6, 78, 1)  # IPV6_FREEBIND: also addresses that are not ours
        s.bind((source, 0))
        for _ in range(int(sys.argv[2])):
            s.sendto(bytes(int(sys.argv[3])), (sys.argv[4], int(sys.argv[5])))
"""
LISTEN = """
import socket, sys
s = socket.create_server((sys.argv[1], 2222))
print("listening", flush=True)
while True:
    s.accept()[0].sendall(b"the kernel")
"""
CALL = """
import socket, sys
s = socket.create_connection((sys.argv[1], 2222), 5)
print(s.recv(100).decode())
"""


class Inside(programs.Background):
    """A program in a namespace."""

    def __init__(self, space, folder, name, *arguments):
        super().__init__(folder, name, *arguments, within=("ip", "netns", "exec", space))


def possible():
    program = os.path.join(programs.build, "src/port/serried_filter.bpf.o")
    return os.geteuid() == 0 and os.path.exists(program)


@unittest.skipUnless(os.geteuid() == 0, "makes network namespaces: needs root")
class Filter(unittest.TestCase):
    def setUp(self):
        if not possible():
            self.skipTest("serried_filter.bpf.o was not built: no clang")
        self.folder = tempfile.TemporaryDirectory(prefix="serried-live-")
        self.near, self.far = f"{PREFIX}-near", f"{PREFIX}-far"
        self.started = []
        self.addCleanup(self.clean)
        programs.join_namespaces(self.near, self.far)
        for space, link, addresses in ((self.near, "near0", [SERVER]), (self.far, "far0", [PLAYER, FLOODER])):
            inside(space, "ip", "link", "set", "lo", "up")
            inside(space, "ethtool", "-K", link, "tx", "off")
            inside(space, "ip", "link", "set", link, "up")
            for address in addresses:
                inside(space, "ip", "address", "add", f"{address}/24", "dev", link)
        self.key = os.path.join(self.folder.name, "token.key")
        self.socket = os.path.join(self.folder.name, "control")
        self.summary_file = os.path.join(self.folder.name, "server.json")
        subprocess.run([programs.path("serried-token"), "keygen", "--out", self.key], check=True, stdout=subprocess.DEVNULL)

    def clean(self):
        for program in self.started:
            if program.poll() is None:
                program.kill()
            program.wait()
        for space in (self.near, self.far):
            sh("ip", "netns", "delete", space, check=False)
        self.folder.cleanup()

    def start(self, *options):
        server = Inside(self.near, self.folder.name, "serried-server", "--no-huge", "--no-pci", "--no-telemetry",
                        "--no-shconf", "-m", "256", "--file-prefix", PREFIX, "--log-level=lib.eal:warning",
                        "--vdev=net_af_xdp0,iface=near0,busy_budget=0", "--", "--address", SERVER, "--udp-port", str(PORT),
                        "--token-key", self.key, "--npcs", "50", "--players-max", "100", "--sessions-max", "200",
                        "--status", "line", "--json-summary", self.summary_file, "--control-socket", self.socket,
                        "--xdp-filter", "on", *options)
        self.started.append(server.process)
        self.assertTrue(server.wait_for("serried-server: ready"), server.output())
        return server

    def end(self, server):
        self.assertEqual(server.stop(), 0, server.output())
        with open(self.summary_file, encoding="utf-8") as file:
            summary = json.load(file)
        accounting.check(self, summary)
        self.assertFalse(os.path.exists(self.socket))
        return summary

    def ctl(self, *words, code=0):
        done = programs.run("serried-ctl", "--socket", self.socket, *words)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def bans(self):
        return {ban["address"]: ban for ban in json.loads(self.ctl("ban", "list", "--json"))["bans"]}

    def send(self, source, count, size, to=SERVER):
        """Of each source, which are several with commas between them."""
        inside(self.far, sys.executable, "-c", SEND, source, str(count), str(size), to, str(PORT))

    def drops(self):
        """As of after this moment: figures are taken once a second."""
        time.sleep(2.2)
        return json.loads(self.ctl("status", "--json"))["status"]["drops"]

    def test_the_kernel_keeps_what_is_not_ours(self):
        server = self.start()
        self.assertIn(" 0% packet loss", inside(self.far, "ping", "-c", "3", "-i", "0.2", "-W", "1", SERVER).stdout)
        listener = subprocess.Popen(["ip", "netns", "exec", self.near, sys.executable, "-c", LISTEN, SERVER],
                                    stdout=subprocess.PIPE, text=True)
        self.started.append(listener)
        self.assertEqual(listener.stdout.readline().strip(), "listening")
        self.assertEqual(inside(self.far, sys.executable, "-c", CALL, SERVER).stdout.strip(), "the kernel")
        listener.stdout.close()
        bots = Inside(self.far, self.folder.name, "serried-swarm", "--bots", "5", "--server", f"{SERVER}:{PORT}",
                      "--token-key", self.key, "--seconds", "3", "--status", "line")
        self.started.append(bots.process)
        self.assertEqual(bots.ended(40), 0, bots.output())
        summary = self.end(server)
        self.assertEqual(summary["players_peak"], 5)
        for reason in ("foreign_frame", "foreign_address", "foreign_port"):
            self.assertNotIn(reason, summary["drops"])
        self.assertEqual(summary["accounting"]["host"], 0, "ARP and ICMP are the kernel's")

    def test_bans_end_in_the_kernel(self):
        server = self.start()
        self.send(FLOODER, 20, 64)
        self.assertEqual(self.drops().get("bad_crc"), 20)
        self.assertIn("banned", self.ctl("ban", "add", FLOODER, "--reason", "flood"))
        self.assertEqual(self.bans()[FLOODER]["reason"], "flood")
        self.send(FLOODER, 30, 64)
        self.send(PLAYER, 10, 64)
        drops = self.drops()
        self.assertEqual(drops.get("filter_banned"), 30)
        self.assertEqual(drops.get("bad_crc"), 30, "20 before the ban, 10 of another address")
        self.assertNotIn("banned", drops, "no lane has seen one")
        self.assertTrue(self.bans()[FLOODER]["in_force"])
        self.assertIn("lifted", self.ctl("ban", "lift", FLOODER))
        self.assertEqual(self.bans(), {})
        self.send(FLOODER, 5, 64)
        self.ctl("ban", "add", "10.77.0.0/24", "--for", "1s")
        self.send(PLAYER, 5, 64)
        drops = self.drops()
        self.assertEqual((drops["bad_crc"], drops["filter_banned"]), (35, 35))
        self.assertEqual(self.bans(), {}, "it has run out")
        self.send(PLAYER, 5, 64)
        self.assertEqual(self.drops()["bad_crc"], 40)
        self.send(PLAYER, 7, 5)
        self.send(PLAYER, 4, 1300)
        self.assertEqual(self.drops()["filter_malformed"], 11)
        self.end(server)

    def test_a_ban_ends_sessions(self):
        server = self.start()
        bots = Inside(self.far, self.folder.name, "serried-swarm", "--bots", "5", "--server", f"{SERVER}:{PORT}",
                      "--token-key", self.key, "--seconds", "60", "--status", "line")
        self.started.append(bots.process)
        time.sleep(4)
        self.ctl("ban", "add", PLAYER, "--for", "10m")
        time.sleep(1)
        self.assertEqual(self.bans()[PLAYER]["sessions"], 5)
        self.assertIsNotNone(bots.ended(15), bots.output())
        self.assertEqual(self.end(server)["sessions"].get("sessions", 0), 0)

    def test_one_source_cannot_flood(self):
        server = self.start("--xdp-rate", "100")
        self.send(FLOODER, 1000, 64)
        drops = self.drops()
        self.assertEqual(drops["filter_rate"] + drops["bad_crc"], 1000)
        self.assertLess(drops["bad_crc"], 400)
        self.end(server)

    def test_a_network_of_ipv6_is_one_source(self):
        """A second's datagram for each of 200 networks, and for one whose 200 addresses send five each."""
        inside(self.near, "ip", "address", "add", f"{SERVER6}/64", "dev", "near0", "nodad")
        inside(self.far, "ip", "address", "add", "fd77::2/64", "dev", "far0", "nodad")
        server = self.start("--address", SERVER6, "--xdp-rate", "1")
        self.assertIn(" 0% packet loss", inside(self.far, "ping", "-6", "-c", "1", "-W", "5", SERVER6).stdout)
        self.send(",".join(f"fd77:0:1:{i:x}::1" for i in range(1, 201)), 1, 64, SERVER6)
        drops = self.drops()
        self.assertEqual(drops.get("bad_crc"), 200, f"networks do not share: {drops}")
        self.send(",".join(f"fd77:0:1::{i:x}" for i in range(1, 201)), 5, 64, SERVER6)
        drops = self.drops()
        self.assertEqual(drops["bad_crc"] + drops["filter_rate"], 1200)
        self.assertLess(drops["bad_crc"], 350, "addresses of a network share")
        self.send(PLAYER, 1, 64)
        self.assertEqual(self.drops()["bad_crc"], drops["bad_crc"] + 1, "IPv4 goes by address")
        self.end(server)

    def test_a_users_mistakes(self):
        server = self.start()
        self.send(PLAYER, 1, 64)
        for words in (["ban", "add", "nobody"], ["ban", "add", "10.77.0.1/24"], ["ban", "lift", "10.1.1.1"]):
            self.assertIn("serried-ctl: ", self.ctl(*words, code=1))
        for words in ([], ["ban"], ["ban", "add", "10.1.1.1", "--for", "soon"], ["halt"]):
            self.ctl(*words, code=2)
        self.end(server)
        self.assertIn("--control-socket", self.ctl("status", code=1))
