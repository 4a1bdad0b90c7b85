"""Bytes in and out. A layout is written as docs/wire-format.md writes it: `name type` with bars between.

    u8 u16 u32 u64 i8 i16 i64 f32     little-endian
    3*u16                             a list of three
    32                                so many bytes
"""

import struct


class Malformed(Exception):
    """What the page does not allow."""


def require(allowed, what):
    if not allowed:
        raise Malformed(what)


CODES = {"u8": "B", "u16": "H", "u32": "I", "u64": "Q", "i8": "b", "i16": "h", "i64": "q", "f32": "f"}


def write_varint(value):
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes(out) + bytes([value])


class Reader:
    def __init__(self, data):
        self.data, self.at = bytes(data), 0

    def remaining(self):
        return len(self.data) - self.at

    def take(self, count):
        require(count <= self.remaining(), "cut short")
        self.at += count
        return self.data[self.at - count:self.at]

    def rest(self):
        return self.take(self.remaining())

    def number(self, kind):
        code = "<" + CODES[kind]
        return struct.unpack(code, self.take(struct.calcsize(code)))[0]

    def varint(self):
        value = 0
        for i in range(10):
            byte = self.number("u8")
            value |= (byte & 0x7F) << 7 * i
            if byte < 0x80:
                require(value < 1 << 64, "a varint of more than 64 bits")
                return value
        raise Malformed("a varint of more than 10 bytes")

    def end(self):
        require(self.remaining() == 0, "bytes too many")


class Layout:
    def __init__(self, text):
        self.fields = []
        for part in text.split("|"):
            name, kind = part.split()
            if kind.isdigit():
                code, many = kind + "s", False
            else:
                count, _, base = kind.rpartition("*")
                code, many = count + CODES[base], count != ""
            self.fields.append((name, "<" + code, many))
        self.size = sum(struct.calcsize(code) for _, code, _ in self.fields)

    def read(self, reader):
        values = {}
        for name, code, many in self.fields:
            numbers = struct.unpack(code, reader.take(struct.calcsize(code)))
            values[name] = list(numbers) if many else numbers[0]
        return values

    def write(self, values):
        return b"".join(struct.pack(code, *(values[name] if many else [values[name]])) for name, code, many in self.fields)
