#!/usr/bin/env python3
"""usage: check_objects.py BUILD_DIRECTORY

Hot code does not allocate or free, throw, lock, print or log, and calls no function that may: those bear the mark
SERRIED_SETUP (src/base/setup.h). hot_objects.py says which code of an object is hot; all objects of the hot modules are
looked at, and of others what instantiates a hot template. And no object built for one instruction set holds a weak
symbol, which the linker might keep for every CPU."""

import functools
import glob
import os
import re
import subprocess
import sys

import checklib
import hot_objects

HOT = checklib.HOT
# Hot code that a module which is not hot instantiates: the io lane over each port.
INSTANTIATING = ["server"]
ELSEWHERE = re.compile(r"^_ZN7serried\w+6IoLaneI\w+E4pollE")
ISA_OBJECT = re.compile(rf"({'|'.join(checklib.ISA)})\.cpp$")
# What hot code must not need, by mangled name.
REFUSED = [
    ("allocates", re.compile(r"^(malloc|calloc|realloc|reallocarray|aligned_alloc|posix_memalign|memalign|strdup"
                             r"|rte_z?malloc\w*|_Znw\w*|_Zna\w*|_ZNSt7__cxx1112basic_string\w*)$")),
    ("frees", re.compile(r"^(free|rte_free|_Zdl\w*|_Zda\w*)$")),
    ("throws", re.compile(r"^(__cxa_throw|__cxa_rethrow|__cxa_allocate_exception|_ZSt\d+__throw_\w+)$")),
    ("locks", re.compile(r"^(pthread_(mutex|rwlock|cond|spin|once)\w*|__gthread_mutex\w*|_ZNSt5mutex\w+"
                         r"|__cxa_guard_acquire)$")),
    ("prints", re.compile(r"^_*(v?f?d?s?n?a?s?printf(_chk)?|f?puts|f?putc|putchar|fwrite|fflush|rte_v?log"
                          r"|_ZNSo\w+|_ZSt4cout|_ZSt4cerr|_ZSt4clog)$")),
    ("logs", re.compile(r"spdlog|^_ZN3fmt")),
]


@functools.cache
def plain(symbol):
    """The name that a person wrote, without what the compiler hung on it."""
    bare = re.sub(r"\.(cold|part|isra|constprop)\S*$", "", symbol)
    return subprocess.run(["c++filt", bare], capture_output=True, text=True).stdout.strip()


def line_of(source, function):
    """The line of `source` in which `function` (a plain name) is defined, for a person to begin with."""
    bare = function.replace("(anonymous namespace)::", "").replace("[abi:cxx11]", "")
    while re.search(r"<[^<>]*>", bare):
        bare = re.sub(r"<[^<>]*>", "", bare)
    name = re.split(r"::|\s", bare.split("(")[0])[-1]
    lines = checklib.read(source).splitlines() if name else []
    call = re.compile(rf"(?<![\w.>]){re.escape(name)}\s*\(")
    mentions = [number for number, line in enumerate(lines, 1) if call.search(line)]
    defined = [number for number in mentions if lines[number - 1][0] not in " /}" and not lines[number - 1].endswith(";")]
    return (defined + mentions + [1])[0]


def refused(need, setup):
    """What a hot function would do with this symbol that it must not, or None."""
    if need.section is not None or need.name in setup:
        return f"calls a setup function: {plain(need.name)}"
    return next((f"{verb}: {need.name}" for verb, pattern in REFUSED if pattern.search(need.name)), None)


def check_hot(findings, source, thing, setup, entries=None):
    if entries is None and thing.functions_share_sections():
        findings.add(source, 1, "its functions share a section, so that nothing can be said of each: "
                     "build it with hot_code (src/meson.build)")
        return
    told = set()
    for need, function, by in thing.hot_needs(entries):
        does = refused(need, setup)
        if does is None or (does, by) in told or findings.excepted(source, need.name):
            continue
        told.add((does, by))
        through = "" if function == by else f", through {plain(function)}"
        findings.add(source, line_of(source, plain(by)), f"hot function {plain(by)} {does}{through}")


def check_weak(findings, source, thing):
    for symbol in thing.weak_symbols():
        findings.add(source, 1, f"weak symbol {plain(symbol)}: the linker may keep this instruction set's copy for every "
                     "CPU; put it in an unnamed namespace", symbol)


def read_objects(build, modules):
    """The objects of these modules by the source that each is of."""
    objects = {}
    for module in modules:
        for library in sorted(glob.glob(os.path.join(build, f"src/{module}/*.a"))):
            try:
                for name, content in hot_objects.members(library):
                    objects[f"src/{module}/{name.removesuffix('.o')}"] = hot_objects.Object(content)
            except (OSError, ValueError) as error:
                sys.exit(f"objects: {library}: {error}")
    return objects


def check(findings, objects, others=()):
    """Look at every object of the first dictionary (by source), and at hot templates in those of the second. Returns how
    many setup functions the first have."""
    setup = set().union(*(thing.setup_functions() for thing in objects.values()))
    for source, thing in objects.items():
        check_hot(findings, source, thing, setup)
        if ISA_OBJECT.search(source):
            check_weak(findings, source, thing)
    for source in others:
        check_hot(findings, source, others[source], setup, ELSEWHERE)
    return len(setup)


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    build = sys.argv[1]
    findings = checklib.Findings("objects")
    objects = read_objects(build, HOT)
    others = read_objects(build, INSTANTIATING)
    setup = check(findings, objects, others)
    # Of the files for one instruction set a build has those of its architecture.
    arm = any(source.endswith("_arm.cpp") for source in objects)
    for source in checklib.project_files():
        if ISA_OBJECT.search(source) and source.endswith("_arm.cpp") != arm:
            continue
        if re.fullmatch(rf"src/({'|'.join(HOT)})/\w+\.cpp", source) and source not in objects:
            findings.add(source, 1, f"is in no library of {build}: build it, or remove it")
    if not any(thing.has_function(ELSEWHERE) for thing in others.values()):
        findings.add("scripts/lib/check_objects.py", 1,
                     f"no library of {' '.join(INSTANTIATING)} in {build} has a function of the name that ELSEWHERE says")
    return findings.finish(f"{len(objects)} objects, {setup} setup functions")


if __name__ == "__main__":
    sys.exit(main())
