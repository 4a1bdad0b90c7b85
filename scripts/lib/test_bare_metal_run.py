#!/usr/bin/env python3
"""Boot the emulated machine with the installed server in it, and take it through the steps of bare_metal_steps.py. Called by
scripts/test-bare-metal."""

import argparse
import glob
import os
import shutil
import subprocess
import sys
import tempfile
import time

import guest
from bare_metal_machine import Machine, MachineError, Network
from bare_metal_steps import ALWAYS, BOOTS, Steps
from demo_run import log_folder, run_script

ROOT = guest.ROOT
LIB = os.path.dirname(os.path.abspath(__file__))
# Drivers of the kernel, and plugins of DPDK, that the server needs on this machine.
MODULES = ["virtio_pci", "virtio_net", "virtio-rng", "vfio-pci", "vfio_iommu_type1"]
PLUGINS = ["bus_pci", "bus_vdev", "mempool_ring", "net_virtio", "net_e1000"]


def step_names():
    return list(dict.fromkeys(name for boot in BOOTS for name, _ in boot.steps if name not in ALWAYS))


def read_options():
    parser = argparse.ArgumentParser(
        prog="scripts/test-bare-metal", formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Run the installed server in an emulated machine with two NUMA nodes, an IOMMU and a NIC on each node,\n"
                    "bots outside, and assert what it does there. Needs root (network namespace, taps), not KVM.",
        epilog=f"steps: {' '.join(step_names())}\nexit code: 0 all passed; 1 something failed; 2 a bad option; 130 interrupted")
    parser.add_argument("--step", action="append", choices=step_names(), metavar="NAME",
                        help="only this one, and what it needs; may be given several times")
    parser.add_argument("--nightly", action="store_true",
                        help="further steps: large frames, a VLAN, NICs unbound or reset, without offloads, of Intel's")
    parser.add_argument("--keep", action="store_true", help="leave the system that was booted, and say where")
    parser.add_argument("--build", default=os.path.join(ROOT, "build/release"), metavar="DIR", help="where the programs are")
    parser.add_argument("--only-check-options", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.xdp_filter = False
    if os.geteuid() != 0:
        parser.error("makes a network namespace and taps, and needs root")
    if not os.path.exists("/dev/net/tun"):
        parser.error("/dev/net/tun is not there; load it (modprobe tun)")
    return options


def install(options, system):
    """The server as its users have it, with what it loads."""
    guest.make_system(system)
    guest.output_of("meson", "install", "-C", options.build, "--no-rebuild", "--strip", "--destdir", system)
    servers = glob.glob(os.path.join(system, "**/bin/serried-server"), recursive=True)
    if not servers:
        raise guest.GuestError(f"{options.build} installs no serried-server")
    programs = [os.path.join(os.path.dirname(servers[0]), name) for name in ("serried-server", "serried-ctl")]
    guest.copy_libraries(system, programs)
    for plugin in PLUGINS:
        files = glob.glob(f"/usr/lib/*/dpdk/pmds-*/librte_{plugin}.so*")
        if not files:
            raise guest.GuestError(f"DPDK's plugin {plugin} is not installed")
        for file in files:
            guest.copy_with_links(system, file)
        guest.copy_libraries(system, files[:1])


def make_system(options, room):
    """What is booted: the kernel's image, and the initramfs."""
    system = os.path.join(room, "system")
    install(options, system)
    programs = {name: os.path.join(options.build, "src/tools", name) for name in ("serried-swarm", "serried-token")}
    guest.output_of(programs["serried-token"], "keygen", "--out", os.path.join(room, "token.key"))
    shutil.copy(os.path.join(room, "token.key"), os.path.join(system, "etc/token.key"))
    image = guest.unpack_kernel(os.path.join(room, "kernel"))
    guest.copy_modules(system, os.path.join(room, "kernel"), MODULES)
    guest.pack(system, os.path.join(LIB, "guest_init"), os.path.join(room, "initramfs"))
    return image, os.path.join(room, "initramfs"), programs


class Count:
    """What was asserted, a line each."""

    def __init__(self):
        self.passed = self.failed = 0

    def __call__(self, good, what, detail=""):
        if good:
            self.passed += 1
            print(f"    {what}", flush=True)
        else:
            self.failed += 1
            print(f"    FAILED: {what}{': ' + detail if detail else ''}", flush=True)


def show_text(name, text):
    print(f"  -- the last of {name}:")
    for line in text.strip().splitlines()[-15:]:
        print(f"  | {line[:400]}")
    sys.stdout.flush()


def show_logs(machine, steps):
    """The last lines of what can say why a step failed."""
    texts = {"console": machine.console_text()}
    try:
        texts["kernel log"] = machine.run("dmesg | tail -n 15")[1]
        if steps.server:
            texts["server"] = steps.server.log()
    except MachineError as error:
        texts["machine"] = str(error)
    for swarm in steps.swarms[-2:]:
        texts[swarm.name] = swarm.log()
    for name, text in texts.items():
        show_text(name, text)


def run_boot(options, boot, made, room, logs, count):
    image, initramfs, programs = made
    wanted = [(name, step) for name, step in boot.steps_of(options.nightly or options.step)
              if name in ALWAYS or not options.step or name in options.step]
    if all(name in ALWAYS for name, _ in wanted) or (boot.nightly and not options.nightly and not options.step):
        return
    network = Network()
    machine = Machine(room, network, image, initramfs, boot.cpu, boot.nic, boot.options)
    steps = Steps(boot, machine, network, room, logs, programs, count)
    began = time.monotonic()
    try:
        network.lay(machine.has_queues())
        print(f"== boot: {boot.title}", flush=True)
        try:
            machine.start()
        except MachineError:
            show_text("console", machine.console_text())
            raise
        print(f"    booted in {time.monotonic() - began:.0f} s", flush=True)
        for name, step in wanted:
            print(f"== {name}: {step.__doc__.splitlines()[0]} ({time.monotonic() - began:.0f} s)", flush=True)
            failed = count.failed
            try:
                step(steps)
            except MachineError as error:
                count(False, str(error))
            if count.failed > failed:
                show_logs(machine, steps)
            if machine.process.poll() is not None:
                raise MachineError(f"the emulated machine ended by itself: see {logs}")
    finally:
        steps.stop_all()
        machine.stop()
        network.remove()
        if os.path.exists(machine.console):
            shutil.move(machine.console, os.path.join(logs, f"console{BOOTS.index(boot) + 1}.log"))


def test(options):
    count = Count()
    logs = log_folder("test-bare-metal")
    room = tempfile.mkdtemp(prefix="serried-machine-")
    try:
        made = make_system(options, room)
        for boot in BOOTS:
            run_boot(options, boot, made, room, logs, count)
    except (MachineError, guest.GuestError) as error:
        count(False, str(error))
    finally:
        if options.keep:
            print(f"kept: {room}")
        else:
            shutil.rmtree(room, ignore_errors=True)
    print(f"logs: {logs}")
    print(f"{count.passed} passed, {count.failed} failed")
    return 1 if count.failed or not count.passed else 0


if __name__ == "__main__":
    sys.exit(run_script("test-bare-metal", read_options(), test))
