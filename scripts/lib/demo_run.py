#!/usr/bin/env python3
"""Start a server and a swarm over one of the wires of demo_net.py, show both live, and sum up. Called by scripts/demo."""

import argparse
import glob
import json
import math
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import demo_net
import demo_report
from process import Memory, Process, Stolen

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def at_least(least, most=10**9):
    def convert(text):
        try:
            value = int(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"'{text}' is no whole number") from None
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f"{value} is not in {least} to {most}")
        return value
    return convert


def add_in_view(parser):
    parser.add_argument("--in-view", type=at_least(1, 60000), metavar="PLAYERS",
                        help="spread the players so that each sees about so many others (default: all stand in one place)")


def add_xdp_filter(parser):
    parser.add_argument("--xdp-filter", action="store_true",
                        help="server and kernel share the interface, as serried-server --xdp-filter on has it (af_xdp)")


def add_io_lanes(parser):
    parser.add_argument("--io-lanes", type=at_least(1, 16), default=1, metavar="N",
                        help="io lanes of the server (default 1); more on wires with several queues")


def take_io_lanes(parser, options, wires):
    if options.io_lanes > 1 and not wires[options.driver].many_queues:
        several = " or ".join(sorted(name for name, wire in wires.items() if wire.many_queues))
        parser.error(f"--io-lanes: the wire of {options.driver} has one queue; take --driver {several}")


def take_xdp_filter(parser, options):
    """Of the option itself, or of --server-args: the wire must know of it, because the kernel needs an address then."""
    options.xdp_filter = options.xdp_filter or "--xdp-filter" in options.server_args
    if options.xdp_filter and options.driver != "af_xdp":
        parser.error("--xdp-filter is for --driver af_xdp")
    if options.xdp_filter and "--xdp-filter" not in options.server_args:
        options.server_args += ["--xdp-filter", "on"]


