"""The algorithms the protocol stands on, each from its own document. Written to be read; fast enough to play."""

import hashlib
import hmac
import struct

MASK32, MASK64 = (1 << 32) - 1, (1 << 64) - 1


# CRC32C, RFC 3720 appendix B.4: reflected, polynomial 0x1EDC6F41


def _crc_table():
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
        yield byte


CRC_TABLE = list(_crc_table())


def crc32c(data):
    state = MASK32
    for byte in data:
        state = CRC_TABLE[(state ^ byte) & 0xFF] ^ state >> 8
    return state ^ MASK32


# ChaCha20-Poly1305, RFC 8439; XChaCha20-Poly1305, draft-irtf-cfrg-xchacha-03


def _chacha_rounds(words, mask=MASK32):
    """Twenty rounds. A word may hold many blocks side by side, one in each 64 bits: the upper half of a lane takes what a
    sum or a rotation pushes out, and `mask` wipes it."""
    x = list(words)
    for _ in range(10):
        for a, b, c, d in ((0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15),
                           (0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14)):
            for to, add, turned, left in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
                x[to] = x[to] + x[add] & mask
                mixed = x[turned] ^ x[to]
                x[turned] = (mixed << left | mixed >> 32 - left) & mask
    return x


def _key_words(key, rest):
    return struct.unpack("<16I", b"expand 32-byte k" + key + rest)


def chacha20_stream(key, nonce, count):
    """`count` bytes of key stream from block 0 on; all blocks at once, each in its own lane."""
    blocks = (count + 63) // 64
    ones = sum(1 << 64 * i for i in range(blocks))
    mask = MASK32 * ones
    start = [word * ones for word in _key_words(key, bytes(4) + nonce)]
    start[12] = sum(i << 64 * i for i in range(blocks))
    words = [(a + b & mask).to_bytes(8 * blocks, "little") for a, b in zip(_chacha_rounds(start, mask), start)]
    return b"".join(word[8 * i:8 * i + 4] for i in range(blocks) for word in words)[:count]


def poly1305(key, data):
    r = int.from_bytes(key[:16], "little") & 0x0FFFFFFC0FFFFFFC0FFFFFFC0FFFFFFF
    total = 0
    for i in range(0, len(data), 16):
        total = (total + int.from_bytes(data[i:i + 16] + b"\1", "little")) * r % (2**130 - 5)
    return (total + int.from_bytes(key[16:32], "little") & (1 << 128) - 1).to_bytes(16, "little")


def _xor(text, stream):
    return (int.from_bytes(text, "little") ^ int.from_bytes(stream, "little")).to_bytes(len(text), "little")


def _tag(stream, aad, sealed):
    padded = b"".join(part + bytes(-len(part) % 16) for part in (aad, sealed))
    return poly1305(stream[:32], padded + struct.pack("<QQ", len(aad), len(sealed)))


def seal(key, nonce, aad, text):
    stream = chacha20_stream(key, nonce, 64 + len(text))
    sealed = _xor(text, stream[64:])
    return sealed + _tag(stream, aad, sealed)


def open_sealed(key, nonce, aad, sealed_and_tag):
    """The plaintext; None when the tag is wrong."""
    sealed, tag = sealed_and_tag[:-16], sealed_and_tag[-16:]
    stream = chacha20_stream(key, nonce, 64 + len(sealed))
    return _xor(sealed, stream[64:]) if hmac.compare_digest(_tag(stream, aad, sealed), tag) else None


def _xchacha_key(key, nonce):
    words = _chacha_rounds(_key_words(key, nonce[:16]))
    return struct.pack("<8I", *words[:4], *words[12:])


def xseal(key, nonce, aad, text):
    return seal(_xchacha_key(key, nonce), bytes(4) + nonce[16:], aad, text)


def xopen(key, nonce, aad, sealed_and_tag):
    return open_sealed(_xchacha_key(key, nonce), bytes(4) + nonce[16:], aad, sealed_and_tag)


# X25519, RFC 7748 section 5

