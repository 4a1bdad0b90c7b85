#!/usr/bin/env python3
"""Measure how many packets a second get through, by several means, and where the losses begin. Called by scripts/pktgen/measure."""

import argparse
import json
import os
import shutil
import sys
import tempfile

import demo_net
import demo_report
import demo_run
import plot
import rate_means
import rate_search
from demo_run import at_least

MEANS = ("testpmd", "pktgen", "pcap", "swarm")
# What stands on each wire beside the swarm's.
ALONE = ("null", "ring", "pcap")
DRIVERS = sorted([*demo_net.WIRES, *ALONE])


def means_list(text):
    chosen = text.split(",")
    for each in chosen:
        if each not in MEANS:
            raise argparse.ArgumentTypeError(f"'{each}' is none; there are: {', '.join(MEANS)}")
    return [means for means in MEANS if means in chosen]


def fault(options):
    """What keeps this from being measured, as one sentence; None when nothing does."""
    wire = demo_net.WIRES.get(options.driver)
    if options.driver.startswith("af_") and os.geteuid() != 0:
        return f"--driver {options.driver} makes network namespaces and needs root; take memif or socket"
    if options.io_lanes > 1 and options.driver != "pcap" and not (wire and wire.many_queues):
        return f"--io-lanes: {options.driver} has one queue here; take --driver memif, socket or pcap"
    if "pktgen" in options.means and not options.pktgen:
        return "--means pktgen needs --pktgen PROGRAM: it is no Debian package, docs/bare-metal.md says how it is built"
    if options.pktgen and not shutil.which(options.pktgen):
        return f"--pktgen: {options.pktgen} is no program"
    # Before the packages are installed it may not be there yet.
    if "testpmd" in options.means and not options.only_check_options and not shutil.which(options.testpmd):
        return f"--testpmd: {options.testpmd} is no program; it is of the Debian package dpdk-dev"
    for name in ("json", "png"):
        path = getattr(options, name)
        if path and not os.access(os.path.dirname(os.path.abspath(path)), os.W_OK):
            return f"--{name}: cannot write beside {path}"
    if options.merge and not os.access(options.merge, os.R_OK):
        return f"--merge: cannot read {options.merge}"
    if options.png and not options.png.endswith(".png"):
        return "--png: wants the name of a file that ends with .png"
    return None


