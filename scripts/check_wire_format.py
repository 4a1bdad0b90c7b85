#!/usr/bin/env python3
"""Decode the worked example of docs/wire-format.md by what the page says alone: nothing here knows the C++ code, and no
cryptographic library is used. tests/message/wire_format_test.cpp holds the same bytes to the code."""

import hashlib
import hmac
import math
import re
import struct
import sys

import checklib

PAGE = "docs/wire-format.md"
PROTOCOL_ID, SERVER_ID, CONNECTION_ID = 0x0123456789ABCDEF, 7, 0x08001801
MASK32, MASK64 = (1 << 32) - 1, (1 << 64) - 1


def rising(first, count):
    return bytes(range(first, first + count))


def crc32c(data):
    state = MASK32
    for byte in data:
        state ^= byte
        for _ in range(8):
            state = state >> 1 ^ (0x82F63B78 if state & 1 else 0)
    return state ^ MASK32


def x25519(secret, point):
    """RFC 7748, section 5."""
    p = 2**255 - 19
    k = int.from_bytes(secret, "little") & ~7 & (1 << 255) - 1 | 1 << 254
    x1 = int.from_bytes(point, "little") & (1 << 255) - 1
    x2, z2, x3, z3, swap = 1, 0, x1, 1, 0
    for t in reversed(range(255)):
        bit = k >> t & 1
        if swap ^ bit:
            x2, z2, x3, z3 = x3, z3, x2, z2
        swap = bit
        a, b, c, d = x2 + z2, x2 - z2, x3 + z3, x3 - z3
        da, cb, aa, bb = d * a, c * b, a * a, b * b
        e = aa - bb
        x3, z3 = (da + cb) ** 2 % p, x1 * (da - cb) ** 2 % p
        x2, z2 = aa * bb % p, e * (aa + 121665 * e) % p
    if swap:
        x2, z2 = x3, z3
    return (x2 * pow(z2, p - 2, p) % p).to_bytes(32, "little")


def rounds(words):
    """Twenty rounds of ChaCha20 (RFC 8439, section 2.3)."""
    words = list(words)

    def quarter(a, b, c, d):
        for i, j, k, turn in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
            words[i] = words[i] + words[j] & MASK32
            mixed = words[k] ^ words[i]
            words[k] = (mixed << turn | mixed >> 32 - turn) & MASK32

    for _ in range(10):
        for i in range(4):
            quarter(i, 4 + i, 8 + i, 12 + i)
        for i in range(4):
            quarter(i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4)
    return words


def key_words(key, rest):
    return struct.unpack("<16I", b"expand 32-byte k" + key + rest)


