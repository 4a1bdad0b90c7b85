#!/usr/bin/env python3
"""docs/running.md tells the truth: its table of drop reasons is src/observe/drop.def row by row (--write makes it so),
and the options it names for each program are those that the program takes."""

import os
import re
import sys

import checklib

LIST = "src/observe/drop.def"
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
BEGIN, END = "<!-- drops: begin -->", "<!-- drops: end -->"


def table():
    rows = re.findall(r'^SERRIED_DROP\(\s*(\w+)\s*,\s*(\w+)\s*,\s*"((?:[^"\\]|\\.)*)"\s*\)', checklib.read(LIST), re.M)
    lines = ["| reason | unit | what happened |", "| --- | --- | --- |"]
    return lines + [f"| `{name}` | {unit} | {text} |" for name, unit, text in rows]


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


def main():
    findings = checklib.Findings("docs")
    lines = checklib.read(PAGE).splitlines()
    wanted = table()
    if lines.count(BEGIN) != 1 or lines.count(END) != 1:
        findings.add(PAGE, 1, f"must hold one `{BEGIN}` and one `{END}` line around the table of drops")
        return findings.finish("no table")
    begin, end = lines.index(BEGIN) + 1, lines.index(END)
    if sys.argv[1:] == ["--write"]:
        lines[begin:end] = wanted
        with open(os.path.join(checklib.ROOT, PAGE), "w", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")
        begin, end = lines.index(BEGIN) + 1, lines.index(END)
    there = lines[begin:end]
    for offset in range(max(len(wanted), len(there))):
        have = there[offset] if offset < len(there) else "nothing"
        want = wanted[offset] if offset < len(wanted) else "nothing"
        if have != want:
            findings.add(PAGE, begin + offset + 1, f"has {have}; {LIST} has {want} "
                         "(scripts/lib/check_docs.py --write puts it right)")
            break
    check_options(findings, lines)
    return findings.finish(f"{len(wanted) - 2} drop reasons, options of the programs")


sys.exit(main())
