"""The matrix of scripts/bench: a live run of server and swarm for every combination of the axes, a row of figures each, and
one plot a question. What a run is, is demo_run.py's matter."""

import itertools
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time

import demo_run
import plot
from process import PR_SET_PDEATHSIG, prctl

# Of each axis: its option, and how a value reads in a title.
AXES = {"players": ("players", "{:,} players"), "rate_hz": ("rates", "{} inputs/s"), "in_view": ("in_view", "{} in view"),
        "budget": ("budgets", "budget {}"), "driver": ("drivers", "{}"), "io_lanes": ("io_lanes", "{} io"),
        "shards": ("shards", "{} shard"), "server_args": ("server_args", "{}")}
OPTIONS = [option for option, _ in AXES.values()] + ["rounds"]
INNERMOST = ("players", "server_args")
LATENCY_MS = 50  # a cell holds when p99 from input to update is below, and nothing was wrong


def defaults(options):
    """Values of the axes that were not asked for, and how long a cell plays."""
    drivers = ["memif", "af_xdp", "socket"] if os.geteuid() == 0 else ["memif", "socket"]
    axes = {"players": [200, 1000], "rates": [60], "in_view": [50], "budgets": [1146], "drivers": drivers, "io_lanes": [1],
            "shards": [1], "server_args": [""]}
    if options.quick:
        axes |= {"players": [50], "in_view": [10, 40], "drivers": ["socket"]}
    if options.full:
        axes |= {"players": [200, 500, 1000, 2000, 5000, 10000], "rates": [10, 30, 60], "in_view": [10, 50, 200],
                 "budgets": [400, 1146], "shards": list(range(1, len(demo_run.place()[0]) + 1))}
    for name, values in axes.items():
        if getattr(options, name) is None:
            setattr(options, name, values)
    if options.seconds is None:
        options.seconds = 2 if options.quick else 10
    options.rounds = options.rounds or 1


def fault(options):
    """What keeps these cells from being run, as one sentence; None when nothing does."""
    if max(options.io_lanes) > 1 and not set(options.drivers) <= {"socket", "memif"}:
        return "--io-lanes above 1 is for --drivers socket,memif: the other wires have one queue"
    rooted = {"af_xdp", "af_packet"} & set(options.drivers)
    if rooted and os.geteuid() != 0:
        return f"--drivers {','.join(sorted(rooted))} makes network namespaces and needs root; take socket or memif"
    if options.plots and options.rounds > 1:
        return "--plots draws a point a cell; leave out --rounds"
    if options.plots:
        try:
            os.makedirs(options.plots, exist_ok=True)
        except OSError as error:
            return f"--plots: cannot make {options.plots} ({error.strerror})"
    return None


def cells(options):
    """Options of the server innermost, so that those which are compared run in turns; then players, so that what was
    measured up to Ctrl-C is lines, not points."""
    order = [axis for axis in AXES if axis not in INNERMOST] + list(INNERMOST)
    for _ in range(options.rounds):
        for values in itertools.product(*(getattr(options, AXES[axis][0]) for axis in order)):
            cell = dict(zip(order, values))
            yield {axis: cell[axis] for axis in AXES}


def expected_s(cell, seconds):
    """Roughly: EAL and the drain take some seconds, and bots connect at some 2,000 a second."""
    return seconds + 4 + cell["players"] / 2000


def run_cell(options, cell):
    """The demo's JSON object of a cell; {} when it left none. And the last lines that it said."""
    with tempfile.TemporaryDirectory(prefix="serried-bench-") as folder:
        file_name = os.path.join(folder, "demo.json")
        command = [sys.executable, os.path.join(demo_run.ROOT, "scripts/lib/demo_run.py"), "--build", options.build,
                   "--players", cell["players"], "--rate", cell["rate_hz"], "--driver", cell["driver"],
                   "--in-view", cell["in_view"], "--shards", cell["shards"], "--io-lanes", cell["io_lanes"], "--npcs", 0,
                   "--seconds", options.seconds, "--server-args", f"--budget {cell['budget']} {cell['server_args']}",
                   "--json", file_name]
        # A process group of its own: Ctrl-C comes here first. And should this script die, the demo still tidies up.
        with open(os.path.join(folder, "log"), "w+", encoding="utf-8", errors="replace") as log:
            process = subprocess.Popen([*map(str, command)], stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
                                       process_group=0,
                                       preexec_fn=lambda: prctl(PR_SET_PDEATHSIG, signal.SIGTERM))
            try:
                process.wait()
            except BaseException:
                process.send_signal(signal.SIGINT)
                process.wait()
                raise
            log.seek(0)
            said = log.read().splitlines()[-5:]
        return demo_run.read_summary(file_name), said


