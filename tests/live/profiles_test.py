"""Each profile that is called tried, as a user gives it: the server starts on it, and bots play over it. That is what "tried"
in dpdk-config/profiles means."""

import json
import os
import struct
import subprocess
import tempfile
import unittest

import accounting
import programs

BOTS, SECONDS = 20, 4
PREFIX = f"serried-profiles-{os.getpid()}"
needs_root = unittest.skipUnless(os.geteuid() == 0, "makes network namespaces: needs root")


def frame(number):
    """A UDP datagram to 192.0.2.1:40000 with a body that is no datagram of ours; no UDP checksum."""
    body = struct.pack(">I", number) * 8
    udp = struct.pack(">HHHH", 5000, 40000, 8 + len(body), 0) + body
    head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(udp), 0, 0x4000, 64, 17, 0) + bytes([192, 0, 2, 2, 192, 0, 2, 1])
    total = sum(struct.unpack(">10H", head))
    total = (total & 0xFFFF) + (total >> 16)
    head = head[:10] + struct.pack(">H", 0xFFFF - (total & 0xFFFF) - (total >> 16)) + head[12:]
    return bytes.fromhex("020000000001") + bytes.fromhex("020000000002") + b"\x08\x00" + head + udp


class Profiles(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="serried-live-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.key = os.path.join(self.folder, "token.key")
        self.summary_file = os.path.join(self.folder, "server.json")
        self.running = []
        self.addCleanup(self.end_all)
        subprocess.run([programs.path("serried-token"), "keygen", "--out", self.key], check=True, stdout=subprocess.DEVNULL)

    def end_all(self):
        for program in self.running:
            program.stop()

    def start(self, name, *arguments, within=()):
        program = programs.Background(self.folder, name, *arguments, within=within)
        self.running.append(program)
        return program

    def server(self, profile, *options, eal=(), within=()):
        """With nothing but the profile, a key and what a test of any kind wants; EAL's arguments only where a test needs them."""
        return self.start("serried-server", *(list(eal) + ["--"] if eal else []), "--profile", profile, "--token-key", self.key,
                          "--npcs", "50", "--players-max", "200", "--sessions-max", "400", "--address-rate", "0",
                          "--prefix-rate", "0", "--status", "line", "--json-summary", self.summary_file, *options, within=within)

    def summary(self):
        with open(self.summary_file, encoding="utf-8") as file:
            return json.load(file)

    def play(self, server, swarm):
        """Bots come, play and are gone, and see what the server has; its books balance."""
        self.assertEqual(swarm.ended(60), 0, swarm.output() + server.output())
        self.assertEqual(server.stop(), 0, server.output())
        with open(os.path.join(self.folder, "swarm.json"), encoding="utf-8") as file:
            bots = json.load(file)
        self.assertEqual((bots["connected"], bots["errors"]), (BOTS, 0), bots)
        self.assertEqual(self.summary()["sessions"]["joined"], BOTS)
        accounting.check(self, self.summary())

    def bots(self, *options, eal=(), within=()):
        return self.start("serried-swarm", *(list(eal) + ["--"] if eal else []), "--bots", str(BOTS), "--rate", "20", "--token-key",
                          self.key, "--seconds", str(SECONDS), "--status", "line", "--json",
                          os.path.join(self.folder, "swarm.json"), *options, within=within)

    def swarm_eal(self, *devices):
        return ["--no-huge", "-m", "256", "--no-pci", "--no-telemetry", "--no-shconf", "--log-level=lib.eal:warning", "--file-prefix",
                f"{PREFIX}-swarm", *devices]

    def test_software_null(self):
        server = self.server("software-null", "--seconds", "2")
        self.assertEqual(server.ended(40), 0, server.output())
        drops = self.summary()["drops"]
        self.assertGreater(drops["foreign_frame"], 1000)
        self.assertEqual({reason for reason, count in drops.items() if count}, {"foreign_frame"})

    def test_software_pcap(self):
        capture = os.path.join(self.folder, "in.pcap")
        with open(capture, "wb") as file:
            file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
            for number in range(100):
                data = frame(number)
                file.write(struct.pack("<IIII", 1, 0, len(data), len(data)) + data)
        server = self.server(f"software-pcap,rx={capture}", "--seconds", "2")
        self.assertEqual(server.ended(40), 0, server.output())
        summary = self.summary()
        accounting.check(self, summary)
        self.assertEqual(sum(summary["drops"].values()), 100, "each frame is refused once")

    def test_memif(self):
        socket = os.path.join(self.folder, "wire.sock")
        server = self.server(f"memif,socket={socket}", "--address", "10.77.0.1/24", "--verify-udp-checksum", "off")
        self.assertTrue(server.wait_for("ready on 10.77.0.1:40000"), server.output())
        swarm = self.bots("--driver", "ethdev", "--address", "10.77.0.2/24", "--server", "10.77.0.1:40000", "--linger", "3",
                          eal=self.swarm_eal(f"--vdev=net_memif0,role=client,socket={socket},socket-abstract=no,rsize=11"))
        self.play(server, swarm)

    def test_vhost(self):
        socket = os.path.join(self.folder, "vhost.sock")
        server = self.server(f"vhost,socket={socket}", "--address", "10.77.0.1/24", "--verify-udp-checksum", "off",
                             eal=["--single-file-segments"])
        self.assertTrue(server.wait_for("ready on 10.77.0.1:40000"), server.output())
        swarm = self.bots("--driver", "ethdev", "--address", "10.77.0.2/24", "--server", "10.77.0.1:40000", "--linger", "3",
                          eal=[*self.swarm_eal(f"--vdev=net_virtio_user0,path={socket},queues=1"), "--single-file-segments"])
        self.play(server, swarm)

    def spaces(self, *names):
        spaces = [f"{PREFIX}-{name}" for name in names]
        for space in spaces:
            self.addCleanup(programs.sh, "ip", "netns", "delete", space, check=False)
        return spaces

    def over_veth(self, profile):
        near, far = self.spaces("near", "far")
        programs.join_namespaces(near, far)
        for space, end in ((near, "near0"), (far, "far0")):
            programs.inside(space, "ethtool", "-K", end, "tx", "off", check=False)
            programs.inside(space, "ip", "link", "set", end, "up")
        programs.inside(far, "ip", "address", "add", "10.77.0.2/24", "dev", "far0")
        server = self.server(profile + ",interface=near0", "--address", "10.77.0.1/24", within=["ip", "netns", "exec", near])
        self.assertTrue(server.wait_for("ready on 10.77.0.1:40000"), server.output())
        swarm = self.bots("--server", "10.77.0.1:40000", within=["ip", "netns", "exec", far])
        self.play(server, swarm)

    @needs_root
    def test_veth_af_xdp(self):
        self.over_veth("veth-af_xdp")

    @needs_root
    def test_veth_af_packet(self):
        self.over_veth("veth-af_packet")

    @needs_root
    def test_tap(self):
        (space,) = self.spaces("tap")
        programs.sh("ip", "netns", "add", space)
        within = ["ip", "netns", "exec", space]
        server = self.server("tap,interface=tap78", "--address", "10.77.0.1/24", within=within)
        self.assertTrue(server.wait_for("ready on 10.77.0.1:40000"), server.output())
        programs.inside(space, "ip", "link", "set", "tap78", "up")
        programs.inside(space, "ip", "address", "add", "10.77.0.2/24", "dev", "tap78")
        programs.inside(space, "ethtool", "-K", "tap78", "tx", "off", check=False)
        swarm = self.bots("--server", "10.77.0.1:40000", within=within)
        self.play(server, swarm)

    def test_the_command_lines_own_eal_arguments_win(self):
        server = self.server("software-null", "--seconds", "1", eal=["--vdev=net_null7,size=128", "--no-huge", "-m", "300"])
        self.assertEqual(server.ended(40), 1, "its port is the profile's, its device is not: " + server.output())
        self.assertIn('there is no ethdev "net_null0"; EAL found net_null7', server.output())
        server = self.server("software-null", "--seconds", "1", "--port", "net_null7",
                             eal=["--vdev=net_null7,size=128", "--no-huge", "-m", "300"])
        self.assertEqual(server.ended(40), 0, server.output())

    def test_what_the_device_has_not_is_said(self):
        path = os.path.join(self.folder, "own.toml")
        with open(path, "w", encoding="utf-8") as file:
            file.write('[profile]\nabout = "own"\ndriver = "net_ring"\n[eal]\narguments = ["--no-pci", "--vdev=net_null0"]\n'
                       '[machine]\nhugepages = "wanted"\n[device]\nchecksums = ["rx-udp"]\n')
        server = self.server(path, "--seconds", "1", "--address", "192.0.2.1/24")
        self.assertEqual(server.ended(40), 0, server.output())
        said = server.output()
        self.assertIn("has the driver net_null, and the profile is for net_ring", said)
        self.assertIn("has no checksum offload rx-udp, software does it", said)
