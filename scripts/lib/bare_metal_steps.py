"""The steps of scripts/test-bare-metal, in their order: what is done to the emulated machine, and what must come of it. No
time is asserted: the CPUs are emulated."""

from bare_metal_machine import NIC_MAC, NIC_PCI, NODES, QUEUES, MachineError
from bare_metal_server import Server, Swarm

PAGES = 256  # hugepages of a node
VLAN = 42
HUGEPAGES = "/sys/devices/system/node/node{}/hugepages/hugepages-2048kB"


class Steps:
    """`check(good, what, detail)` counts what was asserted. A step that needs the server has it, and leaves it running for
    the next."""

    def __init__(self, machine, network, room, logs, programs, check):
        self.machine, self.network, self.room, self.logs, self.programs = machine, network, room, logs, programs
        self.check, self.server, self.swarms = check, None, []

    def has_server(self):
        if self.server is None:
            self.server = Server(self.machine, self.logs)
            self.server.wait_until_ready()
        return self.server

    def swarm(self, server, bots, seconds, *more):
        swarm = Swarm(self.network, self.room, self.logs, self.programs["serried-swarm"], server, bots, seconds, more)
        self.swarms.append(swarm)
        return swarm

    def played(self, swarm, where):
        """Waits for its end. All its bots played, and none saw what the server does not know of."""
        code, figures = swarm.wait_for_end()
        self.check(code == 0 and figures.get("connected") == swarm.bots and figures.get("errors") == 0
                   and figures.get("view_mismatches") == 0 and figures.get("audits", 0) > swarm.bots,
                   f"{swarm.bots} players {where}: no error, and every view as the server has it",
                   f"exit code {code}, {figures or 'no figures'}; {swarm.log_file}")
        return figures

    def free_pages(self):
        return [int(self.machine.must(f"cat {HUGEPAGES.format(node)}/free_hugepages")) for node in range(NODES)]

    # The machine itself

    def machine_is_made(self):
        """Two NUMA nodes, a NIC on each, behind an IOMMU."""
        nodes = self.machine.must("cat /sys/devices/system/node/online")
        self.check(nodes == "0-1", "there are two NUMA nodes", nodes)
        for i, nic in enumerate(NIC_PCI):
            said = self.machine.must(f"cd /sys/bus/pci/devices/{nic}; cat numa_node; ls iommu_group/devices; cat virtio*/net/*/address")
            self.check(said.split() == [str(i), nic, NIC_MAC[i]], f"NIC {i} is on node {i}, alone in its IOMMU group", said)

    def prepare(self):
        """Hugepages on both nodes, and the NICs with vfio-pci."""
        for node in range(NODES):
            self.machine.must(f"echo {PAGES} >{HUGEPAGES.format(node)}/nr_hugepages")
        # kmod loads the second with the first; busybox does not.
        self.machine.must("modprobe vfio-pci; modprobe vfio_iommu_type1")
        for nic in range(NODES):
            self.bind(nic, "vfio-pci")
        self.check(self.free_pages() == [PAGES] * NODES, f"{PAGES} hugepages on each node", str(self.free_pages()))

    def bind(self, nic, driver):
        """Give a NIC to a driver, as dpdk-devbind.py does."""
        at = f"/sys/bus/pci/devices/{NIC_PCI[nic]}"
        self.machine.must(f"echo {driver} >{at}/driver_override; test -e {at}/driver && echo {NIC_PCI[nic]} >{at}/driver/unbind; "
                          f"echo {NIC_PCI[nic]} >/sys/bus/pci/drivers_probe")
        said = self.machine.must(f"basename $(readlink {at}/driver)")
        self.check(said == driver, f"NIC {nic} is bound to {driver}", said)

    # With the server

    def play(self):
        """Players of both NICs in one world."""
        server = self.has_server()
        swarms = [self.swarm(f"10.77.{nic}.1", 40, 8, "--chats-per-minute", "10") for nic in range(NODES)]
        for nic, swarm in enumerate(swarms):
            figures = self.played(swarm, f"on NIC {nic}")
            tracked = figures.get("tracked_per_bot", 0)
            self.check(tracked > swarm.bots, f"players on NIC {nic} see players on both", f"each sees {tracked}")
        lanes = {lane["name"]: lane.get("packets", 0) for lane in server.status()["lanes"]}
        idle = [f"io{i}" for i in range(QUEUES) if not lanes.get(f"io{i}")]
        self.check(not idle, "every io lane has packets", f"{lanes}")

    def move(self):
        """Flows of players move to other queues, and to the other NIC."""
        server = self.has_server()
        before = server.status()["sessions"]
        roaming = self.swarm("10.77.0.1", 20, 12, "--roam-per-minute", "30")
        self.network.lead_to(0)
        moving = self.swarm(f"[{self.network.shared_server}]", 20, 12)
        if not moving.wait_until_all_play():
            raise MachineError("not all bots at the shared address came to play")
        self.network.lead_to(1)
        self.played(roaming, "whose ports change")
        self.played(moving, "whose NIC changes")
        self.network.lead_to(0)
        after = server.status()["sessions"]
        grown = {name: after[name] - before[name] for name in ("roamed", "handed_over", "timed_out")}
        self.check(grown["roamed"] >= roaming.bots, "the server follows players to their new ports", str(grown))
        self.check(grown["handed_over"] > 0, "what comes by another lane's queue is handed over", str(grown))
        self.check(grown["timed_out"] == 0, "no session is lost", str(grown))

    def link(self):
        """A link goes down, and comes up again."""
        server = self.has_server()
        swarms = [self.swarm(f"10.77.{nic}.1", 20, 15) for nic in range(NODES)]
        for swarm in swarms:
            if not swarm.wait_until_all_play():
                raise MachineError("not all bots came to play")
        self.machine.set_link(1, False)
        self.check(server.wait_for_text(f"link of {NIC_PCI[1]} is down"), "the server says that the link is down")
        self.machine.set_link(1, True)
        self.check(server.wait_for_text(f"link of {NIC_PCI[1]} is up again"), "the server says that the link is up again")
        for nic, swarm in enumerate(swarms):
            self.played(swarm, f"on NIC {nic}, over the link's fall" if nic == 1 else "on the other NIC")

    def end(self):
        """The server ends, and leaves nothing."""
        server = self.has_server()
        code, summary = server.stop()
        self.server = None
        self.check(code == 0, "the server ends with exit code 0", str(code))
        self.check(summary.get("accounting", {}).get("balanced") is True, "every frame is accounted for", str(summary.get("accounting")))
        self.check(self.free_pages() == [PAGES] * NODES, "all hugepages are free again", str(self.free_pages()))

    def restart(self):
        """The server is killed while players play; the NICs are reset, go back to the kernel's driver, and come again."""
        server = self.has_server()
        swarm = self.swarm("10.77.0.1", 20, 60)
        swarm.wait_until_all_play()
        server.signal("KILL")
        code = server.wait_for_end()
        self.server = None
        swarm.stop()
        self.check(code == 137, "the server is killed while players play", str(code))
        self.check(self.free_pages() == [PAGES] * NODES, "all hugepages are free again", str(self.free_pages()))
        for nic in range(NODES):
            self.machine.must(f"echo 1 >/sys/bus/pci/devices/{NIC_PCI[nic]}/reset")
            self.bind(nic, "virtio-pci")
            said = self.machine.must(f"dev=$(ls /sys/bus/pci/devices/{NIC_PCI[nic]}/virtio*/net); ip address add 10.77.{nic}.1/24 dev $dev; ip link set $dev up; "
                                     f"ping -c 1 -W 30 10.77.{nic}.2 >/dev/null && echo answered", 90)
            self.check(said == "answered", f"the kernel speaks by NIC {nic}", said)
            self.bind(nic, "vfio-pci")
        self.has_server()
        swarms = [self.swarm(f"10.77.{nic}.1", 20, 4) for nic in range(NODES)]
        for nic, swarm in enumerate(swarms):
            self.played(swarm, f"on NIC {nic} after all that")

    def unbind(self):
        """A NIC is unbound from vfio-pci under the server, which lets go of it and ends."""
        server = self.has_server()
        at = f"/sys/bus/pci/devices/{NIC_PCI[1]}"
        # It waits for the server, so not here.
        self.machine.must(f"(echo {NIC_PCI[1]} >{at}/driver/unbind; echo done >/run/unbound) >/dev/null 2>&1 &")
        self.check(server.wait_for_text(f"{NIC_PCI[1]}: the system takes it away"), "the server says that the NIC is taken away")
        code = server.wait_for_end()
        self.server = None
        self.check(code == 1, "the server ends with exit code 1", str(code))
        said = self.machine.must("for i in $(seq 600); do test -e /run/unbound && break; usleep 100000; done; cat /run/unbound")
        self.check(said == "done", "the NIC is unbound", said)
        self.check(self.free_pages() == [PAGES] * NODES, "all hugepages are free again", str(self.free_pages()))
        self.bind(1, "vfio-pci")
        self.has_server()
        self.played(self.swarm("10.77.1.1", 20, 4), "on NIC 1, bound again")

    def dispatch(self):
        """On a CPU without AVX the functions for SSE4.2 run."""
        server = self.has_server()
        said = server.log()
        self.check("isa=sse4.2 " in said, "the functions for SSE4.2 are chosen")
        self.played(self.swarm("10.77.0.1", 20, 4), "on a Nehalem")
        faults = self.machine.must("dmesg | grep -E 'trap|segfault|general protection' || true")
        self.check(faults == "", "nothing faults", faults)

    # At night

    def plain(self):
        """NICs that compute no checksum and spread nothing: lanes do it."""
        server = self.has_server()
        said = server.log()
        self.check(said.count("checksums rx ip software udp software, tx ip software udp software; RSS none") == NODES,
                   "the server says that checksums are its own, and that the driver spreads nothing")
        swarms = [self.swarm(f"10.77.{nic}.1", 20, 6) for nic in range(NODES)]
        for nic, swarm in enumerate(swarms):
            self.played(swarm, f"on NIC {nic}")

    def jumbo(self):
        """Frames that are too large come, and harm nothing."""
        server = self.has_server()
        before = server.status()["drops"]
        swarm = self.swarm("10.77.0.1", 20, 8)
        if not swarm.wait_until_all_play():
            raise MachineError("not all bots came to play")
        self.network.send_large("10.77.0.1", [1300, 1472, 1473, 1600, 2000, 3000, 8900], 20)
        self.played(swarm, "beside large frames")
        after = server.status()["drops"]
        grown = {name: after.get(name, 0) - before.get(name, 0) for name in after}
        self.check(grown.get("long_datagram", 0) > 0, "datagrams of 1,300 bytes are counted drops", str(grown))
        if "mrg_rxbuf=off" not in self.machine.nic_options:  # without, QEMU itself drops what one buffer does not hold
            self.check(grown.get("bad_frame", 0) > 0, "frames of several buffers are counted drops", str(grown))

    def vlan(self):
        """The server in a VLAN: players in it play, others do not reach it."""
        self.end_quietly()
        self.server = Server(self.machine, self.logs, more=("--vlan", str(VLAN)))
        self.server.wait_until_ready()
        self.network.lay_vlan(0, VLAN)
        self.played(self.swarm("10.77.0.1", 20, 5), f"in VLAN {VLAN}")
        self.network.remove_vlan()
        outside = self.swarm("10.77.0.1", 2, 5, "--hold", "0")
        _, figures = outside.wait_for_end()
        self.check(figures.get("connected") == 0, "a player without a tag does not reach the server", str(figures))
        self.end_quietly()

    def end_quietly(self):
        """The server is gone; what it says at its end was asserted by another step."""
        if self.server is not None:
            self.server.stop()
            self.server = None

    def stop_all(self):
        for swarm in self.swarms:
            swarm.stop()


