"""What takes no output never stops a program: a pipe without a reader, or that is closed, descriptors that are missing at
the start, a full disk, a log that is rotated, a summary that cannot be written."""

import fcntl
import json
import os
import resource
import signal
import subprocess
import tempfile
import time
import unittest

import programs


def full_pipe():
    """Both ends of a pipe that takes nothing more, and is not read."""
    reading, writing = os.pipe()
    fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 4096)
    os.set_blocking(writing, False)
    try:
        while os.write(writing, b"." * 4096):
            pass
    except BlockingIOError:
        pass
    os.set_blocking(writing, True)  # as a shell hands it over
    return reading, writing


def closed_pipe():
    """The writing end of a pipe whose reader has gone."""
    reading, writing = os.pipe()
    os.close(reading)
    return writing


def descriptors(process):
    """What 0, 1 and 2 of a process are. It lets only root look."""
    if os.geteuid() != 0:
        return ["/dev/null"] * 3
    return [os.readlink(f"/proc/{process.pid}/fd/{number}") for number in range(3)]


def until(condition, seconds=20):
    limit = time.monotonic() + seconds
    while time.monotonic() < limit:
        if condition():
            return True
        time.sleep(0.1)
    return bool(condition())


def started(name, *arguments, streams):
    """The program with these for its descriptors 0, 1 and 2: None is a closed one."""
    closed = " ".join(f"{number}>&-" for number, stream in enumerate(streams) if stream is None)
    handed = [subprocess.DEVNULL if stream is None else stream for stream in streams]
    words = ["sh", "-c", f'exec "$@" {closed}', "sh", programs.path(name), *arguments]
    # Python ignores SIGPIPE and gives that on; a shell does not.
    return subprocess.Popen(words, stdin=handed[0], stdout=handed[1], stderr=handed[2], restore_signals=True,
                            start_new_session=True)