def lane_rows(server):
    """What each lane cost. `busy` is wall time, of all the time that its core has run; CPU time of a lane that shares a
    core with others can only be estimated: by the part of its waking time that the core's thread had the CPU."""
    shares = {core["core"]: core["cpu"] for core in server.get("cores", [])}
    rows = []
    for lane in server.get("lanes", []):
        share, unit = shares.get(lane["core"]), "packet" if lane.get("packets") else "item"
        cpu_ns = None if share is None else lane["busy_ns"] * share
        count = lane[unit + "s"]
        rows.append({"name": lane["name"], "core": lane["core"], "busy": lane["busy"], "busy_ns": lane["busy_ns"],
                     "cpu_ns": cpu_ns, unit + "s": count,
                     f"ns_per_{unit}": cpu_ns / count if cpu_ns is not None and count else None})
    return rows


def row_of(cell, seconds, found):
    """A row of the JSON list: the axes, then what came of them; null for what a run that failed did not tell."""
    server, swarm, players = found.get("server") or {}, found.get("swarm") or {}, cell["players"]
    problems, latency = found.get("problems", ["no figures"]), found.get("update_latency_ms") or {}

    def bytes_of(bits):
        return None if bits is None else bits / 8 / players
    return {
        **cell, "seconds": seconds, "connected": found.get("connected"),
        "active_seconds": server.get("active_seconds"), "rx_pps": found.get("rx_pps"), "tx_pps": found.get("tx_pps"),
        # Of the swarm, because its figures begin when all are connected: Connects are the largest datagrams.
        "rx_bytes_per_player_s": bytes_of(swarm.get("tx_bps")), "tx_bytes_per_player_s": bytes_of(swarm.get("rx_bps")),
        "lanes": lane_rows(server), "drops": found.get("drops", {}),
        "tick_ms": {key: (found.get("tick_ms") or {}).get(key) for key in ("p50", "p99", "max")},
        "update_latency_ms": {key: latency.get(key) for key in ("p50", "p99", "p999", "max")},
        "interval_ticks_max": (server.get("replication") or {}).get("interval_ticks_max"),
        "swarm_behind": swarm.get("swarm_behind"),
        "problems": problems,
        "holds": latency.get("p99") is not None and latency["p99"] < LATENCY_MS and not problems,
    }


def io_ns(row):
    """CPU time of the io lanes a packet, in or out."""
    lanes = [lane for lane in row["lanes"] if lane.get("ns_per_packet") is not None]
    packets = sum(lane["packets"] for lane in lanes)
    return sum(lane["cpu_ns"] for lane in lanes) / packets if packets else None


def shard_us(row):
    """CPU time of the shard lanes a second with players and player, us."""
    cpu_ns = [lane["cpu_ns"] for lane in row["lanes"] if lane["name"].startswith("shard") and lane["cpu_ns"] is not None]
    return sum(cpu_ns) / 1000 / row["active_seconds"] / row["players"] if cpu_ns and row["active_seconds"] else None


# Of each: its width, how it is written, and the figure.
COLUMNS = [("players", 8, "", lambda row: f"{row['players']:,}"), ("in/s", 9, ",.0f", lambda row: row["rx_pps"]),
           ("out/s", 9, ",.0f", lambda row: row["tx_pps"]), ("ns/pkt", 7, ",.0f", io_ns),
           ("shard us", 9, ",.0f", shard_us), ("tick p99", 9, ",.2f", lambda row: row["tick_ms"]["p99"]),
           ("update p50", 11, ",.1f", lambda row: row["update_latency_ms"]["p50"]),
           ("update p99", 11, ",.1f", lambda row: row["update_latency_ms"]["p99"]),
           ("B/s in", 8, ",.0f", lambda row: row["rx_bytes_per_player_s"]),
           ("B/s out", 8, ",.0f", lambda row: row["tx_bytes_per_player_s"])]


def line(row):
    return "".join(f"{'-':>{width}}" if figure(row) is None else f"{figure(row):>{width}{form}}"
                   for _, width, form, figure in COLUMNS) \
        + ("  holds" if row["holds"] else "  does not hold") + (f": {row['problems'][0]}" if row["problems"] else "") \
        + (f"  {row['server_args']}" if row["server_args"] else "")


def words(row, axes):
    return ", ".join(filter(None, (AXES[axis][1].format(row[axis]) for axis in axes)))


