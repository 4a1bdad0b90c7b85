"""What a run of the demo comes to: one object from the server's and the swarm's summaries, what was wrong, one table."""


def number(value, digits=0):
    if value is None:
        return "-"
    return f"{value:,.{digits}f}" if digits or isinstance(value, float) else f"{value:,}"


def pick(summary, name, keys):
    """The named figures of a histogram, null for what a program that died did not tell."""
    figures = summary.get(name) or {}
    return {key: figures.get(key) for key in keys}


def merge(options, server, swarm):
    """The object of --json. The first nine keys are a promise; the others say how the run was made."""
    return {
        "players": options.players,
        "connected": swarm.get("connected", 0),
        "errors": swarm.get("errors", 0),
        "view_mismatches": swarm.get("view_mismatches", 0),
        "rx_pps": server.get("rx_pps"),
        "tx_pps": server.get("tx_pps"),
        "tick_ms": pick(server, "tick_ms", ("p50", "p99", "max")),
        # A histogram without samples says 0; here that is nothing.
        "update_latency_ms": pick(swarm if swarm.get("update_latency_samples") else {}, "update_latency_ms",
                                  ("p50", "p99", "p999", "max")),
        "drops": {reason: count for reason, count in (server.get("drops") or {}).items() if count},
        "driver": options.driver,
        "seconds": options.seconds,
        "rate_hz": options.rate,
        "npcs": options.npcs,
        "audits_per_s": options.audit,
        "problems": [],
        "server": server,
        "swarm": swarm,
    }


def find_problems(result):
    """Everything that was wrong, as sentences: the demo fails when there is one."""
    problems = []
    players, connected = result["players"], result["connected"]
    if connected < players:
        problems.append(f"{players - connected} of {players} bots did not connect")
    if result["errors"]:
        kinds = result["swarm"].get("error_kinds")
        if isinstance(kinds, dict):
            kinds = ", ".join(f"{kind} {count}" for kind, count in kinds.items() if count)
        problems.append(f"{result['errors']} errors in bots" + (f": {kinds}" if kinds else ""))
    if result["view_mismatches"]:
        problems.append(f"{result['view_mismatches']} views of bots differ from the server's world")
    if result["swarm"].get("scene_faults"):
        problems.append(f"{result['swarm']['scene_faults']} times a bot showed what a client must not show")
    if connected and result["update_latency_ms"]["p50"] is None:
        problems.append("no bot saw an update that answers an input")
    if connected and result["audits_per_s"] and not result["swarm"].get("audits"):
        problems.append("no bot's view was compared with the server's world")
    accounting = result["server"].get("accounting") or {}
    if accounting.get("balanced") is False:
        problems.append(f"the server's books do not balance: {accounting['received']} received, {accounting['delivered']} "
                        f"delivered, {accounting['host']} answered by the host, {accounting['dropped']} dropped")
    return problems


def stolen_rows(result):
    """What the host took, which nothing on the machine can help; not where it took nothing worth a line."""
    taken = ", ".join(f"{part:.1%} of core {core}" for core, part in (result.get("stolen") or {}).items() if part >= 0.001)
    return [("taken by the host", taken)] if taken else []


def table(result, memory, cores):
    tick, latency = result["tick_ms"], result["update_latency_ms"]
    server, swarm = result["server"], result["swarm"]
    budget = (server.get("tick_ms") or {}).get("budget")
    late = "   (the swarm cannot keep up: its own lateness is in it)" if swarm.get("swarm_behind") else ""
    rows = [
        ("wire", f"{result['driver']}, {memory}"),
        ("cores", cores),
        *stolen_rows(result),
        ("players", f"{number(result['connected'])} of {number(result['players'])} connected, {result['npcs']:,} NPCs, "
                    f"{result['rate_hz']} inputs/s each, {result['seconds']} s"),
        ("packets in", f"{number(result['rx_pps'])} /s"),
        ("packets out", f"{number(result['tx_pps'])} /s"),
        ("tick", f"p50 {number(tick['p50'], 2)}   p99 {number(tick['p99'], 2)}   max {number(tick['max'], 2)} ms   "
                 f"of {number(budget, 2)} ms"),
        ("input to update", f"p50 {number(latency['p50'], 1)}   p99 {number(latency['p99'], 1)}   "
                            f"p99.9 {number(latency['p999'], 1)}   max {number(latency['max'], 1)} ms{late}"),
    ]
    def resident(name):
        figures = (result.get("memory") or {}).get(name) or {}
        if not figures.get("resident_bytes"):
            return f"{name} -"
        grew = figures["growth_bytes"]
        return f"{name} {figures['resident_bytes'] / 2**20:,.0f} MiB" + (
            "" if grew is None else f" ({grew / 2**20:+.2f} in the second half)")

    allocations = ((server.get("memory") or {}).get("lane_allocations"))
    rows.append(("memory", f"{resident('server')}, {resident('swarm')}"
                           + ("" if allocations is None else f"; {allocations:,} allocations by server lanes")))
    compared = swarm.get("audits")
    if swarm.get("drawing"):
        off = swarm.get("speed_error_percent") or {}
        rows.append(("scenes", f"of {number(swarm['drawing'])} bots: {number(swarm['frames_repeated'])} of "
                               f"{number(swarm['frames_drawn'])} frames repeated, speed off by p99 {off.get('p99', 0):.1f} %"))
    rows += [
        ("views", f"{number(result['view_mismatches'])} differ from the server's world"
                  + (f", of {number(compared)} compared" if compared is not None else "")),
        ("errors", number(result["errors"])),
        ("drops", ", ".join(f"{reason} {count:,}" for reason, count in result["drops"].items()) or "none"),
        ("verdict", "all good" if not result["problems"] else "WRONG: " + result["problems"][0]),
    ]
    rows += [("", problem) for problem in result["problems"][1:]]
    first = max(len(name) for name, _ in rows)
    second = max(len(text) for _, text in rows)
    rule = f"+-{'-' * first}-+-{'-' * second}-+"
    return "\n".join([rule] + [f"| {name:<{first}} | {text:<{second}} |" for name, text in rows] + [rule])