def read_options():
    parser = argparse.ArgumentParser(
        prog="scripts/pktgen/measure", formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Set up, build, and measure how many packets a second get through: what the driver alone can do\n"
                    "(testpmd), a real server under frames of Pktgen, a server in measurement mode under a file of sealed\n"
                    "inputs (pcap), and players (swarm). One table, and a PNG.",
        epilog="exit code: 0 measured; 1 something could not be measured; 2 a bad option; 130 interrupted")
    parser.add_argument("--means", type=means_list, metavar="LIST",
                        help=f"of {', '.join(MEANS)}, between commas (default: all that there are on the wire)")
    parser.add_argument("--driver", choices=DRIVERS, default="memif", help="the wire (default memif)")
    parser.add_argument("--players", type=at_least(1, 30000), metavar="N", help="of swarm and pcap (default 500)")
    parser.add_argument("--rate", type=at_least(1, 120), metavar="HZ",
                        help="inputs a second of each player at the most load that the swarm offers (default 60)")
    parser.add_argument("--seconds", type=at_least(1, 3600), metavar="S", help="of each trial (default 10)")
    parser.add_argument("--steps", type=at_least(1, 100), metavar="N", help="loads of the sweep (default 5)")
    parser.add_argument("--refine", type=at_least(0, 20), metavar="N", help="trials of the bisection at most (default 4)")
    demo_run.add_io_lanes(parser)
    parser.add_argument("--testpmd", default="dpdk-testpmd", metavar="PROGRAM", help="default dpdk-testpmd")
    parser.add_argument("--pktgen", metavar="PROGRAM", help="a build of Pktgen-DPDK")
    parser.add_argument("--merge", metavar="FILE", help="show the points of this file of throughput.lua too")
    parser.add_argument("--json", metavar="FILE", help="write all points as one JSON object, after each that is measured")
    parser.add_argument("--png", metavar="FILE", help="plot them; data and gnuplot script are left beside it")
    parser.add_argument("--quick", action="store_true", help="small: 20 players, 2 s, 2 steps, 1 more")
    parser.add_argument("--build", default=os.path.join(demo_run.ROOT, "build/release"), metavar="DIR",
                        help="where the programs are")
    parser.add_argument("--only-check-options", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.xdp_filter = False
    small = {"players": 20, "rate": 30, "seconds": 2, "steps": 2, "refine": 1}
    usual = {"players": 500, "rate": 60, "seconds": 10, "steps": 5, "refine": 4}
    for name, value in (small if options.quick else usual).items():
        if getattr(options, name) is None:
            setattr(options, name, value)
    if options.means is None:
        options.means = [means for means in possible(options.driver) if means != "pktgen" or options.pktgen]
        if "testpmd" in options.means and not options.only_check_options and not shutil.which(options.testpmd):
            print(f"packet rate: no {options.testpmd} here (Debian package dpdk-dev): measured without it", file=sys.stderr)
            options.means = [means for means in options.means if means != "testpmd"]
    strange = [means for means in options.means if means not in possible(options.driver)]
    if strange:
        parser.error(f"--means {strange[0]}: not with --driver {options.driver}, which is for "
                     f"{', '.join(possible(options.driver))}")
    if wrong := fault(options):
        parser.error(wrong)
    return options


def possible(driver):
    """The means that there are on a wire. The recorded file has a driver of its own, and is measured beside the others."""
    if driver == "socket":
        return ["pcap", "swarm"]
    if driver == "pcap":
        return ["testpmd", "pcap"]
    return ["testpmd"] if driver in ALONE else list(MEANS)


MEASURE = {"swarm": lambda options, note, _: rate_means.swarm(options, note), "pcap": rate_means.pcap,
           "testpmd": rate_means.testpmd, "pktgen": rate_means.pktgen}

COLUMNS = [("means", 9), ("driver", 10), ("offered/s", 12), ("carried/s", 12), ("lost", 12), ("ns/packet", 10), ("busy", 7)]


def heading():
    return "".join(f"{name:<{width}}" if name in ("means", "driver") else f"{name:>{width}}" for name, width in COLUMNS) \
        + "  drops"


def line(point):
    number = demo_report.number
    busy = "-" if point["busy"] is None else f"{100 * point['busy']:.0f} %"
    drops = ", ".join(f"{reason} {count:,}" for reason, count in sorted(point["drops"].items(), key=lambda drop: -drop[1]))
    return (f"{point['means']:<9}{point['driver']:<10}{number(round(point['offered_pps'])):>12}"
            f"{number(round(point['carried_pps'])):>12}{number(point['lost']):>12}{number(point['ns_per_packet'], 1):>10}"
            f"{busy:>7}  {drops or 'none'}" + ("; the sender could not offer more" if point["short"] else ""))


def verdicts(result):
    """One line a means: the best without loss, or the ceiling where nothing paces the sender."""
    for means, best in result["best"].items():
        points = [point for point in result["points"] if point["means"] == means]
        if means in ("swarm", "pktgen"):
            yield (f"{means}: without loss up to {best['offered_pps']:,.0f} packets/s" if best
                   else f"{means}: its sender could not offer what was asked of it" if any(point["short"] for point in points)
                   else f"{means}: no load was carried without loss")
            if best and any(point["short"] for point in points):
                yield f"{means}: its sender could not offer more than that: another machine for it may find more"
            elif best and best["offered_pps"] >= max(point["offered_pps"] for point in points):
                yield f"{means}: that is all that was offered: a higher --rate or more --players may find more"
        else:
            yield f"{means}: {max(point['carried_pps'] for point in points):,.0f} packets/s, a ceiling: they come as fast as they are taken"


def draw(options, points):
    """Four diagrams over the offered load: what was carried, what was dropped by reason, ns a packet, and the busy share."""
    by_means, reasons, cost, busy = {}, {}, {}, {}
    for point in points:
        name, x = f"{point['means']}, {point['driver']}", point["offered_pps"]
        by_means.setdefault(name, []).append((x, point["carried_pps"]))
        for reason, count in point["drops"].items():
            reasons.setdefault(f"{point['means']}, {reason}", []).append((x, count / point["seconds"]))
        if point["ns_per_packet"] is not None:
            cost.setdefault(name, []).append((x, point["ns_per_packet"]))
        if point["busy"] is not None:
            busy.setdefault(name, []).append((x, 100 * point["busy"]))
    # The means lie far apart.
    wide = "set logscale {0}\nset {0}range [*:*]\nset format {0} '%.0s%c'\n"
    counts, figures = wide.format("x") + wide.format("y"), wide.format("x") + "set format y '%g'\n" + plot.FROM_ZERO
    panels = [plot.Panel(title, "packets offered a second", what, lines, axes) for title, what, lines, axes in
              (("carried", "packets a second", by_means, counts), ("drops by reason", "drops a second", reasons, counts),
               ("cost", "ns a packet", cost, figures), ("the busiest lane", "busy, %", busy, figures)) if lines]
    if undrawn := plot.draw(options.png.removesuffix(".png"), panels, columns=2, size=(1600, 900)):
        print(f"packet rate: {undrawn}", file=sys.stderr)


def measure(options):
    result = {"driver": options.driver, "players": options.players, "seconds": options.seconds, "io_lanes": options.io_lanes,
              "cores": demo_run.place()[2], "points": [], "best": {}, "problems": []}

    def save():
        if options.json:
            with open(options.json, "w", encoding="utf-8") as file:
                json.dump(result, file, indent=2)
                file.write("\n")

    def note(text):
        print(f"packet rate: {text}", file=sys.stderr, flush=True)

    def add(points, best):
        means = points[0]["means"]
        result["points"] += points
        result["best"][means] = best
        save()
        print("\n" + heading() + "\n" + "\n".join(map(line, points)), flush=True)

    interrupted = False
    try:
        for means in options.means:
            # The folder holds sockets, whose names may not be long.
            with tempfile.TemporaryDirectory(prefix="serried-rate-") as directory:
                try:
                    add(*MEASURE[means](options, note, directory))
                except (rate_means.Failed, demo_net.WireError) as error:
                    result["problems"].append(f"{means}: {error}")
                    print(f"packet rate: {error}", file=sys.stderr)
        if options.merge:
            found = demo_run.read_summary(options.merge)
            if found:
                add(*rate_means.merged(found, found.get("driver", "elsewhere")))
            else:
                result["problems"].append(f"--merge: {options.merge} holds no figures of throughput.lua")
                print(f"packet rate: {result['problems'][-1]}", file=sys.stderr)
    except KeyboardInterrupt:
        interrupted = True
        result["problems"].append("interrupted")
    save()
    print("\n" + "\n".join(verdicts(result)))
    if options.png and result["points"]:
        draw(options, result["points"])
    return 130 if interrupted else 1 if result["problems"] else 0


if __name__ == "__main__":
    sys.exit(demo_run.run_script("packet rate", read_options(), measure))
