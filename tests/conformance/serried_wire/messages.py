"""Every message: `decode(type, content)` gives a dict of its fields or raises Malformed, `encode(type, fields)` is the
way back. Byte strings stay bytes. Source: docs/wire-format.md sections 3, 6 and 7."""

import math

from .layout import Layout, Malformed, Reader, require, write_varint

FRAGMENTED_MAX = 524_288

STATE = Layout("section 3*u16 | position 3*i16 | yaw i16 | velocity 3*i16 | anim u8 | state u8 | effects u8 | health u8"
               " | mana u8")

# Record fields with their mask bits, in the order of the wire. A position has its section modulo 4 before it.
SECTION, POSITION, YAW, ANIM, FLAGS, VELOCITY = 0x20, 0x01, 0x02, 0x04, 0x08, 0x10
RECORD_FIELDS = [(SECTION, Layout("section 3*u16")), (POSITION, Layout("mod4 u8 | position 3*i16")),
                 (YAW, Layout("yaw i16")), (ANIM, Layout("anim u8")),
                 (FLAGS, Layout("state u8 | effects u8 | health u8 | mana u8")), (VELOCITY, Layout("velocity 3*i16"))]


def mod4(section):
    return section[0] % 4 | section[1] % 4 << 2 | section[2] % 4 << 4


def finite(values):
    return all(math.isfinite(value) for value in values)


# Symbols: an id that Symbol bound to a name before, or the name itself. `symbols` maps ids to names; None: they are not
# looked up.


def read_name(reader):
    size = reader.number("u16")
    require(1 <= size <= 64, "a name of 1 to 64 bytes")
    return utf8(reader.take(size))


def utf8(data):
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        raise Malformed("no UTF-8") from None
    return data


def write_name(name):
    return len(name).to_bytes(2, "little") + name


def read_symbol(reader, symbols):
    """{"id", "name"}; id 0 for a literal."""
    number = reader.varint()
    if number == 0:
        return {"id": 0, "name": read_name(reader)}
    require(number <= 65535 and (symbols is None or number in symbols), "a symbol that is not bound")
    return {"id": number, "name": b"" if symbols is None else symbols[number]}


def write_symbol(symbol):
    return write_varint(symbol["id"]) if symbol["id"] else b"\0" + write_name(symbol["name"])


class Message:
    """A message of fixed layout; `valid(fields)` is what its values must fulfil. The others override read and write."""

    def __init__(self, name, layout="", valid=None):
        self.name = name
        self.layout = Layout(layout) if layout else None
        self.valid = valid or (lambda fields: True)

    def read(self, reader, symbols):
        return self.layout.read(reader)

    def write(self, fields):
        return self.layout.write(fields)

    def decode(self, content, symbols):
        reader = Reader(content)
        fields = self.read(reader, symbols)
        reader.end()
        require(self.valid(fields), f"{self.name}: a value that is not allowed")
        return fields


class Connect(Message):
    head = Layout("version u32 | client_ephemeral 32 | cookie 48 | proof 16 | token_size u16")
    content_bytes = 1179

    def read(self, reader, symbols):
        require(reader.remaining() == self.content_bytes, "a Connect of another size")
        fields = self.head.read(reader)
        size = fields.pop("token_size")
        require(size <= 256, "a token of more than 256 bytes")
        fields["token"] = reader.take(size)
        require(not any(reader.rest()), "padding that is not zero")
        return fields

    def write(self, fields):
        made = self.head.write({**fields, "token_size": len(fields["token"])}) + fields["token"]
        return made + bytes(self.content_bytes - len(made))


class Disconnect(Message):
    def read(self, reader, symbols):
        return {"reason": reader.number("u8"), "text": reader.rest()}

    def write(self, fields):
        return bytes([fields["reason"]]) + fields["text"]


class Rows(Message):
    """So many rows of one layout as there are."""

    def read(self, reader, symbols):
        rows = []
        while reader.remaining():
            rows.append(self.layout.read(reader))
        return {"rows": rows}

    def write(self, fields):
        return b"".join(self.layout.write(row) for row in fields["rows"])


class RemoveEntity(Message):
    def read(self, reader, symbols):
        rows = []
        while reader.remaining():
            slot, bits = reader.number("u16"), reader.number("u8")
            require(bits & 0x3E == 0, "bits 1 to 5 of a removal")
            rows.append({"slot": slot, "generation": bits >> 6, "left": bits & 1})
        return {"rows": rows}

    def write(self, fields):
        return b"".join(row["slot"].to_bytes(2, "little") + bytes([row["generation"] << 6 | row["left"]])
                        for row in fields["rows"])


def read_record(reader):
    record = {"slot": reader.number("u16"), "mask": reader.number("u8")}
    require(record["mask"] & 0x3F, "a record without a field")
    for bit, layout in RECORD_FIELDS:
        if record["mask"] & bit:
            record.update(layout.read(reader))
    if record["mask"] & POSITION:
        require(record["mod4"] < 64, "mod4 beyond 63")
        if record["mask"] & SECTION:
            require(record["mod4"] == mod4(record["section"]), "mod4 contradicts the section")
    return record


