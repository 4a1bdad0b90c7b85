"""The programs of a run, and what the machine does to them: their lines, their memory, and what the host takes of the cores.
Used by demo_run.py and attack_run.py."""

import ctypes
import os
import re
import signal
import subprocess
import threading
import time

prctl, PR_SET_PDEATHSIG = ctypes.CDLL(None).prctl, 1


class Process:
    """A program whose lines are shown as they come (unless `shown` is False), under its name, and kept in `logs`; `ready` is
    set with the first that holds the text `ready_text`. In a process group of its own, so that Ctrl-C reaches
    this script first, which then ends the programs in order; not in a session of its own, which the kernel's autogroups
    would schedule as one: the idle class of one program would then mean nothing to the others."""

    lock = threading.Lock()
    # What the server logs below a warning: for the file.
    detail = re.compile(r"\d{4}-\d\d-\d\dT\S+ (debug|info) ")

    def __init__(self, name, command, cores=None, *, logs, shown=True, ready_text=None, environment=None):
        self.name, self.ready, self.tail = name, threading.Event(), []
        self.shown, self.ready_text = shown, ready_text or f"serried-{name}: ready"
        self.log = os.path.join(logs, f"{name}.log")

        def prepare():
            for stop in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(stop, signal.SIG_DFL)
            # Whatever becomes of this script, no server is left running behind it.
            prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
            if cores:
                os.sched_setaffinity(0, cores)
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
                                        errors="replace", stderr=subprocess.STDOUT, process_group=0,
                                        env={**os.environ, **(environment or {})}, preexec_fn=prepare)
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        with open(self.log, "w", encoding="utf-8") as log:
            for line in self.process.stdout:
                line = line.rstrip()
                if self.ready_text in line:
                    self.ready.set()
                if line:
                    self.tail = self.tail[-19:] + [line]
                    print(line, file=log, flush=True)
                if line and self.shown and not self.detail.match(line):
                    with self.lock:
                        print(f"{self.name:<6} | {line}", flush=True)

    def running(self):
        return self.process.poll() is None

    def wait(self, seconds):
        """The exit code; None when it is still running after so long."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None

    def end(self, signal_number=signal.SIGINT, patience=20):
        """Ask, wait, insist. The exit code; None when it had to be killed."""
        if self.running():
            self.process.send_signal(signal_number)
        code = self.wait(patience)
        if code is None:
            self.process.kill()
            self.process.wait()
        self.reader.join(2)
        return code


class Memory:
    """Resident bytes of a process, sampled once a second from /proc while it runs."""

    def __init__(self, pid):
        self.file, self.samples, self.next = f"/proc/{pid}/status", [], 0.0

    def sample(self):
        now = time.monotonic()
        if now < self.next:
            return
        self.next = now + 1
        try:
            with open(self.file, encoding="ascii", errors="replace") as status:
                kib = next(int(line.split()[1]) for line in status if line.startswith("VmRSS:"))
        except (OSError, StopIteration):
            return
        self.samples.append(kib * 1024)

    def growth(self):
        """Bytes at the end of the run over those at half of it, when all had long connected."""
        if len(self.samples) < 20:
            return None
        return self.samples[-1] - self.samples[len(self.samples) // 2]


class Stolen:
    """What the host of a virtual machine took of our cores since this began: what was to run there waited. Nothing where
    the kernel does not say."""

    def __init__(self):
        self.before = self.read()

    @staticmethod
    def read():
        """(stolen, in all) by core, in the kernel's ticks."""
        cores = {}
        try:
            with open("/proc/stat", encoding="ascii") as file:
                for line in file:
                    name, *counts = line.split()
                    if name.startswith("cpu") and name != "cpu":
                        # user, nice, system, idle, iowait, irq, softirq, steal; guests are in user and nice.
                        cores[int(name[3:])] = int(counts[7]), sum(map(int, counts[:8]))
        except (OSError, ValueError, IndexError):
            pass
        return cores

    def fractions(self):
        now = self.read()
        return {core: (now[core][0] - stolen) / max(now[core][1] - total, 1)
                for core, (stolen, total) in self.before.items() if core in now and core in os.sched_getaffinity(0)}
