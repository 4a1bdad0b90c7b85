#!/usr/bin/env python3
"""usage: check_docs.py BUILD_DIRECTORY [--write]

What docs/running.md takes from elsewhere stands there as it is there, between `<!-- NAME: begin -->` and `<!-- NAME: end -->`:
the drop reasons of src/metrics/drop.def, the counters of counter.def, and of each program the table that its --help-markdown prints; and in
dpdk-config/README.md the profiles of its folder. --write puts the pages right."""

import glob
import os
import re
import subprocess
import sys
import tomllib

import checklib

TEXT = r'"((?:[^"\\]|\\.)*)"'
DROP = re.compile(r"^SERRIED_DROP\(\s*(\w+)\s*,\s*(\w+)\s*,\s*" + TEXT + r"\s*\)", re.M)
COUNTER = re.compile(r"^SERRIED_(\w+)_COUNTER\(\s*(\w+),\s*(\w+),\s*(\w+),\s*(\w+),\s*" + TEXT + r"\s*\)", re.M)
PAGE = "docs/running.md"
PROGRAMS = ["serried-server", "serried-swarm", "serried-attack", "serried-impair", "serried-token", "serried-integrity", "serried-ctl"]


def drops(text):
    lines = ["| reason | unit | what happened |", "| --- | --- | --- |"]
    return lines + [f"| `{name}` | {unit} | {what} |" for name, unit, what in DROP.findall(text)]


def counters(text):
    lines = ["| counter | kind | unit | owner | what it counts |", "| --- | --- | --- | --- | --- |"]
    return lines + [f"| `{group}.{name}` | {kind} | {unit} | {owner.lower()} | {what} |"
                    for owner, group, name, kind, unit, what in COUNTER.findall(text)]


PROFILES = "dpdk-config/profiles"
PROFILES_PAGE = "dpdk-config/README.md"


def profile_table():
    lines = ["| profile | driver | for | parameters | tried here |", "| --- | --- | --- | --- | --- |"]
    for path in checklib.project_files():
        if not path.startswith(PROFILES) or not path.endswith(".toml"):
            continue
        name, text = os.path.basename(path)[:-5], tomllib.loads(checklib.read(path))
        about, parameters = text["profile"], text.get("parameters", {})
        words = [f"`{key}`" + (f" ({value['default']})" if "default" in value else "") for key, value in parameters.items()]
        lines.append(f"| [{name}](profiles/{name}.toml) | {about['driver']} | {about['about']} | {', '.join(words)} | "
                     f"{about.get('tried', '**no**')} |")
    return lines


# Name of a table, and what makes it from which list.
TABLES = {"drops": ("src/metrics/drop.def", drops), "counters": ("src/metrics/counter.def", counters)}


def option_table(program):
    """What the program prints, or None where it cannot be asked."""
    done = subprocess.run([program, "--help-markdown"], capture_output=True, text=True, timeout=30)
    return done.stdout.splitlines() if done.returncode == 0 else None


def sources(build, findings):
    """(page, name of the block, where it comes from, its lines)"""
    for name, (source, make) in TABLES.items():
        yield PAGE, name, source, make(checklib.read(source))
    yield PROFILES_PAGE, "profiles", PROFILES, profile_table()
    for name in PROGRAMS:
        built = glob.glob(os.path.join(build, "src/*", name))
        table = option_table(built[0]) if len(built) == 1 else None
        if table is None:
            findings.add(PAGE, 1, f"{name} of {build} does not tell its options: build it first")
        else:
            yield PAGE, f"options of {name}", f"{name} --help-markdown", table


def block(lines, name):
    """The lines between the marks of a block as (begin, end), None where they are not there once."""
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    if lines.count(begin) != 1 or lines.count(end) != 1 or lines.index(begin) > lines.index(end):
        return None
    return lines.index(begin) + 1, lines.index(end)


def compare(findings, page, have, want, first, source):
    for offset in range(max(len(want), len(have))):
        there = have[offset] if offset < len(have) else "nothing"
        wanted = want[offset] if offset < len(want) else "nothing"
        if there != wanted:
            findings.add(page, first + offset, f"has {there}; {source} has {wanted} (scripts/check --write docs puts it right)")
            return


def main():
    arguments = [argument for argument in sys.argv[1:] if argument != "--write"]
    if len(arguments) != 1:
        sys.exit(__doc__)
    findings = checklib.Findings("docs")
    pages = {page: checklib.read(page).splitlines() for page in (PAGE, PROFILES_PAGE)}
    tables = rows = 0
    for page, name, source, wanted in sources(arguments[0], findings):
        lines, place = pages[page], block(pages[page], name)
        if place is None:
            findings.add(page, 1, f"must hold one `<!-- {name}: begin -->` line and one `<!-- {name}: end -->` line behind it")
            continue
        begin, end = place
        if "--write" in sys.argv:
            lines[begin:end] = wanted
            end = begin + len(wanted)
        compare(findings, page, lines[begin:end], wanted, begin + 1, source)
        tables, rows = tables + 1, rows + len(wanted) - 2
    if "--write" in sys.argv:
        for page, lines in pages.items():
            with open(os.path.join(checklib.ROOT, page), "w", encoding="utf-8") as file:
                file.write("\n".join(lines) + "\n")
    return findings.finish(f"{tables} tables of {rows} rows")


sys.exit(main())
