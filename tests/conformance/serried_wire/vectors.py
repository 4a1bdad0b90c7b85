"""Vectors: one JSON object a line, {"name", "kind", inputs of that kind, "expect"}; byte strings are hexadecimal. "expect" is
what the inputs come to, and null when they are to be refused. `answers` has for every kind the function from inputs to
expectation; tests/conformance/answer.cpp has the same from the engine's code, and each side checks what the other made.

    message    bytes: one framed message                      type and fields; symbols are not looked up
    body       channel, flags, bytes: a plaintext body        ack, first_id, fragment, messages, framed: held to the end
    datagram   protocol_id, key, clear_bytes, bytes           header fields and the opened body
    reliable   message_bytes_max, datagrams in order, `at` s     of each: what is handed on, and what becomes of it
    token      protocol_id, key_id, key, bytes                the claims
    cookie     root, nonce, time, address, port, ...          the cookie
    keys       secrets and publics of a handshake             ephemerals, ee, proof, keys
    rekey      the keys of an epoch and new secrets           the keys of the next
    integrity  secret, version, index, nonce, exporter        the answer
    quantise   geometry, position, radians, ...               what a record says of them
    apply      known: a state, record                         the state after it, and its hash
    motion     a moving body, an input, seconds               where it is then
"""

import json
import math
import random
import struct
from itertools import accumulate

from . import datagram as d
from . import entities as e
from . import messages as m
from . import primitives as p
from .channels import ReliableReceiver, ReliableSender, UnreliableJoins
from .layout import Malformed, Reader, require