def read_options():
    parser = argparse.ArgumentParser(
        prog="scripts/demo", formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Set up, build, start a server and a swarm of bots on this machine, show both live, sum up.",
        epilog="exit code: 0 all good; 1 something was wrong (the table says what); 2 a bad option; 130 interrupted")
    parser.add_argument("--players", type=at_least(1, 60000), default=1000, help="bots (default 1000)")
    parser.add_argument("--seconds", type=at_least(1, 86400), default=30, help="how long they play (default 30)")
    parser.add_argument("--driver", choices=sorted(demo_net.WIRES), help="default af_xdp for root, else socket")
    parser.add_argument("--rate", type=at_least(1, 120), metavar="HZ",
                        help="inputs a second of each bot (default 60 up to 1000 players, 30 up to 3000, else 10)")
    parser.add_argument("--npcs", type=at_least(0, 1000000), default=1000, help="wandering characters (default 1000)")
    add_in_view(parser)
    parser.add_argument("--shards", type=at_least(1, 16), help="shard lanes (default: the server's choice)")
    add_io_lanes(parser)
    parser.add_argument("--audit", type=at_least(0, 60), default=1, metavar="PER_SECOND",
                        help="comparisons of each bot's view with the server's world, a second (default 1)")
    parser.add_argument("--memory", type=at_least(64, 65536), metavar="MB",
                        help="EAL memory of each process (default: 512 and what the players need)")
    add_xdp_filter(parser)
    parser.add_argument("--json", metavar="FILE", help="write the figures as one JSON object")
    parser.add_argument("--server-args", default="", metavar="'...'", help="more options for serried-server")
    parser.add_argument("--swarm-args", default="", metavar="'...'", help="more options for serried-swarm")
    parser.add_argument("--build", default=os.path.join(ROOT, "build/release"), metavar="DIR", help="where the programs are")
    parser.add_argument("--only-check-options", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.driver is None:
        options.driver = "af_xdp" if os.geteuid() == 0 else "socket"
    if options.rate is None:
        options.rate = 60 if options.players <= 1000 else 30 if options.players <= 3000 else 10
    if options.memory is None:
        options.memory = 512 + options.players // 20
    if options.driver.startswith("af_") and os.geteuid() != 0:
        parser.error(f"--driver {options.driver} makes network namespaces and needs root; take socket or memif")
    for name in ("server_args", "swarm_args"):
        try:
            setattr(options, name, shlex.split(getattr(options, name)))
        except ValueError as error:
            parser.error(f"--{name.replace('_', '-')}: {error}")
    take_xdp_filter(parser, options)
    take_io_lanes(parser, options, demo_net.WIRES)
    if options.json:
        folder = os.path.dirname(os.path.abspath(options.json))
        if not os.access(folder, os.W_OK):
            parser.error(f"--json: cannot write into {folder}")
    return options


def place():
    """Cores for server and swarm, and a sentence about it."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) == 1:
        return cores, cores, f"one core ({cores[0]}) for both"
    if len(cores) < 4:
        return cores[:1], cores[1:2], f"server on {cores[0]}, swarm on {cores[1]}"
    return cores[:2], cores[2:3], f"server on {cores[0]} and {cores[1]}, swarm on {cores[2]}"


def lcores(cores):
    return ["--lcores", ",".join(f"{index}@{core}" for index, core in enumerate(cores))]


def program(options, name):
    built = glob.glob(os.path.join(options.build, "src/*", name))
    if len(built) != 1 or not os.access(built[0], os.X_OK):
        raise demo_net.WireError(f"{name} is not there, in {options.build}: scripts/demo builds it, or give --build DIR")
    return built[0]


def ack_delay_ms(rate):
    """25 ms, the default, where inputs come often enough to carry the acks; else as long as from one input to the next, so
    that slow bots do not send more acks than inputs."""
    return 25 if rate >= 40 else min(1000 // rate + 5, 250)


def spread(players, in_view):
    """Options of the server that scatter so many players over the map with `in_view` of them in each one's view."""
    map_edge, distance = 819_200, 25_000  # units
    area = math.pi * players / in_view    # in squares of the distance
    edge = min(distance * math.sqrt(area), map_edge)
    return ["--spawn-size", str(int(edge)), "--view-distance", str(max(int(edge / math.sqrt(area)), 1000))]


QUIET = ["--no-telemetry", "--log-level=lib.eal:warning"]


def commands(options, wire, directory, run_name, placed=None):
    """The command lines of server and swarm, with the cores and the memory that the table names."""
    server_cores, swarm_cores, cores_words = placed or place()
    memory, memory_words = demo_net.memory_arguments(options.memory, 1 if wire.swarm_driver == "socket" else 2)
    if options.driver == "socket":
        memory, memory_words = ["--no-huge", "--no-shconf", "-m", str(options.memory)], "no hugepages (4 KiB pages)"
    key = os.path.join(directory, "token.key")
    server = [*wire.server_prefix, program(options, "serried-server"), *lcores(server_cores), *memory, *QUIET,
              "--file-prefix", f"{run_name}-server", *wire.server_eal(), "--",
              "--driver", wire.server_driver, "--address", wire.server_address, "--udp-port", str(wire.port),
              *wire.server_options, "--token-key", key, "--npcs", str(options.npcs), "--audit", str(options.audit),
              "--ack-delay-ms", str(ack_delay_ms(options.rate)),
              "--players-max", str(max(options.players, 64)), "--sessions-max", str(max(2 * options.players, 1024)),
              "--address-rate", "0", "--prefix-rate", "0",  # all bots are one address
              "--status", "line", "--json-summary", os.path.join(directory, "server.json"), "--log-level", "debug"]
    if options.in_view:
        server += spread(options.players, options.in_view)
    if options.shards:
        server += ["--shards", str(options.shards)]
    if options.io_lanes > 1:
        server += ["--io-lanes", str(options.io_lanes)]
    swarm = [*wire.swarm_prefix, program(options, "serried-swarm")]
    if wire.swarm_driver == "ethdev":
        swarm += [*lcores(swarm_cores), *memory, *QUIET, "--file-prefix", f"{run_name}-swarm", *wire.swarm_eal(), "--",
                  "--address", wire.swarm_address + "/24"]
    swarm += [*wire.swarm_options, "--driver", wire.swarm_driver, "--bots", str(options.players),
              "--server", f"{wire.server_address}:{wire.port}", "--token-key", key, "--rate", str(options.rate),
              "--seconds", str(options.seconds), "--json", os.path.join(directory, "swarm.json"), "--status", "line"]
    return server + options.server_args, swarm + options.swarm_args, swarm_cores, memory_words, cores_words


def log_folder(name):
    """Where the lines of the programs go; of the last run only."""
    folder = os.path.join(ROOT, "build", name)
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError as error:
        raise demo_net.WireError(f"cannot make {folder} for the logs: {error.strerror}") from None
    if not os.access(folder, os.W_OK):
        raise demo_net.WireError(f"cannot write logs into {folder}; it belongs to another user (a run as root?)")
    return folder


def read_summary(path):
    try:
        with open(path, encoding="utf-8") as file:
            return json.load(file)
    except (OSError, ValueError):
        return {}


def play(options, server_command, swarm_command, swarm_cores, memory):
    """Run both; `memory` gets the samples of each by name. What went wrong with the processes themselves, and whether
    Ctrl-C was pressed."""
    problems, interrupted, swarm, logs = [], False, None, log_folder("demo")
    server = Process("server", server_command, logs=logs)
    try:
        began = time.monotonic()
        while not server.ready.wait(0.1):
            if not server.running():
                return [f"the server did not start (exit code {server.wait(1)}); see above, and {server.log}"], False
            if time.monotonic() - began > 60:
                return [f"the server was not ready after 60 s; see above, and {server.log}"], False
        swarm = Process("swarm", swarm_command, swarm_cores, logs=logs)
        # Connecting 10,000 bots takes a while on a small machine; a minute more than that is no longer play.
        memory["server"], memory["swarm"] = Memory(server.process.pid), Memory(swarm.process.pid)
        limit = time.monotonic() + options.seconds + 60 + options.players / 100
        while swarm.running() and server.running() and time.monotonic() < limit:
            time.sleep(0.1)
            for samples in memory.values():
                samples.sample()
        if not server.running():
            problems.append(f"the server died while bots played (exit code {server.wait(1)})")
        elif swarm.running():
            problems.append("the swarm did not end by itself")
    except KeyboardInterrupt:
        interrupted = True
    finally:
        if swarm:
            code = swarm.end()
            # 1 says that its summary holds errors: they are told from there.
            if code not in (0, 1) and not problems:
                problems.append(f"the swarm ended with exit code {code}")
        died = not server.running()
        code = server.end()
        if not died and code != 0:
            problems.append("the server did not drain within 20 s" if code is None
                            else f"the server ended with exit code {code}")
    return problems, interrupted


def demo(options):
    run_name = f"serried-{os.getpid()}"
    directory = tempfile.mkdtemp(prefix="serried-demo-")
    try:
        with demo_net.WIRES[options.driver](directory, run_name, options.xdp_filter, options.io_lanes) as wire:
            server, swarm, swarm_cores, memory, cores = commands(options, wire, directory, run_name)
            print(f"demo: {options.players:,} bots for {options.seconds} s over {wire.words}; {memory}; {cores}", flush=True)
            subprocess.run([program(options, "serried-token"), "keygen", "--out",
                            os.path.join(directory, "token.key")], check=True, stdout=subprocess.DEVNULL)
            resident = {}
            stolen = Stolen()
            problems, interrupted = play(options, server, swarm, swarm_cores, resident)
            stolen = stolen.fractions()
        server_summary = read_summary(os.path.join(directory, "server.json"))
        swarm_summary = read_summary(os.path.join(directory, "swarm.json"))
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    result = demo_report.merge(options, server_summary, swarm_summary)
    for name, summary in (("server", server_summary), ("swarm", swarm_summary)):
        if not summary:
            problems.append(f"the {name} left no summary")
    result["memory"] = {name: {"resident_bytes": samples.samples[-1] if samples.samples else None,
                               "growth_bytes": samples.growth()} for name, samples in resident.items()}
    result["stolen"] = stolen
    result["problems"] = problems + demo_report.find_problems(result)
    return finish(options, result, demo_report.table, memory, cores, interrupted)


def finish(options, result, table, memory, cores, interrupted):
    """Show the table, write the JSON object, and say what the exit code is."""
    if interrupted:
        result["problems"].append("interrupted")
    print("\n" + table(result, memory, cores))
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump(result, file, indent=2)
            file.write("\n")
    return 130 if interrupted else 1 if result["problems"] else 0


def run_script(name, options, body):
    """`body(options)` with Ctrl-C as an exception, once; its exit code. With --only-check-options what it needs beyond the
    programs that every run needs, for set_up_and_run."""
    if options.only_check_options:
        if options.xdp_filter:
            print("xdp")
        return 0
    stops = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def interrupt(*_):
        for stop in stops:  # once is enough: what follows is the tidying up
            signal.signal(stop, signal.SIG_IGN)
        raise KeyboardInterrupt
    for stop in stops:
        signal.signal(stop, interrupt)
    try:
        return body(options)
    except KeyboardInterrupt:
        return 130
    except (demo_net.WireError, subprocess.CalledProcessError) as error:
        print(f"{name}: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(run_script("demo", read_options(), demo))
