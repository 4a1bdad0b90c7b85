"""The programs under test, started and stopped as a person would."""

import json
import os
import re
import signal
import socket
import subprocess
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
build = os.path.join(ROOT, "build/release")

SOCKET_EAL = ["--no-huge", "--no-pci", "--no-telemetry", "--no-shconf", "-m", "256", "--log-level=lib.eal:warning"]


def path(name):
    return os.path.join(build, "src", "server" if name == "serried-server" else "tools", name)


def is_sanitized(name):
    with open(path(name), "rb") as file:
        code = file.read()
    return b"__asan_init" in code or b"__tsan_init" in code


def run(name, *arguments, seconds=30):
    """Run to the end. The CompletedProcess, with output as text."""
    return subprocess.run([path(name), *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          errors="replace", timeout=seconds)


def output_of(command, code=0, seconds=400):
    """All that a command of this project writes; AssertionError when it ends otherwise than with `code`."""
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          errors="replace", timeout=seconds)
    if done.returncode != code:
        raise AssertionError(f"exit code {done.returncode} instead of {code}\n{done.stdout}")
    return done.stdout


def sh(*words, check=True):
    """A command of the system, run to the end. RuntimeError with its output if it fails, unless not `check`."""
    done = subprocess.run(words, capture_output=True, text=True)
    if check and done.returncode != 0:
        raise RuntimeError(f"{' '.join(words)}: {done.stdout}{done.stderr}")
    return done


def join_namespaces(near, far):
    """Two new namespaces with a veth pair of one queue between them: near0 in the first, far0 in the second, both down."""
    for space in (near, far):
        sh("ip", "netns", "add", space)
    sh("ip", "link", "add", "near0", "netns", near, "numrxqueues", "1", "numtxqueues", "1", "type", "veth", "peer",
       "name", "far0", "netns", far, "numrxqueues", "1", "numtxqueues", "1")


def inside(space, *words, check=True):
    """The same in a network namespace."""
    return sh("ip", "netns", "exec", space, *words, check=check)


def demo(*arguments, seconds=180, within=()):
    """A run of the demo with the programs of `build`, under the command `within`: exit code, its JSON object, its output."""
    with tempfile.TemporaryDirectory(prefix="serried-live-") as folder:
        file_name = os.path.join(folder, "demo.json")
        done = subprocess.run([*within, "python3", os.path.join(ROOT, "scripts/lib/demo_run.py"), "--build", build, "--json", file_name,
                               *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, errors="replace", timeout=seconds)
        try:
            with open(file_name, encoding="utf-8") as file:
                return done.returncode, json.load(file), done.stdout
        except (OSError, ValueError):
            return done.returncode, {}, done.stdout


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Background:
    """A program that runs until it is told to stop; its output goes to a file, so that nothing blocks it."""

    def __init__(self, folder, name, *arguments, within=()):
        """`within`: the words of a command under which it runs."""
        self.log = os.path.join(folder, f"{name}.{time.monotonic_ns()}.log")
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen([*within, path(name), *arguments], stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=subprocess.STDOUT, start_new_session=True)

    def output(self):
        with open(self.log, encoding="utf-8", errors="replace") as log:
            return log.read()

    def wait_for(self, text, seconds=30):
        """Whether `text` was said in time, before the program ended."""
        limit = time.monotonic() + seconds
        while time.monotonic() < limit:
            if text in self.output():
                return True
            if self.process.poll() is not None:
                return text in self.output()
            time.sleep(0.05)
        return False

    def stop(self, signal_number=signal.SIGINT, seconds=20):
        """The exit code; None when it had to be killed."""
        if self.process.poll() is None:
            self.process.send_signal(signal_number)
        return self.ended(seconds)

    def ended(self, seconds=20):
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return None


class SocketServer(Background):
    """serried-server over kernel sockets on loopback, with a key of its own."""

    def __init__(self, folder, *options, port=None, address="127.0.0.1", within=()):
        self.port = free_port() if port is None else port
        self.key = os.path.join(folder, "token.key")
        self.summary_file = os.path.join(folder, "server.json")
        if not os.path.exists(self.key):
            subprocess.run([path("serried-token"), "keygen", "--out", self.key], check=True, stdout=subprocess.DEVNULL)
        super().__init__(folder, "serried-server", *SOCKET_EAL, "--file-prefix", f"serried-live-{time.monotonic_ns()}", "--",
                         "--driver", "socket", *(["--address", address] if address else []), "--udp-port", str(self.port), "--token-key",
                         self.key, "--status", "line", "--json-summary", self.summary_file, *options, within=within)

    def wait_for_players(self, count, seconds=20):
        """Whether its status line comes to say that so many players are there."""
        limit = time.monotonic() + seconds
        while time.monotonic() < limit and self.process.poll() is None:
            if re.search(rf"\b(players[ =:]*{count}|{count} players)\b", self.output()):
                return True
            time.sleep(0.1)
        return False

    def summary(self):
        with open(self.summary_file, encoding="utf-8") as file:
            return json.load(file)

    def swarm(self, folder, bots, seconds, *options):
        return Background(folder, "serried-swarm", "--driver", "socket", "--bots", str(bots), "--server",
                          f"127.0.0.1:{self.port}", "--token-key", self.key, "--seconds", str(seconds), "--json",
                          os.path.join(folder, "swarm.json"), "--status", "line", *options)
