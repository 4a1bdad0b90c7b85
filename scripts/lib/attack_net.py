"""The wire of scripts/attack: server and swarm as in the demo, and an attacker on the same network that can send under any address."""

import json
import os
import subprocess

import demo_net
from demo_net import run


class Attacked:
    """What the wires of an attack have besides those of the demo."""

    source = None  # of --source
    usual_source = "198.18.0.0/15"

    def source_options(self):
        return ["--source", self.source or self.usual_source]


class HubWire(Attacked, demo_net.AfXdpWire):
    """Server and swarm on AF_XDP, each in a namespace, joined by a bridge in a third. The attacker sits on the bridge's
    port towards the server: it sends frames of its own there, hears what comes back to that port's link address, and
    overhears the players on the port towards them. (What AF_XDP sends passes no tap; on the bridge it does.)"""

    words = "AF_XDP on two veth pairs, joined by a bridge on which the attacker sits"
    attack_prefix = []
    on_the_wire = False

    def __init__(self, directory, run_name, xdp_filter=False, queues=1):
        super().__init__(directory, run_name, xdp_filter, queues)
        self.hub = f"{run_name}-hub"
        self.spaces.append(self.hub)
        self.ports = [f"srd{os.getpid()}p", f"srd{os.getpid()}q"]
        self.bridge = f"srd{os.getpid()}b"
        self.attack_prefix = ["ip", "netns", "exec", self.hub]

    def lay(self):
        for space in self.spaces:
            run("ip", "netns", "add", space)
        # No host speaks on this wire by itself, or every frame would not be ours.
        for space in self.spaces:
            run("ip", "netns", "exec", space, "sh", "-c",
                "echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6", must=False)
        run("ip", "-n", self.hub, "link", "add", self.bridge, "type", "bridge", "mcast_snooping", "0", "stp_state", "0")
        # A bridge that asks the firewall about every frame costs the cores more than the servers and players on them do.
        for table in ("ip", "ip6", "arp"):
            run("ip", "netns", "exec", self.hub, "sh", "-c",
                f"echo 0 >/proc/sys/net/bridge/bridge-nf-call-{table}tables", must=False)
        run("ip", "-n", self.hub, "link", "set", self.bridge, "up")
        for space, end, port in zip(self.spaces, self.ends, self.ports):
            run("ip", "link", "add", end, "netns", space, "numrxqueues", "1", "numtxqueues", "1", "type", "veth", "peer",
                "name", port, "netns", self.hub, "numrxqueues", "1", "numtxqueues", "1")
            for where, link in ((space, end), (self.hub, port)):
                run("ip", "netns", "exec", where, "ethtool", "-K", link, "tx", "off", "gro", "off", must=False)
            run("ip", "-n", self.hub, "link", "set", port, "master", self.bridge)
            run("ip", "-n", self.hub, "link", "set", port, "up")
            run("ip", "-n", space, "link", "set", end, "up")

    def attack_options(self):
        shown = subprocess.run(["ip", "-n", self.spaces[0], "-json", "link", "show", self.ends[0]], check=True,
                               stdout=subprocess.PIPE, text=True)
        return [*self.source_options(), "--interface", self.ports[0], "--server-mac", json.loads(shown.stdout)[0]["address"],
                "--sniff", self.ports[1]]


class LoopbackWire(Attacked, demo_net.SocketWire):
    """Kernel sockets: the attacker has addresses of 127.1.0.0/16, and overhears the players when it may."""

    attack_prefix = []
    on_the_wire = False
    usual_source = "127.1.0.0/16"

    def attack_options(self):
        return [*self.source_options(), *(["--sniff", "lo"] if os.geteuid() == 0 else [])]


class TwoMemifWire(Attacked, demo_net.MemifWire):
    """Shared memory from the swarm to the attacker and from it to the server: it stands on the wire, passes on what the
    others say, and no kernel takes part. The rings are as long as the demo's: what they lose while the host has a core for
    itself is mostly the players', which are then a tick late."""

    words = "memif, with the attacker on the wire between swarm and server"
    attack_prefix = []
    on_the_wire = True
    many_queues = False  # the attacker passes on one

    def swarm_eal(self):
        return ["--no-pci", self.vdev("client", "players")]

    def attack_eal(self):
        return ["--no-pci", self.vdev("server", "players", 0), self.vdev("client", "memif", 1)]

    def attack_options(self):
        return [*self.source_options(), "--bridge", "--wait"]


WIRES = {"af_xdp": HubWire, "memif": TwoMemifWire, "socket": LoopbackWire}
