"""The steps of scripts/test-bare-metal, in their order: what is done to the emulated machine, and what must come of it. No
time is asserted: the CPUs are emulated."""

import json
import re
import shlex
import time

from bare_metal_machine import NIC_MAC, NIC_PCI, NODES, QUEUES, MachineError
from bare_metal_server import PATIENCE_S, Server, Swarm, server_words

VLAN = 42
HUGEPAGES = "/sys/devices/system/node/node{}/hugepages/hugepages-2048kB"


class Steps:
    """`check(good, what, detail)` counts what was asserted. A step that needs the server has it, and leaves it running for
    the next."""

    def __init__(self, boot, machine, network, room, logs, programs, check):
        self.boot, self.machine, self.network, self.room, self.logs, self.programs = boot, machine, network, room, logs, programs
        self.check, self.server, self.swarms, self.pages = check, None, [], []

    def words(self, more=()):
        return server_words(self.boot.profile, self.boot.io_lanes, [*self.boot.words, *more])

    def start_server(self, *more):
        self.server = Server(self.machine, self.logs, self.words(more))
        self.server.wait_until_ready()

    def has_server(self):
        if self.server is None:
            self.start_server()
        return self.server

    def swarm(self, server, bots, seconds, *more, **settings):
        swarm = Swarm(self.network, self.room, self.logs, self.programs["serried-swarm"], server, bots, seconds, more, **settings)
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

    def ask_check(self):
        """Exit code and findings of the server's --check, with the words that it is started with."""
        code, said = self.machine.run(shlex.join(self.words(["--check", "--json"])))
        try:
            return code, json.loads(said)
        except ValueError:
            raise MachineError(f"`serried-server --check` ended with {code}: {said[-500:]}") from None

    def prepare(self):
        """The machine lacks what --check says, and has everything when its commands are done."""
        code, found = self.ask_check()
        lacks = [item for item in found["items"] if item["state"] not in ("ok", "advised", "not needed")]
        said = sorted({(item["item"], item["subject"]) for item in lacks})
        wanted = sorted([("hugepages", ""), ("vfio", ""), *(("binding", nic) for nic in NIC_PCI)])
        self.check(code == 1 and not found["ready"] and said == wanted and all(item["changes"] for item in lacks),
                   "--check misses hugepages, the module of VFIO and the binding of each NIC, and knows commands for them",
                   f"exit code {code}, {lacks}")
        for change in (change for item in lacks for change in item["changes"]):
            if change["kind"] == "module":
                # kmod loads the second with the first; busybox does not.
                self.machine.must(f"{change['command']}; modprobe vfio_iommu_type1")
            elif change["kind"] == "value":
                self.machine.must(change["command"])
        for nic in range(NODES):
            self.bind(nic, "vfio-pci")
        code, found = self.ask_check()
        bad = [item for item in found["items"] if item["state"] in ("missing", "cannot tell")]
        self.check(code == 0 and found["ready"] and not bad, "after its commands --check has everything", f"exit code {code}, {bad}")
        self.pages = self.free_pages()
        self.check(min(self.pages) > 0, f"there are hugepages on each node: {self.pages}")

    def bind(self, nic, driver):
        """Give a NIC to a driver, as dpdk-devbind.py does."""
        at = f"/sys/bus/pci/devices/{NIC_PCI[nic]}"
        self.machine.must(f"echo {driver} >{at}/driver_override; test -e {at}/driver && echo {NIC_PCI[nic]} >{at}/driver/unbind; "
                          f"echo {NIC_PCI[nic]} >/sys/bus/pci/drivers_probe")
        said = self.machine.must(f"basename $(readlink {at}/driver)")
        self.check(said == driver, f"NIC {nic} is bound to {driver}", said)

    # With the server

    def play(self):
        """Players of both NICs in one world, each NIC's by the lanes at home there."""
        server = self.has_server()
        swarms = [self.swarm("10.77.0.1", 40, PATIENCE_S, "--chats-per-minute", "10")]
        swarms[0].must_all_play()
        print(f"    the first player: {swarms[0].first_played - self.machine.began:.1f} s after the machine's start, "
              f"{swarms[0].first_played - server.began:.1f} s after the server's", flush=True)
        lanes = self.packets_of_lanes()
        self.check(lanes["io0"] > 0 and lanes["io1"] > 0 and lanes["io2"] == 0 and lanes["io3"] == 0,
                   "with players on NIC 0 alone its two lanes have packets, and no others", f"{lanes}")
        swarms.append(self.swarm("10.77.1.1", 40, PATIENCE_S, "--chats-per-minute", "10"))
        swarms[1].must_all_play()
        time.sleep(8)
        for swarm in swarms:
            swarm.finish()
        for nic, swarm in enumerate(swarms):
            figures = self.played(swarm, f"on NIC {nic}")
            tracked = figures.get("tracked_per_bot", 0)
            self.check(tracked > swarm.bots, f"players on NIC {nic} see players on both", f"each sees {tracked}")
        lanes = self.packets_of_lanes()
        self.check(all(lanes.get(f"io{i}") for i in range(QUEUES)), "every io lane has packets", f"{lanes}")
        handed = server.status()["sessions"]["handed_over"]
        self.check(handed == 0, "what players send comes by the queue of their lane: nothing is handed over", str(handed))

    def packets_of_lanes(self):
        return {lane["name"]: lane.get("packets", 0) for lane in self.has_server().status()["lanes"]}

    def places(self):
        """Lanes, buffers and columns are on their node, and a NIC has the queues that its lanes need."""
        server = self.has_server()
        said, status = server.log(), server.status()
        node_of = {lane["name"]: lane["node"] for lane in status["lanes"]}
        io_lanes, at_home = self.boot.io_lanes, self.boot.io_lanes // NODES
        wanted = {f"io{i}": i // at_home for i in range(io_lanes)}
        wanted.update({f"shard{i}": node for i, node in enumerate(self.boot.shard_nodes)})
        self.check({name: node_of.get(name) for name in wanted} == wanted, f"lanes run where they are to: {wanted}", f"{node_of}")
        for nic in range(NODES):
            lanes = " ".join(name for name in wanted if name.startswith("io") and wanted[name] == nic)
            drawn = re.search(rf"placement node {nic}: .*", said)
            self.check(drawn and f"{NIC_PCI[nic]} -> {lanes}" in drawn[0] and all(lane in drawn[0] for lane in lanes.split()),
                       f"the log draws {lanes} beside NIC {nic}", drawn[0] if drawn else "nothing is drawn of the node")
            port = re.search(rf"port {NIC_PCI[nic]} .*", said)
            self.check(port and f"NUMA {nic}," in port[0] and f"{at_home} receive and {io_lanes} transmit queues" in port[0],
                       f"NIC {nic} has receive queues for the lanes at home, {at_home}, and transmit queues for all, {io_lanes}",
                       port[0] if port else "its line is not there")
        placed = {(row["lane"], row["part"]): row for row in status["memory"]["placed"]}
        parts = [(lane, "lane") for lane in wanted] + [(f"shard{i}", "world") for i in range(len(self.boot.shard_nodes))]
        parts += [(f"io{i}", f"buffers of {NIC_PCI[i // at_home]}") for i in range(io_lanes)]
        wrong = {part: placed.get(part) for part in parts
                 if part not in placed or placed[part]["node"] != wanted[part[0]] or placed[part]["pages_there"] == 0}
        self.check(not wrong, "memory of lanes, buffers and columns is counted, and asked for on their node", f"{wrong}")
        strays = [row for row in placed.values() if row["pages_elsewhere"] * 64 > row["pages_there"]]
        self.check(not strays, "their pages lie there", f"{strays}")
        used = [before - now for before, now in zip(self.pages, self.free_pages())]
        self.check(min(used) > 0, f"hugepages of both nodes are in use: {used}")

    def move(self):
        """Flows of players move to other queues, and to the other NIC."""
        server = self.has_server()
        before = server.status()["sessions"]
        roaming = self.swarm("10.77.0.1", 20, 12, "--roam-per-minute", "30")
        self.network.lead_to(0)
        moving = self.swarm(f"[{self.network.shared_server}]", 20, 12)
        moving.must_all_play()
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
            swarm.must_all_play()
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
        said = server.last_log
        self.check(all(re.search(rf"buffers of {nic}: all \d+ came back", said) for nic in NIC_PCI), "every buffer came back",
                   "\n".join(line for line in said.splitlines() if "buffers of" in line))
        self.check(self.free_pages() == self.pages, "all hugepages are free again", str(self.free_pages()))

    def restart(self):
        """The server is killed while players play; the NICs are reset, go back to the kernel's driver, and come again."""
        server = self.has_server()
        swarm = self.swarm("10.77.0.1", 20, 60)
        swarm.must_all_play()
        server.signal("KILL")
        code = server.wait_for_end()
        self.server = None
        swarm.stop()
        self.check(code == 137, "the server is killed while players play", str(code))
        self.check(self.free_pages() == self.pages, "all hugepages are free again", str(self.free_pages()))
        for nic in range(NODES):
            self.machine.must(f"echo 1 >/sys/bus/pci/devices/{NIC_PCI[nic]}/reset")
            self.lend_to_kernel(nic)
        self.has_server()
        swarms = [self.swarm(f"10.77.{nic}.1", 20, 4) for nic in range(NODES)]
        for nic, swarm in enumerate(swarms):
            self.played(swarm, f"on NIC {nic} after all that")

    def lend_to_kernel(self, nic):
        """The kernel's driver has the NIC for a moment, with all its queues."""
        self.bind(nic, "virtio-pci")
        said = self.machine.must(f"dev=$(ls /sys/bus/pci/devices/{NIC_PCI[nic]}/virtio*/net); ip address add 10.77.{nic}.1/24 dev $dev; "
                                 f"ip link set $dev up; ping -c 1 -W 30 10.77.{nic}.2 >/dev/null && echo answered", 90)
        self.check(said == "answered", f"the kernel speaks by NIC {nic}", said)
        self.bind(nic, "vfio-pci")

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
        self.check(self.free_pages() == self.pages, "all hugepages are free again", str(self.free_pages()))
        self.bind(1, "vfio-pci")
        self.has_server()
        self.played(self.swarm("10.77.1.1", 20, 4), "on NIC 1, bound again")

    def reset(self):
        """A NIC is reset behind the server's back: no driver says so, and the server sees that nothing comes."""
        server = self.has_server()
        swarms = [self.swarm(f"10.77.{nic}.1", 20, seconds) for nic, seconds in ((0, 40), (1, 60))]
        for swarm in swarms:
            swarm.must_all_play()
        self.machine.must(f"echo 1 >/sys/bus/pci/devices/{NIC_PCI[1]}/reset")
        self.check(server.wait_for_text(f"nothing came by {NIC_PCI[1]}"), "the server warns that nothing comes by the NIC any more")
        self.played(swarms[0], "on the other NIC")
        swarms[1].stop()
        code, _ = server.stop()
        self.server = None
        self.check(code == 0, "the server ends with exit code 0", str(code))
        self.lend_to_kernel(1)  # QEMU goes on reading only those wires of the NIC whose queues are used anew
        self.has_server()
        self.played(self.swarm("10.77.1.1", 20, 4), "on NIC 1, with a new start of the server")

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

    def intel(self):
        """A driver of a PCI NIC that knows nothing of QEMU."""
        server = self.has_server()
        said = server.log()
        self.check(said.count("(net_e1000_em, ") == NODES, "the driver is net_e1000_em, on both NICs")
        swarms = [self.swarm(f"10.77.{nic}.1", 20, 6) for nic in range(NODES)]
        for nic, swarm in enumerate(swarms):
            self.played(swarm, f"on NIC {nic}")

    def jumbo(self):
        """Frames that are too large come, and harm nothing."""
        server = self.has_server()
        before = server.status()["drops"]
        swarm = self.swarm("10.77.0.1", 20, 8)
        swarm.must_all_play()
        self.network.send_large("10.77.0.1", [1300, 1472, 1473, 1600, 2000, 3000, 8900], 20)
        self.played(swarm, "beside large frames")
        after = server.status()["drops"]
        grown = {name: after.get(name, 0) - before.get(name, 0) for name in after}
        self.check(grown.get("long_datagram", 0) > 0, "datagrams of 1,300 bytes are counted drops", str(grown))
        if "mrg_rxbuf=off" not in self.boot.options:  # without, QEMU itself drops what one buffer does not hold
            self.check(grown.get("bad_frame", 0) > 0, "frames of several buffers are counted drops", str(grown))

    def vlan(self):
        """The server in a VLAN: players in it play, others do not reach it."""
        self.end_quietly()
        self.start_server("--vlan", str(VLAN))
        self.network.lay_vlan(0, VLAN)
        self.played(self.swarm("10.77.0.1", 20, 5), f"in VLAN {VLAN}")
        self.network.remove_vlan()
        outside = self.swarm("10.77.0.1", 2, 5, "--hold", "0", patience_s=10)
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
    """Steps by name, in the order in which they run, on a machine with this CPU and NICs of this model, which have these
    options, and are the server's by this profile. It has so many io lanes, shard lanes that are to be on these nodes, and further words on its command line."""

    def __init__(self, title, steps, cpu="max", nic="virtio", options="", profile="virtio", io_lanes=QUEUES, shard_nodes=(0, 0),
                 words=(), nightly=False):
        self.title, self.steps, self.cpu, self.nic, self.options = title, steps, cpu, nic, options
        self.profile, self.io_lanes, self.shard_nodes, self.nightly = profile, io_lanes, shard_nodes, nightly
        self.words = words

    def steps_of(self, nightly):
        return [(name, step) for name, step in self.steps if nightly or name not in NIGHTLY]


NIGHTLY = ("jumbo", "unbind", "reset", "vlan")
BOOTS = [
    Boot("every feature of QEMU's CPU and NIC", [
        ("machine", Steps.machine_is_made), ("prepare", Steps.prepare), ("play", Steps.play), ("places", Steps.places),
        ("move", Steps.move), ("link", Steps.link), ("jumbo", Steps.jumbo), ("end", Steps.end), ("restart", Steps.restart),
        ("unbind", Steps.unbind), ("reset", Steps.reset), ("end", Steps.end), ("vlan", Steps.vlan)]),
    Boot("a CPU without AVX", [("prepare", Steps.prepare), ("dispatch", Steps.dispatch), ("places", Steps.places), ("end", Steps.end)],
         cpu="Nehalem", io_lanes=2, shard_nodes=(0, 1)),
    Boot("NICs without offloads", [
        ("prepare", Steps.prepare), ("plain", Steps.plain), ("jumbo", Steps.jumbo), ("end", Steps.end)],
         options=",csum=off,guest_csum=off,rss=off,hash=off,mrg_rxbuf=off", words=("--home", "all"), nightly=True),
    Boot("NICs of Intel's, as QEMU has them", [
        ("prepare", Steps.prepare), ("intel", Steps.intel), ("end", Steps.end)],
         nic="e1000e", profile="e1000", io_lanes=1, nightly=True),
]
# What every boot begins with, whichever steps are asked for.
ALWAYS = ("prepare",)
