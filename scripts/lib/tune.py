"""usage: scripts/tune [--apply | --undo] [--only ITEM,...] [--bind] [--root DIR] [--build DIR] [--help] [-- SERVER...]

Asks `serried-server --check` with the options behind `--` (a profile, a configuration file, EAL's own and another `--`) and
shows what it would change, as a diff of what is and what would be. Nothing is changed without --apply.

  --apply       do it, and note what was there before
  --undo        take back what --apply did, where it is still as --apply left it
  --only ITEMS  of these items of the check alone, by their names
  --bind        with --apply: give NICs to vfio-pci too. They leave the kernel: never the one you are logged in over
  --root DIR    of the machine whose files are below DIR, as of an image: files are written, modules and NICs wait for its boot
  --build DIR   where serried-server is (default build/release; else the installed one)

What --apply did stands in /var/lib/serried/tune.json until --undo has taken it back. The kernel command line is shown and
never written. Exit code 0: nothing to change, or all done. 1: there is something to change, or something could not be. 2: a bad
option."""

import json
import os
import re
import shutil
import subprocess
import sys

STATE = "/var/lib/serried/tune.json"
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
MARK = "# Lines of serried's scripts/tune, which --undo takes back."


class Refused(Exception):
    """A sentence for the user, and the exit code."""

    def __init__(self, text, code=1):
        super().__init__(text)
        self.code = code


def read(path):
    """The text of a file; None where there is none."""
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except FileNotFoundError:
        return None


def replace(path, text):
    """The whole file or nothing of it, with the permissions that it had."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    beside = path + ".tune"
    with open(beside, "w", encoding="utf-8") as file:
        file.write(text)
    if os.path.exists(path):
        shutil.copymode(path, beside)
    os.replace(beside, path)


def key_of(line):
    """What a line sets, so that it takes the place of another that sets it too; None: it only stands beside others."""
    match = re.match(r"\s*([\w.]+)\s*=(?!=)", line)
    if match:
        return match[1]
    words = line.split()
    if len(words) == 3 and words[0] == "pci":  # of /etc/dpdk/interfaces
        return " ".join(words[:2])
    if len(words) == 4 and words[1] in ("-", "soft", "hard"):  # of limits.conf
        return " ".join(words[:3])
    return None


class Machine:
    """The files of a machine, and what can be changed of it. `root` is empty for this one."""

    def __init__(self, root):
        self.root = root

    def place(self, path):
        return self.root + path

    def value(self, path):
        text = read(self.place(path))
        if text is None:
            return None
        chosen = re.search(r"\[(\S+)\]", text)  # always [madvise] never
        return chosen[1] if chosen else text.strip()

    def set_value(self, path, text):
        # The kernel's files are written in place: they cannot be renamed over.
        with open(self.place(path), "w", encoding="utf-8") as file:
            file.write(text + "\n")

    def driver(self, address):
        link = self.place(f"/sys/bus/pci/devices/{address}/driver")
        return os.path.basename(os.readlink(link)) if os.path.islink(link) else ""

    def loaded(self, module):
        return os.path.isdir(self.place("/sys/module/" + module.replace("-", "_")))

    def bind(self, address, driver):
        """Of no driver (""): the kernel's own choice."""
        device = f"/sys/bus/pci/devices/{address}"
        if os.path.exists(self.place(device + "/driver_override")):
            self.set_value(device + "/driver_override", driver)
        if self.driver(address):
            self.set_value(device + "/driver/unbind", address)
        self.set_value("/sys/bus/pci/drivers_probe", address)
        if not self.root and driver and self.driver(address) != driver:
            raise Refused(f"{address} does not take the driver {driver}: see dmesg")


class Value:
    """A value of the kernel, until the next boot."""

    def __init__(self, machine, where, what):
        self.machine, self.where, self.what = machine, where, what

    def shown(self):
        return f"{self.where}: {self.machine.value(self.where)} -> {self.what}"

    def waits(self):
        return "the machine is not running" if self.machine.value(self.where) is None else None

    def step(self):
        return {"kind": "value", "where": self.where, "before": self.machine.value(self.where), "after": self.what}

    def apply(self, step):
        self.machine.set_value(self.where, self.what)
        # Of hugepages the kernel gives what it finds.
        now = step["after"] = self.machine.value(self.where)
        return None if now == self.what else f"{self.where} is {now} and not {self.what}: the kernel gives no more"

    @staticmethod
    def undo(machine, step):
        now = machine.value(step["where"])
        if now == step["before"] or now is None:
            return None
        if now != step["after"]:
            return f"{step['where']} is {now} by now, and not {step['after']} as it was set: left as it is"
        machine.set_value(step["where"], step["before"])
        return None


