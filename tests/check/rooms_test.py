#!/usr/bin/env python3
"""What scripts/lib/check_layers.py finds of the table of rooms in src/README.md: a folder without a row, a row without a
folder, a row twice; and nothing of a table that is right, nor of the other tables of the page."""

import os
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "scripts", "lib"))

import check_layers  # noqa: E402
import checklib  # noqa: E402

PATHS = ["src/README.md", "src/layers.txt", "src/base/bits.h", "src/port/xdp/filter.bpf.c", "src/games/reference/game.h"]
ROWS = ["| `base` | bytes |", "| `games/reference` | a game |", "| `port` | drivers |"]


def page(*rows):
    """Row i of the rooms stands in line 9 + i."""
    return "\n".join(["# The source", "", "| lane | where |", "| --- | --- |", "| `io` | `io/io_lane.h` |", "",
                      "## The rooms", "", *rows, "", "## Behind them", "| `elsewhere` | is no room |", ""])


def found(*rows):
    findings = checklib.Findings("rooms")
    check_layers.check_rooms(findings, page(*rows), check_layers.folders_of(PATHS))
    return findings.found


def failures():
    cases = [
        ("a table that is right", [], found(*ROWS)),
        ("a folder without a row", ["src/README.md:10: the table of rooms has no row for src/port"], found(*ROWS[:2])),
        ("a game without a row", ["src/README.md:10: the table of rooms has no row for src/games/reference"],
         found(ROWS[0], ROWS[2])),
        ("a row without a folder", ["src/README.md:12: src/kernel does not exist"], found(*ROWS, "| `kernel` | gone |")),
        ("a folder of a module", ["src/README.md:12: src/port/xdp does not exist"], found(*ROWS, "| `port/xdp` | no room |")),
        ("a row twice", ["src/README.md:12: `base` has a row already, in line 9"], found(*ROWS, ROWS[0])),
        ("no table", 3, len(found())),
    ]
    return [f"{what}: expected {wanted}, got {got}" for what, wanted, got in cases if wanted != got]


def main():
    wrong = failures()
    for text in wrong:
        print(text)
    print(f"rooms_test: {len(wrong)} failures")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
