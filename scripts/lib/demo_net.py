"""The wire between server and swarm, one class a driver: which EAL arguments and addresses each side gets, and what must
be made before and removed after. Used by demo_run.py as context managers."""

import os
import socket
import subprocess


class WireError(Exception):
    """What keeps the wire from being laid, as one sentence for a person."""


def run(*command, must=True):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if must and done.returncode:
        raise WireError(f"`{' '.join(command)}` failed: {done.stdout.strip() or done.returncode}")
    return done.returncode == 0


def hugepage_bytes_free():
    values = {}
    with open("/proc/meminfo", encoding="ascii") as file:
        for line in file:
            name, _, rest = line.partition(":")
            values[name] = int(rest.split()[0])
    return values.get("HugePages_Free", 0) * values.get("Hugepagesize", 0) * 1024


def memory_arguments(megabytes, processes):
    """EAL's memory options, and what they are in words. Hugepages when enough are free for every process."""
    free, wanted = hugepage_bytes_free() >> 20, megabytes * processes
    if free >= wanted:
        return ["--in-memory", "-m", str(megabytes)], "hugepages"
    few = f"; of hugepages {free} MB are free, {wanted} wanted" if free else ""
    return ["--no-huge", "--no-shconf", "-m", str(megabytes)], f"no hugepages (4 KiB pages{few})"


class Wire:
    """What all drivers share. `server_driver` and `swarm_driver` are for the programs' --driver."""

    server_driver = swarm_driver = "ethdev"
    server_address, swarm_address = "10.77.0.1", "10.77.0.2"
    port = 40000
    words = ""
    server_options = []  # of serried-server, that belong to the wire
    many_queues = False  # whether the server may have several io lanes on it
    swarm_options = []  # of serried-swarm

    def __init__(self, directory, run_name, xdp_filter=False, queues=1):
        self.directory, self.run_name, self.xdp_filter, self.queues = directory, run_name, xdp_filter, queues

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    server_prefix = []  # commands that put a process where its end of the wire is
    swarm_prefix = []

    def server_eal(self):
        return []

    def swarm_eal(self):
        return []


class SocketWire(Wire):
    server_driver = swarm_driver = "socket"
    server_address = swarm_address = "127.0.0.1"
    words = "kernel UDP sockets over loopback"
    many_queues = True

    def __enter__(self):
        # Loopback is shared: take a port that is free, not one that another run may hold.
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind((self.server_address, 0))
            self.port = probe.getsockname()[1]
        return self

    def server_eal(self):
        return ["--no-pci"]


class MemifWire(Wire):
    words = "memif: shared memory between two processes"
    server_options = ["--verify-udp-checksum", "off"]  # memory has checksums of its own
    many_queues = True
    ring_bits = 13  # 8,192 frames: what 10,000 players are sent while the host has the other core for itself

    def vdev(self, role, wire="memif", device=0):
        path = os.path.join(self.directory, f"{wire}.sock")
        return f"--vdev=net_memif{device},role={role},socket={path},socket-abstract=no,rsize={self.ring_bits}"

    def server_eal(self):
        return ["--no-pci", self.vdev("server")]

    def swarm_eal(self):
        return ["--no-pci", self.vdev("client")]

    @property
    def swarm_options(self):
        # Nothing on the way spreads frames over the server's queues: the sender does.
        return ["--queues", str(self.queues)]


class VethWire(Wire):
    """A veth pair, each end in a network namespace of its own, each driven by a DPDK port."""

    device = ""

    def __init__(self, directory, run_name, xdp_filter=False, queues=1):
        super().__init__(directory, run_name, xdp_filter, queues)
        self.spaces = [f"{run_name}-server", f"{run_name}-swarm"]
        # Names of interfaces have 15 characters at most.
        self.ends = [f"srd{os.getpid()}s", f"srd{os.getpid()}c"]
        self.server_prefix, self.swarm_prefix = (["ip", "netns", "exec", space] for space in self.spaces)

    def __enter__(self):
        if os.geteuid() != 0:
            raise WireError("this driver makes network namespaces and needs root; as a user take --driver socket or memif")
        try:
            self.lay()
            if self.xdp_filter:
                # Only datagrams for the server reach it then. The kernel answers ARP, so it must have the address.
                run("ip", "-n", self.spaces[0], "address", "add", f"{self.server_address}/24", "dev", self.ends[0])
        except BaseException:
            self.__exit__()
            raise
        return self

    def lay(self):
        for space in self.spaces:
            run("ip", "netns", "add", space)
        run("ip", "link", "add", self.ends[0], "netns", self.spaces[0], "numrxqueues", "1", "numtxqueues", "1",
            "type", "veth", "peer", "name", self.ends[1], "netns", self.spaces[1], "numrxqueues", "1", "numtxqueues", "1")
        for space, end in zip(self.spaces, self.ends):
            # The kernel says nothing here by itself: every frame on the wire is ours.
            run("ip", "netns", "exec", space, "sh", "-c",
                f"echo 1 >/proc/sys/net/ipv6/conf/{end}/disable_ipv6", must=False)
            run("ip", "netns", "exec", space, "ethtool", "-K", end, "tx", "off", "gro", "off", must=False)
            run("ip", "-n", space, "link", "set", end, "up")

    def __exit__(self, *_):
        for space, end in zip(self.spaces, self.ends):
            run("ip", "-n", space, "link", "set", end, "xdp", "off", must=False)
        run("ip", "-n", self.spaces[0], "link", "delete", self.ends[0], must=False)
        for space in self.spaces:
            run("ip", "netns", "delete", space, must=False)

    def vdev(self, end):
        raise NotImplementedError

    def server_eal(self):
        return ["--no-pci", self.vdev(self.ends[0])]

    def swarm_eal(self):
        return ["--no-pci", self.vdev(self.ends[1])]


class AfXdpWire(VethWire):
    words = "AF_XDP on both ends of a veth pair, in two network namespaces"

    def vdev(self, end):
        # The default busy budget halves the rate on a veth.
        return f"--vdev=net_af_xdp0,iface={end},busy_budget=0"


class AfPacketWire(VethWire):
    words = "AF_PACKET on both ends of a veth pair, in two network namespaces"

    def lay(self):
        super().lay()
        for space, end in zip(self.spaces, self.ends):
            # The packet socket has its copy before this: the kernel's own stack need not look at the frames again.
            if run("ip", "netns", "exec", space, "tc", "qdisc", "add", "dev", end, "clsact", must=False):
                run("ip", "netns", "exec", space, "tc", "filter", "add", "dev", end, "ingress", "matchall", "action",
                    "drop", must=False)

    def vdev(self, end):
        return f"--vdev=net_af_packet0,iface={end},qdisc_bypass=1,blocksz=65536,framesz=2048,framecnt=4096"


WIRES = {"af_xdp": AfXdpWire, "af_packet": AfPacketWire, "memif": MemifWire, "socket": SocketWire}