def write_record(record):
    fields = b"".join(layout.write(record) for bit, layout in RECORD_FIELDS if record["mask"] & bit)
    return record["slot"].to_bytes(2, "little") + bytes([record["mask"]]) + fields


class Record(Message):
    def read(self, reader, symbols):
        return read_record(reader)

    def write(self, fields):
        return write_record(fields)


class DeltaSync(Message):
    head = Layout("tick u32 | applied_input u16")

    def read(self, reader, symbols):
        fields = {**self.head.read(reader), "records": []}
        while reader.remaining():
            fields["records"].append(read_record(reader))
        return fields

    def write(self, fields):
        return self.head.write(fields) + b"".join(map(write_record, fields["records"]))


FAR_FIELDS = [("slot", 16), ("generation", 2), ("x", 9), ("y", 9), ("z", 7), ("yaw", 5)]


class EntityBlock(Message):
    def read(self, reader, symbols):
        fields = {"cell": reader.number("u16"), "rows": []}
        while reader.remaining():
            bits, row = int.from_bytes(reader.take(6), "little"), {}
            for name, width in FAR_FIELDS:
                row[name] = bits & (1 << width) - 1
                bits >>= width
            fields["rows"].append(row)
        return fields

    def write(self, fields):
        made = fields["cell"].to_bytes(2, "little")
        for row in fields["rows"]:
            bits = shift = 0
            for name, width in FAR_FIELDS:
                bits |= row[name] << shift
                shift += width
            made += bits.to_bytes(6, "little")
        return made


class StateUpdate(Message):
    head = Layout("timestamp u64 | entity u64 | priority u8 | sequence u32 | count u16")

    def read(self, reader, symbols):
        fields = self.head.read(reader)
        fields["components"] = []
        for _ in range(fields.pop("count")):
            component = read_symbol(reader, symbols)
            fields["components"].append({"component": component, "bytes": reader.take(reader.number("u32"))})
        return fields

    def write(self, fields):
        parts = [write_symbol(part["component"]) + len(part["bytes"]).to_bytes(4, "little") + part["bytes"]
                 for part in fields["components"]]
        return self.head.write({**fields, "count": len(parts)}) + b"".join(parts)


class InputCommand(Message):
    head = Layout("player u64 | timestamp u64 | sequence u32")

    def read(self, reader, symbols):
        fields = self.head.read(reader)
        fields["command"] = read_symbol(reader, symbols)
        fields["bytes"] = reader.take(reader.number("u32"))
        return fields

    def write(self, fields):
        return (self.head.write(fields) + write_symbol(fields["command"]) + len(fields["bytes"]).to_bytes(4, "little")
                + fields["bytes"])


class Symbol(Message):
    def read(self, reader, symbols):
        number = reader.varint()
        require(1 <= number <= 65535, "a symbol's id of 1 to 65535")
        return {"id": number, "name": read_name(reader)}

    def write(self, fields):
        return write_varint(fields["id"]) + write_name(fields["name"])


class Chat(Message):
    head = Layout("scope u8 | sender u64")

    def read(self, reader, symbols):
        fields = self.head.read(reader)
        fields["text"] = utf8(reader.rest())
        return fields

    def write(self, fields):
        return self.head.write(fields) + fields["text"]


class GameOwn(Message):
    def read(self, reader, symbols):
        return {"bytes": reader.rest()}

    def write(self, fields):
        return fields["bytes"]


def geometry_allowed(m):
    sizes = [m["section_size_xy"], m["section_size_z"], m["cell_size_xy"], m["cell_size_z"]]
    counts = [m["sections_x"], m["sections_y"], m["sections_z"], m["tick_rate_hz"]]
    return all(sizes) and all(counts) and all(
        section % cell == 0 or cell % section == 0
        for section, cell in ((m["section_size_xy"], m["cell_size_xy"]), (m["section_size_z"], m["cell_size_z"])))


def input_allowed(m):
    return -128 not in (m["move_x"], m["move_y"]) and m["buttons"] <= 0x0F


INPUT = "sequence u16 | client_tick u32 | move_x i8 | move_y i8 | yaw i16 | buttons u8 | "
PONG = Message("Pong", "id u64 | time_us u64 | delay_us u32")
TEST = "bytes 32"
REKEY_REQUEST = Message("RekeyRequest", "epoch u8 | ephemeral 32")
REKEY_RESPONSE = Message("RekeyResponse", "epoch u8 | ephemeral 32")

