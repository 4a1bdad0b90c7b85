#!/usr/bin/env python3
"""Every src/MODULE/FILE.cpp has tests/MODULE/FILE_test.cpp, and every unit test names a source that exists.
Those for one instruction set, as FILE_avx2.cpp, are tested where FILE is."""

import re
import sys

import checklib

PART = re.compile(rf"(_portable|{'|'.join(checklib.ISA)})$")
# Folders of tests/ that mirror no module.
OTHER = {"scenario", "live", "fuzz"}


def main():
    findings = checklib.Findings("mirror")
    files = set(checklib.project_files())
    sources = tests = 0
    for path in sorted(files):
        match = re.fullmatch(r"src/(\w+(?:/\w+)?)/(\w+)\.cpp", path)
        if match:
            sources += 1
            stems = {match[2], PART.sub("", match[2])}
            wanted = [f"tests/{match[1]}/{stem}_test.cpp" for stem in sorted(stems, key=len)]
            if not any(test in files for test in wanted):
                findings.add(path, 1, f"has no test {wanted[0]}", "test")
        match = re.fullmatch(r"tests/(\w+(?:/\w+)?)/(\w+)_test\.cpp", path)
        if match and match[1] not in OTHER:
            tests += 1
            stem = f"src/{match[1]}/{match[2]}"
            named = [stem + ending for ending in (".cpp", ".h")] + [f"include/serried/{match[2]}.h"]
            if not any(source in files for source in named):
                findings.add(path, 1, f"tests {stem}.cpp or .h, which do not exist", "source")
    return findings.finish(f"{sources} sources, {tests} unit tests")


sys.exit(main())