class Server(unittest.TestCase):
    def setUp(self):
        self.folder = self.enterContext(tempfile.TemporaryDirectory(prefix="serried-live-"))
        self.key = os.path.join(self.folder, "token.key")
        self.summary_file = os.path.join(self.folder, "server.json")
        self.control = os.path.join(self.folder, "control")
        self.log_file = os.path.join(self.folder, "server.log")
        subprocess.run([programs.path("serried-token"), "keygen", "--out", self.key], check=True, stdout=subprocess.DEVNULL)
        self.process = None
        self.addCleanup(self.kill)

    def kill(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def arguments(self, *options):
        self.port = programs.free_port()
        return [*programs.SOCKET_EAL, "--file-prefix", f"serried-live-{self.port}", "--", "--driver", "socket", "--address",
                "127.0.0.1", "--udp-port", str(self.port), "--token-key", self.key, "--status", "line", "--json-summary",
                self.summary_file, "--control-socket", self.control, "--npcs", "10", *options]

    def start(self, *options, streams):
        self.process = started("serried-server", *self.arguments(*options), streams=streams)

    def status(self):
        """What a running server says over its control socket; {} when it says nothing."""
        done = programs.run("serried-ctl", "--socket", self.control, "status", "--json")
        return (json.loads(done.stdout).get("status") or {}) if done.returncode == 0 else {}

    def dropped(self):
        return self.status().get("output", {}).get("dropped", 0)

    def expect_up(self):
        self.assertTrue(until(lambda: self.status() or self.process.poll() is not None), "it does not begin to serve")
        self.assertIsNone(self.process.poll(), "it ended before it was told to")

    def log(self):
        with open(self.log_file, encoding="utf-8", errors="replace") as file:
            return file.read()

    def expect_ends(self, signal_number=signal.SIGTERM):
        """Told to stop, it ends in order, with its figures."""
        self.process.send_signal(signal_number)
        try:
            self.assertEqual(self.process.wait(15), 0)
        except subprocess.TimeoutExpired:
            self.fail("it does not end when it is told to")
        with open(self.summary_file, encoding="utf-8") as file:
            return json.load(file)

    def test_a_pipe_that_is_not_read(self):
        reading, writing = full_pipe()
        with os.fdopen(reading, "rb"), os.fdopen(writing, "wb") as end:
            self.start("--log-level", "debug", streams=(subprocess.DEVNULL, end, end))
            self.expect_up()
            self.assertTrue(until(lambda: self.dropped() > 0, 60), "nothing is dropped, or nothing is counted")
            self.assertGreater(self.expect_ends()["output"]["dropped"], 0)

    def test_a_reader_that_comes_back_is_told_what_is_missing(self):
        reading, writing = full_pipe()
        with os.fdopen(reading, "rb") as begin, os.fdopen(writing, "wb") as end:
            self.start(streams=(subprocess.DEVNULL, end, subprocess.DEVNULL))
            self.expect_up()
            self.assertTrue(until(lambda: self.dropped() > 0, 60))
            os.set_blocking(reading, False)
            said = b""

            def complete():
                nonlocal said
                said += begin.read() or b""
                return b"could not be written" in said
            self.assertTrue(until(complete), said)
            self.assertIn(b"serried-server: ready", said)
            self.expect_ends()

    def test_told_twice_it_says_so_and_what_it_said_before(self):
        self.start("--log-file", self.log_file, streams=[subprocess.DEVNULL] * 3)
        self.expect_up()
        self.tell_twice()
        self.assertIn("told to stop again: at once", self.log())

    def test_told_twice_it_waits_for_no_reader(self):
        reading, writing = full_pipe()
        with os.fdopen(reading, "rb"), os.fdopen(writing, "wb") as end:
            self.start(streams=(subprocess.DEVNULL, end, end))
            self.expect_up()
            self.tell_twice()

    def tell_twice(self):
        """Both signals are there when it looks for one: the second meets a server that drains."""
        for number in (signal.SIGSTOP, signal.SIGINT, signal.SIGTERM, signal.SIGCONT):
            self.process.send_signal(number)
        self.assertEqual(self.process.wait(15), 130)

    def test_a_closed_pipe(self):
        with os.fdopen(closed_pipe(), "wb") as out, os.fdopen(closed_pipe(), "wb") as err:
            self.start("--log-level", "debug", streams=(subprocess.DEVNULL, out, err))
            self.expect_up()
            self.assertTrue(until(lambda: self.dropped() > 0), "what is lost is not counted")
            self.expect_ends()

    def test_missing_descriptors_are_none_of_its_files(self):
        self.start("--log-file", self.log_file, streams=(None, None, None))
        self.expect_up()
        self.assertEqual(descriptors(self.process), ["/dev/null"] * 3)
        self.assertTrue(until(lambda: self.status().get("seconds", 0) >= 2))
        self.expect_ends()
        self.assertNotIn("players", self.log().replace("players_max", ""), "status lines in the log")

    def test_sighup_opens_the_log_anew(self):
        self.start("--log-file", self.log_file, streams=(subprocess.DEVNULL,) * 3)
        self.expect_up()
        os.rename(self.log_file, self.log_file + ".1")
        self.process.send_signal(signal.SIGHUP)
        self.assertTrue(until(lambda: os.path.exists(self.log_file)) and until(lambda: "opened anew" in self.log()))
        self.assertIsNone(self.process.poll())
        # Where it cannot be opened, the one before goes on.
        os.rename(self.folder, self.folder + ".moved")
        try:
            self.process.send_signal(signal.SIGHUP)
            with open(os.path.join(self.folder + ".moved", "server.log"), encoding="utf-8") as file:
                self.assertTrue(until(lambda: "cannot be opened" in file.read()))
        finally:
            os.rename(self.folder + ".moved", self.folder)
        self.expect_ends()
        self.assertIn("told to stop", self.log())

    def test_sighup_without_a_log_file(self):
        self.start(streams=(subprocess.DEVNULL,) * 3)
        self.expect_up()
        self.process.send_signal(signal.SIGHUP)
        seconds = self.status()["seconds"]
        self.assertTrue(until(lambda: self.status().get("seconds", 0) > seconds + 1), "it does not go on")
        self.expect_ends()

    def test_a_full_disk(self):
        # A limit to the size of its files is a disk that takes no root to fill.
        self.start("--log-file", self.log_file, streams=(subprocess.DEVNULL,) * 3)
        self.expect_up()
        limits = resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE, (os.path.getsize(self.log_file) + 10, limits[1]))
        self.process.send_signal(signal.SIGHUP)  # makes it log a line, of which ten bytes find room
        self.assertTrue(until(lambda: self.dropped() > 0), "what is lost is not counted")
        resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE, limits)
        self.process.send_signal(signal.SIGHUP)
        self.assertTrue(until(lambda: "could not be written" in self.log()), self.log())
        for line in self.log().splitlines()[-2:]:
            self.assertRegex(line, r"^\d{4}-\d\d-\d\dT", "a line begins in the middle of another")
        self.expect_ends()

    def test_a_full_device(self):
        self.start("--log-file", "/dev/full", streams=(subprocess.DEVNULL,) * 3)
        self.expect_up()
        self.assertTrue(until(lambda: self.dropped() > 0), "what is lost is not counted")
        self.expect_ends()

    def refused(self, *options):
        arguments = self.arguments()
        at = arguments.index("--json-summary")
        done = subprocess.run([programs.path("serried-server"), *arguments[:at], *arguments[at + 2:], *options], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=30)
        self.assertEqual(done.returncode, 2, done.stdout + done.stderr)
        self.assertNotIn("ready", done.stdout)
        return done.stderr

    def test_files_that_cannot_be_written_are_refused_at_the_start(self):
        missing = os.path.join(self.folder, "no", "such")
        said = self.refused("--json-summary", os.path.join(missing, "run.json"), "--log-file", os.path.join(missing, "log"))
        self.assertIn("--json-summary", said)
        self.assertIn("--log-file", said)
        self.assertEqual(said.count(f"the directory {missing} does not exist"), 2, said)
        self.assertFalse(os.path.exists(os.path.join(self.folder, "no")), "a directory was made")
        self.assertIn("is no regular file", self.refused("--json-summary", "/dev/null"))
        self.assertTrue(os.path.exists("/dev/null"))
        self.assertIn("--log-file", self.refused("--log-file", self.folder))
        os.mkfifo(self.log_file)
        self.assertIn("--log-file", self.refused("--log-file", self.log_file))


