"""Several programs on one kernel interface: a second server over AF_XDP is refused and takes nothing from the first; a server
notices that its XDP program was taken off or replaced; a lost link is logged whichever driver stands on it."""

import json
import os
import shutil
import subprocess
import tempfile
import time
import unittest

import programs
from programs import inside, sh

PORT = 40000
SERVER, PLAYER = "10.77.0.1", "10.77.0.2"
PREFIX = f"serried-interface-{os.getpid()}"
# Root with those that our own program on AF_XDP needs, and without CAP_SYS_ADMIN.
FEW_RIGHTS = ("setpriv", "--bounding-set=-all,+net_admin,+net_raw,+bpf,+perfmon,+ipc_lock")
FILTER = "src/port/serried_filter.bpf.o"
FOREIGN = """
__attribute__((section("xdp"), used)) int foreign(void* frame) { return 2; }
__attribute__((section("license"), used)) char _license[] = "GPL";
"""


@unittest.skipUnless(os.geteuid() == 0, "makes network namespaces: needs root")
class Interface(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="serried-live-")
        self.near, self.far = f"{PREFIX}-near", f"{PREFIX}-far"
        self.started = []
        self.addCleanup(self.clean)
        programs.join_namespaces(self.near, self.far)
        for space, link, address in ((self.near, "near0", SERVER), (self.far, "far0", PLAYER)):
            inside(space, "ethtool", "-K", link, "tx", "off")
            inside(space, "ip", "link", "set", link, "up")
            inside(space, "ip", "address", "add", f"{address}/24", "dev", link)
        # The server answers ARP where the kernel gets no frames.
        mac = json.loads(inside(self.near, "ip", "-j", "link", "show", "near0").stdout)[0]["address"]
        inside(self.far, "ip", "neigh", "replace", SERVER, "lladdr", mac, "dev", "far0")
        self.key = os.path.join(self.folder.name, "token.key")
        subprocess.run([programs.path("serried-token"), "keygen", "--out", self.key], check=True, stdout=subprocess.DEVNULL)

    def clean(self):
        for program in self.started:
            if program.process.poll() is None:
                program.process.kill()
            program.process.wait()
        for space in (self.near, self.far):
            sh("ip", "netns", "delete", space, check=False)
        self.folder.cleanup()

    def start(self, name, *options, driver="net_af_xdp0,iface=near0,busy_budget=0", within=()):
        """A server, not waited for, in the near namespace under the command `within`."""
        self.summary_file = os.path.join(self.folder.name, f"{name}.json")
        server = programs.Background(
            self.folder.name, "serried-server", "--no-huge", "--no-pci", "--no-telemetry", "--no-shconf", "-m", "256",
            "--file-prefix", f"{PREFIX}-{name}", "--log-level=lib.eal:warning", f"--vdev={driver}", "--", "--address", SERVER,
            "--udp-port", str(PORT), "--token-key", self.key, "--npcs", "10", "--players-max", "50", "--sessions-max", "100",
            "--status", "line", "--json-summary", self.summary_file, "--log-level", "info", *options,
            within=("ip", "netns", "exec", self.near, *within))
        self.started.append(server)
        return server

    def ready(self, *arguments, **names):
        server = self.start(*arguments, **names)
        self.assertTrue(server.wait_for("serried-server: ready"), server.output())
        return server

    def program(self):
        """The id of what stands at the interface, 0 without any."""
        link = json.loads(inside(self.near, "ip", "-j", "-d", "link", "show", "near0").stdout)[0]
        return link.get("xdp", {}).get("prog", {}).get("id", 0)

    def foreign(self):
        """The words of `ip link set near0` for a program that has nothing to do with us: it passes everything on."""
        if shutil.which("clang") is None:
            self.skipTest("no clang to build an XDP program with")
        source, program = (os.path.join(self.folder.name, f"foreign.{end}") for end in ("c", "o"))
        with open(source, "w", encoding="utf-8") as file:
            file.write(FOREIGN)
        sh("clang", "-O2", "-target", "bpf", "-c", source, "-o", program)
        return ["xdp", "obj", program, "sec", "xdp"]

    def needs_filter(self):
        if not os.path.exists(os.path.join(programs.build, FILTER)):
            self.skipTest("serried_filter.bpf.o was not built: no clang")

    def plays(self):
        """Whether players at the other end are served."""
        bots = programs.Background(self.folder.name, "serried-swarm", "--driver", "socket", "--bots", "3", "--server",
                                   f"{SERVER}:{PORT}", "--token-key", self.key, "--seconds", "2", "--status", "none",
                                   within=("ip", "netns", "exec", self.far))
        self.started.append(bots)
        self.assertEqual(bots.ended(60), 0, bots.output())

    def refused_beside(self, *options):
        first = self.ready("first", *options)
        program = self.program()
        self.assertNotEqual(program, 0)
        second = self.start("second", *options)
        code = second.ended(60)
        self.assertEqual(code, 1, second.output())
        self.assertEqual(self.program(), program, f"taken off by the second: {second.output()}")
        self.assertIn("interface near0 has an XDP program already", second.output())
        self.assertIn(f"program {program} ", second.output())
        self.assertIn(f"held by process {first.process.pid}", second.output())
        self.plays()
        self.assertEqual(first.stop(), 0, first.output())
        self.assertEqual(self.program(), 0, "one's own is taken off at the end")

    def test_a_second_server_is_refused(self):
        self.refused_beside()

    def test_a_second_server_is_refused_beside_our_filter(self):
        self.needs_filter()
        self.refused_beside("--xdp-filter", "on")

    def test_a_foreign_program_is_left_alone(self):
        inside(self.near, "ip", "link", "set", "near0", *self.foreign())
        program = self.program()
        for _ in range(2):
            server = self.start("refused")
            self.assertEqual(server.ended(60), 1, server.output())
        self.assertIn("ip link set near0 xdp off", server.output())
        self.assertEqual(self.program(), program)

    def test_what_a_killed_server_left_does_not_stop_the_next(self):
        for options in ([], ["--xdp-filter", "on"]) if os.path.exists(os.path.join(programs.build, FILTER)) else ([],):
            server = self.ready("killed", *options)
            server.process.kill()
            server.process.wait()
            left = self.program()
            self.assertNotEqual(left, 0)
            server = self.ready("next", *options)
            self.assertNotEqual(self.program(), left)
            self.assertEqual(server.stop(), 0, server.output())

    def test_what_a_killed_server_left_is_not_told_from_others_with_few_rights(self):
        self.needs_filter()
        server = self.ready("killed", "--xdp-filter", "on", within=FEW_RIGHTS)
        server.process.kill()
        server.process.wait()
        left = self.program()
        server = self.start("next", "--xdp-filter", "on", within=FEW_RIGHTS)
        self.assertEqual(server.ended(60), 1, server.output())
        self.assertIn("whether a killed server left it can only be seen with CAP_SYS_ADMIN", server.output())
        self.assertEqual(self.program(), left)

    def taken_off(self, *options, within=()):
        server = self.ready("mended", *options, within=within)
        program = self.program()
        for _ in range(2):
            inside(self.near, "ip", "link", "set", "near0", "xdp", "off")
            limit = time.monotonic() + 30
            while self.program() != program and time.monotonic() < limit:
                time.sleep(0.1)
            self.assertEqual(self.program(), program, server.output())
        self.plays()
        self.assertEqual(server.stop(), 0, server.output())
        self.assertEqual(server.output().count("another process took our XDP program off its interface"), 1, server.output())
        with open(self.summary_file, encoding="utf-8") as file:
            self.assertEqual(json.load(file)["port"]["xdp_restored"], 2)

    def test_a_program_that_is_taken_off_is_put_back(self):
        self.taken_off()

    def test_our_filter_that_is_taken_off_is_put_back(self):
        self.needs_filter()
        for few in ((), FEW_RIGHTS):
            with self.subTest(within=few):
                self.taken_off("--xdp-filter", "on", within=few)

    def test_a_program_that_is_replaced_ends_the_server(self):
        server = self.ready("replaced")
        own = self.program()
        inside(self.near, "ip", "-force", "link", "set", "near0", *self.foreign())
        foreign = self.program()
        self.assertNotIn(foreign, (0, own))
        self.assertEqual(server.ended(60), 1, server.output())
        self.assertIn(f"its interface has another XDP program: program {foreign} ", server.output())
        self.assertEqual(self.program(), foreign, "what is another's stays")

    def loses_its_link(self, driver):
        name = driver.split(",", maxsplit=1)[0]
        server = self.ready(name, "--port", name, driver=driver)
        inside(self.far, "ip", "link", "set", "far0", "down")
        self.assertTrue(server.wait_for(f"link of {name} is down"), server.output())
        inside(self.far, "ip", "link", "set", "far0", "up")
        self.assertTrue(server.wait_for(f"link of {name} is up again"), server.output())
        self.assertEqual(server.stop(), 0, server.output())

    def test_a_lost_link_over_af_xdp(self):
        self.loses_its_link("net_af_xdp0,iface=near0,busy_budget=0")

    def test_a_lost_link_over_af_packet(self):
        self.loses_its_link("net_af_packet0,iface=near0,qdisc_bypass=1")
