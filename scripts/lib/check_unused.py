#!/usr/bin/env python3
"""What is offered and never used: an option whose field nothing reads, an enumerator that no code names, a package that
nothing includes or runs.

Enumerators are those of `enum class` in src and include. One is used when src or include names it, as Enum::name or
by an alias of the enum; what only comes off the wire by a cast, or is only tested, is not. Enums that a list makes (*.def) are left to
what checks the list."""

import re
import sys

import checklib

OPTIONS = "src/config/option.cpp"
FIELDS = "src/config/config.h"
PACKAGES = "scripts/lib/packages.txt"
# Where an option's field is declared, bound to its row and checked: none of these gives it an effect.
NO_EFFECT = {OPTIONS, FIELDS, "src/config/config.cpp"}

CODE = (".h", ".cpp", ".inc", ".c")
SCRIPT = (".sh", ".py", ".build", "")
# What of a package is used: an expression, and the endings of the files in which it stands.
USES = {
    "python3": (r"python3", SCRIPT), "meson": (r"\bmeson setup", SCRIPT), "ninja-build": (r"\bninja\b", SCRIPT),
    "pkg-config": (r"\bdependency\('lib", SCRIPT), "g++": (r"g\+\+", SCRIPT), "ccache": (r"\bccache\b", SCRIPT),
    "libdpdk-dev": (r"#include <rte_", CODE), "libsodium-dev": (r"#include <sodium", CODE),
    "liblz4-dev": (r"#include <lz4", CODE), "libhwloc-dev": (r"#include <hwloc", CODE),
    "libbpf-dev": (r"#include <bpf/", CODE), "libcli11-dev": (r"#include <CLI/", CODE),
    "libtomlplusplus-dev": (r"#include <toml\+\+/", CODE), "libspdlog-dev": (r"#include <spdlog/", CODE),
    "nlohmann-json3-dev": (r"#include <nlohmann/", CODE), "iproute2": (r"[\"' ]ip[\"', ]", SCRIPT),
    "ethtool": (r"\bethtool\b", SCRIPT), "clang": (r"find_program\('clang'", SCRIPT),
    "libbenchmark-dev": (r"#include <benchmark/", CODE), "gnuplot-nox": (r"\bgnuplot\b", SCRIPT),
    "libgtest-dev": (r"#include <gtest/", CODE), "clang-format": (r"\bclang-format\b", SCRIPT),
    "clang-tidy": (r"\bclang-tidy\b", SCRIPT), "libclang-rt-dev": (r"-fsanitize=fuzzer", SCRIPT),
    "binutils": (r"\bc\+\+filt", SCRIPT), "valgrind": (r"\bvalgrind\b", SCRIPT),
    "iputils-ping": (r"\bping\b", SCRIPT), "zstd": (r"\bzstd\b", SCRIPT), "lua5.4": (r"\blua5\.4\b", SCRIPT),
    "dpdk-dev": (r"\bdpdk-testpmd\b", SCRIPT),
}


def check_options(findings, texts):
    rows = re.findall(r"&c\.(\w+)|choice\(c\.(\w+)\)", checklib.read(OPTIONS) if OPTIONS not in texts else texts[OPTIONS])
    fields = sorted({a or b for a, b in rows})
    readers = "\n".join(text for path, text in texts.items()
                        if path.startswith("src/") and path not in NO_EFFECT)
    for field in fields:
        if not re.search(rf"(\.|->){field}\b", readers):
            findings.add(OPTIONS, 1, f"the option of {field} has no effect: only its row and its check name it", field)
    return len(fields)


def enumerators_of(text):
    """(enum, line, enumerators) of each `enum class` whose enumerators stand in the text."""
    for match in re.finditer(r"\benum class (\w+)[^;{]*\{([^}]*)\}", text):
        body = match[2]
        if "#include" in body or "#define" in body:
            continue
        names = [re.match(r"\s*(\w+)", part) for part in body.split(",")]
        yield match[1], text.count("\n", 0, match.start()) + 1, [name[1] for name in names if name], match.span()


def check_enumerators(findings, texts):
    code = {path: text for path, text in texts.items() if path.startswith(("src/", "include/"))}
    named, aliases = set(), {}
    for text in code.values():
        named |= set(re.findall(r"\b(\w+)(?=::(\w+))", text))
        named |= {("enum", used) for used in re.findall(r"using enum (?:\w+::)*(\w+);", text)}
        for alias, enum in re.findall(r"using (\w+) = (?:\w+::)*(\w+);", text):
            aliases.setdefault(enum, set()).add(alias)
    count = 0
    for path, text in code.items():
        for enum, line, names, _ in enumerators_of(text):
            for name in names:
                count += 1
                if ("enum", enum) in named:
                    continue
                if not any((as_named, name) in named for as_named in {enum} | aliases.get(enum, set())):
                    findings.add(path, line, f"no code names {enum}::{name}", f"{enum}::{name}")
    return count


def packages_of(text):
    for number, line in enumerate(text.splitlines(), 1):
        entry = line.split("#")[0].strip()
        if entry and not entry.startswith("["):
            yield number, entry


def check_packages(findings, texts, listed):
    count = 0
    for number, package in packages_of(listed):
        count += 1
        if package not in USES:
            findings.add(PACKAGES, number, f"{package}: say in USES of check_unused.py what is used of it", package)
            continue
        wanted, endings = USES[package]
        used = any(re.search(wanted, text) for path, text in texts.items()
                   if path != "scripts/lib/check_unused.py" and endswith_any(path, endings))
        if not used:
            findings.add(PACKAGES, number, f"nothing uses {package}: no {wanted} in the tree", package)
    return count


def endswith_any(path, endings):
    name = path.rsplit("/", 1)[-1]
    return any(path.endswith(ending) if ending else "." not in name for ending in endings)


def texts_of_tree():
    """Code without its comments and strings, scripts as they are."""
    texts = {}
    for path in checklib.project_files():
        if not path.startswith(("src/", "include/", "tests/", "bench/", "scripts/", ".ci/")) and path != "meson.build":
            continue
        if path.startswith(("tests/fuzz/corpus/", "tests/crypt/data/")):
            continue
        text = checklib.read(path)
        texts[path] = strip_code(text) if path.endswith(CODE) else text
    return texts


def strip_code(text):
    """Comments blanked. Strings stay: an include names its file in one."""
    return re.sub(r"//[^\n]*|/\*.*?\*/", lambda match: re.sub(r"[^\n]", " ", match[0]), text, flags=re.S)


def main():
    findings = checklib.Findings("unused")
    texts = texts_of_tree()
    options = check_options(findings, texts)
    enumerators = check_enumerators(findings, texts)
    packages = check_packages(findings, texts, checklib.read(PACKAGES))
    return findings.finish(f"{options} options, {enumerators} enumerators, {packages} packages")


if __name__ == "__main__":
    sys.exit(main())
