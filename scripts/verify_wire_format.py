#!/usr/bin/env python3
"""usage: verify_wire_format.py                              the worked example of docs/wire-format.md
       verify_wire_format.py vectors FILE|DIRECTORY...       vectors that the engine made (tests/conformance)
       verify_wire_format.py produce [--seed N] [--count M]  vectors for the engine, on standard output
       verify_wire_format.py play --server HOST:PORT --token-file FILE [--seconds N] [--without GROUP,...] ...

A second implementation of the protocol, written from docs/wire-format.md alone; it lives in scripts/serried_wire.
Exit code 0: all is as the page says. 1: something is not. 2: wrong usage, or nothing to look at."""

import argparse
import json
import os
import sys

from serried_wire import page, vectors


def run_page(_):
    found, count = page.run()
    for line in found:
        print(line)
    if found:
        print(f"wire_format: {len(found)} found in {count} examples", file=sys.stderr)
        return 1
    print(f"wire_format: {count} examples")
    return 0


def run_vectors(options):
    files = []
    for path in options.paths:
        files += sorted(os.path.join(path, name) for name in os.listdir(path)) if os.path.isdir(path) else [path]
    failed, total = 0, {}
    for name in files:
        with open(name, encoding="utf-8") as file:
            faults, counts = vectors.verify(file)
        for fault in faults:
            print(f"{name}:{fault}")
        failed += len(faults)
        total = {kind: total.get(kind, 0) + counts.get(kind, 0) for kind in {**total, **counts}}
    print(", ".join(f"{count} {kind}" for kind, count in sorted(total.items())) or "no vectors")
    print(f"{max(sum(total.values()) - failed, 0)} vectors passed, {failed} failed")
    return 1 if failed else 0 if total else 2


def run_produce(options):
    for vector in vectors.Producer(options.seed).vectors(options.count):
        print(json.dumps(vector))
    return 0


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("usage: ")[1].split("\n\n")[0], description=__doc__.split("\n\n")[1])
    parser.set_defaults(run=run_page)
    modes = parser.add_subparsers()
    mode = modes.add_parser("vectors", help="check what the engine made")
    mode.add_argument("paths", nargs="+", metavar="FILE|DIRECTORY")
    mode.set_defaults(run=run_vectors)
    mode = modes.add_parser("produce", help="make vectors for the engine")
    mode.add_argument("--seed", type=int, default=1)
    mode.add_argument("--count", type=int, default=1000)
    mode.set_defaults(run=run_produce)
    options = parser.parse_args()
    return options.run(options)


if __name__ == "__main__":
    sys.exit(main())