PRIME = 2**255 - 19
BASE_POINT = bytes([9]) + bytes(31)


def x25519(secret, point):
    k = int.from_bytes(secret, "little") & ~7 & (1 << 255) - 1 | 1 << 254
    x1 = int.from_bytes(point, "little") & (1 << 255) - 1
    x2, z2, x3, z3, swapped = 1, 0, x1, 1, 0
    for t in reversed(range(255)):
        bit = k >> t & 1
        if swapped ^ bit:
            x2, z2, x3, z3 = x3, z3, x2, z2
        swapped = bit
        a, b, c, d = x2 + z2, x2 - z2, x3 + z3, x3 - z3
        da, cb, aa, bb = d * a, c * b, a * a, b * b
        e = aa - bb
        x3, z3 = (da + cb) ** 2 % PRIME, x1 * (da - cb) ** 2 % PRIME
        x2, z2 = aa * bb % PRIME, e * (aa + 121665 * e) % PRIME
    if swapped:
        x2, z2 = x3, z3
    return (x2 * pow(z2, PRIME - 2, PRIME) % PRIME).to_bytes(32, "little")


def public_key(secret):
    return x25519(secret, BASE_POINT)


# HMAC and HKDF with SHA-256, RFC 2104 and RFC 5869


def sha256(data):
    return hashlib.sha256(data).digest()


def hmac_sha256(key, data):
    return hmac.new(key, data, hashlib.sha256).digest()


def hkdf_extract(salt, material):
    return hmac_sha256(salt, material)


def hkdf_expand(prk, info, count):
    made, block = b"", b""
    while len(made) < count:
        block = hmac_sha256(prk, block + info + bytes([len(made) // 32 + 1]))
        made += block
    return made[:count]


# LZ4 block format:
#   token (literals << 4 | match - 4) | more literals | literals | offset u16 | more match   and so on; the last has no match


def lz4_unpack(block, size, history=b""):
    """`size` bytes, or None when the block is damaged or gives another size. `history` may be referred back to."""
    out, at = bytearray(history), 0
    end = len(history) + size

    def extended(count):
        nonlocal at
        if count == 15:
            while True:
                byte = block[at]
                at += 1
                count += byte
                if byte != 255:
                    break
        return count

    try:
        while True:
            token = block[at]
            at += 1
            literals = extended(token >> 4)
            if at + literals > len(block) or len(out) + literals > end:
                return None
            out += block[at:at + literals]
            at += literals
            if at == len(block):
                return bytes(out[len(history):]) if len(out) == end else None
            offset = block[at] | block[at + 1] << 8
            at += 2
            match = extended(token & 15) + 4
            if offset == 0 or offset > len(out) or len(out) + match > end:
                return None
            for _ in range(match):
                out.append(out[-offset])
    except IndexError:
        return None


def lz4_pack(data, history=b""):
    """A greedy packer with a table of four-byte strings. The format's end rules: the last match begins at least 12 bytes
    before the end, and the last five bytes are literals."""
    text = history + data
    out, seen = bytearray(), {}
    for i in range(max(len(history) - 3, 0)):
        seen[text[i:i + 4]] = i

    def run(literals, match):
        """A token with its lengths beyond 14, and what stands between them."""
        def rest(count):
            return bytes([255] * ((count - 15) // 255) + [(count - 15) % 255]) if count >= 15 else b""
        short = 0 if match is None else match[1] - 4
        out.append(min(len(literals), 15) << 4 | min(short, 15))
        out.extend(rest(len(literals)) + literals)
        if match is not None:
            out.extend(struct.pack("<H", match[0]) + rest(short))

    anchor = at = len(history)
    while at < len(text) - 12:
        key = text[at:at + 4]
        found = seen.get(key)
        seen[key] = at
        if found is None or at - found > 0xFFFF:
            at += 1
            continue
        count = 4
        while at + count < len(text) - 5 and text[found + count] == text[at + count]:
            count += 1
        run(text[anchor:at], (at - found, count))
        anchor = at = at + count
    run(text[anchor:], None)
    return bytes(out)