class Boot:
    """Steps by name, in the order in which they run, on a machine with this CPU and NICs with these options."""

    def __init__(self, title, cpu, steps, nic_options="", nightly=False):
        self.title, self.cpu, self.steps, self.nic_options, self.nightly = title, cpu, steps, nic_options, nightly

    def steps_of(self, nightly):
        return [(name, step) for name, step in self.steps if nightly or name not in NIGHTLY]


NIGHTLY = ("jumbo", "vlan")
BOOTS = [
    Boot("every feature of QEMU's CPU and NIC", "max", [
        ("machine", Steps.machine_is_made), ("prepare", Steps.prepare), ("play", Steps.play), ("move", Steps.move),
        ("link", Steps.link), ("jumbo", Steps.jumbo), ("end", Steps.end), ("restart", Steps.restart), ("unbind", Steps.unbind), ("end", Steps.end),
        ("vlan", Steps.vlan)]),
    Boot("a CPU without AVX", "Nehalem", [("prepare", Steps.prepare), ("dispatch", Steps.dispatch), ("end", Steps.end)]),
    Boot("NICs without offloads", "max", [
        ("prepare", Steps.prepare), ("plain", Steps.plain), ("jumbo", Steps.jumbo), ("end", Steps.end)],
        nic_options=",csum=off,guest_csum=off,rss=off,hash=off,mrg_rxbuf=off", nightly=True),
]
# What every boot begins with, whichever steps are asked for.
ALWAYS = ("prepare",)
