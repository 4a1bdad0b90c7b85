#!/usr/bin/env python3
"""scripts/check where clang-format and clang-tidy are of another version than the sources are written for: neither is asked for
more than its version, and both checks are skipped."""

import os
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

# Says its version, and fails when it is asked for anything else.
PROGRAM = '#!/bin/sh\n[ "$1" = --version ] && echo "Debian {name} version 19.1.7 (3)" && exit 0\necho asked "$@" >&2\nexit 1\n'


def failures():
    with tempfile.TemporaryDirectory() as folder:
        for name in ("clang-format", "clang-tidy"):
            path = os.path.join(folder, name)
            with open(path, "w", encoding="utf-8") as file:
                file.write(PROGRAM.format(name=name))
            os.chmod(path, 0o755)
        done = subprocess.run([os.path.join(ROOT, "scripts/check"), "format", "tidy"], capture_output=True, text=True,
                              env={**os.environ, "PATH": folder + ":" + os.environ["PATH"]})
    wanted = ["format: skipped: clang-format 14 decides, and this is 19", "tidy: skipped: clang-tidy 14 decides, and this is 19",
              "0 passed, 0 failed, 2 skipped"]
    got = done.stdout.splitlines()
    return [] if (got, done.returncode) == (wanted, 0) else [f"another LLVM: exit {done.returncode}, {got} {done.stderr}"]


def main():
    wrong = failures()
    for text in wrong:
        print(text)
    print(f"llvm_test: {len(wrong)} failures")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
