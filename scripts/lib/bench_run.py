#!/usr/bin/env python3
"""Measure what docs/performance.md promises, each figure beside its target. Called by scripts/bench."""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile

import bench_matrix
import demo_net
import demo_run
from demo_run import at_least

ROOT = demo_run.ROOT
PLAYERS, MANY, TICK_HZ, IN_VIEW = 10000, 100000, 60, 30


class Failed(Exception):
    """A program that measures did not; its own words say why."""


class Bench:
    """The programs of a build, and the rows that they have filled so far."""

    def __init__(self, options):
        self.options = options
        self.rows = []
        self.engines = {}  # what a run of the engine benchmark said, by its arguments: several rows may come from one

    def add(self, name, value, unit, target, at_most=True, note=None):
        met = None if value is None or target is None else value <= target if at_most else value >= target
        row = {"name": name, "value": value, "unit": unit, "target": target, "met": met}
        if note:
            row["note"] = note
        self.rows.append(row)
        print(line(row), flush=True)

    def save(self):
        if self.options.json:
            with open(self.options.json, "w", encoding="utf-8") as file:
                file.write(json.dumps(self.rows, indent=2) + "\n")

    def run(self, program, *arguments, accept=(0,)):
        command = [os.path.join(self.options.build, program), *map(str, arguments)]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
        if done.returncode not in accept:
            raise Failed(f"{program}: exit code {done.returncode}\n" + "\n".join(done.stdout.splitlines()[-15:]))
        return done

    def run_json(self, program, *arguments):
        """What the program writes with --json; None when it says that this machine cannot do it (77)."""
        with tempfile.NamedTemporaryFile(suffix=".json") as file:
            if self.run(program, *arguments, "--json", file.name, accept=(0, 77)).returncode == 77:
                return None
            return json.load(open(file.name, encoding="utf-8"))

    def engine(self, direction, sessions, *arguments):
        """Of one lane over ports in memory, its driver's cost and the kernel left out: {row name: least CPU ns a packet},
        the instruction set, bytes of a session."""
        key = (direction, sessions, *arguments)
        if key not in self.engines:
            found = self.run_json("bench/engine/serried-bench-engine", "--cpu", self.options.cpu, "--direction", direction,
                                  "--sessions", 1000 if self.options.quick else sessions, "--packets",
                                  2000 if self.options.quick else 50000, "--no-stages", *arguments)
            isa = found["configuration"].split("isa ")[1].split(";")[0]
            self.engines[key] = {row["name"]: row["cpu_ns"]["minimum"] for row in found["rows"]}, isa, found["session_bytes"]
        return self.engines[key]

    def google(self, program, pattern):
        with tempfile.NamedTemporaryFile(suffix=".json") as file:
            self.run(program, f"--benchmark_filter={pattern}", f"--benchmark_out={file.name}", "--benchmark_out_format=json",
                     *(["--benchmark_min_time=0.02"] if self.options.quick else []))
            rows = json.load(open(file.name, encoding="utf-8"))["benchmarks"]
        if not rows:
            raise Failed(f"{program}: nothing is called {pattern}")
        return rows


def line(row):
    value = "-" if row["value"] is None else f"{row['value']:,.2f}" if row["value"] < 100 else f"{row['value']:,.0f}"
    target = "" if row["target"] is None else f"{row['target']:,g}"
    verdict = {True: "met", False: "NOT MET", None: "-"}[row["met"]]
    return f"{row['name']:<46} {value:>12} {row['unit']:<10} {target:>8}  {verdict:<8} {row.get('note', '')}".rstrip()


def aead(bench):
    found = bench.run_json("bench/aead_bench", "--burst", 64, "--body", 64, "--body", 100, "--body", 1166,
                           *(["--quick"] if bench.options.quick else []))
    if found is None:
        bench.add("aead", None, "x", None, note="no vector function is for this CPU: libsodium alone")
        return
    targets = {"avx512": {64: 7, 100: 6, 1166: 3.5}, "avx2": {64: 3.5, 100: 3.5, 1166: 1.5}}[found["isa"]]
    for row in found["rows"]:
        bench.add(f"aead {row['direction']} {row['bytes']} B over libsodium, {found['isa']}", row["ratio"], "x",
                  targets[row["bytes"]], at_most=False, note=f"{row['vector_ns']['min']:.0f} ns")


def inbound(bench):
    for sessions, target in ((PLAYERS, 160), (MANY, 260)):
        ns, isa, _ = bench.engine("in", sessions, "--no-refusals")
        bench.add(f"inbound, {sessions:,} sessions", ns["in"], "ns", target, note=isa)


