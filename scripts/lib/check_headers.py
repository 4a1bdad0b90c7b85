#!/usr/bin/env python3
"""Every header of include/ and src/ compiles alone. A header with a source of its own is the first that this source
includes, so where sources are compiled one by one (checklib.HOT) every build compiles it alone; the others are compiled
here, by g++. Whether a header stands alone is no question of the compiler, so clang++, where it is here, gets them all in
one unit.

What compiled before is remembered in build/check/headers.json with a hash of every project file the compiler
read for it, so that a second run compiles only what changed."""

import concurrent.futures
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

import checklib

CACHE = os.path.join(checklib.ROOT, "build/check/headers.json")
LIBRARIES = ["libdpdk", "libsodium", "hwloc", "liblz4", "spdlog"]
FLAGS = ["-std=c++20", "-fsyntax-only", "-x", "c++", "-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wconversion",
         "-Wno-sign-conversion", "-Wno-missing-field-initializers", "-Wno-pragma-once-outside-header", "-Werror"]


def library_flags():
    found = subprocess.run(["pkg-config", "--cflags", *LIBRARIES], capture_output=True, text=True)
    if found.returncode:
        sys.exit(f"headers: pkg-config: {found.stderr.strip()} (scripts/setup installs it)")
    flags = []
    for word in found.stdout.split():  # as the build does: their headers are the system's, and no -march of theirs
        if word.startswith("-I"):
            flags += ["-isystem", word[2:]]
        elif not word.startswith("-march"):
            flags.append(word)
    return flags


def digest(path):
    try:
        with open(os.path.join(checklib.ROOT, path), "rb") as file:
            return hashlib.sha256(file.read()).hexdigest()
    except OSError:
        return None


def isa_of(header):
    """The flags of the instruction set that the header is written for."""
    return next((flags for mark, flags in checklib.ISA.items() if mark + "." in header), [])


def compile_unit(compiler, libraries, headers):
    """None or what the compiler says first of a unit of these headers, and the project files that were read."""
    isa = sorted({flag for header in headers for flag in isa_of(header)})
    with tempfile.NamedTemporaryFile("w", suffix=".cpp") as unit, tempfile.NamedTemporaryFile("r", suffix=".d") as rule:
        for header in headers:
            unit.write(f'#include "{os.path.join(checklib.ROOT, header)}"\n')
        unit.flush()
        done = subprocess.run([compiler, *FLAGS, *isa, "-MMD", "-MF", rule.name, "-MT", "x", "-I", "include", "-I", "src",
                               *libraries, unit.name], cwd=checklib.ROOT, capture_output=True, text=True)
        read = rule.read().replace("\\\n", " ").split()
    if done.returncode == 0:
        files = {os.path.relpath(os.path.join(checklib.ROOT, path), checklib.ROOT) for path in read[1:]}
        return None, sorted(path for path in files if path.startswith(("src/", "include/")))
    lines = done.stderr.splitlines()
    error = next((line for line in lines if "error:" in line), lines[0] if lines else "the compiler failed")
    return error, []


def source_of(header, files):
    """The source whose name the header has, or None."""
    source = header.removesuffix(".h") + ".cpp"
    return source if source in files else None


def is_first_in_a_unit(header, files):
    """Whether a build compiles it alone: it has a source, which no build compiles together with others."""
    return source_of(header, files) is not None and os.path.dirname(header).removeprefix("src/") in checklib.HOT


def first_include(source):
    """What `source` includes first, and in which line."""
    for number, line in enumerate(checklib.read(source).splitlines(), 1):
        match = re.match(r'\s*#\s*include\s*[<"]([^>"]+)[>"]', line)
        if match:
            return match[1], number
    return None, 1


def main():
    findings = checklib.Findings("headers")
    if not shutil.which("g++"):
        sys.exit("headers: no g++ here (scripts/setup installs it)")
    libraries = library_flags()
    salt = hashlib.sha256(repr((FLAGS, checklib.ISA, libraries)).encode()).hexdigest()
    try:
        with open(CACHE, encoding="utf-8") as file:
            known = json.load(file)
    except (OSError, ValueError):
        known = {}
    files = set(checklib.project_files())
    headers = sorted(p for p in files if re.fullmatch(r"(src|include)/.*\.h", p))
    units = []
    for header in headers:
        source = source_of(header, files)
        if source:
            included, line = first_include(source)
            if included != header.split("/", 1)[1]:
                findings.add(source, line, f"does not include {header.split('/', 1)[1]} first", header)
        if not is_first_in_a_unit(header, files):
            units.append(("g++", [header]))
    if shutil.which("clang++"):
        for isa in sorted({tuple(isa_of(header)) for header in headers}):
            units.append(("clang++", [header for header in headers if tuple(isa_of(header)) == isa]))
    jobs = []
    for compiler, unit in units:
        entry = known.get(" ".join([compiler, *unit]))
        if not entry or entry["salt"] != salt or any(digest(p) != h for p, h in entry["read"].items()):
            jobs.append((compiler, unit))
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        results = list(pool.map(lambda job: compile_unit(job[0], libraries, job[1]), jobs))
    for (compiler, unit), (error, read) in zip(jobs, results):
        known.pop(" ".join([compiler, *unit]), None)
        if error is None:
            known[" ".join([compiler, *unit])] = {"salt": salt, "read": {path: digest(path) for path in read}}
            continue
        place = re.search(r"((?:src|include)/[^:]+):(\d+):(?:\d+:)? (?:fatal )?error: (.*)", error)
        how = "does not compile" + (" alone" if len(unit) == 1 else "") + f" with {compiler}: "
        if not place:
            findings.add(unit[0], 1, how + error, compiler)
        elif len(unit) == 1 and place[1] != unit[0]:
            findings.add(unit[0], 1, how + f"{place[3]} (in {place[1]}:{place[2]})", compiler)
        else:
            findings.add(place[1], int(place[2]), how + place[3], compiler)
    os.makedirs(os.path.dirname(CACHE), exist_ok=True)
    with open(CACHE + ".new", "w", encoding="utf-8") as file:
        json.dump(known, file)
    os.replace(CACHE + ".new", CACHE)
    return findings.finish(f"{len(headers)} headers, {len(units)} units of them compile, {len(jobs)} compiled now")


sys.exit(main())
