#!/usr/bin/env python3
"""Every header of include/ and src/ compiles alone. A header with a source of its own is the first that this source
includes, so every build compiles it alone; the others are compiled here, with each compiler that is here (g++, clang++).

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


def compile_alone(compiler, libraries, header):
    """None or what the compiler says first, and the project files that were read."""
    isa = next((flags for mark, flags in checklib.ISA.items() if mark + "." in header), [])
    with tempfile.NamedTemporaryFile("w", suffix=".cpp") as unit, tempfile.NamedTemporaryFile("r", suffix=".d") as rule:
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


def first_include(source):
    """What `source` includes first, and in which line."""
    for number, line in enumerate(checklib.read(source).splitlines(), 1):
        match = re.match(r'\s*#\s*include\s*[<"]([^>"]+)[>"]', line)
        if match:
            return match[1], number
    return None, 1


def main():
    findings = checklib.Findings("headers")
    compilers = [name for name in ("g++", "clang++") if shutil.which(name)]
    if not compilers:
        sys.exit("headers: no g++ and no clang++ here (scripts/setup installs them)")
    libraries = library_flags()
    salt = hashlib.sha256(repr((FLAGS, checklib.ISA, libraries)).encode()).hexdigest()
    try:
        with open(CACHE, encoding="utf-8") as file:
            known = json.load(file)
    except (OSError, ValueError):
        known = {}
    files = set(checklib.project_files())
    headers = sorted(p for p in files if re.fullmatch(r"(src|include)/.*\.h", p))
    jobs = []
    for header in headers:
        source = source_of(header, files)
        if source:
            included, line = first_include(source)
            if included != header.split("/", 1)[1]:
                findings.add(source, line, f"does not include {header.split('/', 1)[1]} first", header)
            continue
        for compiler in compilers:
            entry = known.get(f"{compiler} {header}")
            if not entry or entry["salt"] != salt or any(digest(p) != h for p, h in entry["read"].items()):
                jobs.append((compiler, header))
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        results = list(pool.map(lambda job: compile_alone(job[0], libraries, job[1]), jobs))
    for (compiler, header), (error, read) in zip(jobs, results):
        known.pop(f"{compiler} {header}", None)
        if error is None:
            known[f"{compiler} {header}"] = {"salt": salt, "read": {path: digest(path) for path in read}}
            continue
        place = re.search(r"((?:src|include)/[^:]+):(\d+):(?:\d+:)? (?:fatal )?error: (.*)", error)
        if place:
            where = "" if place[1] == header else f" (in {place[1]}:{place[2]})"
            line = int(place[2]) if place[1] == header else 1
            findings.add(header, line, f"does not compile alone with {compiler}: {place[3]}{where}", compiler)
        else:
            findings.add(header, 1, f"does not compile alone with {compiler}: {error}", compiler)
    os.makedirs(os.path.dirname(CACHE), exist_ok=True)
    with open(CACHE + ".new", "w", encoding="utf-8") as file:
        json.dump(known, file)
    os.replace(CACHE + ".new", CACHE)
    alone = sum(source_of(header, files) is None for header in headers)
    return findings.finish(f"{len(headers)} headers, {alone} without a source compile with {' and '.join(compilers)}, "
                           f"{len(jobs)} of these compiled now")


sys.exit(main())
