"""The datagram and what makes its keys. Source: docs/wire-format.md sections 1, 2, 4 and 5."""

import struct
from dataclasses import dataclass, replace

from . import primitives as p
from .layout import Layout, Malformed, Reader, require, write_varint

VERSION = 1
DATAGRAM_MAX, HEADER, TAG, TRAILER = 1200, 14, 16, 4
BODY_MAX = DATAGRAM_MAX - HEADER - TAG - TRAILER
ACCEPTED_CLEAR = 48  # server_ephemeral and server_random, before the sealed part of ConnectionAccepted

ENCRYPTED, CHACHA, REKEY, FRAGMENT, COMPRESSED, ACKNOWLEDGMENT, RELIABLE_HANDSHAKE, KEY_PHASE = (1 << i for i in range(8))
SEALED = ENCRYPTED | CHACHA


# Section 1: header and trailer


@dataclass(frozen=True)
class Header:
    connection_id: int = 0
    channel: int = 0
    flags: int = 0
    sequence: int = 0

    def bytes(self):
        return struct.pack("<IBBQ", self.connection_id, self.channel, self.flags, self.sequence)

    def nonce(self):
        return struct.pack("<IQ", self.connection_id, self.sequence)

    def check(self, size):
        """Raises Malformed for what no sender makes; `size` is that of the datagram."""
        flags = self.flags
        if not flags & ENCRYPTED:
            require(self == Header(), "a clear datagram with an id, a channel, flags or a sequence")
            return
        require(flags & CHACHA and not flags & REKEY, "flags that do not go together")
        require(not (flags & FRAGMENT and flags & (COMPRESSED | RELIABLE_HANDSHAKE)), "Fragment beside another")
        require(not (flags & COMPRESSED and flags & RELIABLE_HANDSHAKE), "Compressed beside ReliableHandshake")
        require(self.channel <= 2, "a channel that is not known")
        require(not (flags & RELIABLE_HANDSHAKE and self.channel), "ReliableHandshake on a reliable channel")
        require(self.connection_id and 1 <= self.sequence < 1 << 63, "a sealed datagram without id or sequence")
        require(size >= HEADER + TAG + TRAILER, "a sealed datagram that is too short")


def trailer(protocol_id, covered):
    return struct.pack("<I", p.crc32c(struct.pack("<Q", protocol_id) + covered))


def parse(protocol_id, data):
    """The header of a datagram whose length, flags, channel and CRC are right, in that order; or Malformed."""
    require(HEADER + TRAILER <= len(data) <= DATAGRAM_MAX, "a length that no datagram has")
    header = Header(*struct.unpack("<IBBQ", data[:HEADER]))
    header.check(len(data))
    require(trailer(protocol_id, data[:-TRAILER]) == data[-TRAILER:], "CRC32C")
    return header


def clear(protocol_id, body):
    covered = Header().bytes() + body
    return covered + trailer(protocol_id, covered)


def seal(protocol_id, header, key, body, clear_bytes=0):
    """A whole datagram; the first `clear_bytes` of the body stay as they are."""
    covered = header.bytes() + body[:clear_bytes]
    covered += p.seal(key, header.nonce(), header.bytes(), body[clear_bytes:])
    return covered + trailer(protocol_id, covered)


def open_body(header, key, data, clear_bytes=0):
    """The plaintext body of a sealed datagram; None when its tag is wrong."""
    return p.open_sealed(key, header.nonce(), header.bytes(), data[HEADER + clear_bytes:-TRAILER])


# Section 2: what a body is made of


@dataclass(frozen=True)
class AckBlock:
    largest: int
    delay: int  # in 64 us
    mask: int

    def bytes(self):
        return write_varint(self.largest) + struct.pack("<HQ", self.delay, self.mask)

    def sequences(self):
        return [self.largest] + [self.largest - 1 - i for i in range(64) if self.mask >> i & 1]


def read_ack_block(reader):
    block = AckBlock(reader.varint(), reader.number("u16"), reader.number("u64"))
    require(block.largest > 0, "an ack block with largest 0")
    return block


PACKED_MAX, DICTIONARY_USED = 8192, 0x8000


def pack(body, dictionary=None):
    """What a body becomes under the flag Compressed."""
    size = len(body) | (DICTIONARY_USED if dictionary else 0)
    return struct.pack("<H", size) + p.lz4_pack(body, dictionary or b"")


def unpack(packed, dictionary=None):
    reader = Reader(packed)
    size = reader.number("u16")
    require(size & 0x4000 == 0, "bit 14 of original_size")
    history = b""
    if size & DICTIONARY_USED:
        require(dictionary, "a dictionary that was not agreed on")
        history = dictionary
    size &= 0x3FFF
    require(1 <= size <= PACKED_MAX, "an original_size that is not allowed")
    body = p.lz4_unpack(reader.rest(), size, history)
    require(body is not None, "a damaged block")
    return body


