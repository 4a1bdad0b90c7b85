#!/usr/bin/env python3
"""Hold every file under src/ to src/layers.txt, and foreign headers, clocks and entropy to their modules
(docs/architecture.md, Layers)."""

import re
import sys

import checklib

LAYERS = "src/layers.txt"
SOURCE = re.compile(r"\.(h|cpp|inc|def)$")
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')

# What only some modules may touch: name, pattern over the included header, modules, reason.
HEADERS = [
    ("DPDK", re.compile(r"^rte_"), {"port", "ring", "lane", "control", "tools"}),
    ("libsodium", re.compile(r"^sodium"), {"crypt"}),
    ("an ISA", re.compile(r"^([a-z]+intrin|x86gprintrin|cpuid)\.h$"), {"kernel"}),
    ("a clock", re.compile(r"^(chrono|ctime|time\.h|sys/time\.h|rte_cycles\.h)$"), {"control", "tools"}),
    ("entropy", re.compile(r"^(random|sys/random\.h|rte_random\.h)$"), {"control", "tools"}),
    ("a logger", re.compile(r"^(spdlog|fmt)/|^(iostream|rte_log\.h)$"), {"control", "tools"}),
]
# Calls that need no header of their own to be noticed.
CALLS = [
    ("a clock", re.compile(r"\b(clock_gettime|gettimeofday|clock_nanosleep|rte_rdtsc\w*|__rdtsc|rte_get_\w*cycles)\s*\("
                           r"|\b(?:steady|system|high_resolution)_clock\b"), {"control", "tools"}),
    ("entropy", re.compile(r"\b(getrandom|getentropy|randombytes_buf|arc4random\w*|rte_rand)\s*\(|\brandom_device\b"),
     {"control", "tools"}),
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


def check_include(findings, layers, path, number, module, quote, header):
    first = header.split("/")[0]
    if quote == '"':
        if first == "serried":
            return
        if first not in layers or "/" not in header:
            findings.add(path, number, f'write #include "module/file.h" or "serried/file.h", not "{header}"', header)
        elif module is None:
            findings.add(path, number, f'a public header includes only public headers, not "{header}"', header)
        elif first != module and first not in layers[module]:
            findings.add(path, number, f"{module} may not include {first} (\"{header}\"): {LAYERS}", header)
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


def main():
    findings = checklib.Findings("layers")
    layers = read_layers(findings)
    looked = 0
    for path in checklib.project_files():
        parts = path.split("/")
        if not SOURCE.search(path) or parts[0] not in ("src", "include"):
            continue
        if parts[0] == "src" and (len(parts) not in (3, 4) or parts[1] not in layers):
            findings.add(path, 1, f"sources live in src/MODULE/ or a folder of it, and {LAYERS} names no module for this one")
            continue
        check_file(findings, layers, path, parts[1] if parts[0] == "src" else None)
        looked += 1
    return findings.finish(f"{looked} files against {len(layers)} layers")


sys.exit(main())