def outbound(bench):
    ns, isa, _ = bench.engine("out", PLAYERS, "--payload", 1100)
    bench.add("outbound, 1,100 bytes", ns["out 1100"], "ns", 650 if isa == "avx512" else 1200, note=isa)


def newcomer(bench):
    ns, isa, _ = bench.engine("out", PLAYERS, "--payload", 1100)
    bench.add("newcomer, 450 CreateEntity", ns["newcomer, a record"] * 450 / 1e3, "us", 31, note=isa)


def driver_share(bench):
    for driver, target in (("af_xdp", 85), ("socket", 90)):
        sizes = ["--quick"] if bench.options.quick else ["--repeats", 9]
        found = bench.run_json("bench/engine/serried-bench-engine", "--driver", driver, "--direction", "share", "--cpu",
                               bench.options.cpu, "--far-cpu", 0 if bench.options.cpu else 1, *sizes)
        if found is None:
            bench.add(f"driver-share, {driver}", None, "%", target, note="cannot be measured here")
            continue
        alone, lane = (row["wall_ns"] for row in found["rows"])
        bench.add(f"driver-share, {driver}", 100 * alone["median"] / lane["median"], "%", target, at_most=False,
                  note=f"{1e3 / alone['median']:.2f} and {1e3 / lane['median']:.2f} Mpps")


def refuse(bench):
    ns, isa, _ = bench.engine("in", PLAYERS)
    for kind, target in (("bad_crc", 25), ("unknown_session", 35), ("bad_tag", 110)):
        bench.add(f"refuse {kind}", ns[f"refuse {kind}"], "ns", target, note=isa)


def crowd(bench):
    players = 1000 if bench.options.quick else PLAYERS
    rows = bench.google("bench/replicate_bench", f"^(crowd|shard_tick)/players:?/?{players}(/|$)")
    row = next((each for each in rows if each["name"].startswith("crowd")), rows[0])
    bench.add(f"crowd, shard lane, {players:,} viewers", row["least"] * players * 1e3, "ms a tick", 10)
    if "gap_max" in row:
        bench.add("crowd, staleness of any entity, max", row["gap_max"], "ticks", None,
                  note=f"p50 {row['gap_p50']:.0f}, p99 {row['gap_p99']:.0f}; the bound: docs/replication.md, Far blocks")
    ns, isa, _ = bench.engine("both", PLAYERS, "--payload", 1146, "--no-refusals")
    bench.add(f"crowd, io lane, {PLAYERS:,} in and out", ns["in and out 1146"] * PLAYERS / 1e6, "ms a tick", 9, note=isa)


