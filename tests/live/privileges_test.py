"""What a running server may still do, and who may look into it: capabilities, core dumps, memory."""

import os
import platform
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

import programs

NET_ADMIN, IPC_LOCK, BPF = 1 << 12, 1 << 14, 1 << 39
USER = 65534  # of no rights
PREFIX = f"serried-rights-{os.getpid()}"

# A command that starts another with all signals blocked.
BLOCKING = [sys.executable, "-c", "import os, signal, sys; signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals()); "
            "os.execvp(sys.argv[1], sys.argv[1:])"]

needs_root = unittest.skipUnless(os.geteuid() == 0, "gives up what only root has")


def fields(pid, thread=None):
    with open(f"/proc/{pid}/task/{thread or pid}/status", encoding="utf-8") as file:
        return dict(line.rstrip("\n").split(":\t", 1) for line in file)


def rights(pid):
    """Of all threads: the capabilities that any of them has or may have."""
    found = 0
    for thread in os.listdir(f"/proc/{pid}/task"):
        found |= int(fields(pid, thread)["CapEff"], 16) | int(fields(pid, thread)["CapPrm"], 16)
    return found


def new_rights(pid):
    """Of all threads: "0" may get none from a program that they start, "1" may."""
    return {"1" if fields(pid, thread)["NoNewPrivs"] == "0" else "0" for thread in os.listdir(f"/proc/{pid}/task")}


def core_limit(pid):
    with open(f"/proc/{pid}/limits", encoding="utf-8") as file:
        return re.search(r"Max core file size +(\S+) +(\S+)", file.read()).groups()


def owner(pid):
    """Of the files that tell about a process: root when no other process of its user may look into it."""
    return os.stat(f"/proc/{pid}/environ").st_uid