class Line:
    """A line of a file that is read at each boot or log-in."""

    def __init__(self, machine, where, what):
        self.machine, self.where, self.what = machine, where, what

    def replaced(self):
        """The line that sets the same, if there is one."""
        key = key_of(self.what)
        for line in (read(self.machine.place(self.where)) or "").splitlines():
            if key is not None and key_of(line) == key:
                return line
        return None

    def waits(self):
        return None

    def shown(self):
        old = self.replaced()
        return f"{self.where}:" + (f" -{old}" if old is not None else "") + f" +{self.what}"

    def step(self):
        return {"kind": "line", "where": self.where, "before": self.replaced(), "after": self.what,
                "made": read(self.machine.place(self.where)) is None}

    def apply(self, step):
        path = self.machine.place(self.where)
        lines = [MARK] if step["made"] else read(path).splitlines()
        if step["before"] is not None:
            lines[lines.index(step["before"])] = self.what
        elif self.what not in lines:
            lines.append(self.what)
        replace(path, "\n".join(lines) + "\n")

    @staticmethod
    def undo(machine, step):
        path = machine.place(step["where"])
        lines = (read(path) or "").splitlines()
        if step["after"] not in lines:
            return f"{step['where']} has no line {step['after']} any more: left as it is" if lines else None
        at = lines.index(step["after"])
        lines[at:at + 1] = [] if step["before"] is None else [step["before"]]
        if step["made"] and not [line for line in lines if line != MARK]:
            os.remove(path)
        else:
            replace(path, "".join(line + "\n" for line in lines))
        return None


class Module:
    """A module of the kernel, until the next boot."""

    def __init__(self, machine, where, what):
        self.machine, self.what = machine, what

    def waits(self):
        return "the machine is not running" if self.machine.root else None

    def shown(self):
        return f"module {self.what}: not loaded -> loaded"

    def step(self):
        return {"kind": "module", "where": self.what, "before": self.machine.loaded(self.what), "after": True}

    def apply(self, step):
        done = subprocess.run(["modprobe", self.what], capture_output=True, text=True)
        return None if done.returncode == 0 else f"modprobe {self.what}: {done.stderr.strip()}"

    @staticmethod
    def undo(machine, step):
        if step["before"] or not machine.loaded(step["where"]):
            return None
        done = subprocess.run(["modprobe", "-r", step["where"]], capture_output=True, text=True)
        return None if done.returncode == 0 else f"modprobe -r {step['where']}: {done.stderr.strip()}"


class Driver:
    """The kernel's driver of a PCI device, until the next boot."""

    def __init__(self, machine, where, what):
        self.machine, self.where, self.what = machine, where, what

    def waits(self):
        there = os.path.exists(self.machine.place(f"/sys/bus/pci/devices/{self.where}"))
        return None if there else "the machine is not running"

    def shown(self):
        return f"{self.where}: driver {self.machine.driver(self.where) or 'none'} -> {self.what}"

    def step(self):
        return {"kind": "driver", "where": self.where, "before": self.machine.driver(self.where), "after": self.what}

    def apply(self, step):
        self.machine.bind(self.where, self.what)

    @staticmethod
    def undo(machine, step):
        now = machine.driver(step["where"])
        if not machine.root and now != step["after"]:
            return f"{step['where']} has the driver {now or 'none'} by now, and not {step['after']}: left as it is"
        machine.bind(step["where"], "")
        return None


KINDS = {"value": Value, "line": Line, "module": Module, "driver": Driver}


class State:
    """What was done, in order, written before the next step."""

    def __init__(self, machine):
        self.path = machine.place(STATE)
        try:
            self.steps = json.loads(read(self.path) or "[]")
        except ValueError:
            raise Refused(f"{self.path} is no JSON; what --apply did is not known: move it away to begin anew") from None

    def add(self, step):
        self.steps.append(step)
        self.write()

    def write(self):
        if self.steps:
            replace(self.path, json.dumps(self.steps, indent=1) + "\n")
        elif os.path.exists(self.path):
            os.remove(self.path)


def server_program(build):
    built = os.path.join(build, "src/server/serried-server")
    program = built if os.path.exists(built) else shutil.which("serried-server")
    if program is None:
        raise Refused(f"there is no serried-server in {build}, and none is installed; build it, or give --build", 2)
    return program


