"""A client over a UDP socket. It does what the page asks of a client, and notes in `faults` what a server does that the page
does not allow. Source: docs/wire-format.md sections 1, 4, 5, 7 and 8."""

import collections
import os
import random
import select
import socket
import time

from . import channels as c
from . import datagram as d
from . import entities as e
from . import messages as m
from . import primitives as p
from .layout import Malformed, require

T = m.TYPE_OF
ENTITY_MESSAGES = {"CreateEntity", "UpdateEntity", "RemoveEntity", "UpdateEntityQuantized", "DeltaSync"}
OF_THE_WORLD = ENTITY_MESSAGES | {"EntityBlock", "Audit"}
MESSAGE_BYTES_MAX = 65_536  # what this client takes in fragments


class Denied(Exception):
    pass


class Repeat:
    """Something said again after `first` seconds, doubled up to `most`."""

    def __init__(self, first, most):
        self.wait, self.most, self.at = first, most, 0.0

    def due(self, now):
        if now < self.at:
            return False
        if self.at:
            self.wait = min(2 * self.wait, self.most)
        self.at = now + self.wait
        return True


class Client:
    def __init__(self, server, protocol_id, server_id, token, secret, build=0, integrity_table=None, audit=True):
        self.server, self.protocol_id, self.server_id = server, protocol_id, server_id
        self.token, self.secret, self.build, self.audit = token, secret, build, audit
        self.integrity_table = integrity_table or []
        self.socket = self.new_socket()
        self.old_socket = None  # after roaming: what still comes to the old address
        self.faults, self.counts = [], collections.Counter()
        self.heard = collections.defaultdict(list)  # message name: fields of those that a game would look at
        self.keys = {}                              # key phase: Keys
        self.epoch = self.send_epoch = 0
        self.first_opened_at = self.old_key_until = None
        self.accepted = self.view = None
        self.ended = None
        self.replay, self.received, self.sent = c.ReplayWindow(), c.Received(), c.Sent()
        self.out = {1: c.ReliableSender(), 2: c.ReliableSender()}
        self.into = {1: c.ReliableReceiver(True, MESSAGE_BYTES_MAX), 2: c.ReliableReceiver(False, MESSAGE_BYTES_MAX)}
        self.joins, self.symbols = c.UnreliableJoins(MESSAGE_BYTES_MAX), {}
        self.peer_reliable = None  # the server's ReliableHandshake
        self.proven = False
        self.test = os.urandom(32)
        self.repeats = {name: Repeat(0.25, 1.0) for name in ("CryptoTest", "ReliableHandshake", "EnterToWorld")}
        self.pongs, self.pings_out, self.ping_at = [], {}, 0.0
        self.heard_at = time.monotonic()
        self.input_sequence, self.inputs, self.input_at, self.walk = 0, collections.deque(maxlen=3), 0.0, None

    def new_socket(self):
        family = socket.getaddrinfo(*self.server, type=socket.SOCK_DGRAM)[0][0]
        made = socket.socket(family, socket.SOCK_DGRAM)
        made.connect(self.server)
        made.setblocking(False)
        return made

    def fault(self, text):
        self.faults.append(text)

    def close(self):
        for held in (self.socket, self.old_socket):
            if held:
                held.close()

    # Section 4, steps 1 to 3

    def connect(self, patience=10.0, meanwhile=lambda: None):
        """Raises Denied, or TimeoutError. Afterwards everything is sealed. `meanwhile` is called again and again."""
        self.ephemeral_secret = os.urandom(32)
        self.ephemeral = p.public_key(self.ephemeral_secret)
        cookie, repeat, denied, forged = None, Repeat(0.25, 2.0), None, 0
        limit = time.monotonic() + patience
        while self.accepted is None:
            now = time.monotonic()
            if denied and now > denied[0]:
                raise Denied(denied[1])
            if now > limit:
                raise TimeoutError("no answer to Connect")
            if repeat.due(now):
                self.socket.send(self.connect_datagram(cookie))
                forged = 0
            meanwhile()
            for data in self.datagrams(0.01):
                kind, fields = self.read_clear(data)
                if kind == "Cookie":
                    self.counts["cookies"] += 1
                    first, cookie = cookie is None, fields["cookie"]
                    if first:
                        repeat = Repeat(0.25, 2.0)
                elif kind == "ConnectionDenied" and denied is None:
                    denied = (now + 3.0, fields["reason"])
                elif kind == "sealed" and cookie is not None and forged < 4:
                    forged += 1
                    self.take_accepted(data)
        self.heard_at = time.monotonic()

    def connect_datagram(self, cookie, version=d.VERSION):
        proof = bytes(16) if cookie is None else d.proof(self.secret, self.ephemeral, cookie, self.token, version)
        datagram = d.clear(self.protocol_id, m.framed(T["Connect"], {
            "version": version, "client_ephemeral": self.ephemeral, "cookie": cookie or bytes(48), "proof": proof,
            "token": self.token}))
        assert len(datagram) == d.DATAGRAM_MAX
        return datagram

    def read_clear(self, data):
        """(name, fields) of a clear datagram that answers us; ("sealed", None); (None, None) for anything else."""
        try:
            header = d.parse(self.protocol_id, data)
            if header.flags:
                return "sealed", None
            found, framed = m.split(data[d.HEADER:-d.TRAILER])
            require(framed and len(found) == 1, "a clear datagram of more or less than one message")
            name = m.MESSAGES[found[0][0]].name
            require(name in ("Cookie", "ConnectionDenied"), f"a clear {name}")
            fields = m.decode(*found[0])
            require(fields["echo"] == self.ephemeral[:8], "another echo")
            return name, fields
        except (Malformed, KeyError) as fault:
            self.fault(f"a clear datagram: {fault}")
            return None, None

    def take_accepted(self, data):
        header = d.parse(self.protocol_id, data)
        server_ephemeral, server_random = data[d.HEADER:d.HEADER + 32], data[d.HEADER + 32:d.HEADER + d.ACCEPTED_CLEAR]
        ee = p.x25519(self.ephemeral_secret, server_ephemeral)
        keys = d.session_keys(self.protocol_id, self.server_id, header.connection_id, self.ephemeral, server_ephemeral,
                              server_random, self.token, self.secret, ee)
        body = d.open_body(header, keys.server_to_client, data, d.ACCEPTED_CLEAR)
        if body is None or not any(ee):
            return
        if (header.channel, header.flags, header.sequence) != (0, d.SEALED, 1):
            self.fault(f"ConnectionAccepted with {header}")
        found, framed = m.split(body)
        if not framed or [number for number, _ in found] != [T["ConnectionAccepted"]]:
            self.fault("ConnectionAccepted is not alone in its datagram")
        self.accepted = m.decode(*found[0])
        self.connection_id, self.keys = header.connection_id, {0: keys}
        self.view = e.View(self.accepted)
        self.replay.take(header.sequence)
        self.received.note(header.sequence, time.monotonic(), True, False)

    # In

    def datagrams(self, wait):
        """What comes within `wait` seconds; each with the socket it came to in `self.came_to`."""
        sockets = [held for held in (self.socket, self.old_socket) if held]
        ready, _, _ = select.select(sockets, [], [], max(wait, 0))
        for held in ready:
            for _ in range(64):
                try:
                    data = held.recv(2048)
                except (BlockingIOError, ConnectionRefusedError):
                    break
                self.came_to = held
                yield data

    def receive(self, data, now):
        """One datagram in the order of checks of section 1."""
        try:
            header = d.parse(self.protocol_id, data)
        except Malformed as fault:
            self.fault(f"a datagram: {fault}")
            return
        if not header.flags & d.ENCRYPTED:
            self.counts["clear ignored"] += 1
            return
        if header.connection_id != self.connection_id:
            self.fault("a datagram of another session")
            return
        if not self.replay.fresh(header.sequence):
            if header.sequence != 1:  # a repeated ConnectionAccepted is the one datagram that is sent twice
                self.fault(f"sequence {header.sequence} again")
            return
        phase = bool(header.flags & d.KEY_PHASE)
        keys = self.keys.get(phase)
        plain = keys and d.open_body(header, keys.server_to_client, data)
        if plain is None:
            self.fault(f"sequence {header.sequence} does not open under phase {int(phase)}")
            return
        self.replay.take(header.sequence)
        self.opened(phase, now)
        try:
            self.take_body(header, d.read_body(header, plain), now)
        except Malformed as fault:
            if header.channel == 0 and isinstance(fault, d.ImpossibleFragment):
                self.joins.contradict(fault.fragment_id, now)
            self.fault(f"sequence {header.sequence}: {fault}")

    def opened(self, phase, now):
        self.heard_at = now
        self.counts["datagrams"] += 1
        if self.came_to is not self.socket:
            self.counts["datagrams to the old address"] += 1
        if phase == self.epoch % 2 and self.send_epoch != self.epoch:
            self.send_epoch = self.epoch
            self.old_key_until = now + max(1.0, 3 * (self.sent.smoothed or 0))
            self.counts["rekeys"] += 1
        if self.old_key_until and now > self.old_key_until:
            self.keys.pop((self.epoch + 1) % 2, None)
            self.old_key_until = None

    def take_body(self, header, body, now):
        if body.ack:
            acked, lost = self.sent.acknowledge(body.ack, now, self.accepted["ack_delay_us"] / 1e6)
            self.counts["acks"] += 1
            self.settle(acked, lost)
        may_ack, something = True, bool(body.fragment or body.messages)
        if header.channel == 0:
            if body.fragment:
                found = self.joins.offer(body.fragment, now)
            else:
                found, framed = m.split(body.messages)
                require(framed, "broken framing")
        else:
            if self.peer_reliable is None:
                self.fault("a reliable datagram before ReliableHandshake")
                return
            items = [body.fragment]
            if not body.fragment:
                items, framed = m.split(body.messages)
                require(framed, "broken framing")
            else:
                self.counts["fragments"] += 1
            found, may_ack = self.into[header.channel].offer(body.first_id, items)
            self.counts[f"channel {header.channel} datagrams"] += 1
        if header.flags & d.COMPRESSED:
            self.counts["packed datagrams"] += 1
        self.check_order(header, found)
        audits = []
        for number, content in found:
            may_ack &= self.take_message(header, number, content, audits, now)
        if may_ack:
            for rows in audits:
                self.view.audit(header.sequence, rows)
            self.received.note(header.sequence, now, something, header.channel != 0)
        else:
            self.counts["datagrams not acked"] += 1

    def check_order(self, header, found):
        names = [m.MESSAGES[number].name for number, _ in found if number in m.MESSAGES]
        if header.channel == 0 and OF_THE_WORLD & set(names) and names[0] != "DeltaSync":
            self.fault(f"sequence {header.sequence}: a body of the world that begins with {names[0]}")
        if bool(header.flags & d.RELIABLE_HANDSHAKE) != ("ReliableHandshake" in names):
            self.fault(f"sequence {header.sequence}: the flag ReliableHandshake without its message, or the reverse")

    def take_message(self, header, number, content, audits, now):
        """Whether it was taken in, as far as that decides about the ack."""
        try:
            fields = m.decode(number, content, self.symbols)
            name = m.MESSAGES[number].name
            require(m.allowed(number, True, header.channel), f"{name} on channel {header.channel} from a server")
        except Malformed as fault:
            self.fault(f"sequence {header.sequence}, type {number:#04x}: {fault}")
            return True
        self.counts[name] += 1
        if name == "Audit":
            audits.append(fields["rows"])
            return True
        if name in OF_THE_WORLD:
            return self.take_entities(header.sequence, name, fields, now)
        handler = getattr(self, "on_" + name, None)
        if handler:
            handler(fields, now)
        else:
            self.heard[name].append(fields)
        return True

    def take_entities(self, sequence, name, fields, now):
        view = self.view
        if name == "DeltaSync":
            if view.tick is None or (fields["tick"] - view.tick) % (1 << 32) < 1 << 31:
                view.tick, view.applied_input = fields["tick"], fields["applied_input"]
            return all([view.record(sequence, record) for record in fields["records"]])
        if name == "CreateEntity":
            return view.create(sequence, fields)
        if name == "RemoveEntity":
            return view.remove(sequence, fields["rows"])
        if name == "UpdateEntity":
            return view.update(sequence, fields)
        if name == "UpdateEntityQuantized":
            return view.record(sequence, fields)
        view.block(sequence, fields, now)
        self.counts["far records"] += len(fields["rows"])
        return True

    def on_CryptoTestAck(self, fields, _):
        self.proven |= fields["bytes"] == self.test
        if fields["bytes"] != self.test:
            self.fault("CryptoTestAck with other bytes")

    def on_ReliableHandshake(self, fields, _):
        if self.peer_reliable is None:
            self.peer_reliable = fields
            if fields["build"] != 0:
                self.fault("a server that names a build")

    def on_Ping(self, fields, now):
        self.pongs.append((fields, now, self.came_to))
        if self.came_to is self.socket:
            self.counts["Ping to this address"] += 1

    def on_Pong(self, fields, now):
        if self.pings_out.pop(fields["id"], None) != fields["time_us"]:
            self.fault("a Pong to no Ping")
        self.counts["answered"] += 1

    def on_Disconnect(self, fields, _):
        self.ended = fields

    def on_Symbol(self, fields, _):
        if self.symbols.setdefault(fields["id"], fields["name"]) != fields["name"]:
            self.fault("a symbol bound to another name")

    def on_RekeyRequest(self, fields, _):
        """Section 5: from now on both phases open; we seal anew when the first datagram of the new one has opened."""
        epoch = (self.epoch + 1) % 256
        if fields["epoch"] != epoch or self.send_epoch != self.epoch:
            self.fault(f"RekeyRequest of epoch {fields['epoch']} in epoch {self.epoch}")
            return
        secret = os.urandom(32)
        public = p.public_key(secret)
        ee = p.x25519(secret, fields["ephemeral"])
        self.keys[epoch % 2] = d.next_keys(self.keys[self.epoch % 2], self.connection_id, epoch, fields["ephemeral"], public,
                                           ee)
        self.epoch = epoch
        self.out[1].send(m.framed(T["RekeyResponse"], {"epoch": epoch, "ephemeral": public}))

    def on_CheckIntegrity(self, fields, _):
        self.counts["integrity questions"] += 1
        if fields["version"] != self.build or fields["index"] >= len(self.integrity_table):
            self.fault(f"CheckIntegrity of version {fields['version']}, index {fields['index']}")
            return
        exporter = self.keys[self.epoch % 2].exporter
        answer = d.integrity_answer(self.integrity_table[fields["index"]], fields["bytes"], exporter)
        self.out[1].send(m.framed(m.CHECK_INTEGRITY, {**fields, "bytes": answer}))

    # Out

    def seal(self, body, channel=0, flags=0, payload=None, packed=False, ack_only=False, to=None):
        now = time.monotonic()
        ack = self.received.report(now)
        sequence = self.sent.next_sequence()
        flags |= d.SEALED | (d.ACKNOWLEDGMENT if ack else 0) | (d.COMPRESSED if packed else 0)
        flags |= d.KEY_PHASE if self.send_epoch % 2 else 0
        header = d.Header(self.connection_id, channel, flags, sequence)
        plain = d.write_body(d.Body(ack, body.first_id, body.fragment, body.messages), packed)
        data = d.seal(self.protocol_id, header, self.keys[self.send_epoch % 2].client_to_server, plain)
        if not ack_only:
            self.sent.note(sequence, now, payload)
        try:
            (to or self.socket).send(data)
        except (BlockingIOError, ConnectionRefusedError):
            pass  # as good as lost
        return data

    def say(self, *messages, flags=0, to=None):
        """Unreliable messages, (name, fields) each."""
        self.seal(d.Body(messages=b"".join(m.framed(T[name], fields) for name, fields in messages)), flags=flags, to=to)

    def settle(self, acked, lost):
        for outcome, payloads in (("acked", acked), ("lost", lost)):
            for channel, numbers in filter(None, payloads):
                getattr(self.out[channel], outcome)(numbers)
        self.counts["lost"] += len(lost)

    def send_reliable(self, packed=False):
        for channel, sender in self.out.items():
            while self.peer_reliable and len(self.sent.in_flight) < 30:
                made = sender.next_datagram(d.BODY_MAX - 20 - 2)  # the longest ack block, the first id
                if made is None:
                    break
                first, items = made
                numbers = [(first + i) % 0x10000 for i in range(len(items))]
                if isinstance(items[0], d.Fragment):
                    self.seal(d.Body(first_id=first, fragment=items[0]), channel, d.FRAGMENT, (channel, numbers))
                else:
                    self.seal(d.Body(first_id=first, messages=b"".join(items)), channel, 0, (channel, numbers), packed)

    def input(self):
        """The newest inputs that the server has not applied; three at most."""
        angle = self.walk if self.walk is not None else 0.0
        self.input_sequence = self.input_sequence % 0xFFFF + 1
        own = self.view.own() or {"position": [0, 0, 0], "section": [0, 0, 0]}
        self.inputs.append({"sequence": self.input_sequence, "client_tick": self.view.tick or 0,
                            "move_x": round(127 * e.math.cos(angle)) if self.walk is not None else 0,
                            "move_y": round(127 * e.math.sin(angle)) if self.walk is not None else 0,
                            "yaw": e.quantise_angle(angle), "buttons": 0, "mod4": m.mod4(own["section"]),
                            "position": own["position"]})
        applied = self.view.applied_input or 0
        return [("SyncEntityQuantized", held) for held in self.inputs if c.distance(held["sequence"], applied) > 0]

    def playing(self):
        return self.proven and self.view.tick is not None

    def send_due(self, now):
        lost = self.sent.expire(now)
        self.settle([], lost)
        for fields, came_at, came_to in self.pongs:
            self.say(("Pong", {**fields, "delay_us": round((now - came_at) * 1e6)}), to=came_to)
        self.pongs = []
        if not self.proven:
            if self.repeats["CryptoTest"].due(now):
                self.say(("CryptoTest", {"bytes": self.test}))
            return
        if self.peer_reliable is None and self.reliable and self.repeats["ReliableHandshake"].due(now):
            self.say(("ReliableHandshake", {"message_bytes_max": MESSAGE_BYTES_MAX, "dictionary": 0, "build": self.build}),
                     flags=d.RELIABLE_HANDSHAKE)
        if self.view.tick is None and self.repeats["EnterToWorld"].due(now):
            self.say(("EnterToWorld", {"flags": int(self.audit)}))
        self.send_reliable()
        if self.playing() and self.inputs_hz and now >= self.input_at:
            self.input_at = max(self.input_at + 1 / self.inputs_hz, now - 0.1)
            self.say(*self.input())
        if now - self.heard_at > self.accepted["idle_ping_ms"] / 1e3 and now >= self.ping_at:
            self.ping_at = now + 1
            self.ping()
        if self.received.due(now, self.accepted["ack_delay_us"] / 1e6):
            self.seal(d.Body(), ack_only=True)
        self.view.forget(now)

    inputs_hz = 30
    reliable = True  # whether to say ReliableHandshake

    def ping(self):
        fields = {"id": random.getrandbits(64), "time_us": int(time.monotonic() * 1e6)}
        self.pings_out[fields["id"]] = fields["time_us"]
        self.say(("Ping", fields))

    def step(self, wait=0.005):
        for data in self.datagrams(wait):
            self.receive(data, time.monotonic())
        if self.ended is None:
            self.send_due(time.monotonic())

    def roam(self):
        """Another port from now on, as behind a NAT that rebinds. The old one is listened to as well."""
        self.old_socket, self.socket = self.socket, self.new_socket()
        self.counts["Ping to this address"] = self.counts["datagrams to the old address"] = 0

    def disconnect(self):
        for _ in range(3):
            self.say(("Disconnect", {"reason": 1, "text": b""}))
            time.sleep(0.005)
        self.ended = {"reason": 1, "text": b""}