class Privileges(unittest.TestCase):
    def setUp(self):
        self.folder = self.enterContext(tempfile.TemporaryDirectory(prefix="serried-live-"))

    def server(self, *options):
        server = programs.SocketServer(self.folder, "--npcs", "10", *options)
        self.addCleanup(server.stop, signal.SIGKILL)
        self.assertTrue(server.wait_for("serried-server: ready"), server.output())
        return server

    def said(self, server):
        found = re.search(r'privileges uid=(\d+) kept="([^"]*)" core_dumps=(\S+) memory_locked=(\S+)', server.output())
        self.assertIsNotNone(found, server.output())
        return found.groups()

    @needs_root
    def test_over_sockets_nothing_is_kept(self):
        server = self.server("--control-socket", os.path.join(self.folder, "control"))
        pid = server.process.pid
        # Where root may not lift the limit of locked memory, it takes a right to lock some.
        limited = resource.prlimit(pid, resource.RLIMIT_MEMLOCK)[1] != resource.RLIM_INFINITY
        self.assertEqual(rights(pid), IPC_LOCK if limited else 0)
        self.assertGreater(len(os.listdir(f"/proc/{pid}/task")), 3, "its threads are looked at")
        self.assertEqual(new_rights(pid), {"0"})
        self.assertEqual(self.said(server)[1], "CAP_IPC_LOCK" if limited else "")
        self.assertEqual(server.stop(), 0, server.output())
        self.assertTrue(server.summary()["accounting"]["balanced"])

    @needs_root
    def test_all_is_kept_on_demand(self):
        server = self.server("--keep-privileges", "on")
        self.assertEqual(rights(server.process.pid), int(fields(os.getpid())["CapPrm"], 16))
        self.assertEqual(self.said(server)[1], "all")

    @needs_root
    def test_who_started_it_may_have_blocked_all_signals(self):
        server = programs.SocketServer(self.folder, "--npcs", "10", within=BLOCKING)
        self.addCleanup(server.stop, signal.SIGKILL)
        self.assertTrue(server.wait_for("serried-server: ready"), server.output())
        self.assertEqual(rights(server.process.pid) & ~IPC_LOCK, 0, server.output())
        self.assertIn(self.said(server)[1], ("", "CAP_IPC_LOCK"))

    @needs_root
    def test_a_summary_that_only_root_could_write_is_refused(self):
        self.refuses_a_summary()

    @needs_root
    @unittest.skipUnless(platform.machine() == "x86_64", "knows the numbers of this machine's calls only")
    def test_it_is_refused_too_where_threads_keep_their_rights(self):
        restricted = os.path.join(os.path.dirname(os.path.abspath(__file__)), "restricted.py")
        said = self.refuses_a_summary(within=[sys.executable, restricted, "tgkill"])
        self.assertIn("still have rights that are not needed", said)
        self.assertIn('kept="unknown"', said)

    def refuses_a_summary(self, within=()):
        place = os.path.join(self.folder, "others")
        os.mkdir(place, 0o755)
        os.chown(place, USER, USER)
        file = os.path.join(place, "run.json")
        port = programs.free_port()
        subprocess.run([programs.path("serried-token"), "keygen", "--out", os.path.join(self.folder, "a.key")], check=True,
                       stdout=subprocess.DEVNULL)
        done = subprocess.run([*within, programs.path("serried-server"), "--", "--driver", "socket", "--address", "127.0.0.1",
                               "--udp-port", str(port), "--token-key", os.path.join(self.folder, "a.key"), "--seconds", "1",
                               "--json-summary", file], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertIn("--keep-privileges", done.stderr)
        self.assertNotIn("ready", done.stdout)
        return done.stdout + done.stderr

    def test_a_crash_leaves_no_core(self):
        server = self.server()
        self.assertEqual(core_limit(server.process.pid), ("0", "0"))
        self.assertEqual(self.said(server)[2], "off")
        server = self.server("--core-dumps", "on")
        self.assertNotEqual(core_limit(server.process.pid)[1], "0", "it had none to begin with: raise ulimit -Hc")
        self.assertEqual(self.said(server)[2], "on")

    def test_memory_is_locked_where_it_may_be(self):
        if programs.is_sanitized("serried-server"):
            self.skipTest("sanitizers lock no memory, and say that they did")
        server = self.server()
        locked = int(fields(server.process.pid)["VmLck"].split()[0]) > 0
        self.assertEqual(self.said(server)[3], "true" if locked else "false")
        self.assertEqual("memory is not locked" in server.output(), not locked)
        if os.geteuid() == 0:
            self.assertTrue(locked)

    @needs_root
    def test_other_processes_of_its_user_may_not_look(self):
        # The programs may stand where only root reads.
        os.chmod(self.folder, 0o755)
        place = os.path.join(self.folder, "src", "server")
        os.makedirs(place)
        shutil.copy(programs.path("serried-server"), place)
        key = os.path.join(self.folder, "user.key")
        subprocess.run([programs.path("serried-token"), "keygen", "--out", key], check=True, stdout=subprocess.DEVNULL)
        os.chown(key, USER, USER)
        for option, expected in (("off", 0), ("on", USER)):
            with self.subTest(core_dumps=option):
                port = programs.free_port()
                log = os.path.join(self.folder, f"{option}.log")
                with open(log, "wb") as file:
                    process = subprocess.Popen(
                        ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups", "--inh-caps=-all", "prlimit",
                         "--memlock=65536:65536", os.path.join(place, "serried-server"), "--driver", "socket", "--address",
                         "127.0.0.1", "--udp-port", str(port), "--token-key", key, "--npcs", "10", "--core-dumps", option],
                        stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT,
                        env={**os.environ, "XDG_RUNTIME_DIR": "/nonexistent"})
                try:
                    for _ in range(300):
                        with open(log, encoding="utf-8", errors="replace") as file:
                            said = file.read()
                        if "serried-server: ready" in said or process.poll() is not None:
                            break
                        time.sleep(0.1)
                    self.assertIn("serried-server: ready", said)
                    self.assertEqual(owner(process.pid), expected)
                    self.assertIn("memory is not locked, keys may get into swap: the limit of locked memory is 64 KiB", said)
                    process.send_signal(signal.SIGTERM)
                    self.assertEqual(process.wait(15), 0)
                finally:
                    process.kill()
                    process.wait()

    @needs_root
    def test_what_holds_keys_leaves_no_core(self):
        key = os.path.join(self.folder, "token.key")
        subprocess.run([programs.path("serried-token"), "keygen", "--out", key], check=True, stdout=subprocess.DEVNULL)
        swarm = programs.Background(self.folder, "serried-swarm", "--bots", "1", "--server", "127.0.0.1:9", "--token-key", key,
                                    "--status", "line")
        fifo = os.path.join(self.folder, "tokens")
        os.mkfifo(fifo)
        token = programs.Background(self.folder, "serried-token", "inspect", "--key", key, fifo)  # waits for its file
        try:
            self.assertTrue(swarm.wait_for("swarm:"))
            time.sleep(0.5)
            for program in (swarm, token):
                self.assertEqual(core_limit(program.process.pid), ("0", "0"), program.log)
                self.assertEqual(new_rights(program.process.pid), {"0"}, program.log)
        finally:
            swarm.stop(signal.SIGKILL)
            token.stop(signal.SIGKILL)

    @needs_root
    def test_af_xdp_keeps_what_its_interface_needs_and_leaves_it_clean(self):
        space, link = PREFIX, "rights0"

        def inside(*words):
            return subprocess.run(["ip", "netns", "exec", space, *words], capture_output=True, text=True, check=True).stdout
        subprocess.run(["ip", "netns", "add", space], check=True)
        self.addCleanup(subprocess.run, ["ip", "netns", "delete", space])
        inside("ip", "link", "add", link, "numrxqueues", "1", "numtxqueues", "1", "type", "veth", "peer",
               "name", "rights1", "numrxqueues", "1", "numtxqueues", "1")
        for name in (link, "rights1"):
            inside("ip", "link", "set", name, "up")
        key = os.path.join(self.folder, "x.key")
        subprocess.run([programs.path("serried-token"), "keygen", "--out", key], check=True, stdout=subprocess.DEVNULL)
        filtered = os.path.exists(os.path.join(programs.build, "src/port/serried_filter.bpf.o"))
        for xdp_filter in ("off", "on") if filtered else ("off",):
            with self.subTest(xdp_filter=xdp_filter):
                log = os.path.join(self.folder, f"xdp-{xdp_filter}.log")
                with open(log, "wb") as file:
                    process = subprocess.Popen(
                        # With a BPF file system libxdp keeps a dispatcher, and takes its program away in another manner.
                        ["ip", "netns", "exec", space, "sh", "-c", 'mount -t bpf bpf /sys/fs/bpf; exec "$@"', "sh",
                         programs.path("serried-server"), "--no-huge", "--no-pci",
                         "--no-telemetry", "--no-shconf", "-m", "256", "--file-prefix", PREFIX,
                         f"--vdev=net_af_xdp0,iface={link},busy_budget=0", "--", "--address", "10.78.0.1", "--token-key", key,
                         "--npcs", "10", "--players-max", "100", "--sessions-max", "200", "--xdp-filter", xdp_filter],
                        stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT)

                def output():
                    with open(log, encoding="utf-8", errors="replace") as file:
                        return file.read()
                try:
                    for _ in range(300):
                        if "serried-server: ready" in output() or process.poll() is not None:
                            break
                        time.sleep(0.1)
                    self.assertIn("serried-server: ready", output())
                    self.assertEqual(rights(process.pid) & ~(NET_ADMIN | IPC_LOCK | BPF), 0)
                    self.assertTrue(rights(process.pid) & NET_ADMIN)
                    self.assertIn("xdp", inside("ip", "link", "show", link))
                    process.send_signal(signal.SIGTERM)
                    self.assertEqual(process.wait(15), 0, output())
                finally:
                    process.kill()
                    process.wait()
                self.assertNotIn("xdp", inside("ip", "link", "show", link), "it left its program behind")


if __name__ == "__main__":
    sys.exit(unittest.main())
