"""The emulated machine of test_bare_metal_run.py: two NUMA nodes, an IOMMU, and on each node a virtio-net NIC of several queues,
whose other end is a tap in a network namespace. Its first program (guest_init) runs what we send it."""

import base64
import ctypes
import json
import os
import re
import signal
import socket
import subprocess
import threading
import time

prctl, PR_SET_PDEATHSIG = ctypes.CDLL(None).prctl, 1
NODES = 2
NODE_CPUS = 2  # with three, this kernel stands still in this emulator as it starts
QUEUES = 4
NIC_PCI = ["0000:41:00.0", "0000:81:00.0"]  # behind the root ports of buses 0x40 and 0x80
NIC_MAC = ["52:54:00:00:00:10", "52:54:00:00:00:11"]


class MachineError(Exception):
    """What the machine, or the network around it, did not do, as one sentence for a person."""


def sh(*command, check=True):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
    if check and done.returncode:
        raise MachineError(f"`{' '.join(command)}` failed: {done.stdout.strip() or done.returncode}")
    return done.stdout


def ends_with_us():
    """In a child before it runs: no Ctrl-C of the terminal, and no life after this script."""
    os.setpgid(0, 0)
    prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


class Network:
    """A namespace with a tap for each NIC. NIC i has the network 10.77.i.0/24, the server .1 in it and we .2; over IPv6
    the server has one address at both NICs."""

    shared_server, own = "fd77::1", "fd77:0:0:1::2"

    def __init__(self):
        self.space = f"serried-{os.getpid()}-machine"
        self.within = ["ip", "netns", "exec", self.space]
        self.relay, self.tagged = None, None

    def lay(self, queues):
        """`queues`: of each NIC. A tap of one is another kind than one of several."""
        sh("ip", "netns", "add", self.space)
        sh("ip", "-n", self.space, "link", "set", "lo", "up")
        for i in range(NODES):
            sh("ip", "-n", self.space, "tuntap", "add", f"tap{i}", "mode", "tap", *(["multi_queue"] if queues > 1 else []), "vnet_hdr")
            sh("ip", "-n", self.space, "address", "add", f"10.77.{i}.2/24", "dev", f"tap{i}")
            sh("ip", "-n", self.space, "link", "set", f"tap{i}", "up")
        sh("ip", "-n", self.space, "address", "add", f"{self.own}/128", "dev", "lo")
        self.lead_to(0)

    def lead_to(self, nic):
        """Which NIC what we send to the shared address goes to."""
        sh("ip", "-n", self.space, "-6", "route", "replace", f"{self.shared_server}/128", "dev", f"tap{nic}", "src", self.own)

    def send_large(self, server, sizes, times):
        """Datagrams of these sizes, over a wire that carries them whole."""
        for i in range(NODES):
            sh("ip", "-n", self.space, "link", "set", f"tap{i}", "mtu", "9000")
        sh(*self.within, "python3", "-c", "import socket, time\n"
           "wire = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
           f"for size in {sizes} * {times}: wire.sendto(bytes(size), ('{server}', 40000)); time.sleep(0.01)")
        for i in range(NODES):
            sh("ip", "-n", self.space, "link", "set", f"tap{i}", "mtu", "1500")

    def lay_vlan(self, nic, vlan):
        """What leads to the network of a NIC is in this VLAN from now on."""
        relay = os.path.join(os.path.dirname(os.path.abspath(__file__)), "vlan_relay.py")
        self.relay = subprocess.Popen([*self.within, "python3", relay, f"tap{nic}", str(vlan), "tagged"], stdin=subprocess.DEVNULL,
                                      stdout=subprocess.PIPE, text=True, preexec_fn=ends_with_us)
        if self.relay.stdout.readline() != "ready\n":
            raise MachineError("scripts/lib/vlan_relay.py does not start; see above")
        sh("ip", "-n", self.space, "address", "flush", "dev", f"tap{nic}")
        sh("ip", "-n", self.space, "address", "add", f"10.77.{nic}.2/24", "dev", "tagged")
        sh("ip", "-n", self.space, "link", "set", "tagged", "up")
        self.tagged = nic

    def remove_vlan(self):
        """Back to what lay() made."""
        self.end_relay()
        sh("ip", "-n", self.space, "address", "add", f"10.77.{self.tagged}.2/24", "dev", f"tap{self.tagged}")

    def end_relay(self):
        if self.relay is not None:
            self.relay.kill()
            self.relay.wait()
            self.relay = None

    def remove(self):
        self.end_relay()
        sh("ip", "netns", "delete", self.space, check=False)


