#!/usr/bin/env python3
"""Hold every file under src/ to src/layers.txt, and foreign headers, clocks and entropy to their modules
(docs/architecture.md, Layers). The rooms of src/README.md are the folders of src/ and no others."""

import re
import sys

import checklib

LAYERS = "src/layers.txt"
ROOMS = "src/README.md"
ROOM = re.compile(r"\| `([^`]+)` \|")
SOURCE = re.compile(r"\.(h|cpp|inc|def)$")
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')

# What runs once, or seldom, and meets the machine and its operator.
CONTROL = ("process", "config", "telemetry", "admin", "server")
# Whose outer loops read clocks.
CLOCK = "base/clock.h"
CLOCK_READERS = {*CONTROL, "client", "tools"}
# What only some modules may touch: name, pattern over the included header, modules, reason.
HEADERS = [
    ("DPDK", re.compile(r"^rte_"), {*CONTROL, "link", "port", "tools"}),
    ("libsodium", re.compile(r"^sodium"), {"crypt"}),
    ("an ISA", re.compile(r"^([a-z]+intrin|x86gprintrin|cpuid|arm_acle|arm_neon)\.h$"), {"simd"}),
    ("a clock", re.compile(r"^(chrono|ctime|time\.h|sys/time\.h|rte_cycles\.h)$"), {*CONTROL, "tools"}),
    ("entropy", re.compile(r"^(random|sys/random\.h|rte_random\.h)$"), {*CONTROL, "tools"}),
    ("a logger", re.compile(r"^(spdlog|fmt)/|^(iostream|rte_log\.h)$"), {*CONTROL, "tools"}),
]
# Calls that need no header of their own to be noticed.
CALLS = [
    ("a clock", re.compile(r"\b(clock_gettime|gettimeofday|clock_nanosleep|rte_rdtsc\w*|__rdtsc|rte_get_\w*cycles)\s*\("
                           r"|\b(?:steady|system|high_resolution)_clock\b"), {*CONTROL, "tools"}),
    ("entropy", re.compile(r"\b(getrandom|getentropy|randombytes_buf|arc4random\w*|rte_rand)\s*\(|\brandom_device\b"),
     {*CONTROL, "tools"}),
]


def read_layers(findings):
    layers = {}
    for number, line in enumerate(checklib.read(LAYERS).splitlines(), 1):
        line = line.split("#")[0].strip()
        if not line:
            continue
        module, colon, named = line.partition(":")
        if not colon:
            findings.add(LAYERS, number, "write `module: the modules it may include`")
            continue
        for name in named.split():
            if name not in layers:
                findings.add(LAYERS, number, f"`{name}` must have its own line above, or the layers have a cycle")
        layers[module.strip()] = set(named.split())
    return layers


def module_of(layers, path):
    """The module that a path below src/ lies in: MODULE, or games/GAME. None: no module has it."""
    parts = path.split("/")
    return next((name for name in ("/".join(parts[:2]), parts[0]) if name in layers and name != path), None)


def check_include(findings, layers, path, number, module, quote, header):
    if header == CLOCK and module not in CLOCK_READERS:
        findings.add(path, number, f"only {', '.join(sorted(CLOCK_READERS))} read a clock; elsewhere `now` is an argument", header)
    if quote == '"':
        if header.startswith("serried/"):
            return
        included = module_of(layers, header)
        if included is None:
            findings.add(path, number, f'write #include "module/file.h" or "serried/file.h", not "{header}"', header)
        elif module is None:
            findings.add(path, number, f'a public header includes only public headers, not "{header}"', header)
        elif included != module and included not in layers[module]:
            findings.add(path, number, f"{module} may not include {included} (\"{header}\"): {LAYERS}", header)
        return
    for name, pattern, modules in HEADERS:
        if pattern.search(header) and module not in modules:
            findings.add(path, number, f"<{header}> is {name}: only in {', '.join(sorted(modules))}", header)


def check_file(findings, layers, path, module):
    text = checklib.read(path)
    for number, line in enumerate(text.splitlines(), 1):
        match = INCLUDE.match(line)
        if match:
            check_include(findings, layers, path, number, module, match[1], match[2])
    for number, line in enumerate(checklib.strip_comments(text).splitlines(), 1):
        for name, pattern, modules in CALLS:
            match = pattern.search(line)
            if match and module not in modules:
                call = match[0].rstrip("( ")
                findings.add(path, number, f"`{call}` reads {name}: only in {', '.join(sorted(modules))}; "
                             "elsewhere it is an argument", call)


def folders_of(paths):
    """The folders that are modules: src/MODULE, and src/games/GAME."""
    folders = set()
    for path in paths:
        parts = path.split("/")
        if parts[0] == "src" and len(parts) > 2:
            folders.add("/".join(parts[1:3]) if parts[1] == "games" and len(parts) > 3 else parts[1])
    return folders


def check_rooms(findings, text, folders):
    """Every folder has one row in the table of rooms, and every row its folder."""
    inside, rooms, last = False, {}, 1
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("#"):
            inside = line == "## The rooms"
        match = ROOM.match(line) if inside else None
        if not match:
            continue
        last = number
        if match[1] in rooms:
            findings.add(ROOMS, number, f"`{match[1]}` has a row already, in line {rooms[match[1]]}", match[1])
        rooms.setdefault(match[1], number)
        if match[1] not in folders:
            findings.add(ROOMS, number, f"src/{match[1]} does not exist", match[1])
    for folder in sorted(folders - rooms.keys()):
        findings.add(ROOMS, last, f"the table of rooms has no row for src/{folder}", folder)


def main():
    findings = checklib.Findings("layers")
    layers = read_layers(findings)
    check_rooms(findings, checklib.read(ROOMS), folders_of(checklib.project_files()))
    looked = 0
    for path in checklib.project_files():
        parts = path.split("/")
        if not SOURCE.search(path) or parts[0] not in ("src", "include"):
            continue
        module = module_of(layers, "/".join(parts[1:])) if parts[0] == "src" else None
        if parts[0] == "src" and (len(parts) not in (3, 4) or module is None):
            findings.add(path, 1, f"sources live in src/MODULE/ or a folder of it, and {LAYERS} names no module for this one")
            continue
        check_file(findings, layers, path, module)
        looked += 1
    return findings.finish(f"{looked} files against {len(layers)} layers")


if __name__ == "__main__":
    sys.exit(main())