def stream(key, nonce, count):
    made = b""
    for block in range((count + 127) // 64):
        start = key_words(key, struct.pack("<I", block) + nonce)
        made += struct.pack("<16I", *(a + b & MASK32 for a, b in zip(rounds(start), start)))
    return made


def opened(key, nonce, aad, sealed):
    """ChaCha20-Poly1305 (RFC 8439, section 2.8); None when the tag is wrong."""
    text, tag = sealed[:-16], sealed[-16:]
    keys = stream(key, nonce, 64 + len(text))
    r = int.from_bytes(keys[:16], "little") & 0x0FFFFFFC0FFFFFFC0FFFFFFC0FFFFFFF
    covered = b"".join(part + bytes(-len(part) % 16) for part in (aad, text)) + struct.pack("<QQ", len(aad), len(text))
    total = 0
    for i in range(0, len(covered), 16):
        total = (total + int.from_bytes(covered[i:i + 16] + b"\1", "little")) * r % (2**130 - 5)
    if (total + int.from_bytes(keys[16:32], "little") & (1 << 128) - 1).to_bytes(16, "little") != tag:
        return None
    return bytes(a ^ b for a, b in zip(text, keys[64:]))


def opened_wide(key, nonce, aad, sealed):
    """XChaCha20-Poly1305: HChaCha20 of the first 16 nonce bytes makes the key."""
    words = rounds(key_words(key, nonce[:16]))
    return opened(struct.pack("<8I", *words[:4], *words[12:]), bytes(4) + nonce[16:], aad, sealed)


def hmac256(key, data):
    return hmac.new(key, data, hashlib.sha256).digest()


def mix(v):
    v = v + 0x9E3779B97F4A7C15 & MASK64
    v = (v ^ v >> 30) * 0xBF58476D1CE4E5B9 & MASK64
    v = (v ^ v >> 27) * 0x94D049BB133111EB & MASK64
    return v ^ v >> 31


def quantised(value, size, sections):
    steps = min(max(math.floor(value * 65536 / size + 0.5), 0), sections * 65536 - 1)
    return steps // 65536, steps % 65536 - 32768


def with_trailer(datagram):
    return struct.unpack("<I", datagram[-4:])[0] == crc32c(struct.pack("<Q", PROTOCOL_ID) + datagram[:-4])


def opened_datagram(datagram, key, clear):
    connection_id, sequence = struct.unpack("<IxxQ", datagram[:14])
    return opened(key, struct.pack("<IQ", connection_id, sequence), datagram[:14], datagram[14 + clear:-4])


def handshake(blocks):
    """Yields (what, right) for everything from the token to the keys and the ConnectionAccepted."""
    token, secret, cookie = blocks["token"], rising(0x40, 32), rising(0x01, 48)
    claims = opened_wide(rising(0x20, 32), token[4:28], struct.pack("<IQ", 1, PROTOCOL_ID), token[28:])
    yield "token", claims == (rising(0x60, 16) + secret + struct.pack(
        "<QqqqQIB", 42, 1_700_000_000, 1_700_000_000, 1_700_000_300, SERVER_ID, 0, 3) + b"Ada")
    base_point = bytes([9]) + bytes(31)
    client, server = x25519(rising(0xA0, 32), base_point), x25519(rising(0xC0, 32), base_point)
    ee = x25519(rising(0xA0, 32), server)
    yield "client-ephemeral", client == blocks["client-ephemeral"]
    yield "server-ephemeral", server == blocks["server-ephemeral"]
    yield "ee", ee == blocks["ee"] and ee == x25519(rising(0xC0, 32), client)
    proof = hmac256(secret, b"proof" + struct.pack("<I", 1) + client + cookie + token)[:16]
    yield "proof", proof == blocks["proof"]
    datagram = blocks["cookie-datagram"]
    body = bytes([57, 0x01]) + client[:8] + cookie
    yield "cookie-datagram", with_trailer(datagram) and datagram[:-4] == bytes(14) + body
    context = struct.pack("<IQQI", 1, PROTOCOL_ID, SERVER_ID, CONNECTION_ID)
    salt = hashlib.sha256(b"serried" + context + client + server + rising(0xE0, 16) +
                          hashlib.sha256(token).digest()).digest()
    prk = hmac256(salt, secret + ee)
    yield "key-c2s", hmac256(prk, b"c2s\1") == blocks["key-c2s"]
    yield "key-s2c", hmac256(prk, b"s2c\1") == blocks["key-s2c"]
    accepted = blocks["connection-accepted-datagram"]
    message = opened_datagram(accepted, blocks["key-s2c"], 48)
    yield "connection-accepted-datagram", (
        with_trailer(accepted) and accepted[:14] == struct.pack("<IBBQ", CONNECTION_ID, 0, 0x03, 1)
        and accepted[14:62] == server + rising(0xE0, 16) and message == bytes([57, 0x02]) + struct.pack(
            "<HHIIIHQQIIHHHII", 60, 60, 5000, 15000, 25000, 128, 42, 5_000_000, 25600, 6400, 32, 32, 4, 25600, 6400))


def messages(blocks):
    """Yields (what, right) for messages and the update."""
    yield "ping", blocks["ping"] == struct.pack("<BBQQ", 17, 0x04, 0x1122334455667788, 1_000_000)
    sections, positions = zip(quantised(130000, 25600, 32), quantised(25599.9, 25600, 32), quantised(100, 6400, 4))
    yaw = round(1.5 * 65536 / (2 * math.pi))
    state = struct.pack("<3H3hh3h5B", *sections, *positions, yaw, 300, -300, 0, 2, 0x05, 0x08, 128, 255)
    yield "create-entity", blocks["create-entity"] == struct.pack(
        "<BBHBBQBBH", 42, 0x41, 0x0102, 2, 1, 42, 1, 3, 60) + state
    hashed = 0
    for word in struct.unpack("<4Q", state + bytes(7)):
        hashed = mix(hashed ^ word)
    yield "state-hash", blocks["state-hash"] == struct.pack("<I", hashed >> 32)
    mod4 = sections[0] % 4 | sections[1] % 4 << 2 | sections[2] % 4 << 4
    place = struct.pack("<B3h", mod4, *positions)
    records = (struct.pack("<HB", 0x0102, 0x80 | 0x03) + place + struct.pack("<h", yaw) +
               struct.pack("<HB3H", 0x0103, 0x40 | 0x29, *sections) + place + bytes([0x05, 0x08, 128, 255]))
    yield "delta-sync", blocks["delta-sync"] == struct.pack("<BBIH", 7 + len(records), 0x46, 3600, 9) + records
    far = [(0x0104, 1, 256, 511, 64, 16), (0xFFFF, 3, 511, 511, 127, 31)]
    packed = b"".join((slot | gen << 16 | x << 18 | y << 27 | z << 36 | turn << 43).to_bytes(6, "little")
                      for slot, gen, x, y, z, turn in far)
    yield "entity-block", blocks["entity-block"] == struct.pack("<BBH", 15, 0x47, (1 * 32 + 0) * 32 + 5) + packed
    yield "sync-entity-quantized", blocks["sync-entity-quantized"] == struct.pack(
        "<BBHIbbhBB3h", 19, 0x81, 10, 3590, 127, -64, yaw, 0x09, 1, *positions)
    ack = bytes([300 & 0x7F | 0x80, 300 >> 7]) + struct.pack("<HQ", 10_000 // 64, MASK64 ^ 1 << (300 - 1 - 298))
    yield "update-body", blocks["update-body"] == ack + blocks["delta-sync"]
    update = blocks["update-datagram"]
    yield "update-datagram", (with_trailer(update) and update[:14] == struct.pack("<IBBQ", CONNECTION_ID, 0, 0x23, 259)
                              and opened_datagram(update, blocks["key-s2c"], 0) == blocks["update-body"])


def main():
    findings = checklib.Findings("wire_format")
    text = checklib.read(PAGE)
    blocks = {name: bytes.fromhex(digits) for name, digits in re.findall(r"```hex (\S+)\n(.*?)```", text, re.S)}
    seen = set()
    for what, right in [*handshake(blocks), *messages(blocks)]:
        seen.add(what)
        if not right:
            line = text[:text.index("```hex " + what)].count("\n") + 1
            findings.add(PAGE, line, f"the example `{what}` is not what the page describes")
    for what in sorted(set(blocks) - seen):
        findings.add(PAGE, 1, f"nothing decodes the example `{what}`")
    return findings.finish(f"{len(blocks)} examples")


sys.exit(main())