def print_rounds(rows):
    """Of each cell the median of its rounds, with the least and the most: what lies within them is noise."""
    cells_of = {}
    for row in rows:
        cells_of.setdefault(words(row, AXES), []).append(row)
    print("\nmedian (least to most) of the rounds")
    for cell, its_rows in cells_of.items():
        print(cell)
        for name, _, form, figure in COLUMNS[1:]:
            values = [figure(row) for row in its_rows if figure(row) is not None]
            if values:
                print(f"  {name:<11}{statistics.median(values):>12{form}}  ({min(values):{form}} to {max(values):{form}})")


def duration(seconds):
    return f"{seconds / 60:.0f} min" if seconds >= 90 else f"{seconds:.0f} s"


def measure(options, rows, save):
    """Run every cell and append its row, calling `save` after each. What could not be measured, as sentences."""
    todo = list(cells(options))
    print(f"bench: {len(todo)} cells of {options.seconds} s, about "
          f"{duration(sum(expected_s(cell, options.seconds) for cell in todo))}", file=sys.stderr)
    failures, spent, expected, block = [], 0.0, 0.0, None
    for index, cell in enumerate(todo):
        left = sum(expected_s(each, options.seconds) for each in todo[index:]) * (spent / expected if spent else 1)
        print(f"bench: cell {index + 1} of {len(todo)}, {duration(left)} left: {words(cell, AXES)}", file=sys.stderr,
              flush=True)
        began = time.monotonic()
        found, said = run_cell(options, cell)
        spent += time.monotonic() - began
        expected += expected_s(cell, options.seconds)
        rows.append(row_of(cell, options.seconds, found))
        save()
        if not found.get("server") or not found.get("swarm"):
            failures.append(f"{words(cell, AXES)}: no figures; the last that was said:\n" + "\n".join(said))
        others = words(cell, [axis for axis in AXES if axis not in INNERMOST])
        if others != block:
            block = others
            print(f"\n{block}\n" + "".join(f"{name:>{width}}" for name, width, _, _ in COLUMNS))
        print(line(rows[-1]), flush=True)
    if options.rounds > 1:
        print_rounds(rows)
    return failures


# Plots: of a row, what each line of the plot gets from it, by the line's name.
def by_driver(value):
    return lambda row: {row["driver"]: value(row)}


def shares(row):
    return {f"{row['driver']}, {lane['name']}": 100 * lane["busy"] for lane in row["lanes"]}


def traffic(row):
    return {f"in, {row['players']:,} players": row["rx_bytes_per_player_s"],
            f"out, {row['players']:,} players": row["tx_bytes_per_player_s"]}


# File name, what is shown, its x axis, the axes that make lines, the points of a row, and the y axis for gnuplot.
# Behind a limit latencies are seconds: a line shows where the limit is.
LOGARITHMIC = "set logscale y\nset yrange [10:*]\n" \
              f"set arrow from graph 0, first {LATENCY_MS} to graph 1, first {LATENCY_MS} nohead dashtype 2\n"
PLOTS = [("update_p99", "input to update, p99, ms", "players", ["driver"],
          by_driver(lambda row: row["update_latency_ms"]["p99"]), LOGARITHMIC),
         ("io_ns", "io lane, CPU ns a packet", "players", ["driver"], by_driver(io_ns), plot.FROM_ZERO),
         ("lane_share", "busy share of the core by lane, %", "players", ["driver"], shares, plot.FROM_ZERO),
         ("player_bytes", "bytes a second and player", "in_view", ["players"], traffic, plot.FROM_ZERO)]


def draw(options, rows):
    """Each plot. The axes that it does not show are held at the largest value of each (the driver and the server's
    options: at the first), and the title says at which."""
    undrawn = ""
    for name, what, x_axis, line_axes, points, y_axis in PLOTS:
        fixed = {axis: getattr(options, option)[0] if axis in ("driver", "server_args") else max(row[axis] for row in rows)
                 for axis, (option, _) in AXES.items() if axis != x_axis and axis not in line_axes}
        lines = {}
        for row in rows:
            if all(row[axis] == value for axis, value in fixed.items()):
                for label, y in points(row).items():
                    if y is not None:
                        lines.setdefault(label, []).append((row[x_axis], y))
        if not lines:
            print(f"bench: {name}: no figures to plot", file=sys.stderr)
            continue
        panel = plot.Panel(f"{what}: {words(fixed, fixed)}", "players" if x_axis == "players" else "others in view", what,
                           lines, y_axis)
        undrawn = plot.draw(os.path.join(options.plots, name), [panel]) or undrawn
    if undrawn:
        print(f"bench: {undrawn}", file=sys.stderr)
