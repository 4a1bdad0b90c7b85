#!/usr/bin/env python3
"""docs/running.md tells the truth: its tables of drop reasons and counters are src/observe/drop.def and counter.def row by
row (--write makes it so), and the options it names for each program are those that the program takes."""

import os
import re
import sys

import checklib

TEXT = r'"((?:[^"\\]|\\.)*)"'
DROP = re.compile(r"^SERRIED_DROP\(\s*(\w+)\s*,\s*(\w+)\s*,\s*" + TEXT + r"\s*\)", re.M)
COUNTER = re.compile(r"^SERRIED_(\w+)_COUNTER\(\s*(\w+),\s*(\w+),\s*(\w+),\s*(\w+),\s*" + TEXT + r"\s*\)", re.M)
PAGE = "docs/running.md"
# Where each program declares its options, and how.
OPTIONS = [
    ("serried-server", "src/control/option.cpp", re.compile(r'Option\{"([\w-]+)"')),
    ("serried-server", "src/control/config.cpp", re.compile(r'(?:add_option|flag)\(\s*"(?:-\w,)?--([\w-]+)"')),
    ("serried-token", "src/tools/token.cpp", re.compile(r'(?:add_option\(|add_number\(\w+, )\s*"--([\w-]+)"')),
    ("serried-integrity", "src/tools/integrity.cpp", re.compile(r'(?:add_option\(|add_number\(\w+, )\s*"--([\w-]+)"')),
    ("serried-ctl", "src/tools/ctl.cpp", re.compile(r'add_(?:option|flag)\(\s*"--([\w-]+)"')),
    ("serried-swarm", "src/tools/swarm/options.cpp", re.compile(r'add_(?:option|flag)\(\s*"--([\w-]+)[",]')),
    ("serried-attack", "src/tools/attack/options.cpp", re.compile(r'add_(?:option|flag|number)\((?:app, )?\s*"--([\w-]+)"')),
]


def drops(text):
    lines = ["| reason | unit | what happened |", "| --- | --- | --- |"]
    return lines + [f"| `{name}` | {unit} | {what} |" for name, unit, what in DROP.findall(text)]


def counters(text):
    lines = ["| counter | kind | unit | owner | what it counts |", "| --- | --- | --- | --- | --- |"]
    return lines + [f"| `{group}.{name}` | {kind} | {unit} | {owner.lower()} | {what} |"
                    for owner, group, name, kind, unit, what in COUNTER.findall(text)]


# Name of a table, between its `begin` and `end` in the page, and what makes it from which list.
TABLES = {"drops": ("src/observe/drop.def", drops), "counters": ("src/observe/counter.def", counters)}


def check_options(findings, lines):
    """Every option of a program stands in the table of its section, and nothing else does."""
    section, documented = "", {}
    for number, line in enumerate(lines, 1):
        if line.startswith("## "):
            section = line[3:]
        elif line.startswith("| `--"):
            for name in re.findall(r"--([\w-]+)", line.split("|")[1]):
                documented.setdefault(section, {})[name] = number
    for program in dict.fromkeys(program for program, _, _ in OPTIONS):
        known = documented.get(program, {})
        declared = {}
        for owner, path, pattern in OPTIONS:
            if owner == program and os.path.exists(os.path.join(checklib.ROOT, path)):
                text = checklib.read(path)
                for match in pattern.finditer(text):
                    declared.setdefault(match[1], (path, text.count("\n", 0, match.start()) + 1))
        if not declared:
            continue
        for name, (path, line) in declared.items():
            if name not in known:
                findings.add(path, line, f"--{name} is not in the table of {program} in {PAGE}")
        for name, line in known.items():
            if name not in declared and not (name.startswith("no-") and name[3:] in declared):
                findings.add(PAGE, line, f"{program} has no option --{name}")


def check_table(findings, lines, name, write):
    """The lines of the table `name` are those that its list gives; with `write` they become so. How many rows it has."""
    source, make = TABLES[name]
    wanted = make(checklib.read(source))
    marks = [f"<!-- {name}: {word} -->" for word in ("begin", "end")]
    if any(lines.count(mark) != 1 for mark in marks):
        findings.add(PAGE, 1, f"must hold one `{marks[0]}` and one `{marks[1]}` line around the table of {name}")
        return 0
    begin, end = lines.index(marks[0]) + 1, lines.index(marks[1])
    if write:
        lines[begin:end] = wanted
        end = begin + len(wanted)
    there = lines[begin:end]
    for offset in range(max(len(wanted), len(there))):
        have = there[offset] if offset < len(there) else "nothing"
        want = wanted[offset] if offset < len(wanted) else "nothing"
        if have != want:
            findings.add(PAGE, begin + offset + 1, f"has {have}; {source} has {want} "
                         "(scripts/lib/check_docs.py --write puts it right)")
            break
    return len(wanted) - 2


def main():
    findings = checklib.Findings("docs")
    lines = checklib.read(PAGE).splitlines()
    write = sys.argv[1:] == ["--write"]
    rows = {name: check_table(findings, lines, name, write) for name in TABLES}
    if write:
        with open(os.path.join(checklib.ROOT, PAGE), "w", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")
    check_options(findings, lines)
    return findings.finish(", ".join(f"{count} {name}" for name, count in rows.items()) + ", options of the programs")


sys.exit(main())
