#!/usr/bin/env python3
"""usage: exchange.py EMIT_VECTORS ACCEPT_VECTORS

The engine and verify_wire_format.py decode what the other made, from a seed that is printed and that SERRIED_SEED sets to
run the same again. Exit code 0: they agree about every vector."""

import os
import random
import subprocess
import sys

SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "verify_wire_format.py")
COUNT = "4000"


def agree(maker, reader):
    """Whether `reader` finds right what `maker` makes; its last line says how many vectors that were."""
    with subprocess.Popen(maker, stdout=subprocess.PIPE) as made:
        read = subprocess.run(reader, stdin=made.stdout, capture_output=True, text=True, check=False)
        made.stdout.close()
    print(read.stdout + read.stderr, end="")
    return made.returncode == 0 and read.returncode == 0 and f"{COUNT} vectors passed, 0 failed" in read.stdout


def main():
    emit, accept = sys.argv[1:]
    seed = os.environ.get("SERRIED_SEED") or str(random.getrandbits(32))
    print(f"SERRIED_SEED={seed}", flush=True)
    options = ["--seed", seed, "--count", COUNT]
    python = [sys.executable, SCRIPT]
    outcomes = [agree([emit, *options], [*python, "vectors", "-"]), agree([*python, "produce", *options], [accept, "-"])]
    return 0 if all(outcomes) else 1


sys.exit(main())
