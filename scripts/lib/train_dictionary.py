#!/usr/bin/env python3
"""usage: scripts/train_dictionary RECORD... --out FILE [--bytes N] [--direction received|sent|both]

Make a compression dictionary from what serried-swarm --record wrote, and say what it is worth: the last tenth of each
record is held out of the training and packed with and without the dictionary, by the library and in the way that the
server uses. (A tenth chosen at random would flatter it: bots that stand together are told the same of one moment.)

  --out        the dictionary file, "SERRDICT" | id u32 | size u32 | bytes (docs/wire-format.md, Compression)
  --bytes      its largest size, 256 to 65536 (default 16384, which a core's first cache holds)
  --direction  which bodies count (default received, by the bots: what a server packs)

Exit code 0: written. 1: too few samples, or zstd failed; nothing is written. 2: wrong usage."""

import argparse
import ctypes
import ctypes.util
import hashlib
import os
import struct
import subprocess
import sys
import tempfile

HEAD = struct.Struct("<IBB")
PACK_ABOVE, UNPACKED_MAX, DICTIONARY_MAX = 512, 8192, 65536
SAMPLES_MIN = 1000   # zstd wants many small samples, and a tenth of fewer says nothing
SAMPLES_TIMES = 10   # and together ten times the dictionary, else it only remembers them
RECEIVED, SENT = 0, 1


def fail(message, code=1):
    print(f"train_dictionary: {message}", file=sys.stderr)
    sys.exit(code)


def bodies(path, directions):
    """What the compressor would look at, in the order of time."""
    with open(path, "rb") as file:
        data = file.read()
    at, found = 0, []
    while at < len(data):
        if at + HEAD.size > len(data):
            fail(f"{path}: cut short within a head; is it a record of serried-swarm?")
        length, direction, channel = HEAD.unpack_from(data, at)
        at += HEAD.size
        if direction > SENT or channel > 2 or length == 0 or at + length > len(data):
            fail(f"{path}: no sample at byte {at - HEAD.size}; is it a record of serried-swarm?")
        if direction in directions and PACK_ABOVE < length <= UNPACKED_MAX:
            found.append(data[at:at + length])
        at += length
    return found


class Lz4:
    """The functions that src/channel/pack.cpp calls."""

    def __init__(self):
        name = ctypes.util.find_library("lz4") or "liblz4.so.1"
        try:
            self.library = ctypes.CDLL(name)
        except OSError as fault:
            fail(f"no LZ4 library ({fault}); scripts/setup installs it")
        self.library.LZ4_createStream.restype = ctypes.c_void_p
        self.stream = ctypes.c_void_p(self.library.LZ4_createStream())
        self.room = ctypes.create_string_buffer(2 * UNPACKED_MAX)

    def packed_bytes(self, body, dictionary):
        """What goes into the datagram: packed, or plain where that is no longer."""
        if dictionary:
            self.library.LZ4_loadDict(self.stream, dictionary, len(dictionary))
        else:
            self.library.LZ4_resetStream_fast(self.stream)
        block = self.library.LZ4_compress_fast_continue(self.stream, body, self.room, len(body), len(self.room), 1)
        return min(2 + block, len(body)) if block > 0 else len(body)


def trained(samples, size):
    with tempfile.TemporaryDirectory() as folder:
        names = []
        for number, sample in enumerate(samples):
            names.append(os.path.join(folder, f"{number:07d}"))
            with open(names[-1], "wb") as file:
                file.write(sample)
        listing, out = os.path.join(folder, "names"), os.path.join(folder, "dictionary")
        with open(listing, "w", encoding="utf-8") as file:
            file.write("\n".join(names) + "\n")
        command = ["zstd", "--quiet", "--train", "--filelist", listing, f"--maxdict={size}", "-o", out]
        try:
            done = subprocess.run(command, capture_output=True, text=True)
        except FileNotFoundError:
            fail("zstd is not here; scripts/setup installs it")
        if done.returncode:
            fail(f"zstd --train: {done.stderr.strip()}")
        with open(out, "rb") as file:
            return file.read()


def saved(before, after):
    return f"{before:,} -> {after:,} bytes ({100 * (1 - after / before):.1f} % less)"


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("usage: ")[1].split("\n")[0], add_help=True,
                                     description=__doc__.split("\n\n", 1)[1],
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("records", nargs="+", metavar="RECORD", help=argparse.SUPPRESS)
    parser.add_argument("--out", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--bytes", type=int, default=16384, help=argparse.SUPPRESS)
    parser.add_argument("--direction", choices=["received", "sent", "both"], default="received", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if not 256 <= options.bytes <= DICTIONARY_MAX:
        fail(f"--bytes: 256 to {DICTIONARY_MAX}, not {options.bytes}", 2)
    directions = {"received": {RECEIVED}, "sent": {SENT}, "both": {RECEIVED, SENT}}[options.direction]

    kept, held = [], []
    for path in options.records:
        try:
            found = bodies(path, directions)
        except OSError as fault:
            fail(f"{path}: {fault.strerror}")
        begin = len(found) - len(found) // 10
        kept += found[:begin]
        held += found[begin:]
    kept = list(dict.fromkeys(kept))  # repeats would only train what they are repeats of
    total = sum(map(len, kept))
    if len(kept) < SAMPLES_MIN or not held or total < SAMPLES_TIMES * options.bytes:
        fail(f"too few samples: {len(kept):,} bodies of {PACK_ABOVE + 1} to {UNPACKED_MAX} bytes, {total:,} bytes to "
             f"train with; {SAMPLES_MIN:,} bodies and {SAMPLES_TIMES * options.bytes:,} bytes are needed. Record for "
             "longer, or with more bots")

    dictionary = trained(kept, options.bytes)
    number = struct.unpack("<I", hashlib.sha256(dictionary).digest()[:4])[0] or 1
    with open(options.out, "wb") as file:
        file.write(b"SERRDICT" + struct.pack("<II", number, len(dictionary)) + dictionary)

    lz4, plain = Lz4(), sum(map(len, held))
    without, using = (sum(lz4.packed_bytes(body, known) for body in held) for known in (None, dictionary))
    print(f"{options.out}: id {number:#010x}, {len(dictionary):,} bytes, from {len(kept):,} bodies")
    print(f"{len(held):,} bodies that were held out: without a dictionary {saved(plain, without)}")
    print(f"{' ' * len(f'{len(held):,} bodies that were held out')}  with it {saved(plain, using)}")
    if using >= without:
        print("it does not help: ship none")


if __name__ == "__main__":
    main()
