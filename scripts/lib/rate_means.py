"""The means of scripts/pktgen/measure, one function each: the points that it measures, and the best of those without loss.
A point has these keys:

    means, driver     which
    offered_pps       what the sender sent, or tried to
    carried_pps       what came through
    lost              frames that did not, in the whole trial
    drops             of these and of all others, by reason, the NIC's own among them
    short             the sender could not offer what was asked of it: the point says nothing about the receiver
    ns_per_packet     what a frame costs the receiver's lanes, in or out
    busy              the busy share of the lane that has most to do
    seconds           how long was measured
"""

import json
import os
import re
import signal
import subprocess
import time

import bench_matrix
import demo_net
import demo_run
import rate_search
from process import Process

SEED = 2544
FRAME_BYTES = 136  # of a player's datagram with three inputs, headers included

# Reasons that are no loss of the path that is measured: the end of a session, what a newcomer asks again, messages inside
# of a datagram that was itself delivered, and what was not sent because the client's window is full.
NO_LOSS = {"session_ending", "session_gone", "window_full", "send_queue_full", "bad_connect", "cookie_budget", "attempts_full",
           "attempt_known", "handshake_ring_full"}


class Failed(Exception):
    """A means that could not measure; its own words say why."""


def drop_units():
    """Of each reason of drop.def its unit."""
    with open(os.path.join(demo_run.ROOT, "src/metrics/drop.def"), encoding="utf-8") as file:
        return dict(re.findall(r"^SERRIED_DROP\((\w+),\s*(\w+),", file.read(), re.M))


def losses(drops):
    """Of drops by reason those that are a loss of frames."""
    units = drop_units()
    return {reason: count for reason, count in drops.items()
            if count and reason not in NO_LOSS and units.get(reason) in ("frame", "datagram", "out")}


def point(means, driver, offered, carried, seconds, *, lost=0, drops=None, short=False, ns=None, busy=None):
    return {"means": means, "driver": driver, "offered_pps": offered, "carried_pps": carried, "lost": lost,
            "drops": drops or {}, "short": short, "ns_per_packet": ns, "busy": busy, "seconds": seconds}


def busiest(server):
    return max((lane["busy"] for lane in server.get("lanes", [])), default=None)


def last_words(said):
    return "; the last that was said:\n" + "\n".join(said)


# ---- the swarm

def swarm(options, note):
    """Bots in a world, each of whose inputs is answered. The load is the rate of their inputs."""
    def trial(rate):
        note(f"swarm: {options.players * rate:,} inputs/s")
        cell = {"players": options.players, "rate_hz": rate, "driver": options.driver, "in_view": min(options.players, 50),
                "budget": 1146, "shards": 1, "io_lanes": options.io_lanes, "server_args": ""}
        found, said = bench_matrix.run_cell(options, cell)
        server, bots = found.get("server"), found.get("swarm")
        if not server or not bots:
            raise Failed("swarm: no figures" + last_words(said))
        drops = dict(found["drops"])
        unsent = sum((bots.get("drops") or {}).get(reason, 0) for reason in ("transmit_full", "no_buffer"))
        lost = sum(losses(drops).values()) + unsent
        if unsent:
            drops["sender_ring_full"] = unsent
        offered = bots["tx_pps"]
        sent = server["port"]["rx_frames"] + unsent
        row = {"lanes": bench_matrix.lane_rows(server)}
        return point("swarm", options.driver, offered, offered * (1 - lost / max(sent, 1)) if lost else offered,
                     bots["seconds"], lost=lost, drops=drops, busy=busiest(server), ns=bench_matrix.io_ns(row),
                     short=bots["swarm_behind"] or found["connected"] < options.players)
    return rate_search.search(trial, options.rate, options.steps, options.refine)


# ---- net_pcap and a server in measurement mode