def look(program, machine, options):
    """The items of the check."""
    command = [program, *options, "--check", "--json", *(["--machine", machine.root] if machine.root else [])]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode not in (0, 1):
        raise Refused(done.stderr.strip() or f"serried-server --check ended with {done.returncode}", 2)
    return json.loads(done.stdout)["items"]


def selected(items, only):
    names = {item["item"] for item in items}
    for name in only:
        if name not in names:
            raise Refused(f"--only: the check has no item {name}; it has {', '.join(sorted(names))}", 2)
    return [item for item in items if item["state"] in ("missing", "advised") and (not only or item["item"] in only)]


class Tuner:
    def __init__(self, machine, apply, bind):
        self.machine, self.doing, self.bind = machine, apply, bind
        self.state = State(machine)
        self.left = self.done = 0

    def change(self, change):
        kind = KINDS.get(change["kind"])
        if kind is None:  # of the boot loader, or a command: a person's
            self.left += 1
            return print(f"    by hand: {change['command']}")
        todo = kind(self.machine, change["where"], change["what"])
        waiting = todo.waits()
        if waiting:
            return print(f"    at its boot: {change['command']} ({waiting})")
        print(f"    {todo.shown()}")
        if not self.doing:
            self.left += 1
            return None
        if kind is Driver and not self.bind:
            self.left += 1
            return print("      not done: it takes the NIC from the kernel, give --bind")
        step = todo.step()
        self.state.add(step)
        try:
            fault = todo.apply(step)
        except (OSError, Refused) as error:
            fault = f"not done: {getattr(error, 'strerror', None) or error}"
        self.state.write()
        self.done += fault is None
        self.left += fault is not None
        return print(f"      {fault}") if fault else None

    def run(self, items):
        for item in items:
            name = item["item"] + (f" {item['subject']}" if item["subject"] else "")
            print(f"{name}: {item['text']}")
            for change in item["changes"]:
                self.change(change)
        if not items:
            print("nothing to change")
        elif self.doing:
            print(f"{self.done} changed; `scripts/tune --undo` takes that back" if self.done else "nothing was changed")
        else:
            print("nothing was changed; --apply does what is not by hand")
        return 1 if self.left else 0


def undo(machine):
    state = State(machine)
    if not state.steps:
        print("there is nothing to take back")
        return 0
    kept = []
    for step in reversed(state.steps):
        try:
            fault = KINDS[step["kind"]].undo(machine, step)
        except (OSError, Refused) as error:
            fault = f"{step['where']}: {getattr(error, 'strerror', None) or error}"
        print(fault or f"{step['where']}: {step['before'] if step['before'] not in (None, '') else 'as it was'}")
        # What was changed since is its new owner's; what could not be done may be tried again.
        if fault and "left as it is" not in fault:
            kept.insert(0, step)
    state.steps = kept
    state.write()
    return 1 if kept else 0


def options(words):
    """(action, only, bind, root, build, what stands behind --)"""
    action, only, bind, root, build, server = "show", [], False, "", os.path.join(ROOT, "build/release"), []
    words = list(words)
    while words:
        word = words.pop(0)
        if word == "--":
            server = words
            break
        if word in ("--apply", "--undo"):
            if action != "show":
                raise Refused("--apply and --undo exclude one another", 2)
            action = word[2:]
        elif word == "--bind":
            bind = True
        elif word in ("--only", "--root", "--build"):
            if not words:
                raise Refused(f"{word} wants a value", 2)
            value = words.pop(0)
            if word == "--only":
                only = value.split(",")
            elif word == "--root":
                root = os.path.abspath(value)
            else:
                build = os.path.abspath(value)
        else:
            raise Refused(f"unknown option '{word}'; see scripts/tune --help. What the server takes stands behind --", 2)
    if root and not os.path.isdir(root):
        raise Refused(f"--root: there is no folder {root}", 2)
    return action, only, bind, "" if root == "/" else root, build, server


def main(words):
    if "-h" in words or "--help" in words:
        print(__doc__)
        return 0
    action, only, bind, root, build, server = options(words)
    machine = Machine(root)
    if action != "show" and not root and os.geteuid() != 0:
        raise Refused(f"--{action} changes the system and needs root: sudo scripts/tune --{action} ...")
    if action == "undo":
        return undo(machine)
    items = selected(look(server_program(build), machine, server), only)
    return Tuner(machine, action == "apply", bind).run(items)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except Refused as refusal:
        print(f"tune: {refusal}", file=sys.stderr)
        sys.exit(refusal.code)
