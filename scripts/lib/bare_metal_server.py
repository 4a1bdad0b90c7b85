"""The server in the emulated machine, and the swarms outside it. Used by bare_metal_steps.py."""

import json
import os
import re
import shlex
import signal
import subprocess
import time

from bare_metal_machine import NIC_PCI, Network, MachineError, ends_with_us

PATIENCE_S = 240  # for anything that is to happen once: the CPUs are emulated, and others use ours
PORT = 40000


def server_words(profile, io_lanes, more):
    """The server's command line: both NICs by their profile. Patient in all that a slow machine is late with, and asleep when
    there is nothing to do: the CPUs are shared."""
    addresses = []
    for i, nic in enumerate(NIC_PCI):
        addresses += ["--address", f"10.77.{i}.1/24@{nic}", "--address", f"{Network.shared_server}/128@{nic}"]
    return ["serried-server", "--profile", ",".join([profile, *(f"pci={nic}" for nic in NIC_PCI)]), *addresses,
            "--io-lanes", str(io_lanes), "--shards", "2", "--token-key", "/etc/token.key", "--players-max", "256",
            "--sessions-max", "1024", "--npcs", "0", "--tick-rate", "10", "--idle-sleep-us", "5000", "--coalesce-us", "1000",
            "--address-rate", "0", "--prefix-rate", "0", "--audit", "1", "--timeout-ms", "60000", *more]


class Server:
    """serried-server in the machine. Its files are in /run."""

    runs = 0

    def __init__(self, machine, logs, words):
        self.machine, self.logs, self.began, self.last_log = machine, logs, time.monotonic(), ""
        type(self).runs += 1
        self.name = f"server{self.runs}"
        words = [*words, "--status", "line", "--log-level", "debug", "--json-summary",
                 f"/run/{self.name}.json", "--control-socket", "/run/control"]
        machine.must(f"rm -f /run/{self.name}.*; ({{ setsid {shlex.join(words)} >/run/{self.name}.log 2>&1 & "
                     f"echo $! >/run/{self.name}.pid; wait $!; echo $? >/run/{self.name}.code; }} &)")

    def log(self):
        """All that it said so far."""
        return self.machine.run(f"cat /run/{self.name}.log")[1]

    def keep_log(self):
        self.last_log = self.log()
        with open(os.path.join(self.logs, f"{self.name}.log"), "w", encoding="utf-8") as file:
            file.write(self.last_log + "\n")

    def wait_for_text(self, text, seconds=PATIENCE_S):
        """Whether it said so in time, before it ended."""
        limit = time.monotonic() + seconds
        while time.monotonic() < limit:
            code, _ = self.machine.run(f"grep -qF {shlex.quote(text)} /run/{self.name}.log && exit 0; test -e /run/{self.name}.code && exit 2; exit 1")
            if code != 1:
                return code == 0
            time.sleep(0.3)
        return False

    def wait_until_ready(self):
        if not self.wait_for_text("serried-server: ready"):
            raise MachineError("the server does not start in the emulated machine; its log says why")

    def status(self):
        """What it counts, while it runs."""
        return json.loads(self.machine.must("serried-ctl --socket /run/control status --json"))["status"]

    def signal(self, name):
        self.machine.must(f"kill -{name} $(cat /run/{self.name}.pid)")

    def wait_for_end(self, seconds=PATIENCE_S):
        """Its exit code; None when it still runs."""
        limit = time.monotonic() + seconds
        while time.monotonic() < limit:
            code, said = self.machine.run(f"cat /run/{self.name}.code")
            if code == 0:
                self.keep_log()
                return int(said)
            time.sleep(0.3)
        return None

    def stop(self):
        """As Ctrl-C does: its exit code and its summary."""
        self.signal("INT")
        code = self.wait_for_end()
        said = self.machine.run(f"cat /run/{self.name}.json")[1]
        try:
            return code, json.loads(said)
        except ValueError:
            return code, {}


class Swarm:
    """Bots in the network around the machine, all at one address of the server. Its figures are there when it has ended."""

    runs = 0

    def __init__(self, network, room, logs, program, server, bots, seconds, more=(), patience_s=120):
        type(self).runs += 1
        self.bots, self.name, self.first_played = bots, f"swarm{self.runs}", 0.0
        self.log_file = os.path.join(logs, f"{self.name}.log")
        self.json_file = os.path.join(logs, f"{self.name}.json")
        if os.path.exists(self.json_file):
            os.unlink(self.json_file)
        with open(self.log_file, "w", encoding="utf-8") as log:
            self.process = subprocess.Popen(
                [*network.within, program, "--driver", "socket", "--server", f"{server}:{PORT}", "--token-key",
                 os.path.join(room, "token.key"), "--bots", str(bots), "--player-base", str(1000 * self.runs), "--rate", "5",
                 "--connect-rate", "20", "--connect-timeout", str(patience_s), "--seconds", str(seconds), "--draw", "0", "--status",
                 "line", "--json", self.json_file, *more],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, preexec_fn=ends_with_us)

    def log(self):
        with open(self.log_file, encoding="utf-8", errors="replace") as file:
            return file.read()

    def must_all_play(self):
        limit = time.monotonic() + PATIENCE_S
        while time.monotonic() < limit and self.process.poll() is None:
            said = self.log()
            if not self.first_played and re.search(r"swarm: [1-9]\d*/\d+ playing", said):
                self.first_played = time.monotonic()
            if f"swarm: {self.bots}/{self.bots} playing" in said:
                return
            time.sleep(0.2)
        raise MachineError(f"not all bots of {self.name} came to play; see {self.log_file}")

    def wait_for_end(self, seconds=PATIENCE_S):
        """Its exit code and its figures; code None when it had to be stopped."""
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.stop()
            code = None
        try:
            with open(self.json_file, encoding="utf-8") as file:
                return code, json.load(file)
        except (OSError, ValueError):
            return code, {}

    def finish(self):
        """As Ctrl-C does: it ends in order, and its figures are of this moment."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
