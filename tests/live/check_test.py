"""serried-server --check on this machine: what a user sees, that it tells the truth where the server is then started, and
that it opens nothing."""

import json
import os
import re
import socket
import subprocess
import tempfile
import unittest

import programs

needs_root = unittest.skipUnless(os.geteuid() == 0, "makes network namespaces: needs root")


class Check(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="serried-live-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.key = os.path.join(self.folder, "token.key")
        subprocess.run([programs.path("serried-token"), "keygen", "--out", self.key], check=True, stdout=subprocess.DEVNULL)

    def check(self, *words, within=()):
        """(exit code, item: finding) by JSON."""
        done = subprocess.run([*within, programs.path("serried-server"), *words, "--check", "--json"], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=60)
        self.assertEqual(done.stderr, "")
        said = json.loads(done.stdout)
        self.assertEqual(said["ready"], done.returncode == 0)
        return done.returncode, {item["item"]: item for item in said["items"]}

    def sockets(self, *words):
        return self.check("--driver", "socket", "--address", "127.0.0.1", "--token-key", self.key, *words)

    def test_sockets_are_ready_here(self):
        code, items = self.sockets("--udp-port", str(programs.free_port()))
        missing = {name: item["text"] for name, item in items.items() if item["state"] in ("missing", "cannot tell")}
        self.assertEqual((code, missing), (0, {}))
        self.assertEqual(items["token key"]["text"], self.key)
        self.assertEqual(items["hugepages"]["state"], "not needed")

    def test_a_table_for_people(self):
        done = programs.run("serried-server", "--check", "--driver", "socket", "--token-key", self.key)
        self.assertRegex(done.stdout, r"(?m)^  kernel +OK +Linux \d")
        self.assertRegex(done.stdout, r"(?m)^\d+ OK, \d+ missing, \d+ cannot tell, \d+ advised, \d+ not needed$")
        self.assertNotIn("\x1b", done.stdout)
        rows = re.findall(r"(?m)^(  \S.*?  +)(?:OK|MISSING|not needed|advised|cannot tell)  ", done.stdout)
        self.assertGreater(len(rows), 30)
        self.assertEqual(len({len(row) for row in rows}), 1, "the answers stand in one column")

    def test_a_port_that_is_taken(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
            other.bind(("127.0.0.1", 0))
            code, items = self.sockets("--udp-port", str(other.getsockname()[1]))
        self.assertEqual((code, items["udp port"]["state"]), (1, "missing"), items["udp port"])
        self.assertIn("ss -lnup", items["udp port"]["changes"][0]["command"])

    def test_an_address_of_another_machine(self):
        code, items = self.check("--driver", "socket", "--address", "192.0.2.77", "--token-key", self.key)
        self.assertEqual((code, items["address"]["state"]), (1, "missing"))
        server = programs.run("serried-server", "--driver", "socket", "--address", "192.0.2.77", "--token-key", self.key)
        self.assertEqual(server.returncode, 1, "the server finds the same")

    def test_a_key_that_is_none(self):
        bad = os.path.join(self.folder, "bad.key")
        with open(bad, "w", encoding="utf-8") as file:
            file.write("no key")
        for name in (bad, os.path.join(self.folder, "none.key")):
            code, items = self.check("--driver", "socket", "--token-key", name)
            self.assertEqual((code, items["token key"]["state"]), (1, "missing"), items["token key"])
            self.assertIn(name, items["token key"]["text"])

    def test_it_changes_nothing(self):
        before = sorted(os.listdir(self.folder))
        wire = os.path.join(self.folder, "wire.sock")
        code, items = self.check("--profile", f"memif,socket={wire}", "--address", "10.77.0.1/24", "--token-key", self.key)
        self.assertEqual(code, 0, items)
        self.assertEqual(items["files"]["text"], wire + " is free")
        self.assertEqual(sorted(os.listdir(self.folder)), before)

    def test_misuse(self):
        for words, said in ((("--profile", "weather"), "is not known; there are e1000, ena"),
                            (("--profile", "ice,pc=1"), "is no parameter of this profile; it has pci"),
                            (("--udp-port", "0"), "--udp-port")):
            with self.subTest(words=words):
                done = programs.run("serried-server", "--check", *words)
                self.assertEqual((done.returncode, done.stdout), (2, ""))
                self.assertIn(said, done.stderr)

    def test_profiles(self):
        done = programs.run("serried-server", "--profiles")
        self.assertEqual(done.returncode, 0)
        for name in os.listdir(os.path.join(programs.ROOT, "dpdk-config/profiles")):
            if name.endswith(".toml"):
                self.assertRegex(done.stdout, rf"(?m)^{name[:-5]}: ")

    def test_profiles_of_an_installation(self):
        """bin/serried-server finds share/serried/profiles beside it, wherever both are."""
        for folder in ("bin", "share/serried/profiles"):
            os.makedirs(os.path.join(self.folder, folder))
        program = os.path.join(self.folder, "bin/serried-server")
        subprocess.run(["cp", programs.path("serried-server"), program], check=True)
        done = subprocess.run([program, "--profiles"], capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stdout), (0, ""), "there are none yet")
        with open(os.path.join(self.folder, "share/serried/profiles/own.toml"), "w", encoding="utf-8") as file:
            file.write('[profile]\nabout = "our own"\ndriver = "net_null"\n')
        done = subprocess.run([program, "--profiles"], capture_output=True, text=True)
        self.assertEqual(done.stdout, "own: our own; not tried here\n")

    def test_what_a_profile_wants_to_know(self):
        code, items = self.check("--profile", "virtio", "--address", "10.77.0.1/24", "--token-key", self.key)
        self.assertEqual(code, 1)
        self.assertIn("needs pci (PCI address of the NIC)", items["configuration"]["text"])

    def test_fewer_rights(self):
        """A user without rights is told which are missing for AF_XDP, and none for sockets."""
        if os.geteuid() != 0:
            self.skipTest("drops root's rights: needs root")
        without = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "--bounding-set", "-all", "--inh-caps", "-all"]
        os.chmod(self.folder, 0o755)
        done = subprocess.run([*without, "true"], capture_output=True, text=True)
        if done.returncode != 0:
            self.skipTest("setpriv does not: " + done.stderr)
        copy = os.path.join(self.folder, "serried-server")
        subprocess.run(["cp", programs.path("serried-server"), copy], check=True)
        profile = os.path.join(self.folder, "own.toml")
        subprocess.run(["cp", os.path.join(programs.ROOT, "dpdk-config/profiles/veth-af_xdp.toml"), profile], check=True)
        done = subprocess.run([*without, copy, "--check", "--json", "--profile", profile + ",interface=lo"], capture_output=True, text=True)
        items = {item["item"]: item for item in json.loads(done.stdout)["items"]}
        self.assertEqual(items["capabilities"]["state"], "missing", items["capabilities"])
        self.assertIn("user 65534 has no cap_net_raw,cap_net_admin,cap_bpf", items["capabilities"]["text"])
        self.assertEqual(items["locked memory"]["state"], "advised" if "KiB" in items["locked memory"]["text"] else "ok")

    @needs_root
    def test_a_veth_pair(self):
        near, far = (f"serried-check-{os.getpid()}-{end}" for end in ("near", "far"))
        for space in (near, far):
            self.addCleanup(programs.sh, "ip", "netns", "delete", space, check=False)
        programs.join_namespaces(near, far)
        within = ["ip", "netns", "exec", near]
        words = ("--profile", "veth-af_xdp,interface=near0", "--address", "10.77.0.1/24", "--token-key", self.key)
        code, items = self.check(*words, within=within)
        self.assertEqual((code, items["interface"]["text"]), (1, "is down"))
        self.assertEqual(items["interface"]["changes"][0]["command"], "ip link set near0 up")
        for space, end in ((near, "near0"), (far, "far0")):
            programs.inside(space, "ip", "link", "set", end, "up")
        code, items = self.check(*words, within=within)
        missing = {name: item["text"] for name, item in items.items() if item["state"] in ("missing", "cannot tell")}
        self.assertEqual((code, missing), (0, {}))
        self.assertEqual(items["queues"]["text"], "1 queue")
        code, items = self.check("--profile", "veth-af_xdp,interface=near9", "--address", "10.77.0.1/24", within=within)
        self.assertIn("is not there; there are", items["interface"]["text"])