def play(bench, players, rate):
    """Players spread so that each sees about IN_VIEW others, over shared memory: server on one core, swarm on another."""
    seconds = 5 if bench.options.quick else bench.options.seconds or 60
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        subprocess.run([sys.executable, os.path.join(ROOT, "scripts/lib/demo_run.py"), "--build", bench.options.build,
                        "--players", str(players), "--rate", str(rate), "--seconds", str(seconds), "--driver", "memif",
                        "--npcs", "0", "--in-view", str(IN_VIEW), "--json", file.name],
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
        text = open(file.name, encoding="utf-8").read()
    if not text:
        raise Failed("scripts/demo ended without figures; run it by hand to see why")
    found = json.loads(text)
    p99, interval = found["update_latency_ms"]["p99"], found["server"]["replication"]["interval_ticks_max"]
    holds = p99 is not None and p99 < bench_matrix.LATENCY_MS and not found["problems"]
    bench.add(f"players: {players:,} at {rate} inputs/s, input to update p99", p99, "ms",
              bench_matrix.LATENCY_MS if (players, rate) == (PLAYERS, TICK_HZ) else None,
              note=f"{found['rx_pps']:,.0f} in, {found['tx_pps']:,.0f} out /s, at most every {interval} ticks"
                   + ("" if holds else "; does not hold"))
    return holds


def players(bench):
    """The rate asked for; then fewer inputs of as many players, and fewer players with as many inputs, until it holds."""
    if bench.options.quick:
        play(bench, 200, TICK_HZ)
        return
    if play(bench, PLAYERS, TICK_HZ):
        return
    any(play(bench, PLAYERS, rate) for rate in (30, 20, 10))
    any(play(bench, count, TICK_HZ) for count in (7000, 6000, 5000, 4500, 4000, 3500, 3000, 2000))


def sessions(bench):
    _, _, session_bytes = bench.engine("in", MANY, "--no-refusals")
    bench.add("sessions, memory of one in the io lane", session_bytes, "bytes", 4096)


def scaling(bench):
    """What a datagram and a viewer cost when lanes, and the load with them, are doubled and doubled again, beside what
    they cost one lane with all of that load: on one thread, whose caches hold the less of it the more there is. And a
    datagram that came to another lane than its session's."""
    sizes = ["--quick"] if bench.options.quick else ["--sessions", PLAYERS, "--packets", 20000, "--repeats", 15]
    found = bench.run_json("bench/engine/serried-bench-engine", "--cpu", bench.options.cpu, "--direction", "scaling", *sizes)
    ns = {row["name"]: row["cpu_ns"]["minimum"] for row in found["rows"]}
    for what, kind, counts in (("in", "io lane", (2, 4)), ("out", "io lane", (2, 4)), ("viewer", "shard", (2, 4))):
        for count in counts:
            one, several = ns[f"{what}, 1 {kind}, {count} loads"], ns[f"{what}, {count} {kind}s, {count} loads"]
            bench.add(f"scaling, {what}, {count} {kind}s to 1", several / one, "x", 1.1,
                      note=f"{several:,.0f} to {one:,.0f} ns; a load of 1: {ns[f'{what}, 1 {kind}, 1 load']:,.0f} ns")
    for count in (2, 4):
        handed, direct = (ns[f"{what}, {count} io lanes, {count} loads"] for what in ("handed over", "in"))
        bench.add(f"scaling, handed over, {count} io lanes", handed - direct, "ns more", None,
                  note=f"{handed:,.0f} in place of {direct:,.0f} ns")


def engine_of(bench, commit):
    """The engine benchmark of a commit, built once beside the build directory; of the working tree when there is none."""
    if not commit:
        return os.path.join(bench.options.build, "bench/engine/serried-bench-engine")
    git = ["git", "-C", ROOT]
    found = subprocess.run([*git, "rev-parse", "--verify", "--short=12", f"{commit}^{{commit}}"], capture_output=True, text=True)
    if found.returncode:
        raise Failed(f"{commit} is no commit of this repository")
    place = os.path.join(ROOT, "build/compare", found.stdout.strip())
    program = os.path.join(place, "build/bench/engine/serried-bench-engine")
    if os.path.exists(program):
        return program
    print(f"bench: building the engine benchmark of {commit}; this takes some minutes", file=sys.stderr)
    tree = os.path.join(place, "tree")
    os.makedirs(tree, exist_ok=True)
    steps = [f"git -C '{ROOT}' archive {found.stdout.strip()} | tar -x -C '{tree}'",
             f"rm -rf '{place}/build' && "
             f"meson setup '{place}/build' '{tree}' -Dbuildtype=release -Dtests=false -Dbenchmarks=true",
             f"ninja -C '{place}/build' bench/engine/serried-bench-engine"]
    for step in steps:
        done = subprocess.run(["bash", "-o", "pipefail", "-c", step], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode:
            raise Failed(f"{commit}: {step}\n" + "\n".join(done.stdout.splitlines()[-15:]))
    return program


def compare(bench):
    """Two commits' engine benchmarks in turns, so that what else the machine does meets both: the ratio of each row."""
    options = bench.options
    sides = [engine_of(bench, options.old), engine_of(bench, options.new)]
    pairs, packets = (1, 2000) if options.quick else (options.pairs, 50000)
    ratios, least = {}, ({}, {})
    for _ in range(pairs):
        costs = []
        for side, program in enumerate(sides):
            with tempfile.NamedTemporaryFile(suffix=".json") as file:
                # What differs on purpose between commits (drops counted otherwise) is no reason not to compare.
                subprocess.run([program, "--cpu", str(options.cpu), "--sessions", "1000" if options.quick else str(PLAYERS),
                                "--packets", str(packets), "--repeats", "3", "--no-stages", "--json", file.name],
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
                text = open(file.name, encoding="utf-8").read()
            if not text:
                raise Failed(f"{program} ended without figures")
            costs.append({row["name"]: row["cpu_ns"]["minimum"] for row in json.loads(text)["rows"]})
            for name, cost in costs[-1].items():
                least[side][name] = min(cost, least[side].get(name, cost))
        for name in costs[0].keys() & costs[1].keys():
            ratios.setdefault(name, []).append(costs[1][name] / costs[0][name])
    print(f"{'row':<28} {'old ns':>9} {'new ns':>9} {'new / old':>10}   {options.old} and {options.new or 'this tree'}, "
          f"{pairs} pairs")
    for name in (name for name in least[1] if name in ratios):
        ratio = statistics.median(ratios[name])
        print(f"{name:<28} {least[0][name]:9.1f} {least[1][name]:9.1f} {ratio:9.2f}x")
        bench.rows.append({"name": f"compare {name}", "value": ratio, "unit": "x", "target": None, "met": None})


def matrix(bench):
    """Whatever was measured when Ctrl-C is pressed is plotted too."""
    try:
        failures = bench_matrix.measure(bench.options, bench.rows, bench.save)
    finally:
        if bench.options.plots and bench.rows:
            bench_matrix.draw(bench.options, bench.rows)
    if failures:
        raise Failed("\n".join(failures))


MEASURES = {each.__name__.replace("_", "-"): each
            for each in (aead, inbound, outbound, refuse, driver_share, players, crowd, newcomer, sessions, scaling)}


def list_of(convert):
    return lambda text: list(dict.fromkeys(convert(part) for part in text.split(",")))


def driver(text):
    if text not in demo_net.WIRES:
        raise argparse.ArgumentTypeError(f"'{text}' is no driver; there are {', '.join(sorted(demo_net.WIRES))}")
    return text


def read_options():
    parser = argparse.ArgumentParser(
        prog="scripts/bench", description="Measure on this machine what the engine is to reach, each figure beside its target.",
        epilog="exit code: 0 measured, whatever the verdicts; 1 something could not be measured; 2 a bad option")
    parser.add_argument("what", choices=["targets", "compare", "matrix", *MEASURES],
                        help="targets: all that have one, one after the other; compare: two commits' costs a packet; "
                             "matrix: server and swarm live, for every combination of what the lists below say")
    parser.add_argument("--cpu", type=at_least(0, 1023), default=os.cpu_count() - 1,
                        help="CPU for what runs on one core (default: the last)")
    parser.add_argument("--seconds", type=at_least(2, 86400),
                        help="how long players play (default 60; in each cell of matrix 10)")
    parser.add_argument("--old", default="HEAD~1", metavar="COMMIT", help="compare: with what (default the parent, HEAD~1)")
    parser.add_argument("--new", default="", metavar="COMMIT", help="compare: what (default this tree's build)")
    parser.add_argument("--pairs", type=at_least(1, 1000), default=5, help="compare: how often (default 5)")
    sizes = parser.add_mutually_exclusive_group()
    sizes.add_argument("--quick", action="store_true", help="small sizes: shows that it runs, not what it costs")
    sizes.add_argument("--full", action="store_true", help="matrix: the whole of it, hours")
    axes = parser.add_argument_group("matrix: lists, with commas between the values")
    for name, convert, words in (
            ("players", at_least(1, 60000), "bots"), ("rates", at_least(1, 120), "inputs a second of each"),
            ("in-view", at_least(1, 60000), "others that each sees, about"),
            ("budgets", at_least(256, 1146), "replication per player and datagram, bytes at most"),
            ("drivers", driver, "the wires: " + ", ".join(sorted(demo_net.WIRES))),
            ("io-lanes", at_least(1, 16), "io lanes of the server, more than one with socket and memif"),
            ("shards", at_least(1, 16), "shard lanes")):
        axes.add_argument(f"--{name}", type=list_of(convert), metavar="LIST", help=words)
    axes.add_argument("--server-args", action="append", metavar="'...'",
                      help="further options of the server; given several times, those are compared: they run in turns")
    axes.add_argument("--rounds", type=at_least(1, 1000), metavar="N",
                      help="no list: how often all cells are run, with the median of each at the end (default 1)")
    parser.add_argument("--plots", metavar="DIR", help="matrix: draw the answers there, with gnuplot")
    parser.add_argument("--json", metavar="FILE",
                        help="write a list of {name, value, unit, target, met}; matrix: of an object for each cell")
    parser.add_argument("--build", default=os.path.join(ROOT, "build/release"), metavar="DIR", help="where the programs are")
    parser.add_argument("--only-check-options", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    check_options(parser, options)
    return options


def check_options(parser, options):
    if options.what == "matrix":
        bench_matrix.defaults(options)
        fault = bench_matrix.fault(options)
        if fault:
            parser.error(fault)
    else:
        for name in ("full", "plots", *bench_matrix.OPTIONS):
            if getattr(options, name):
                parser.error(f"--{name.replace('_', '-')} is for matrix")
    if options.json:
        place = options.json if os.path.exists(options.json) else os.path.dirname(os.path.abspath(options.json))
        if os.path.isdir(options.json) or not os.access(place, os.W_OK):
            parser.error(f"--json: cannot write {options.json}")


def main():
    options = read_options()
    if options.only_check_options:
        return 0
    bench = Bench(options)
    failed, alone = False, {"compare": compare, "matrix": matrix}.get(options.what)
    measures = {options.what: alone} if alone else \
        {name: measure for name, measure in MEASURES.items() if options.what in ("targets", name)}
    if not alone:
        print(f"{'':<46} {'value':>12} {'':<10} {'target':>8}  verdict")
    for name, measure in measures.items():
        try:
            measure(bench)
        except Failed as error:
            failed = True
            print(f"bench: {name}: {error}", file=sys.stderr)
    bench.save()
    return 1 if failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
