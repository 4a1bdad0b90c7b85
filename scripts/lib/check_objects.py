#!/usr/bin/env python3
"""usage: check_objects.py BUILD_DIRECTORY

Hot objects do not allocate, throw, lock, print or log: no object of the hot modules refers to a symbol that would
(*_setup.cpp objects may). And no object built for one instruction set holds a weak symbol, which the linker might
keep for every CPU (docs/architecture.md, Hot and cold)."""

import glob
import os
import re
import subprocess
import sys

import checklib

HOT = ("kernel wire crypt channel session motion world interest replicate lane message observe").split()
ISA_OBJECT = re.compile(rf"({'|'.join(checklib.ISA)})\.cpp$")
# What a hot object must not need, by mangled name.
REFUSED = [
    ("allocates", re.compile(r"^(malloc|calloc|realloc|reallocarray|aligned_alloc|posix_memalign|memalign|free|strdup"
                             r"|rte_z?malloc\w*|rte_free|_Znw\w*|_Zna\w*|_Zdl\w*|_Zda\w*)$")),
    ("throws", re.compile(r"^(__cxa_throw|__cxa_rethrow|__cxa_allocate_exception|_ZSt\d+__throw_\w+)$")),
    ("locks", re.compile(r"^(pthread_(mutex|rwlock|cond|spin|once)\w*|__gthread_mutex\w*|_ZNSt5mutex\w+"
                         r"|__cxa_guard_acquire)$")),
    ("prints", re.compile(r"^_*(v?f?d?s?n?a?s?printf(_chk)?|f?puts|f?putc|putchar|fwrite|fflush|rte_v?log"
                          r"|_ZNSo\w+|_ZSt4cout|_ZSt4cerr|_ZSt4clog)$")),
    ("logs", re.compile(r"spdlog|^_ZN3fmt")),
]


def symbols(library):
    """(object, name, type) of every symbol of a static library; object is the source's file name."""
    done = subprocess.run(["nm", "-A", "-f", "posix", library], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"objects: nm {library}: {done.stderr.strip()}")
    for line in done.stdout.splitlines():
        match = re.match(r".*\[(.*)\]: (\S+) (\w)", line)
        if match:
            yield re.sub(r"\.o$", "", match[1].split("/")[-1]), match[2], match[3]


def function_that_uses(library, source, symbol):
    """Which function of the object refers to `symbol`, and its line in the source: for a person to begin with."""
    listing = subprocess.run(["objdump", "-dr", "--no-show-raw-insn", library], capture_output=True, text=True).stdout
    inside, function = False, None
    for line in listing.splitlines():
        if line.endswith("file format elf64-x86-64"):
            inside = os.path.basename(source) + ".o" in line
        elif inside and line.endswith(">:"):
            function = line[line.index("<") + 1:-2]
        elif inside and "R_X86_64" in line and re.search(rf"\s{re.escape(symbol)}([-+]0x|$)", line):
            break
    else:
        return "", 1
    function = re.sub(r"\.(cold|part|isra|constprop)\S*$", "", function)
    plain = subprocess.run(["c++filt", function], capture_output=True, text=True).stdout.strip()
    name = re.split(r"[(<]", plain)[0].split("::")[-1].strip()
    for number, line in enumerate(checklib.read(source).splitlines(), 1):
        if name and re.search(rf"\b{re.escape(name)}\s*\(", line):
            return f" in {plain}", number
    return f" in {plain}", 1


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    build = sys.argv[1]
    findings = checklib.Findings("objects")
    looked = set()
    for module in HOT:
        sources = [p for p in checklib.project_files() if re.fullmatch(rf"src/{module}/\w+\.cpp", p)]
        for library in sorted(glob.glob(os.path.join(build, f"src/{module}/*.a"))):
            for object_name, symbol, kind in symbols(library):
                source = f"src/{module}/{object_name}"
                looked.add(source)
                if ISA_OBJECT.search(source) and kind in "WVu":
                    plain = subprocess.run(["c++filt", symbol], capture_output=True, text=True).stdout.strip()
                    findings.add(source, 1, f"weak symbol {plain}: the linker may keep this instruction set's copy "
                                 "for every CPU; put it in an unnamed namespace", symbol)
                if kind not in "Uw" or re.search(r"_setup\.cpp$", source):
                    continue
                for verb, pattern in REFUSED:
                    if pattern.search(symbol) and not findings.excepted(source, symbol):
                        where, line = function_that_uses(library, source, symbol)
                        findings.add(source, line, f"hot object {verb}: {symbol}{where}")
        for source in sources:
            if source not in looked:
                findings.add(source, 1, f"is in no library of {build}: build it, or remove it")
    return findings.finish(f"{len(looked)} hot objects")


sys.exit(main())