class Cgroups(unittest.TestCase):
    """A quota of CPU time and a cpuset, as containers have them. On the hierarchy that this machine has."""

    def cgroup(self, controller, settings):
        """A cgroup of our own with these files written; its folder."""
        unified = os.path.exists("/sys/fs/cgroup/cgroup.controllers")
        base = "/sys/fs/cgroup" if unified else f"/sys/fs/cgroup/{controller}"
        folder = os.path.join(base, f"serried-check-{os.getpid()}")
        try:
            if unified and controller not in open(base + "/cgroup.subtree_control", encoding="utf-8").read().split():
                self.skipTest(f"the controller {controller} is not handed on")
            os.mkdir(folder)
            self.addCleanup(os.rmdir, folder)
            for name, text in settings[unified].items():
                with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
                    file.write(text)
        except OSError as error:
            self.skipTest(f"no cgroup can be made here: {error}")
        return folder

    def within(self, folder):
        return ["sh", "-c", f'echo $$ >"{folder}/cgroup.procs" && exec "$0" "$@"']

    def run_server(self, folder, *words):
        with tempfile.TemporaryDirectory(prefix="serried-live-") as place:
            key = os.path.join(place, "token.key")
            subprocess.run([programs.path("serried-token"), "keygen", "--out", key], check=True, stdout=subprocess.DEVNULL)
            done = subprocess.run([*self.within(folder), programs.path("serried-server"), "--driver", "socket", "--address", "127.0.0.1",
                                   "--udp-port", str(programs.free_port()), "--token-key", key, "--seconds", "1", "--npcs", "10",
                                   "--players-max", "50", "--sessions-max", "50", "--status", "none", *words],
                                  stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=90)
            check = subprocess.run([*self.within(folder), programs.path("serried-server"), "--check", "--json", "--driver", "socket",
                                    "--token-key", key, *words], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
            return done, {item["item"]: item for item in json.loads(check.stdout)["items"]}

    @needs_root
    def test_a_quota_smaller_than_the_lanes(self):
        folder = self.cgroup("cpu", {False: {"cpu.cfs_period_us": "100000", "cpu.cfs_quota_us": "80000"},
                                     True: {"cpu.max": "80000 100000"}})
        done, items = self.run_server(folder, "--shards", "1")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("the CPU time of this cgroup is that of 0.8 CPUs", done.stderr)
        lanes = re.findall(r"placement .*", done.stderr)
        self.assertEqual(len(lanes), 1, "all lanes on the one core that the quota is enough for: " + done.stderr)
        self.assertEqual(items["quota"]["state"], "advised")
        self.assertIn("0.8 CPUs of time", items["quota"]["text"])

    @needs_root
    def test_a_cpuset_is_all_there_is(self):
        cpu = str(min(os.sched_getaffinity(0)))
        folder = self.cgroup("cpuset", {False: {"cpuset.mems": "0", "cpuset.cpus": cpu}, True: {"cpuset.cpus": cpu}})
        done, items = self.run_server(folder)
        self.assertEqual(done.returncode, 0, done.stderr)
        lanes = re.findall(r"placement .*", done.stderr)
        self.assertEqual(len(lanes), 1, done.stderr)
        self.assertIn(f"[{cpu} io0 ", lanes[0])
        self.assertIn(f"1 CPU ({cpu})", items["cpus"]["text"])
