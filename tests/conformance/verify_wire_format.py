#!/usr/bin/env python3
"""usage: verify_wire_format.py                              the worked example of docs/wire-format.md
       verify_wire_format.py vectors FILE|DIRECTORY...       vectors that the engine made; - is standard input
       verify_wire_format.py produce [--seed N] [--count M]  vectors for the engine, on standard output
       verify_wire_format.py play --server HOST:PORT --token-file FILE [--seconds N] [--without GROUP,...] ...

A second implementation of the protocol, written from docs/wire-format.md alone: the package serried_wire beside this file.
Exit code 0: all is as the page says. 1: something is not. 2: wrong usage, or nothing to look at."""

import argparse
import json
import os
import sys

from serried_wire import page, play, vectors


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
        with sys.stdin if name == "-" else open(name, encoding="utf-8") as file:
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


def endpoint(text):
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit():
        raise argparse.ArgumentTypeError("HOST:PORT, or [IPv6]:PORT")
    return host.strip("[]"), int(port)


def groups(text):
    names = [name for name in text.split(",") if name]
    for name in names:
        if name not in play.GROUP_NAMES:
            raise argparse.ArgumentTypeError(f"no group '{name}'; there are: {', '.join(play.GROUP_NAMES)}")
    return names


def run_play(options):
    try:
        game = play.Play(options)
        if len(game.tokens) < 2:
            raise ValueError("two tokens are needed (serried-token issue --count 2)")
    except (OSError, ValueError, KeyError, TypeError) as fault:
        print(f"play: {fault}", file=sys.stderr)
        return 2
    return game.run()


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
    mode = modes.add_parser("play", help="two players in a running server")
    mode.add_argument("--server", type=endpoint, required=True, metavar="HOST:PORT")
    mode.add_argument("--token-file", required=True, metavar="FILE", help="two lines of serried-token issue")
    mode.add_argument("--protocol-id", type=lambda text: int(text, 0), default=0x3164656972726573, metavar="N")
    mode.add_argument("--server-id", type=int, default=1, metavar="N")
    mode.add_argument("--seconds", type=float, default=5, metavar="N", help="how long to walk about")
    mode.add_argument("--build", type=int, default=0, metavar="N", help="version of the client to name")
    mode.add_argument("--integrity-table", metavar="FILE", help="that of the build, made by serried-integrity")
    mode.add_argument("--integrity-seconds", type=float, default=30, metavar="N", help="how long to wait for a question")
    mode.add_argument("--rekey-seconds", type=float, default=30, metavar="N", help="how long to wait for new keys")
    mode.add_argument("--command", default="checksum", metavar="NAME", help="a command that the game answers")
    mode.add_argument("--without", type=groups, default=[], metavar="GROUP,...",
                      help=f"leave out, of {', '.join(play.GROUP_NAMES)}")
    mode.set_defaults(run=run_play)
    options = parser.parse_args()
    return options.run(options)


if __name__ == "__main__":
    sys.exit(main())
