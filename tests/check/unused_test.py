#!/usr/bin/env python3
"""What scripts/lib/check_unused.py finds: options without effect, enumerators that no code names, packages without use;
and nothing of those that are used."""

import os
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "scripts", "lib"))

import check_unused  # noqa: E402
import checklib  # noqa: E402

ROWS = "Option{[](C& c) -> Target { return &c.depth; }}, Option{[](C& c) -> Target { return choice(c.mode); }}"
ENUM = "enum class Colour : std::uint8_t {\n  red = 1,\n  green,  // the middle\n  blue\n};"


def found(check, *arguments):
    findings = checklib.Findings("unused_test")
    check(findings, *arguments)
    return findings.found


def options(**readers):
    return found(check_unused.check_options, {check_unused.OPTIONS: ROWS, **{f"src/{k}.cpp": v for k, v in readers.items()}})


def enumerators(code, path="src/a/b.cpp"):
    return found(check_unused.check_enumerators, {"src/a/colour.h": check_unused.strip_code(ENUM), path: code})


def packages(texts, listed):
    return found(check_unused.check_packages, texts, listed)


def failures():
    green = ["src/a/colour.h:1: no code names Colour::green"]
    both = "f(a::Colour::red, Colour::blue"
    cases = [
        ("options that are read", [], options(use="x(config.depth); y(config.mode);")),
        ("an option that nothing reads", 1, len(options(use="x(config.depths); y(config.mode);"))),
        ("an option that is only checked", 1, len(found(check_unused.check_options, {
            check_unused.OPTIONS: ROWS, "src/config/config.cpp": "require(c.depth != 0)", "src/use.cpp": "c.mode"}))),
        ("enumerators that are named", [], enumerators(both + ", Colour::green)")),
        ("by an alias", [], enumerators(both + "); using Tint = a::Colour; g(Tint::green)")),
        ("by using enum", [], enumerators("using enum a::Colour;")),
        ("one that is not", green, enumerators(both + ")")),
        ("one of another enum", green, enumerators(both + "); g(Shade::green)")),
        ("one that only a test names", green, found(check_unused.check_enumerators, {
            "src/a/colour.h": check_unused.strip_code(ENUM), "src/a/b.cpp": both, "tests/a/b_test.cpp": "Colour::green"})),
        ("a package that is used", [], packages({"src/a.cpp": "#include <lz4.h>"}, "[run]\nliblz4-dev  # blocks")),
        ("one that is linked alone", 1, len(packages({"meson.build": "dependency('liblz4')"}, "[run]\nliblz4-dev"))),
        ("one that the check does not know", 1, len(packages({}, "libnothing-dev"))),
    ]
    return [f"{what}: expected {wanted}, got {got}" for what, wanted, got in cases if wanted != got]


def main():
    wrong = failures()
    for text in wrong:
        print(text)
    print(f"unused_test: {len(wrong)} failures")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