CHECK_INTEGRITY, RELIABLE_HANDSHAKE, DISCONNECT, SYMBOL, CHAT = 0x0C, 0x09, 0x06, 0xC4, 0xC5
MESSAGES = {
    0x00: Connect("Connect"),
    0x01: Message("Cookie", "echo 8 | cookie 48"),
    0x02: Message("ConnectionAccepted",
                  "tick_rate_hz u16 | input_rate_max_hz u16 | idle_ping_ms u32 | timeout_ms u32 | ack_delay_us u32"
                  " | tracked_max u16 | player_entity u64 | server_time_us u64 | section_size_xy u32"
                  " | section_size_z u32 | sections_x u16 | sections_y u16 | sections_z u16 | cell_size_xy u32"
                  " | cell_size_z u32", geometry_allowed),
    0x03: Message("ConnectionDenied", "reason u8 | retry_after_ms u32 | echo 8", lambda m: 1 <= m["reason"] <= 8),
    0x04: Message("Ping", "id u64 | time_us u64"),
    0x05: PONG,
    0x06: Disconnect("Disconnect", valid=lambda m: 1 <= m["reason"] <= 8 and len(m["text"]) <= 64),
    0x09: Message("ReliableHandshake", "message_bytes_max u32 | dictionary u32 | build u32",
                  lambda m: m["message_bytes_max"] <= FRAGMENTED_MAX),
    0x0A: Message("CryptoTest", TEST),
    0x0B: Message("CryptoTestAck", TEST),
    0x0C: Message("CheckIntegrity", "version u32 | index u16 | bytes 16"),  # nonce, or answer
    0x0D: REKEY_REQUEST,
    0x0E: REKEY_RESPONSE,
    0x40: Rows("Audit", "slot u16 | generation u8 | hash u32",
               lambda m: all(row["generation"] <= 3 for row in m["rows"])),
    0x41: Message("CreateEntity",
                  "slot u16 | generation u8 | flags u8 | id u64 | type u8 | faction u8 | level u16 | section 3*u16"
                  " | position 3*i16 | yaw i16 | velocity 3*i16 | anim u8 | state u8 | effects u8 | health u8 | mana u8",
                  lambda m: m["generation"] <= 3 and m["flags"] <= 1),
    0x42: Message("UpdateEntity",
                  "slot u16 | mask u8 | position 3*f32 | rotation 3*f32 | velocity 3*f32 | anim u8 | state u8"
                  " | effects u8 | health u8 | mana u8",
                  lambda m: m["mask"] & 0x1F and not m["mask"] & SECTION
                  and finite(m["position"] + m["rotation"] + m["velocity"])),
    0x43: RemoveEntity("RemoveEntity"),
    0x44: Record("UpdateEntityQuantized"),
    0x45: REKEY_REQUEST,
    0x46: DeltaSync("DeltaSync"),
    0x47: EntityBlock("EntityBlock"),
    0x80: Message("SyncEntity", INPUT + "position 3*f32", lambda m: input_allowed(m) and finite(m["position"])),
    0x81: Message("SyncEntityQuantized", INPUT + "mod4 u8 | position 3*i16",
                  lambda m: input_allowed(m) and m["mod4"] <= 63),
    0x82: PONG,
    0x83: Message("EnterToWorld", "flags u8", lambda m: m["flags"] <= 1),
    0x84: REKEY_RESPONSE,
    0xC0: Message("Action", "request u32 | action u16 | target u64"),
    0xC1: Message("ActionResult", "request u32 | result u8", lambda m: m["result"] <= 4),
    0xC2: StateUpdate("StateUpdate"),
    0xC3: InputCommand("InputCommand"),
    0xC4: Symbol("Symbol"),
    0xC5: Chat("Chat", valid=lambda m: 1 <= len(m["text"]) <= 256 and (
        m["scope"] < 2 or m["scope"] == 2 and m["sender"] == 0)),
    **{number: GameOwn(f"game {number:#x}") for number in range(0xD0, 0x100)},
}
TYPE_OF = {MESSAGES[number].name: number for number in reversed(sorted(MESSAGES))}  # the lower of two that are the same

BOTH = {0x04, 0x05, 0x06, 0x09, 0x0C, 0xC4, 0xC5, *range(0xD0, 0x100)}
FROM_CLIENT = BOTH | {0x00, 0x0A, 0x0E, 0x80, 0x81, 0x82, 0x83, 0x84, 0xC0, 0xC3}
FROM_SERVER = BOTH | {0x01, 0x02, 0x03, 0x0B, 0x0D, 0x40, 0x41, 0x42, 0x43, 0x44, 0x45, 0x46, 0x47, 0xC1, 0xC2}
ON_ORDERED_ONLY = {0x0C, 0x0D, 0x0E, 0x45, 0x84, 0xC4}


def allowed(number, from_server, channel):
    """Whether that side may say it there (section 3)."""
    if number not in (FROM_SERVER if from_server else FROM_CLIENT):
        return False
    if number in ON_ORDERED_ONLY:
        return channel == 1
    return channel == 0 or number == DISCONNECT or number >= 0xC0


def decode(number, content, symbols=None):
    require(number in MESSAGES, "a type that is not known")
    return MESSAGES[number].decode(content, symbols)


def encode(number, fields):
    return MESSAGES[number].write(fields)


def framed(number, fields):
    content = encode(number, fields)
    return write_varint(1 + len(content)) + bytes([number]) + content


def split(body):
    """(the messages of `rest` as (type, content), whether the framing held to the end)."""
    reader, found = Reader(body), []
    while reader.remaining():
        try:
            length = reader.varint()
            require(length >= 1, "a length of 0")
            message = reader.take(length)
        except Malformed:
            return found, False
        found.append((message[0], message[1:]))
    return found, True
