#!/usr/bin/env python3
"""What scripts/lib/check_ranges.py finds of loops over parts of temporaries, and that it finds nothing of others."""

import os
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "scripts", "lib"))

import check_ranges  # noqa: E402
import checklib  # noqa: E402

BAD = ["for (auto& x : f().g()) h(x);", "for (const auto& [a, b] : answer.at(1).items())", "for (auto x : *open(name))",
       "for (int i = 0; auto x : f(i)->all())", "for (auto x : make()[2])", "for (auto x :\n     Json{text}.names())",
       "for (auto x : f(a ? b : c).g<int>())", "for (auto x : lock()->rows)"]
GOOD = ["for (auto& x : all) h(x);", "for (auto& x : f(g().h()[1]))", "for (auto& x : Body(text).records)",
        "for (int i = 0; i < f().g(); ++i)", "for (auto x : {f().g(), h().i()})", "for (auto& x : status.names())",
        "// for (auto x : f().g())", "for (auto x : std::span(all))", "for (int i = a ? b : f().g(); i;)",
        "for (auto x : ring.value)", "for (auto x : *all)"]


def found(line):
    findings = checklib.Findings("ranges")
    check_ranges.find("src/a.cpp", "\n" + line + "\n", findings)
    return [text.split(":")[:2] for text in findings.found]


def failures():
    cases = [(line, [["src/a.cpp", "2"]]) for line in BAD] + [(line, []) for line in GOOD]
    return [f"{line!r}: expected {wanted}, got {found(line)}" for line, wanted in cases if found(line) != wanted]


def main():
    wrong = failures()
    for text in wrong:
        print(text)
    print(f"ranges_test: {len(wrong)} failures")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