class Tools(unittest.TestCase):
    def setUp(self):
        self.folder = self.enterContext(tempfile.TemporaryDirectory(prefix="serried-live-"))
        self.key = os.path.join(self.folder, "token.key")
        subprocess.run([programs.path("serried-token"), "keygen", "--out", self.key], check=True, stdout=subprocess.DEVNULL)
        self.json = os.path.join(self.folder, "tool.json")

    def swarm(self, *options):
        """Bots that get no answer."""
        return ["serried-swarm", "--bots", "1", "--server", "127.0.0.1:9", "--token-key", self.key, "--status", "line",
                "--json", self.json, *options]

    def attack(self, *options):
        return ["serried-attack", "--server", "127.0.0.1:9", "--kinds", "short", "--rate", "10", "--json-summary", self.json,
                *options]

    def play(self, arguments, streams, seconds=5):
        """Let it say something for a while, then tell it to stop."""
        if os.path.exists(self.json):
            os.remove(self.json)
        process = started(*arguments, streams=streams)
        try:
            time.sleep(seconds)
            self.assertIsNone(process.poll(), "it ended before it was told to")
            links = descriptors(process)
            process.send_signal(signal.SIGTERM)
            process.wait(30)
        except subprocess.TimeoutExpired:
            self.fail("it does not end when it is told to")
        finally:
            process.kill()
            process.wait()
        self.assertTrue(os.path.exists(self.json), "it did not end in order")
        return links

    def test_the_long_running_ones_go_on(self):
        for arguments in (self.swarm(), self.attack()):
            with self.subTest(program=arguments[0], streams="a pipe without a reader"):
                reading, writing = full_pipe()
                with os.fdopen(reading, "rb"), os.fdopen(writing, "wb") as end:
                    self.play(arguments, (subprocess.DEVNULL, end, end))
            with self.subTest(program=arguments[0], streams="a closed pipe"):
                with os.fdopen(closed_pipe(), "wb") as end:
                    self.play(arguments, (subprocess.DEVNULL, end, end))
            with self.subTest(program=arguments[0], streams="none"):
                self.assertEqual(self.play(arguments, (None, None, None), 2), ["/dev/null"] * 3)

    def test_a_summary_that_cannot_be_written_is_refused_at_the_start(self):
        for make, option in ((self.swarm, "--json"), (self.attack, "--json-summary")):
            for file, why in ((os.path.join(self.folder, "no", "x.json"), "does not exist"), ("/dev/null", "no regular file")):
                arguments = make()
                arguments[arguments.index(self.json)] = file
                with self.subTest(program=arguments[0], file=file):
                    done = programs.run(*arguments, "--seconds", "20")
                    self.assertEqual(done.returncode, 2, done.stdout + done.stderr)
                    self.assertIn(option, done.stderr)
                    self.assertIn(why, done.stderr)

    def test_a_token_file_is_not_standard_error(self):
        out = os.path.join(self.folder, "tokens")
        process = started("serried-token", "issue", "--key", self.key, "--player", "1", "--name", "n" * 33, "--out", out,
                          streams=(subprocess.DEVNULL, subprocess.DEVNULL, None))
        self.assertEqual(process.wait(20), 1)
        self.assertEqual(os.path.getsize(out), 0, "what was wrong went into the file of tokens")

    def test_lost_output_is_a_failure_of_what_has_no_other_purpose(self):
        token, secret = os.path.join(self.folder, "tokens"), os.path.join(self.folder, "v7.secret")
        subprocess.run([programs.path("serried-token"), "issue", "--key", self.key, "--player", "1", "--out", token], check=True)
        subprocess.run([programs.path("serried-integrity"), "keygen", "--version", "7", "--out", secret], check=True,
                       stdout=subprocess.DEVNULL)
        with tempfile.TemporaryDirectory(prefix="serried-live-") as folder:
            control = os.path.join(folder, "control")
            server = programs.SocketServer(folder, "--control-socket", control)
            self.addCleanup(server.stop, signal.SIGKILL)
            self.assertTrue(server.wait_for("serried-server: ready"), server.output())
            for arguments in (["serried-token", "issue", "--key", self.key, "--player", "1"],
                              ["serried-token", "inspect", "--key", self.key, token],
                              ["serried-token", "keygen", "--out", os.path.join(self.folder, "a.key")],
                              ["serried-integrity", "inspect", secret], ["serried-ctl", "--socket", control, "ban", "list"],
                              ["serried-ctl", "--socket", control, "status", "--json"], ["serried-server", "--help"],
                              ["serried-server", "--example-config"], ["serried-swarm", "--help"],
                              ["serried-attack", "--help"], ["serried-token", "--help"]):
                for name, stream in (("full", os.open("/dev/full", os.O_WRONLY)), ("closed", closed_pipe())):
                    with self.subTest(arguments=arguments, stream=name), os.fdopen(stream, "wb") as out:
                        if os.path.exists(os.path.join(self.folder, "a.key")):
                            os.remove(os.path.join(self.folder, "a.key"))
                        done = subprocess.run([programs.path(arguments[0]), *arguments[1:]], stdin=subprocess.DEVNULL,
                                              stdout=out, stderr=subprocess.PIPE, text=True, timeout=30)
                        self.assertEqual(done.returncode, 1, done.stderr)
                        self.assertIn("standard output", done.stderr)