def plain(value):
    """As JSON has it."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dict):
        return {name: plain(held) for name, held in value.items()}
    return [plain(held) for held in value] if isinstance(value, (list, tuple)) else value


def octets(vector, *names):
    return [bytes.fromhex(vector[name]) for name in names]


# What each kind's inputs come to. Malformed: refused.


def answer_message(vector):
    (number, content), = m.split(bytes.fromhex(vector["bytes"]))[0]
    return {"type": number, "fields": m.decode(number, content)}


def answer_body(vector):
    header = d.Header(1, vector["channel"], vector["flags"], 1)
    body = d.read_body(header, bytes.fromhex(vector["bytes"]))
    messages, framed = m.split(body.messages)
    return {"ack": vars(body.ack) if body.ack else None, "first_id": body.first_id,
            "fragment": vars(body.fragment) if body.fragment else None, "messages": messages, "framed": framed}


def answer_datagram(vector):
    data, key = octets(vector, "bytes", "key")
    header = d.parse(vector["protocol_id"], data)
    body = data[d.HEADER:-d.TRAILER]
    if header.flags & d.ENCRYPTED:
        opened = d.open_body(header, key, data, vector["clear_bytes"])
        require(opened is not None, "the tag")
        body = body[:vector["clear_bytes"]] + opened
    return {**vars(header), "body": body}


def answer_reliable(vector):
    """`verdict` is null for a fragment on channel 0: whether it is acked is no part of the format. After a malformed one on
    a reliable channel the session has ended."""
    receivers = {channel: ReliableReceiver(channel == 1, vector["message_bytes_max"]) for channel in (1, 2)}
    joins, outcomes = UnreliableJoins(vector["message_bytes_max"]), []
    for datagram in vector["datagrams"]:
        channel, flags = datagram["channel"], d.SEALED | (d.FRAGMENT if datagram["fragment"] else 0)
        try:
            body = d.read_body(d.Header(1, channel, flags, 1), bytes.fromhex(datagram["bytes"]))
            messages, framed = m.split(body.messages)
            require(framed, "broken framing")
            if channel == 0:
                handed, verdict = joins.offer(body.fragment, datagram["at"]), None
            else:
                handed, room = receivers[channel].offer(body.first_id, [body.fragment] if body.fragment else messages)
                verdict = "yes" if room else "no_room"
        except Malformed as fault:
            if channel == 0 and isinstance(fault, d.ImpossibleFragment):
                joins.contradict(fault.fragment_id, datagram["at"])
            handed, verdict = [], "malformed" if channel else None
        outcomes.append({"handed": handed, "verdict": verdict})
        if verdict == "malformed":
            break
    return outcomes


def answer_token(vector):
    key_id, claims = d.open_token(vector["protocol_id"], *octets(vector, "key", "bytes"))
    require(key_id == vector["key_id"], "another key")
    return claims


def answer_cookie(vector):
    root, address, client_ephemeral, token = octets(vector, "root", "address", "client_ephemeral", "token")
    head = struct.pack("<QQ", vector["nonce"], vector["time"])
    secret = p.hmac_sha256(root, b"cookie" + struct.pack("<Q", vector["time"] // 60))
    return head + p.hmac_sha256(secret, head + address + struct.pack("<H", vector["port"]) + client_ephemeral
                                + p.sha256(token))


def keys_fields(keys):
    return {"c2s": keys.client_to_server, "s2c": keys.server_to_client, "next": keys.next, "export": keys.exporter}


def shared(secret, public):
    ee = p.x25519(secret, public)
    require(any(ee), "a shared secret of zeros")
    return ee


def answer_keys(vector):
    client_secret, server_secret, server_random, token, secret, cookie = octets(
        vector, "client_secret", "server_secret", "server_random", "token", "secret", "cookie")
    client, server = p.public_key(client_secret), p.public_key(server_secret)
    ee = shared(client_secret, server)
    keys = d.session_keys(vector["protocol_id"], vector["server_id"], vector["connection_id"], client, server,
                          server_random, token, secret, ee)
    return {"client_ephemeral": client, "server_ephemeral": server, "ee": ee,
            "proof": d.proof(secret, client, cookie, token), **keys_fields(keys)}


def answer_rekey(vector):
    client_secret, server_secret, c2s, s2c, following, export = octets(
        vector, "client_secret", "server_secret", "c2s", "s2c", "next", "export")
    client, server = p.public_key(client_secret), p.public_key(server_secret)
    return keys_fields(d.next_keys(d.Keys(c2s, s2c, following, export), vector["connection_id"], vector["epoch"], server,
                                   client, shared(client_secret, server)))


def answer_integrity(vector):
    secret, nonce, exporter = octets(vector, "secret", "nonce", "exporter")
    return d.integrity_answer(d.integrity_entry(secret, vector["version"], vector["index"]), nonce, exporter)


def answer_quantise(vector):
    sizes = [vector["section_size_xy"]] * 2 + [vector["section_size_z"]]
    places = [e.quantise_axis(*axis) for axis in zip(vector["position"], sizes, vector["sections"])]
    return {"section": [place[0] for place in places], "position": [place[1] for place in places],
            "yaw": e.quantise_angle(vector["radians"]), "velocity": e.quantise_speed(vector["speed"]),
            "health": e.quantise_fraction(vector["fraction"], vector["alive"])}


def answer_motion(vector):
    position, velocity, anim = e.step(vector["position"], vector["velocity"], vector["move"], vector["buttons"],
                                      vector["seconds"])
    return {"position": position, "velocity": velocity, "yaw": vector["yaw"], "anim": anim}


def answer_apply(vector):
    state = e.apply_record(vector["known"], m.read_record(Reader(bytes.fromhex(vector["record"]))))
    return {"state": state, "hash": e.state_hash(state)}


answers = {name[len("answer_"):]: function for name, function in globals().items() if name.startswith("answer_")}


def verify(lines):
    """(faults, {kind: how many})"""
    faults, counts = [], {}
    for number, line in enumerate(lines, 1):
        try:
            vector = json.loads(line)
            kind, expected = vector["kind"], vector["expect"]
            try:
                answer = plain(answers[kind](vector))
            except Malformed as fault:
                answer, expected = None, expected and {**vector, "fault": str(fault)}
            if answer != expected:
                faults.append(f"{number}: {vector['name']}: expected {expected}, got {answer}")
            counts[kind] = counts.get(kind, 0) + 1
        except (ValueError, KeyError, TypeError, struct.error) as fault:
            faults.append(f"{number}: no vector: {fault!r}")
    return faults, counts


# The way back: random vectors for the engine


class Producer:
    """`vectors(count)` yields so many, of all kinds in turn, every fourth with bytes that were tampered with."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def bits(self, count):
        """Numbers at the edges are as likely as all others together."""
        if self.random.random() < 0.5:
            return self.random.getrandbits(count)
        return self.random.choice([0, 1, (1 << count - 1) - 1, 1 << count - 1, (1 << count) - 1])

    def octets(self, low, high=None):
        return self.random.randbytes(self.random.randint(low, low if high is None else high))

    def text(self, low, high):
        """UTF-8 of low to high bytes, in one to four bytes a character."""
        size, made = self.random.randint(low, high), b""
        while len(made) < size:
            character = chr(self.random.choice([0x20, 0x61, 0xE4, 0x20AC, 0xFFFD, 0x1F600, 0x10FFFF])).encode()
            made += character if len(made) + len(character) <= size else b"x"
        return made

    def float32(self):
        value = struct.unpack("<f", struct.pack("<f", self.random.uniform(-1e6, 1e6)))[0]
        return self.random.choice([value, value, value, 0.0, -0.5, 2.0**-126, 3.0e38])

    def layout(self, layout):
        fields = {}
        for name, code, many in layout.fields:
            if code.endswith("s"):
                fields[name] = self.octets(struct.calcsize(code))
                continue
            count = int(code[1:-1]) if many else 1
            bits = 8 * struct.calcsize("<" + code[-1])
            values = [self.float32() if code[-1] == "f" else
                      e.wrapped(self.bits(bits), bits) if code[-1].islower() else self.bits(bits) for _ in range(count)]
            fields[name] = values if many else values[0]
        return fields

    def state(self):
        return self.layout(m.STATE)

    def record(self):
        record = {"slot": self.bits(16), "mask": self.random.randrange(1, 64) | self.random.randrange(4) << 6}
        for bit, layout in m.RECORD_FIELDS:
            if record["mask"] & bit:
                record.update(self.layout(layout))
        if record["mask"] & m.POSITION:
            record["mod4"] = m.mod4(record["section"]) if record["mask"] & m.SECTION else self.random.randrange(64)
        return record

    def symbol(self):
        if self.random.random() < 0.5:
            return {"id": 0, "name": self.text(1, 64)}
        return {"id": self.random.choice([1, 127, 128, 16383, 16384, 65535]), "name": b""}

    def fields(self, number):
        """Random fields of a type, all allowed."""
        message, below = m.MESSAGES[number], self.random.randrange
        fields = self.layout(message.layout) if message.layout else {}
        if isinstance(message, m.Connect):
            fields = {**self.layout(message.head), "token": self.octets(0, 256)}
            del fields["token_size"]
        elif isinstance(message, m.Disconnect):
            fields = {"reason": below(1, 9), "text": self.octets(0, 64)}
        elif isinstance(message, m.RemoveEntity):
            fields = {"rows": [{"slot": self.bits(16), "generation": below(4), "left": below(2)} for _ in range(below(1, 20))]}
        elif isinstance(message, m.Rows):
            fields = {"rows": [{**self.layout(message.layout), "generation": below(4)} for _ in range(below(1, 20))]}
        elif isinstance(message, m.DeltaSync):
            fields = {**self.layout(message.head), "records": [self.record() for _ in range(below(30))]}
        elif isinstance(message, m.Record):
            fields = self.record()
        elif isinstance(message, m.EntityBlock):
            fields = {"cell": below(4096), "rows": [{name: self.bits(width) for name, width in m.FAR_FIELDS}
                                                     for _ in range(below(1, 50))]}
        elif isinstance(message, m.StateUpdate):
            fields = self.layout(message.head)
            del fields["count"]
            fields["components"] = [{"component": self.symbol(), "bytes": self.octets(0, 40)} for _ in range(below(6))]
        elif isinstance(message, m.InputCommand):
            fields = {**self.layout(message.head), "command": self.symbol(), "bytes": self.octets(0, 200)}
        elif isinstance(message, m.Symbol):
            fields = {"id": self.random.choice([1, 127, 128, 16383, 16384, 65535]), "name": self.text(1, 64)}
        elif isinstance(message, m.Chat):
            scope = below(3)
            fields = {"scope": scope, "sender": 0 if scope == 2 else self.bits(64), "text": self.text(1, 256)}
        elif isinstance(message, m.GameOwn):
            fields = {"bytes": self.octets(0, 100)}
        elif message.name == "ConnectionAccepted":
            section, cell = below(1, 1 << 20), below(1, 1 << 10)
            fields.update(tick_rate_hz=below(1, 1000), sections_x=below(1, 65536), sections_y=below(1, 65536),
                          sections_z=below(1, 65536), section_size_xy=section, cell_size_xy=section * cell,
                          section_size_z=cell * 7, cell_size_z=cell)
        elif message.name == "ConnectionDenied":
            fields["reason"] = below(1, 9)
        elif message.name == "ReliableHandshake":
            fields["message_bytes_max"] = below(m.FRAGMENTED_MAX + 1)
        elif message.name == "CreateEntity":
            fields.update(generation=below(4), flags=below(2))
        elif message.name == "UpdateEntity":
            fields["mask"] = below(1, 32) | below(4) << 6
        elif message.name in ("SyncEntity", "SyncEntityQuantized"):
            fields.update(move_x=below(-127, 128), move_y=below(-127, 128), buttons=below(16))
            if "mod4" in fields:
                fields["mod4"] = below(64)
        elif message.name == "EnterToWorld":
            fields["flags"] = below(2)
        elif message.name == "ActionResult":
            fields["result"] = below(5)
        return fields

    def tampered(self, data):
        """One bit turned, a byte more or less, or a byte replaced."""
        if not data:
            return b"\0"
        at, way = self.random.randrange(len(data)), self.random.randrange(4)
        if way == 0:
            return data[:at] + bytes([data[at] ^ 1 << self.random.randrange(8)]) + data[at + 1:]
        if way == 1:
            return data[:-1]
        return data + b"\0" if way == 2 else data[:at] + self.octets(1) + data[at + 1:]

    # One function a kind: the inputs. `bad` wants them tampered with.

    def message(self, bad):
        number = self.random.choice(sorted(m.MESSAGES))
        content = m.encode(number, self.fields(number))
        if bad:
            content = self.tampered(content)
        return {"bytes": m.write_varint(1 + len(content)) + bytes([number]) + content}

    def body(self, bad):
        channel = self.random.randrange(3)
        flags = d.SEALED | self.random.choice([0, d.ACKNOWLEDGMENT]) | self.random.choice([0, 0, d.FRAGMENT, d.COMPRESSED])
        ack = fragment = None
        if flags & d.ACKNOWLEDGMENT:
            largest = self.random.choice([1, 63, 64, 65, self.bits(63) or 1])
            ack = d.AckBlock(largest, self.bits(16), self.bits(64))
        if flags & d.FRAGMENT:
            data, offset = self.octets(8 * self.random.randint(1, 100)), 8 * self.random.randrange(0, 60000)
            fragment = d.Fragment(self.bits(16), offset, offset + len(data) + self.random.randrange(9), data)
        messages = b""
        while not fragment and self.random.random() < 0.8 and len(messages) < 900:
            number = self.random.choice(sorted(set(m.MESSAGES) - {0x00}))
            messages += m.framed(number, self.fields(number))
        messages = messages or (b"" if fragment else m.framed(0x04, self.fields(0x04)))
        made = d.write_body(d.Body(ack, self.bits(16) if channel else None, fragment, messages), flags & d.COMPRESSED)
        return {"channel": channel, "flags": flags, "bytes": self.tampered(made) if bad else made}

    def datagram(self, bad):
        protocol_id, key, clear_bytes = self.bits(64), self.octets(32), 0
        if self.random.random() < 0.2:
            data = d.clear(protocol_id, self.octets(0, 1182))
        else:
            flags = d.SEALED | self.random.choice([0, d.ACKNOWLEDGMENT, d.KEY_PHASE, d.FRAGMENT, d.COMPRESSED])
            channel = self.random.randrange(3)
            if channel == 0 and self.random.random() < 0.2:
                flags = d.SEALED | d.RELIABLE_HANDSHAKE | d.ACKNOWLEDGMENT
            clear_bytes = self.random.choice([0, 0, d.ACCEPTED_CLEAR])
            header = d.Header(self.bits(32) or 1, channel, flags, self.bits(63) or 1)
            data = d.seal(protocol_id, header, key, self.octets(clear_bytes, d.BODY_MAX), clear_bytes)
        if bad:
            data = self.tampered(data)
            if self.random.random() < 0.7 and len(data) >= d.TRAILER:  # what comes after the CRC must find it
                data = data[:-d.TRAILER] + d.trailer(protocol_id, data[:-d.TRAILER])
        return {"protocol_id": protocol_id, "key": key, "clear_bytes": clear_bytes, "bytes": data}

    def token(self, bad):
        protocol_id, key_id, key = self.bits(64), self.bits(32), self.octets(32)
        now = 1_700_000_000 + self.random.randrange(1 << 30)
        claims = {"id": self.octets(16), "secret": self.octets(32), "player_id": self.bits(64), "issued": now,
                  "not_before": now, "expiry": now + self.random.randint(1, 86400), "audience": self.bits(64),
                  "permissions": self.bits(32), "name": self.text(0, 32)}
        token = d.make_token(key_id, protocol_id, key, self.octets(24), claims)
        return {"protocol_id": protocol_id, "key_id": key_id, "key": key, "now": now, "server_id": claims["audience"],
                "bytes": self.tampered(token) if bad else token}

    def cookie(self, _):
        address = self.random.choice([bytes(10) + b"\xff\xff" + self.octets(4), self.octets(16)])
        return {"root": self.octets(32), "nonce": self.bits(64), "time": self.random.getrandbits(30), "address": address,
                "port": self.bits(16), "client_ephemeral": self.octets(32), "token": self.octets(0, 256)}

    def keys(self, _):
        return {"protocol_id": self.bits(64), "server_id": self.bits(64), "connection_id": self.bits(32),
                "client_secret": self.octets(32), "server_secret": self.octets(32), "server_random": self.octets(16),
                "token": self.octets(1, 256), "secret": self.octets(32), "cookie": self.octets(48)}

    def rekey(self, _):
        return {"connection_id": self.bits(32), "epoch": self.bits(8), "client_secret": self.octets(32),
                "server_secret": self.octets(32), **{name: self.octets(32) for name in ("c2s", "s2c", "next", "export")}}

    def integrity(self, _):
        return {"secret": self.octets(32), "version": self.bits(32), "index": self.bits(16), "nonce": self.octets(16),
                "exporter": self.octets(32)}

    def near_step(self, steps_per_unit, most):
        """About a step, and often as near to a tie as binary32 comes."""
        steps = self.random.randint(-most, most) + self.random.choice([0.5, self.random.uniform(-0.5, 0.5)])
        return struct.unpack("<f", struct.pack("<f", steps / steps_per_unit))[0]

    def quantise(self, _):
        size_xy, size_z = self.random.choice([(25600, 6400), (1000, 1000), (12345, 678)])
        sections = [self.random.randint(1, 64) for _ in range(3)]
        position = [struct.unpack("<f", struct.pack("<f", self.random.uniform(-0.1, 1.1) * size * count))[0]
                    for size, count in zip((size_xy, size_xy, size_z), sections)]
        return {"section_size_xy": size_xy, "section_size_z": size_z, "sections": sections, "position": position,
                "radians": self.near_step(65536 / (2 * math.pi), 200_000),
                "speed": self.random.choice([self.float32() / 10, self.near_step(1, 40_000)]),
                "fraction": self.near_step(255, 300), "alive": self.random.random() < 0.9}

    def motion(self, _):
        def about(low, high):
            return struct.unpack("<f", struct.pack("<f", self.random.uniform(low, high)))[0]
        position = [about(-10, 820000), about(-10, 820000), about(0, 25600)]
        if self.random.random() < 0.5:  # near a border
            position[self.random.randrange(2)] = self.random.choice([about(-5, 5), about(819190, 819205)])
        return {"position": position, "velocity": [about(-700, 700), about(-700, 700), about(-100, 100)],
                "move": [self.random.randint(-127, 127), self.random.randint(-127, 127)],
                "yaw": self.random.randint(-32768, 32767), "buttons": self.random.randrange(16),
                "seconds": self.random.choice([about(1 / 60, 1 / 60), about(0, 0.5)])}

    def apply(self, _):
        known, record = self.state(), self.record()
        if self.random.random() < 0.7 and not record["mask"] & m.SECTION and record["mask"] & m.POSITION:
            near = [(section + self.random.choice([-1, 0, 1])) % 65536 for section in known["section"]]
            record["mod4"] = m.mod4(near)
        return {"known": known, "record": m.write_record(record)}

    def reliable(self, bad):
        """What two reliable channels send, a message in fragments on each and on channel 0 among it; then the network."""
        senders, datagrams = {channel: ReliableSender() for channel in (1, 2)}, []
        for channel, sender in senders.items():
            for _ in range(self.random.randrange(12)):
                content = self.octets(1, 200)  # the type is its first byte
                sender.send(m.write_varint(len(content)) + content)
                if not sender.fragments_open() and self.random.random() < 0.2:
                    sender.send_fragments(self.octets(2, 3000), 8 * self.random.randint(1, 100))
            while made := sender.next_datagram(self.random.choice([400, 1100])):
                first, items = made
                fragment = items[0] if isinstance(items[0], d.Fragment) else None
                body = d.Body(None, first, fragment, b"" if fragment else b"".join(items))
                datagrams.append({"channel": channel, "fragment": bool(fragment), "bytes": d.write_body(body)})
        if self.random.random() < 0.5:
            whole, name, size = self.octets(2, 3000), self.bits(16), 8 * self.random.randint(20, 100)
            datagrams += [{"channel": 0, "fragment": True, "bytes": d.Fragment(
                name, at, len(whole), whole[at:at + size]).bytes()} for at in range(0, len(whole), size)]
        if self.random.random() < 0.7:
            self.random.shuffle(datagrams)
        for _ in range(self.random.randrange(3) if datagrams else 0):
            datagrams.insert(self.random.randrange(len(datagrams)), self.random.choice(datagrams))
        if self.random.random() < 0.3 and datagrams:
            datagrams.remove(self.random.choice(datagrams))
        if bad and datagrams:
            at = self.random.randrange(len(datagrams))
            old = datagrams[at]["bytes"]
            if datagrams[at]["fragment"]:  # ids against offsets: a receiver may see it at once, or when all is there
                new = old[:6] + self.tampered(old[6:])
            elif self.random.random() < 0.7:
                new = self.tampered(old)
            else:  # an id that is far ahead
                new = struct.pack("<H", self.random.randrange(1000, 1060)) + old[2:]
            datagrams[at] = {**datagrams[at], "bytes": new}
        datagrams *= self.random.choice([1, 1, 3])  # on channel 0 numbers come back
        times = accumulate(self.random.choice([0] * 17 + [1, 9, 10]) for _ in datagrams)
        datagrams = [{**datagram, "at": at} for datagram, at in zip(datagrams, times)]
        return {"message_bytes_max": self.random.choice([2000, 4096, m.FRAGMENTED_MAX]), "datagrams": datagrams}

    WEIGHTS = {"message": 36, "body": 15, "datagram": 15, "reliable": 4, "token": 6, "cookie": 2, "keys": 2, "rekey": 2,
               "integrity": 2, "quantise": 6, "apply": 6, "motion": 4}

    def vectors(self, count):
        kinds = [kind for kind, weight in self.WEIGHTS.items() for _ in range(weight)]
        for number in range(count):
            kind = kinds[number * 37 % len(kinds)]  # 37 and 100 share no divisor: every kind, evenly mixed
            vector = plain(getattr(self, kind)(number % 4 == 3))
            try:
                expect = plain(answers[kind](vector))
            except Malformed:
                expect = None
            yield {"name": f"{kind}-{number}", "kind": kind, **vector, "expect": expect}