class Machine:
    """`room`: a folder for its sockets and logs. Its NICs are of model `nic`, with `options` of QEMU's."""

    def __init__(self, room, network, kernel, initramfs, cpu, nic, options):
        self.room, self.network, self.cpu = room, network, cpu
        self.kernel, self.initramfs, self.nic, self.options = kernel, initramfs, nic, options
        self.console = os.path.join(room, "console.log")
        self.number, self.lines, self.process, self.began = 0, [], None, 0.0
        self.news = threading.Condition()

    def has_queues(self):
        """Of each NIC."""
        return QUEUES if self.nic == "virtio" else 1

    def nic_words(self, number):
        """A NIC, with its wire."""
        place = f"id=nic{number},bus=port{number},netdev=wire{number},mac={NIC_MAC[number]}"
        if self.nic == "virtio":
            device = (f"virtio-net-pci,{place},mq=on,vectors={2 * QUEUES + 2},rss=on,hash=on,disable-legacy=on,iommu_platform=on"
                      f"{self.options}")
        else:
            device = f"{self.nic},{place}{self.options}"
        queues = f",queues={self.has_queues()}" if self.has_queues() > 1 else ""
        return ["-netdev", f"tap,id=wire{number},ifname=tap{number}{queues},vhost=off,script=no,downscript=no", "-device", device]

    def command(self):
        nodes = ["-m", "3G", "-smp", f"{NODES * NODE_CPUS},sockets={NODES},cores={NODE_CPUS},threads=1"]
        nics = []
        for i in range(NODES):
            nodes += ["-object", f"memory-backend-ram,id=memory{i},size=1536M",
                      "-numa", f"node,nodeid={i},memdev=memory{i},cpus={NODE_CPUS * i}-{NODE_CPUS * (i + 1) - 1}"]
            # A device of pcie.0 belongs to no node; one behind an expander bus does.
            nics += ["-device", f"pxb-pcie,id=bus{i},bus=pcie.0,bus_nr={64 * (i + 1)},numa_node={i}",
                     "-device", f"pcie-root-port,id=port{i},bus=bus{i},chassis={i + 1}",
                     *self.nic_words(i)]
        line = ("console=ttyS0 quiet nokaslr mitigations=off intel_iommu=on iommu=nopt no_timer_check tsc=reliable "
                "random.trust_cpu=on panic=-1")
        return ["qemu-system-x86_64", "-nodefaults", "-no-user-config", "-no-reboot", "-display", "none", "-M", "q35", "-accel",
                "tcg,thread=multi", "-cpu", self.cpu, *nodes, "-device", "intel-iommu,intremap=on", *nics,
                "-device", "virtio-rng-pci,bus=pcie.0",
                "-chardev", f"file,id=console,path={self.console}", "-serial", "chardev:console",
                "-chardev", f"socket,id=requests,path={self.room}/requests,server=on,wait=off", "-serial", "chardev:requests",
                "-qmp", f"unix:{self.room}/qmp,server=on,wait=off",
                "-kernel", self.kernel, "-initrd", self.initramfs, "-append", line]

    def start(self, seconds=300):
        """Returns when its first program takes requests."""
        self.began = time.monotonic()
        log = open(os.path.join(self.room, "qemu.log"), "w", encoding="utf-8")
        with log:
            self.process = subprocess.Popen([*self.network.within, *self.command()], stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log, preexec_fn=ends_with_us)
        self.requests = self.connect("requests")
        threading.Thread(target=self.read, daemon=True).start()
        self.monitor = self.connect("qmp").makefile("rw", encoding="utf-8")
        self.monitor.readline()  # its greeting
        self.ask_monitor("qmp_capabilities")
        if not self.wait_for(lambda: "ready" in self.lines, seconds):
            raise MachineError(f"the emulated machine was not ready after {seconds} s")

    def connect(self, name):
        for _ in range(200):
            channel = socket.socket(socket.AF_UNIX)
            try:
                channel.connect(os.path.join(self.room, name))
                return channel
            except OSError:
                channel.close()
            if self.process.poll() is not None:
                break
            time.sleep(0.05)
        with open(os.path.join(self.room, "qemu.log"), encoding="utf-8", errors="replace") as log:
            raise MachineError(f"QEMU does not start: {log.read().strip()[-500:] or self.process.poll()}")

    def read(self):
        for line in self.requests.makefile("r", encoding="utf-8", errors="replace"):
            with self.news:
                self.lines.append(line.rstrip("\r\n"))
                self.news.notify_all()
        with self.news:
            self.requests = None
            self.news.notify_all()

    def wait_for(self, good, seconds):
        with self.news:
            return self.news.wait_for(lambda: good() or self.requests is None, seconds) and good()

    def run(self, command, seconds=300):
        """Exit code and output of a shell command in the machine."""
        self.number += 1
        mark = f"{self.number}|", f"{self.number}="
        packed = base64.b64encode(command.encode()).decode()
        with self.news:
            self.lines.clear()
            if self.requests is None:
                raise MachineError(f"the emulated machine is gone; `{command}` was not run")
            self.requests.sendall(f"{self.number} {packed}\n".encode())
        if not self.wait_for(lambda: any(line.startswith(mark[1]) for line in self.lines), seconds):
            raise MachineError(f"`{command}` did not end in the emulated machine within {seconds} s")
        said = [line[len(mark[0]):] for line in self.lines if line.startswith(mark[0])]
        code = next(int(line[len(mark[1]):]) for line in self.lines if line.startswith(mark[1]))
        return code, "\n".join(said)

    def must(self, command, seconds=300):
        """The output of a command that is to end well."""
        code, said = self.run(command, seconds)
        if code != 0:
            raise MachineError(f"`{command}` ended with {code} in the emulated machine: {said[-500:]}")
        return said

    def ask_monitor(self, command, **arguments):
        print(json.dumps({"execute": command, "arguments": arguments}), file=self.monitor, flush=True)
        while True:
            answer = json.loads(self.monitor.readline() or "{}")
            if "return" in answer:
                return answer["return"]
            if "event" not in answer:
                raise MachineError(f"QEMU's monitor refuses {command}: {answer.get('error', 'it is gone')}")

    def set_link(self, nic, up):
        self.ask_monitor("set_link", name=f"nic{nic}", up=up)

    def console_text(self):
        try:
            with open(self.console, encoding="utf-8", errors="replace") as file:
                return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]|\r", "", file.read())
        except OSError:
            return ""

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