@dataclass(frozen=True)
class Fragment:
    fragment_id: int
    offset: int  # in bytes; on the wire in units of 8
    total_size: int
    data: bytes

    def bytes(self):
        return struct.pack("<HHI", self.fragment_id, self.offset // 8, self.total_size) + self.data


class ImpossibleFragment(Malformed):
    """A whole header that no fragment has. It contradicts the message that it names."""

    def __init__(self, what, fragment_id):
        super().__init__(what)
        self.fragment_id = fragment_id


def read_fragment(reader):
    fragment_id, offset, total = reader.number("u16"), 8 * reader.number("u16"), reader.number("u32")
    data = reader.rest()
    try:
        require(2 <= total <= 524_288, "a total_size that is not allowed")
        require(data and offset + len(data) <= total, "a fragment that is empty or reaches beyond total_size")
        require(offset + len(data) == total or len(data) % 8 == 0, "a fragment in the middle of no multiple of 8")
    except Malformed as fault:
        raise ImpossibleFragment(str(fault), fragment_id) from None
    return Fragment(fragment_id, offset, total, data)


@dataclass(frozen=True)
class Body:
    """`ack` an AckBlock or None; `first_id` the id of the first message or of the fragment, None on channel 0; then either a
    fragment, or the bytes of the messages."""
    ack: object = None
    first_id: int = None
    fragment: object = None
    messages: bytes = b""


def read_body(header, plain, dictionary=None):
    """Malformed with `after_ack` set when the ack block was right and what follows it was not."""
    reader = Reader(plain)
    ack = read_ack_block(reader) if header.flags & ACKNOWLEDGMENT else None
    try:
        if header.flags & COMPRESSED:
            reader = Reader(unpack(reader.rest(), dictionary))
        if header.channel == 0:
            first_id = None
        else:
            first_id = reader.number("u16")
            require(reader.remaining(), "a reliable datagram without a message")
        if header.flags & FRAGMENT:
            return Body(ack, first_id, read_fragment(reader))
        return Body(ack, first_id, None, reader.rest())
    except Malformed as fault:
        fault.after_ack = ack
        raise


def write_body(body, packed=False, dictionary=None):
    rest = b"" if body.first_id is None else struct.pack("<H", body.first_id)
    rest += body.fragment.bytes() if body.fragment else body.messages
    return (body.ack.bytes() if body.ack else b"") + (pack(rest, dictionary) if packed else rest)


# Section 4: token, proof, keys

CLAIMS = Layout("id 16 | secret 32 | player_id u64 | issued i64 | not_before i64 | expiry i64 | audience u64"
                " | permissions u32 | name_size u8")


def token_context(key_id, protocol_id):
    return struct.pack("<IQ", key_id, protocol_id)


def make_token(key_id, protocol_id, key, nonce, claims):
    text = CLAIMS.write({**claims, "name_size": len(claims["name"])}) + claims["name"]
    return struct.pack("<I", key_id) + nonce + p.xseal(key, nonce, token_context(key_id, protocol_id), text)


def open_token(protocol_id, key, token):
    """(key_id, claims), or Malformed."""
    reader = Reader(token)
    require(len(token) <= 256, "a token of more than 256 bytes")
    key_id, nonce = reader.number("u32"), reader.take(24)
    require(reader.remaining() >= TAG, "a token without a tag")
    text = p.xopen(key, nonce, token_context(key_id, protocol_id), reader.rest())
    require(text is not None, "the token's tag")
    reader = Reader(text)
    claims = CLAIMS.read(reader)
    size = claims.pop("name_size")
    require(size <= 32 and size == reader.remaining(), "the name's size")
    require(claims["player_id"] < 1 << 63, "a player's id of 2^63 or more")
    claims["name"] = reader.rest()
    return key_id, claims


def proof(secret, client_ephemeral, cookie, token, version=VERSION):
    return p.hmac_sha256(secret, b"proof" + struct.pack("<I", version) + client_ephemeral + cookie + token)[:16]


@dataclass(frozen=True)
class Keys:
    client_to_server: bytes
    server_to_client: bytes
    next: bytes
    exporter: bytes


def _expand(prk):
    return Keys(*(p.hkdf_expand(prk, label, 32) for label in (b"c2s", b"s2c", b"next", b"export")))


def session_keys(protocol_id, server_id, connection_id, client_ephemeral, server_ephemeral, server_random, token, secret, ee,
                 version=VERSION):
    salt = p.sha256(b"serried" + struct.pack("<IQQI", version, protocol_id, server_id, connection_id) + client_ephemeral
                    + server_ephemeral + server_random + p.sha256(token))
    return _expand(p.hkdf_extract(salt, secret + ee))


def next_keys(keys, connection_id, epoch, server_ephemeral, client_ephemeral, ee):
    """Section 5: the keys of the epoch that a rekey begins. The exporter stays."""
    salt = p.sha256(b"serried rekey" + struct.pack("<IB", connection_id, epoch) + server_ephemeral + client_ephemeral)
    return replace(_expand(p.hkdf_extract(salt, keys.next + ee)), exporter=keys.exporter)


def integrity_entry(secret, version, index):
    """Section 8, CheckIntegrity: `secret` is that of the version."""
    return p.hkdf_expand(secret, b"integrity" + struct.pack("<IH", version, index), 32)


def integrity_answer(entry, nonce, exporter):
    return p.hmac_sha256(entry, nonce + exporter)[:16]
