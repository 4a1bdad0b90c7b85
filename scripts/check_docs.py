#!/usr/bin/env python3
"""The table of drop reasons in docs/running.md is src/observe/drop.def, row by row. --write makes it so."""

import os
import re
import sys

import checklib

LIST = "src/observe/drop.def"
PAGE = "docs/running.md"
BEGIN, END = "<!-- drops: begin -->", "<!-- drops: end -->"


def table():
    rows = re.findall(r'^SERRIED_DROP\(\s*(\w+)\s*,\s*(\w+)\s*,\s*"((?:[^"\\]|\\.)*)"\s*\)', checklib.read(LIST), re.M)
    lines = ["| reason | unit | what happened |", "| --- | --- | --- |"]
    return lines + [f"| `{name}` | {unit} | {text} |" for name, unit, text in rows]


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
                         "(scripts/check_docs.py --write puts it right)")
            break
    return findings.finish(f"{len(wanted) - 2} drop reasons")


sys.exit(main())
