#!/usr/bin/env python3
"""usage: make_client_corpus.py

Write tests/fuzz/corpus/client anew: what a server says to a client, by the second implementation of docs/wire-format.md, in
the form that client_fuzz.cpp takes. Run it when the page's messages change."""

import os
import struct
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../conformance"))

from serried_wire import datagram as d  # noqa: E402
from serried_wire import messages as m  # noqa: E402
from serried_wire import page  # noqa: E402

CORPUS = os.path.join(HERE, "corpus/client")
BODIES = 3  # the first byte of a script of authentic bodies; below it: one datagram at that state
STATE = page.state_of_example()
PLACE = {"mod4": m.mod4(STATE["section"]), "position": STATE["position"]}
ENTITY = {"slot": 0x0102, "generation": 2}


def message(what, /, **fields):
    return m.framed(m.TYPE_OF[what], fields)


def body(rest, channel=0, flags=0, ack=None):
    """One body: channel u8 | flags u8 | size u16 | bytes."""
    rest = (d.AckBlock(*ack).bytes() if ack else b"") + rest
    return struct.pack("<BBH", channel, flags | (d.ACKNOWLEDGMENT if ack else 0), len(rest)) + rest


def delta(tick, *records, applied_input=0):
    return message("DeltaSync", tick=tick, applied_input=applied_input, records=list(records))


def create(**changes):
    return message("CreateEntity", **{**ENTITY, "flags": 0, "id": 42, "type": 1, "faction": 3, "level": 60, **STATE, **changes})


def record(**fields):
    return {"slot": ENTITY["slot"], "mask": ENTITY["generation"] << 6 | fields.pop("mask"), **fields}


def reliable(first_id, *messages, channel=1, packed=False):
    return body(d.write_body(d.Body(None, first_id, None, b"".join(messages)), packed), channel,
                d.COMPRESSED if packed else 0)


def fragments(channel, first_id, order=(0, 1, 2)):
    """A message of three fragments, whose parts come in this order."""
    whole = b"\xd0" + bytes(range(250)) * 10
    cuts = [whole[:800], whole[800:1600], whole[1600:]]
    return b"".join(body(d.write_body(d.Body(None, first_id + i if channel else None,
                                             d.Fragment(9, 800 * i, len(whole), cuts[i]))), channel, d.FRAGMENT)
                    for i in order)


def datagrams():
    echo = bytes(8)
    answers = {"cookie": message("Cookie", echo=echo, cookie=bytes(48)),
               "denied": message("ConnectionDenied", reason=1, retry_after_ms=1000, echo=echo)}
    for state in range(BODIES):
        for name, answer in answers.items():
            yield f"clear_{state}_{name}", bytes([state]) + d.clear(page.PROTOCOL_ID, answer)
        sealed = d.Header(page.CONNECTION_ID, 0, d.SEALED, 1).bytes() + bytes(48 + 58 + 16 + 4)
        yield f"clear_{state}_sealed", bytes([state]) + sealed


def scripts():
    chat = message("Chat", scope=2, sender=0, text=b"welcome")
    own = m.framed(0xD0, {"bytes": b"Hello"})
    symbol = message("Symbol", id=2, name=b"health")
    moved = record(mask=m.POSITION | m.YAW, **PLACE, yaw=7)
    yield "ack_delta", [body(delta(500), ack=(3, 10, 3))]
    yield "create_record", [body(delta(500) + create()), body(delta(501, moved))]
    yield "record_before_create", [body(delta(500, moved)), body(delta(501) + create())]
    yield "section", [body(delta(500) + create()), body(delta(501, record(
        mask=m.SECTION | m.POSITION | m.VELOCITY, section=STATE["section"], **PLACE, velocity=[1, -2, 3])))]
    yield "remove_audit", [body(delta(500) + create()), body(delta(501) + message(
        "RemoveEntity", rows=[{"slot": ENTITY["slot"], "generation": 2, "left": 1}]) + message(
            "Benchmark", rows=[{**ENTITY, "hash": 1}]))]
    yield "float_update", [body(delta(500) + create()), body(delta(501) + message(
        "UpdateEntity", slot=ENTITY["slot"], mask=2 << 6 | 0x1F, position=[130000.0, 25599.0, 100.0],
        rotation=[1.5, 0.0, 0.0], velocity=[1.0, 2.0, 3.0], anim=1, state=1, effects=0, health=9, mana=9))]
    yield "block", [body(delta(500) + message("EntityBlock", cell=5, rows=[
        {"slot": 7, "generation": 1, "x": 256, "y": 511, "z": 64, "yaw": 16},
        {"slot": 0xFFFF, "generation": 3, "x": 511, "y": 511, "z": 127, "yaw": 31}]))]
    yield "ping_disconnect", [body(message("Ping", id=7, time_us=9)),
                              body(message("Disconnect", reason=2, text=b"shutting down"))]
    yield "crypto_ack", [body(message("CryptoTestAck", bytes=bytes(32)))]
    yield "handshake_again", [body(message("ReliableHandshake", message_bytes_max=1000, dictionary=1, build=0),
                                   flags=d.RELIABLE_HANDSHAKE)]
    yield "chat_own", [reliable(0, chat, own), reliable(3, own), reliable(2, chat), reliable(0, own, channel=2)]
    yield "state_update", [reliable(0, symbol, message(
        "StateUpdate", timestamp=1, entity=42, priority=1, sequence=7, components=[
            {"component": {"id": 2, "name": b""}, "bytes": b"1234"},
            {"component": {"id": 0, "name": b"mana"}, "bytes": b"56"}]), message("ActionResult", request=5, result=4))]
    yield "rekey", [reliable(0, message("RekeyRequest", epoch=1, ephemeral=bytes([9]) + bytes(31))),
                    body(delta(500), flags=d.KEY_PHASE)]
    yield "integrity", [reliable(0, message("CheckIntegrity", version=7, index=3, bytes=bytes(16)))]
    yield "packed", [reliable(0, *[chat] * 40, packed=True), body(d.write_body(
        d.Body(None, None, None, delta(500) + 20 * message("Ping", id=1, time_us=2)), True), flags=d.COMPRESSED)]
    for channel in range(3):
        yield f"fragments_{channel}", [fragments(channel, 0), fragments(channel, 3, (2, 0))]


def main():
    made = dict(datagrams())
    made |= {name: bytes([BODIES]) + b"".join(bodies) for name, bodies in scripts()}
    for name in os.listdir(CORPUS):
        os.remove(os.path.join(CORPUS, name))
    for name, content in made.items():
        with open(os.path.join(CORPUS, name), "wb") as file:
            file.write(content)
    print(f"{len(made)} files in tests/fuzz/corpus/client")


main()
