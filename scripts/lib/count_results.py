#!/usr/bin/env python3
"""usage: count_results.py BUILD_DIRECTORY [--executables]

Count what `meson test` ran, from its logs under BUILD_DIRECTORY/meson-logs: each gtest case that really ran (skipped
and disabled ones do not count), or with --executables each test program once. Names what failed.
Prints as its last line: PASSED FAILED SKIPPED"""

import json
import os
import sys
import xml.etree.ElementTree


def main():
    arguments = [a for a in sys.argv[1:] if not a.startswith("--")]
    if len(arguments) != 1:
        sys.exit(__doc__)
    logs = os.path.join(arguments[0], "meson-logs")
    programs = {}
    try:
        with open(os.path.join(logs, "testlog.json"), encoding="utf-8") as file:
            for line in file:
                if line.strip():
                    entry = json.loads(line)
                    programs[entry["name"].split(" / ")[-1]] = entry
    except OSError as error:
        sys.exit(f"no results: {error}")
    passed = failed = skipped = 0
    counted = set()
    if "--executables" not in sys.argv:
        junit = os.path.join(logs, "testlog.junit.xml")
        tree = xml.etree.ElementTree.parse(junit).getroot() if os.path.exists(junit) else []
        for suite in tree:
            # Meson names a suite of a gtest program `project.program.suite`, and the program alone or `suite / program`.
            parts = suite.get("name", "").split(".")
            program = parts[1].split(" / ")[-1] if len(parts) > 1 else ""
            if program not in programs:
                continue
            for case in suite.iter("testcase"):
                bad = case.find("failure") is not None or case.find("error") is not None
                if case.find("skipped") is not None or case.get("status") == "notrun":
                    skipped += 1
                elif bad:
                    failed += 1
                    counted.add((program, "failed"))
                    print(f"  failed: {program} {case.get('classname') or suite.get('name')}.{case.get('name')}")
                else:
                    passed += 1
                    counted.add((program, "passed"))
    for program, entry in programs.items():
        result = entry["result"]
        good = result in ("OK", "EXPECTEDFAIL")
        if result == "SKIP":
            skipped += 0 if (program, "passed") in counted else 1
        elif not good and (program, "failed") not in counted:
            failed += 1  # crashed, timed out, or leaked after its last case
            print(f"  failed: {program} ({result.lower()}, exit {entry.get('returncode')})")
        elif good and not counted & {(program, "passed"), (program, "failed")}:
            passed += 1
    print(passed, failed, skipped)


main()
