#!/usr/bin/env python3
"""Honest players and an attacker on one server: what does the attack cost the players? Called by scripts/attack."""

import argparse
import ipaddress
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import attack_net
import demo_net
import demo_report
import demo_run
from demo_run import at_least
from process import Process, Stolen

ROOT = demo_run.ROOT
HOLD_S = 3  # from the beginning of the attack to that of the measurements


def read_options():
    parser = argparse.ArgumentParser(
        prog="scripts/attack",
        description="Honest bots play on a server while serried-attack sends all that a server must refuse, as fast as its "
                    "core allows; then say what the players noticed.",
        epilog="exit code: 0 no session was disconnected and all limits hold; 1 something was wrong (the table says what); "
               "2 a bad option; 130 interrupted")
    parser.add_argument("--players", type=at_least(1, 60000), default=2000, help="honest bots (default 2000)")
    parser.add_argument("--rate", type=at_least(1, 120), metavar="HZ", default=60, help="inputs a second of each (default 60)")
    parser.add_argument("--seconds", type=at_least(1, 86400), default=30, help="how long (default 30)")
    parser.add_argument("--driver", choices=sorted(attack_net.WIRES), help="default af_xdp for root, else socket")
    parser.add_argument("--kinds", default="mixed", metavar="LIST", help="what is sent, as for serried-attack (default mixed); "
                        "none: nothing, for comparison")
    parser.add_argument("--attack-rate", type=at_least(0), default=0, metavar="PER_SECOND",
                        help="datagrams a second (default 0: as fast as it goes)")
    parser.add_argument("--source", metavar="NETWORK", help="the attacker's addresses, as for serried-attack")
    parser.add_argument("--logins", action="store_true",
                        help="attack before the first bot comes, so that all logins are under it")
    parser.add_argument("--latency", type=at_least(1), default=50, metavar="MS",
                        help="most that input to update may take, p99 (default 50)")
    parser.add_argument("--npcs", type=at_least(0, 1000000), default=1000, help="wandering characters (default 1000)")
    demo_run.add_in_view(parser)
    parser.add_argument("--memory", type=at_least(64, 65536), metavar="MB", help="EAL memory of each process")
    parser.add_argument("--quick", action="store_true",
                        help="small: 200 bots, 5 s, 50,000 datagrams a second, no limit of latency")
    demo_run.add_io_lanes(parser)
    demo_run.add_xdp_filter(parser)
    parser.add_argument("--json", metavar="FILE", help="write the figures as one JSON object")
    parser.add_argument("--server-args", default="", metavar="'...'", help="more options for serried-server")
    parser.add_argument("--build", default=os.path.join(ROOT, "build/release"), metavar="DIR", help="where the programs are")
    parser.add_argument("--only-check-options", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.driver is None:
        options.driver = "af_xdp" if os.geteuid() == 0 else "socket"
    if options.driver == "af_xdp" and os.geteuid() != 0:
        parser.error("--driver af_xdp makes network namespaces and needs root; take socket")
    if options.quick:
        options.players, options.seconds, options.npcs, options.latency = 200, 5, 200, None
        options.attack_rate = options.attack_rate or 50000
    if options.memory is None:
        options.memory = 512 + options.players // 20
    try:
        options.server_args = shlex.split(options.server_args)
    except ValueError as error:
        parser.error(f"--server-args: {error}")
    demo_run.take_xdp_filter(parser, options)
    demo_run.take_io_lanes(parser, options, attack_net.WIRES)
    if options.json and not os.access(os.path.dirname(os.path.abspath(options.json)), os.W_OK):
        parser.error(f"--json: cannot write beside {options.json}")
    if options.source:
        try:
            ipaddress.IPv4Network(options.source, strict=False)
        except ValueError as error:
            parser.error(f"--source: {error}")
    if options.logins and options.kinds == "none":
        parser.error("--logins needs an attack: --kinds none has none")
    options.shards, options.swarm_args, options.audit = None, ["--hold", str(HOLD_S), "--linger", "10"], 1
    return options


def place():
    """Cores of server, swarm and attacker, and a sentence about them. The server has one core, whatever there is."""
    cores = sorted(os.sched_getaffinity(0))
    server, swarm, attacker = cores[0], cores[min(1, len(cores) - 1)], cores[min(2, len(cores) - 1)]
    words = f"server on {server}, swarm on {swarm}, attacker on {attacker}"
    return [server], [swarm], [attacker], words + (" with what the swarm leaves of it" if attacker == swarm else "")


def attack_command(options, wire, directory, run_name, swarm_cores, cores):
    with open(os.path.join(directory, "token.key"), encoding="utf-8") as file:
        protocol_id = next(line.split("=")[1].strip() for line in file if line.startswith("protocol_id"))
    command = [*wire.attack_prefix, demo_run.program(options, "serried-attack")]
    if wire.on_the_wire:
        memory, _ = demo_net.memory_arguments(256, 1)
        command += [*demo_run.lcores(cores), *memory, *demo_run.QUIET, "--file-prefix", f"{run_name}-attack",
                    *wire.attack_eal(), "--"]
    command += [*wire.attack_options(), "--server", f"{wire.server_address}:{wire.port}", "--protocol-id", protocol_id,
                "--kinds", "mixed" if options.kinds == "none" else options.kinds, "--rate", str(options.attack_rate),
                "--json-summary", os.path.join(directory, "attack.json")]
    # On the players' core it takes what they leave; on memif their frames wait for it.
    return ["chrt", "--idle", "0", *command] if cores == swarm_cores else command


def wait_for_players(server, swarm, players):
    """Whether all of them play, within a minute and what connecting takes."""
    limit = time.monotonic() + 60 + players / 50
    while time.monotonic() < limit and swarm.running() and server.running():
        if any(f"swarm: {players}/{players} playing" in line for line in swarm.tail):
            return True
        time.sleep(0.1)
    return False


class Operator:
    """Bans half of the attacker's network, and an address of the other half, while the attack goes on."""

    def __init__(self, options, socket, source):
        self.command = [demo_run.program(options, "serried-ctl"), "--socket", socket, "ban"]
        network = ipaddress.ip_network(source, strict=False)
        half = list(network.subnets())[-1] if network.num_addresses > 1 else network
        self.banned = [str(half), str(network.network_address)] if half != network else [str(network.network_address)]
        self.done = False

    def ask(self, *words):
        return subprocess.run([*self.command, *words], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30)

    def ban(self):
        """What went wrong, as sentences."""
        self.done = True
        for place in self.banned:
            added = self.ask("add", place, "--for", "1h")
            if added.returncode != 0:
                return [f"the operator could not ban {place}: {(added.stderr or added.stdout).strip()}"]
        missing = self.banned
        limit = time.monotonic() + 5  # lanes are told, and tell that it holds, from one poll to the next
        while missing and time.monotonic() < limit:
            listed = self.ask("list", "--json")
            try:
                bans = {ban["address"]: ban for ban in json.loads(listed.stdout)["bans"]}
            except (ValueError, KeyError, TypeError):
                return [f"serried-ctl ban list: {(listed.stderr or listed.stdout).strip()}"]
            missing = [place for place in missing
                       if not (bans.get(place, {}).get("by") == "operator" and bans[place]["in_force"])]
        return [f"the operator's ban of {place} is not in force" for place in missing]


def play(options, commands, operator, on_the_wire, swarm_cores, attack_cores):
    """Run all three; what went wrong with the processes themselves, and whether Ctrl-C was pressed."""
    problems, swarm, attacker = [], None, None
    # The attacker on the wire carries the Disconnects of the others, and must leave the wire before they do: a thread of memif's unmaps
    # what it shared with a peer that has left, and waits for no burst. So the swarm lingers when it has said all.
    said = commands["swarm"][commands["swarm"].index("--json") + 1]

    def playing():
        return swarm and swarm.running() and not os.path.exists(said)

    logs = demo_run.log_folder("attack")
    server = Process("server", commands["server"], logs=logs)
    try:
        if not server.ready.wait(60):
            return [f"the server did not start; see above, and {server.log}"], False
        if on_the_wire:
            attacker = Process("attack", commands["attack"], attack_cores, logs=logs)
            if not attacker.ready.wait(60):
                return [f"the attacker did not start; see above, and {attacker.log}"], False
        def begin():
            if not on_the_wire:
                return Process("attack", commands["attack"], attack_cores, logs=logs)
            attacker.process.send_signal(signal.SIGUSR1)
            return attacker

        if options.logins:
            attacker = begin()
        swarm = Process("swarm", commands["swarm"], swarm_cores, logs=logs)
        if not wait_for_players(server, swarm, options.players):
            problems.append("not all bots came into the world" + ("" if options.logins else "; there was no attack"))
        elif options.kinds != "none" and not options.logins:
            attacker = begin()
        ban_at = time.monotonic() + HOLD_S + options.seconds / 2
        limit = time.monotonic() + HOLD_S + options.seconds + 60
        while playing() and server.running() and time.monotonic() < limit:
            time.sleep(0.1)
            if attacker and options.kinds != "none" and not operator.done and time.monotonic() > ban_at:
                problems += operator.ban()
            if attacker and not attacker.running():
                problems.append("the attacker ended early")
                attacker = None
        if not server.running():
            problems.append(f"the server died (exit code {server.wait(1)})")
        elif playing():
            problems.append("the swarm did not end by itself")
        return problems, False
    except KeyboardInterrupt:
        return problems, True
    finally:
        if on_the_wire and playing():
            swarm.process.send_signal(signal.SIGINT)
            limit = time.monotonic() + 5
            while playing() and time.monotonic() < limit:
                time.sleep(0.1)
        # One that never attacked has nothing to tell.
        idle = on_the_wire and options.kinds == "none"
        for name, process, fine in (("attacker", attacker, (0, 1) if idle else (0,)), ("swarm", swarm, (0, 1)),
                                    ("server", server, (0,))):
            if process and process.end() not in fine:
                problems.append(f"the {name} ended with exit code {process.process.returncode}")


def judge(options, result):
    """What is wrong, as sentences."""
    problems = demo_report.find_problems(result)
    attack, latency = result["attack"], result["update_latency_ms"]["p99"]
    if options.latency and latency is not None and latency >= options.latency:
        problems.append(f"input to update: p99 is {latency:.1f} ms, {options.latency} ms are allowed")
    if options.kinds == "none":
        return problems
    if not attack.get("datagrams"):
        problems.append("nothing was sent by the attacker")
    elif attack["amplification"] > 1:
        problems.append(f"the server answers with {attack['amplification']:.2f} times the bytes that strangers send")
    return problems


def table(result, memory, cores):
    latency, attack, swarm = result["update_latency_ms"], result["attack"], result["swarm"]
    show = demo_report.number
    late = "   (the swarm cannot keep up: its own lateness is in it)" if swarm.get("swarm_behind") else ""
    lanes = (result["server"].get("tick_ms") or {})
    rows = [
        ("wire", f"{result['driver']}, {memory}"),
        ("cores", cores),
        *demo_report.stolen_rows(result),
        ("players", f"{show(result['connected'])} of {show(result['players'])} connected, {result['rate_hz']} inputs/s each, "
                    f"{result['seconds']} s"),
        ("attack", f"{attack.get('datagrams_per_s', 0):,.0f} datagrams/s, {show(attack.get('datagrams', 0))} in all, "
                   f"{show(attack.get('refused', 0))} refused by the attacker's kernel"),
    ]
    for name, kind in (attack.get("kinds") or {}).items():
        rows.append(("  " + name, f"{kind['datagrams_per_s']:,.0f}/s, {kind['answers']:,} answers, "
                                  f"amplification {kind['amplification']:.4f}"))
    rows += [
        ("input to update", f"p50 {show(latency['p50'], 1)}   p99 {show(latency['p99'], 1)}   "
                            f"p99.9 {show(latency['p999'], 1)}   max {show(latency['max'], 1)} ms{late}"),
        ("tick", f"p50 {show(lanes.get('p50'), 2)}   p99 {show(lanes.get('p99'), 2)}   max {show(lanes.get('max'), 2)} ms"),
        ("disconnected", f"{show(result['errors'])} errors"),
        ("views", f"{show(result['view_mismatches'])} differ, of {show(swarm.get('audits'))} compared"),
        ("server", f"{show(result['rx_pps'])} packets/s in, {show(result['tx_pps'])} out"),
    ]
    rows += [("  drop " + reason, show(count)) for reason, count in sorted(result["drops"].items(), key=lambda d: -d[1])]
    rows.append(("amplification", f"{attack.get('amplification', 0):.4f}"))
    rows.append(("verdict", "all good" if not result["problems"] else "WRONG: " + result["problems"][0]))
    rows += [("", problem) for problem in result["problems"][1:]]
    first = max(len(name) for name, _ in rows)
    return "\n".join(f"{name:<{first}}  {text}" for name, text in rows)


def attack(options):
    run_name = f"serried-{os.getpid()}"
    directory = tempfile.mkdtemp(prefix="serried-attack-")
    server_cores, swarm_cores, attack_cores, cores = place()
    try:
        with attack_net.WIRES[options.driver](directory, run_name, options.xdp_filter, options.io_lanes) as wire:
            wire.source = options.source
            subprocess.run([demo_run.program(options, "serried-token"), "keygen", "--out",
                            os.path.join(directory, "token.key")], check=True, stdout=subprocess.DEVNULL)
            server, swarm, _, memory, _ = demo_run.commands(options, wire, directory, run_name,
                                                            (server_cores, swarm_cores, cores))
            server += ["--control-socket", os.path.join(directory, "control")]
            commands = {"server": server, "swarm": swarm}
            if options.kinds != "none" or wire.on_the_wire:
                commands["attack"] = attack_command(options, wire, directory, run_name, swarm_cores, attack_cores)
            print(f"attack: {options.players:,} bots, {options.seconds} s, over {wire.words}; {memory}; {cores}", flush=True)
            stolen = Stolen()
            source = options.source or wire.usual_source
            operator = Operator(options, os.path.join(directory, "control"), source)
            problems, interrupted = play(options, commands, operator, wire.on_the_wire, swarm_cores, attack_cores)
            stolen = stolen.fractions()
        summaries = {name: demo_run.read_summary(os.path.join(directory, f"{name}.json")) for name in commands}
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    result = demo_report.merge(options, summaries["server"], summaries["swarm"])
    result["attack"], result["stolen"] = summaries.get("attack", {}), stolen
    problems += [f"the {name} left no summary" for name, summary in summaries.items() if not summary]
    result["problems"] = problems + judge(options, result)
    return demo_run.finish(options, result, table, memory, cores, interrupted)


sys.exit(demo_run.run_script("attack", read_options(), attack))
