#!/usr/bin/env python3
"""usage: verify_wire_format.py                              the worked example of docs/wire-format.md
       verify_wire_format.py vectors FILE|DIRECTORY...       vectors that the engine made (tests/conformance)
       verify_wire_format.py produce [--seed N] [--count M]  vectors for the engine, on standard output
       verify_wire_format.py play --server HOST:PORT --token-file FILE [--seconds N] [--without GROUP,...] ...

A second implementation of the protocol, written from docs/wire-format.md alone; it lives in scripts/serried_wire.
Exit code 0: all is as the page says. 1: something is not. 2: wrong usage, or nothing to look at."""

import argparse
import sys

from serried_wire import page


def run_page(_):
    found, count = page.run()
    for line in found:
        print(line)
    if found:
        print(f"wire_format: {len(found)} found in {count} examples", file=sys.stderr)
        return 1
    print(f"wire_format: {count} examples")
    return 0


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("usage: ")[1].split("\n\n")[0], description=__doc__.split("\n\n")[1])
    parser.set_defaults(run=run_page)
    options = parser.parse_args()
    return options.run(options)


if __name__ == "__main__":
    sys.exit(main())