def server_command(options, directory, eal, own):
    """A server of its own, without NPCs: as little else as possible is in the figures."""
    memory, _ = demo_net.memory_arguments(512, 1)
    return [demo_run.program(options, "serried-server"), *demo_run.lcores(demo_run.place()[0]), *memory, *demo_run.QUIET,
            "--file-prefix", f"serried-rate-{os.getpid()}", "--no-pci", *eal, "--", "--address", "10.77.0.1", "--npcs", "0",
            "--players-max", str(options.players), "--sessions-max", str(max(2 * options.players, 1024)),
            *demo_run.spread(options.players, min(options.players, 50)), "--shards", "1", "--io-lanes", str(options.io_lanes),
            "--status", "none", "--json-summary", os.path.join(directory, "server.json"), *own]


def run_server(command, directory, seconds):
    server = Process("server", command, logs=demo_run.log_folder("packet_rate"), shown=False)
    try:
        if server.wait(seconds + 60) is None:
            raise Failed("pcap: the server did not end by itself" + last_words(server.tail))
    finally:
        server.end()
    summary = demo_run.read_summary(os.path.join(directory, "server.json"))
    if not summary:
        raise Failed("pcap: the server left no figures" + last_words(server.tail))
    return summary


def recorded_files(options, directory):
    """What --write-pcap makes for these players, a file for each io lane."""
    base = os.path.join(directory, "inputs.pcap")
    lane_players = -(-options.players // options.io_lanes)
    inputs = max(min(16, 32_000 // lane_players), 3)
    done = subprocess.run([demo_run.program(options, "serried-swarm"), "--write-pcap", base, "--seed", str(SEED), "--bots",
                           str(options.players), "--inputs", str(inputs), "--io-lanes", str(options.io_lanes), "--server",
                           "10.77.0.1:40000"], capture_output=True, text=True)
    if done.returncode:
        raise Failed(f"pcap: {(done.stderr or done.stdout).strip()}")
    return [base] if options.io_lanes == 1 else [f"{base}.{lane}" for lane in range(options.io_lanes)]


def recorded_vdev(files):
    return "net_pcap0," + "".join(f"rx_pcap={file}," for file in files) + "infinite_rx=1"


def pcap(options, note, directory):
    """The ceiling: a file of sealed inputs comes round as fast as the lanes take it. What is offered is what is taken, as
    long as the players are in; what still comes while they are told to go is neither."""
    note(f"pcap: {options.seconds} s of {options.players:,} players from a file")
    files = recorded_files(options, directory)
    found = run_server(server_command(options, directory, ["--vdev", recorded_vdev(files)],
                                      ["--measurement", str(SEED), "--seconds", str(options.seconds), "--coalesce-us", "0",
                                       "--idle-sleep-us", "0"]), directory, options.seconds)
    row = {"lanes": bench_matrix.lane_rows(found)}
    lost = sum(losses({reason: count for reason, count in found["drops"].items() if reason != "unknown_session"}).values())
    rate = found["sessions"]["delivered"] / options.seconds
    measured = point("pcap", "pcap", rate, rate, options.seconds, lost=lost, drops=found["drops"], busy=busiest(found),
                     ns=bench_matrix.io_ns(row))
    return [measured], None


# ---- dpdk-testpmd

class TestPmd:
    """One dpdk-testpmd: its forwarding core and its main core, which only prints, share the CPUs it is given."""

    ready_text = "start packet forwarding"

    def __init__(self, options, name, cores, eal, mode, extra=(), prefix=()):
        cpus = [cores[-1], cores[0]]
        memory, _ = demo_net.memory_arguments(192, 2)
        command = [*prefix, "stdbuf", "-oL", options.testpmd, *demo_run.lcores(cpus), *memory, *demo_run.QUIET, "--no-pci",
                   "--file-prefix", f"serried-rate-{os.getpid()}-{name}", *eal, "--", "--forward-mode", mode,
                   "--stats-period", "1", "--total-num-mbufs", "40960", "--no-lsc-interrupt", "--rxd", "1024", "--txd", "1024",
                   "--record-core-cycles", *extra]
        self.name, self.rates, self.missed = name, {}, 0
        self.process = Process(name, command, logs=demo_run.log_folder("packet_rate"), shown=False, ready_text=self.ready_text)

    def wait_ready(self):
        limit = time.monotonic() + 60
        while not self.process.ready.wait(0.1):
            if not self.process.running() or time.monotonic() > limit:
                raise Failed(f"testpmd: {self.name} did not start" + last_words(self.process.tail))

    def text(self):
        with open(self.process.log, encoding="utf-8", errors="replace") as log:
            return log.read()

    def note_rates(self):
        """Frames a second, received and sent: the means of what it has printed each second so far, but for the first, which is
        short. To be noted before either side leaves: some drivers forget what they counted when their peer does."""
        text = self.text()
        for way in ("Rx", "Tx"):
            seen = [int(value) for value in re.findall(rf"{way}-pps:\s+(\d+)", text)][1:]
            if not seen:
                raise Failed(f"testpmd: {self.name} printed no rates" + last_words(self.process.tail))
            self.rates[way] = sum(seen) / len(seen)
        self.missed = int(re.findall(r"RX-missed:\s+(\d+)", text)[-1])

    def end(self):
        self.process.end()

    def tx_dropped(self):
        """Frames that found no room in the transmit ring, of the whole run; when it has ended."""
        text = self.text()
        return sum(map(int, re.findall(r"TX-dropped:\s+(\d+)", text[text.rfind("Accumulated forward statistics"):])))

    def ns_per_packet(self):
        found = re.search(r"CPU cycles/packet=([\d.]+).* at (\d+) MHz", self.text())
        return float(found[1]) / int(found[2]) * 1000 if found else None


def forwarding_alone(options, driver, directory):
    """testpmd by itself: what it receives it sends back to the same port. EAL's arguments, and testpmd's own."""
    if driver == "pcap":
        return ["--vdev", recorded_vdev(recorded_files(options, directory))], []
    if driver == "null":
        return ["--vdev", f"net_null0,size={FRAME_BYTES}"], []
    # What is sent comes back by the same ring; some frames go around.
    return ["--vdev", "net_ring0"], ["--tx-first"]


def testpmd(options, note, directory):
    """What the driver alone can do: testpmd in the server's place, which swaps the addresses of each frame and sends it
    back; in the swarm's place another that sends as fast as it goes."""
    note(f"testpmd: {options.seconds} s of forwarding over {options.driver}")
    server_cores, swarm_cores, _ = demo_run.place()
    if options.driver in ("null", "ring", "pcap"):
        eal, extra = forwarding_alone(options, options.driver, directory)
        queues = ["--rxq", str(options.io_lanes), "--txq", str(options.io_lanes)] if options.driver == "pcap" else []
        return [forward(options, TestPmd(options, "forward", server_cores, eal, "macswap",
                                         ["--port-topology", "loop", *extra, *queues]))], None
    with demo_net.WIRES[options.driver](directory, f"serried-rate-{os.getpid()}") as wire:
        receiver = TestPmd(options, "forward", server_cores, wire.server_eal(), "macswap", ["--port-topology", "loop"],
                           wire.server_prefix)
        try:
            receiver.wait_ready()
            sender = TestPmd(options, "generate", swarm_cores, wire.swarm_eal(), "flowgen",
                             ["--port-topology", "loop", "--txpkts", str(FRAME_BYTES)], wire.swarm_prefix)
            return [forward(options, receiver, sender)], None
        finally:
            receiver.end()


def forward(options, receiver, sender=None):
    """Let them run, end them, and make a point of it."""
    both = [receiver, sender] if sender else [receiver]
    try:
        for each in both:
            each.wait_ready()
        time.sleep(options.seconds + 2)
        for each in both:
            each.note_rates()
    finally:
        # At once: what the receiver has counted goes with its peer, and the peer of one that has left loses all it sends.
        for each in both:
            each.process.process.send_signal(signal.SIGINT)
        for each in both:
            each.end()
    drops = {"nic_missed": receiver.missed, "transmit_full": receiver.tx_dropped()}
    carried = offered = receiver.rates["Rx"]
    if sender:
        drops["sender_ring_full"] = sender.tx_dropped()
        offered = sender.rates["Tx"] + drops["sender_ring_full"] / (options.seconds + 2)
    return point("testpmd", options.driver, max(offered, carried), carried, options.seconds, lost=sum(drops.values()),
                 drops={reason: count for reason, count in drops.items() if count}, ns=receiver.ns_per_packet())


# ---- Pktgen

def lua(value):
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {lua(each)}" for key, each in value.items()) + "}"
    return json.dumps(value)


def pktgen(options, note, directory):
    """Pktgen in the swarm's place, at rates of its own choosing, and the server in its own: Pktgen's frames are no players',
    so they are refused, and what is lost is what the server did not even get to see."""
    note("pktgen: frames at a real server, a sweep and a bisection by throughput.lua")
    control = os.path.join(directory, "control")
    answer = os.path.join(directory, "pktgen.json")
    settings = os.path.join(directory, "settings.lua")
    ctl = demo_run.program(options, "serried-ctl")
    with demo_net.WIRES[options.driver](directory, f"serried-rate-{os.getpid()}") as wire:
        subprocess.run([demo_run.program(options, "serried-token"), "keygen", "--out", os.path.join(directory, "token.key")],
                       check=True, stdout=subprocess.DEVNULL)
        server = Process("server", [*wire.server_prefix, *server_command(
            options, directory, wire.server_eal(), ["--token-key", os.path.join(directory, "token.key"), "--control-socket",
                                                    control, *wire.server_options])],
                         logs=demo_run.log_folder("packet_rate"), shown=False)
        try:
            if not server.ready.wait(60):
                raise Failed("pktgen: the server did not start" + last_words(server.tail))
            with open(settings, "w", encoding="utf-8") as file:
                file.write("return " + lua({
                    "port": 0, "seconds": options.seconds, "steps": options.steps, "refine": options.refine,
                    "frame_bytes": FRAME_BYTES, "source_ip": wire.swarm_address, "destination_ip": wire.server_address,
                    "destination_port": wire.port, "status": f"{ctl} --socket {control} status --json", "answer": answer,
                    "traffic": "udp"}) + "\n")
            generator = Process("pktgen", [*wire.swarm_prefix, options.pktgen, *demo_run.lcores(
                [demo_run.place()[1][0]] * 2), *demo_net.memory_arguments(512, 1)[0], "--no-pci", "--file-prefix",
                f"serried-rate-{os.getpid()}-pktgen", *wire.swarm_eal(), "--", "-P", "-m", "1.0", "-f",
                os.path.join(demo_run.ROOT, "scripts/pktgen/throughput.lua")], logs=demo_run.log_folder("packet_rate"),
                shown=False, environment={"SERRIED_PKTGEN": settings})
            trials = options.steps + options.refine
            try:
                if generator.wait(60 + trials * (options.seconds + 10)) is None:
                    raise Failed("pktgen: it did not end by itself" + last_words(generator.tail))
            finally:
                generator.end()
        finally:
            server.end()
    found = demo_run.read_summary(answer)
    if not found:
        raise Failed("pktgen: throughput.lua left no figures" + last_words(generator.tail))
    return merged(found, options.driver)


def merged(found, driver):
    """What throughput.lua wrote, here or on another machine, as points."""
    points = [point("pktgen", driver, each["offered_pps"], each["carried_pps"], each["seconds"], lost=each["lost"],
                    drops=each["drops"], short=each["short"]) for each in found["points"]]
    passed = [each for each in points if rate_search.without_loss(each)]
    return points, max(passed, key=lambda each: each["offered_pps"], default=None)
