"""Two players in a running server. Every check is one line of docs/wire-format.md that can be seen from outside; what the
server did against the page at any time is the last check of each client."""

import json
import random
import re
import time

from . import messages as m
from .client import Client, Denied, T
from .datagram import Body
from .page import PAGE


class Failed(Exception):
    pass


class Report:
    def __init__(self):
        self.passed = self.failed = 0

    def check(self, name, right, detail=""):
        self.passed += bool(right)
        self.failed += not right
        print(f"{'ok    ' if right else 'FAILED'} {name}{f': {detail}' if detail and not right else ''}", flush=True)
        return right


def read_tokens(name):
    """What `serried-token issue` prints: one JSON object a line."""
    with open(name, encoding="utf-8") as file:
        lines = [json.loads(line) for line in file if line.strip()]
    return [(int(line["player"]), bytes.fromhex(line["token"]), bytes.fromhex(line["secret"])) for line in lines]


def read_table(name):
    """What `serried-integrity table` writes: (version, entries)."""
    with open(name, encoding="utf-8") as file:
        text = file.read()
    entries = [bytes.fromhex(digits) for digits in re.findall(r"^[0-9a-f]{64}$", text, re.M)]
    return int(re.search(r"^version *= *(\d+)", text, re.M)[1]), entries


class Play:
    def __init__(self, options):
        self.options, self.report, self.clients = options, Report(), []
        self.tokens = read_tokens(options.token_file)
        self.build, self.table = read_table(options.integrity_table) if options.integrity_table else (options.build, [])

    def client(self, token, secret):
        made = Client(self.options.server, self.options.protocol_id, self.options.server_id, token, secret, self.build,
                      self.table)
        made.reliable = "reliable" not in self.options.without
        return made

    def step(self):
        for client in self.clients:
            if client.ended is None:
                client.step()

    def run_until(self, done, seconds=5.0):
        """All clients play until `done()`; whether it came true in time."""
        limit = time.monotonic() + seconds
        while not done() and time.monotonic() < limit:
            self.step()
        return bool(done())

    def play_for(self, seconds):
        limit = time.monotonic() + seconds
        self.run_until(lambda: time.monotonic() >= limit, seconds + 1)

    # Groups of checks, in the order of play. --without leaves one out.

    def handshake(self):
        check = self.report.check
        for player, token, secret in self.tokens[:2]:
            client = self.client(token, secret)
            client.connect(meanwhile=self.step)
            self.clients.append(client)
            check(f"player {player}: a Cookie came before anything else", client.counts["cookies"] >= 1)
            check(f"player {player}: ConnectionAccepted opens, and is of this world", client.accepted is not None)
            check(f"player {player}: CryptoTestAck has the same bytes", self.run_until(lambda: client.proven))
            check(f"player {player}: EnterToWorld is answered with DeltaSync", self.run_until(client.playing))
            check(f"player {player}: the own entity is created, with the id of ConnectionAccepted", self.run_until(
                lambda: client.view.own() and client.view.own()["id"] == client.accepted["player_entity"]))
        first, second = self.clients
        check("two sessions have two ids", first.connection_id != second.connection_id)
        impostor = self.client(self.tokens[0][1], bytes(32))
        check("a token without its secret gets no session", not self.accepts(impostor))
        again = self.client(*self.tokens[0][1:])
        check("a token works once", not self.accepts(again) or not self.proves(again))
        for client in (impostor, again):
            client.close()

    def accepts(self, client):
        try:
            client.connect(4.0, self.step)
            return True
        except (Denied, TimeoutError):
            return False

    def proves(self, client):
        self.clients.append(client)
        self.run_until(lambda: client.proven or client.ended, 3.0)
        self.clients.remove(client)
        return client.proven

    def world(self):
        check, (first, second) = self.report.check, self.clients
        first.walk, second.walk = 0.0, 2.0
        place = self.place(first)
        began, ticks, datagrams = time.monotonic(), first.view.tick, first.counts["datagrams"]
        while time.monotonic() - began < self.options.seconds:
            first.walk = random.uniform(0, 6.28)
            self.play_for(0.5)
        took = time.monotonic() - began
        rate = (first.view.tick - ticks) / took / first.accepted["tick_rate_hz"]
        check("ticks come at tick_rate_hz", 0.8 < rate < 1.2, f"{rate:.2f} of it")
        check("inputs are applied", self.run_until(lambda: first.input_sequence - first.view.applied_input < 10))
        check("the own entity has walked", self.place(first) != place)
        check("a datagram a tick at most, on the average", first.counts["datagrams"] - datagrams <= 2.5 * (
            first.view.tick - ticks) + 50)
        for name, client in (("first", first), ("second", second)):
            counts = client.counts
            check(f"{name}: entities are tracked, at most tracked_max besides the own", self.run_until(
                lambda client=client: 1 < len(client.view.known()) <= client.accepted["tracked_max"] + 1))
            check(f"{name}: every other player's entity is created or drawn", self.sees_other(client))
            check(f"{name}: audits compare", client.view.audits > 0 or "audit" in self.options.without)
            check(f"{name}: no audit differs", client.view.mismatches == 0, f"{client.view.mismatches} of {client.view.audits}")
            check(f"{name}: acks come", counts["acks"] > 0 and client.sent.smoothed is not None)
            print(f"       {name}: {counts['datagrams']} datagrams, {counts['DeltaSync']} DeltaSync, "
                  f"{counts['CreateEntity']} CreateEntity, {counts['RemoveEntity']} RemoveEntity, {counts['far records']} far "
                  f"records, {client.view.audits} audits, round trip {1e3 * (client.sent.smoothed or 0):.2f} ms")

    def place(self, client):
        own = client.view.own()
        return own["section"], own["position"]

    def sees_other(self, client):
        other = next(held for held in self.clients if held is not client)
        return any(entity["id"] == other.accepted["player_entity"] for entity in client.view.known().values()) \
            or bool(client.view.proxies)

    def liveness(self):
        client = self.clients[0]
        client.ping()
        self.report.check("Ping is answered with Pong", self.run_until(lambda: client.counts["answered"] >= 1))
        before = client.counts["datagrams"]
        garbage = bytearray(client.seal(Body(), ack_only=True))
        garbage[-1] ^= 1
        client.socket.send(garbage)  # a wrong CRC
        client.socket.send(client.connect_datagram(None, version=2)[:600])
        self.play_for(0.3)
        self.report.check("what is malformed changes nothing", client.ended is None and client.counts["datagrams"] > before)

    def reliable(self):
        for client in self.clients:
            self.report.check("ReliableHandshake is answered", self.run_until(lambda: client.peer_reliable is not None))
        if any(client.peer_reliable is None for client in self.clients):
            raise Failed("the reliable channels are not open")

    def chat(self):
        check, (first, second) = self.report.check, self.clients

        def texts(client):
            return [heard["text"] for heard in client.heard["Chat"]]

        for channel in (1, 2):
            text = f"Grüße über Kanal {channel}".encode()
            self.say(first, channel, "Chat", {"scope": 1, "sender": 0, "text": text})
            check(f"Chat on channel {channel} reaches the other player", self.run_until(lambda: text in texts(second)))
            check(f"channel {channel}: everything is acked", self.run_until(first.out[channel].idle))
        heard = [chat for chat in second.heard["Chat"] if chat["sender"]]
        check("Chat names its speaker", heard and {chat["sender"] for chat in heard} == {first.accepted["player_entity"]})

    def say(self, client, channel, name, fields, packed=False):
        client.out[channel].send(m.framed(T[name], fields))
        client.send_reliable(packed)

    def command(self, client, name, sequence, value, player=None, symbol=None):
        return {"player": self.tokens[self.clients.index(client)][0] if player is None else player,
                "timestamp": time.time_ns(), "sequence": sequence, "bytes": value,
                "command": {"id": 0, "name": name} if symbol is None else {"id": symbol, "name": name}}

    def commands(self):
        check, client = self.report.check, self.clients[0]

        def answered(sequence):
            return any(update["sequence"] == sequence for update in client.heard["StateUpdate"])

        name = self.options.command.encode()
        self.say(client, 1, "InputCommand", self.command(client, name, 1001, b""))
        check("InputCommand by its name is answered by StateUpdate", self.run_until(lambda: answered(1001)))
        self.say(client, 1, "Symbol", {"id": 300, "name": name})
        self.say(client, 1, "InputCommand", self.command(client, name, 1002, b"", symbol=300))
        check("InputCommand by its symbol is answered by StateUpdate", self.run_until(lambda: answered(1002)))
        self.say(client, 1, "InputCommand", self.command(client, name, 1003, b"", player=999_999))
        self.say(client, 1, "InputCommand", self.command(client, name, 1004, b""))
        check("a command for another player is dropped, the next is not",
              self.run_until(lambda: answered(1004)) and not answered(1003))
        self.say(client, 1, "Action", {"request": 77, "action": 0xFFFF, "target": 0})
        check("Action is answered by ActionResult", self.run_until(
            lambda: any(result["request"] == 77 for result in client.heard["ActionResult"])))

    def fragments(self):
        client = self.clients[0]
        content = m.encode(T["InputCommand"], self.command(client, self.options.command.encode(), 2001, bytes(6000)))
        client.out[1].send_fragments(bytes([T["InputCommand"]]) + content)
        self.report.check("a message in fragments is acked to its end", self.run_until(client.out[1].idle))
        if "commands" not in self.options.without:
            self.report.check("and answered", self.run_until(
                lambda: any(update["sequence"] == 2001 for update in client.heard["StateUpdate"])))

    def packed(self):
        first, second = self.clients
        text = b"the same words again and " * 10
        for _ in range(3):
            first.out[1].send(m.framed(T["Chat"], {"scope": 1, "sender": 0, "text": text}))
        first.send_reliable(packed=True)
        self.report.check("a packed datagram is acked", self.run_until(first.out[1].idle))
        if "chat" not in self.options.without:
            self.report.check("and what was in it is heard", self.run_until(
                lambda: any(chat["text"] == text for chat in second.heard["Chat"])))

    def rekey(self):
        for client in self.clients:
            before = client.counts["rekeys"]
            self.report.check("RekeyRequest comes, and datagrams under the new keys open", self.run_until(
                lambda: client.counts["rekeys"] > before, self.options.rekey_seconds))
            acks = client.counts["acks"]
            self.report.check("the server opens ours under the new key", self.run_until(
                lambda: client.counts["acks"] > acks + 20) and client.ended is None)

    def integrity(self):
        for client in self.clients:
            self.report.check("CheckIntegrity comes", self.run_until(
                lambda: client.counts["integrity questions"] > 0, self.options.integrity_seconds))
        self.play_for(1.0)
        self.report.check("the answers are right: no client is kicked", all(client.ended is None for client in self.clients))

    def roaming(self):
        client = self.clients[0]
        tick = client.view.tick
        client.roam()
        check = self.report.check
        check("the new address is probed with Ping", self.run_until(lambda: client.counts["Ping to this address"] > 0))
        check("then the session moves", self.run_until(
            lambda: client.came_to is client.socket and client.view.tick - tick > 10))
        self.play_for(0.5)
        before = client.counts["datagrams to the old address"]
        self.play_for(0.5)
        check("nothing goes to the old address any more", client.counts["datagrams to the old address"] == before)
        check("no audit differs after that", client.view.mismatches == 0)

    def end(self):
        first, second = self.clients
        known = first.accepted["player_entity"]
        first.disconnect()
        check = self.report.check
        check("after Disconnect the server says nothing more", self.is_silent(first))
        if any(entity["id"] == known for entity in second.view.known().values()):
            check("and the entity leaves the other's view", self.run_until(
                lambda: all(entity["id"] != known for entity in second.view.known().values())))
        second.disconnect()

    def is_silent(self, client):
        self.play_for(0.3)
        before = client.counts["datagrams"]
        for data in client.datagrams(0):
            pass
        self.play_for(0.3)
        for data in client.datagrams(0):
            client.receive(data, time.monotonic())
        return client.counts["datagrams"] == before

    GROUPS = [handshake, world, liveness, reliable, chat, commands, fragments, packed, rekey, integrity, roaming, end]

    def run(self):
        try:
            for group in self.GROUPS:
                if group.__name__ in self.options.without or (
                        "reliable" in self.options.without and group.__name__ in (
                            "chat", "commands", "fragments", "packed", "rekey", "integrity")):
                    continue
                print(f"-- {group.__name__}", flush=True)
                group(self)
                for name, client in zip(("first", "second"), self.clients):
                    if group is not Play.end:
                        self.report.check(f"{name}: the session lives", client.ended is None, client.ended)
        except (Failed, Denied, TimeoutError) as fault:
            self.report.check(f"{group.__name__} to its end", False, repr(fault))
        for name, client in zip(("first", "second"), self.clients):
            self.report.check(f"{name}: the server did nothing against {PAGE}", not client.faults,
                              f"{len(client.faults)}, first {client.faults[:3]}")
            client.close()
        print(f"{self.report.passed} checks passed, {self.report.failed} failed")
        return 1 if self.report.failed else 0


GROUP_NAMES = [group.__name__ for group in Play.GROUPS] + ["audit"]
