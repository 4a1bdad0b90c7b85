"""The worked example of docs/wire-format.md, section 13, from the values that its text gives: every block is made, and read
back. tests/message/wire_format_test.cpp holds the same bytes to the C++ code."""

import os
import re
import struct

from . import datagram as d
from . import entities as e
from . import messages as m
from . import primitives as p
from .layout import Malformed

PAGE = "docs/wire-format.md"
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
PROTOCOL_ID, SERVER_ID, CONNECTION_ID = 0x0123456789ABCDEF, 7, 0x08001801


def rising(first, count):
    return bytes(range(first, first + count))


def one_message(block, number, fields):
    return block == m.framed(number, fields) and m.decode(*m.split(block)[0][0]) == fields


def handshake(blocks):
    """Yields (what, right) for everything from the token to the keys and the ConnectionAccepted."""
    token, secret, cookie = blocks["token"], rising(0x40, 32), rising(0x01, 48)
    claims = {"id": rising(0x60, 16), "secret": secret, "player_id": 42, "issued": 1_700_000_000,
              "not_before": 1_700_000_000, "expiry": 1_700_000_300, "audience": SERVER_ID, "permissions": 0, "name": b"Ada"}
    yield "token", (token == d.make_token(1, PROTOCOL_ID, rising(0x20, 32), rising(0x80, 24), claims)
                    and d.open_token(PROTOCOL_ID, rising(0x20, 32), token) == (1, claims))
    client, server = p.public_key(rising(0xA0, 32)), p.public_key(rising(0xC0, 32))
    ee = p.x25519(rising(0xA0, 32), server)
    yield "client-ephemeral", client == blocks["client-ephemeral"]
    yield "server-ephemeral", server == blocks["server-ephemeral"]
    yield "ee", ee == blocks["ee"] == p.x25519(rising(0xC0, 32), client)
    yield "proof", d.proof(secret, client, cookie, token) == blocks["proof"]
    body = m.framed(0x01, {"echo": client[:8], "cookie": cookie})
    yield "cookie-datagram", (blocks["cookie-datagram"] == d.clear(PROTOCOL_ID, body)
                              and d.parse(PROTOCOL_ID, blocks["cookie-datagram"]) == d.Header())
    random = rising(0xE0, 16)
    keys = d.session_keys(PROTOCOL_ID, SERVER_ID, CONNECTION_ID, client, server, random, token, secret, ee)
    yield "key-c2s", keys.client_to_server == blocks["key-c2s"]
    yield "key-s2c", keys.server_to_client == blocks["key-s2c"]
    accepted = {"tick_rate_hz": 60, "input_rate_max_hz": 60, "idle_ping_ms": 5000, "timeout_ms": 15000,
                "ack_delay_us": 25000, "tracked_max": 128, "player_entity": 1 << 63 | 42, "server_time_us": 5_000_000,
                "section_size_xy": 25600, "section_size_z": 6400, "sections_x": 32, "sections_y": 32, "sections_z": 4,
                "cell_size_xy": 25600, "cell_size_z": 6400}
    header = d.Header(CONNECTION_ID, 0, d.SEALED, 1)
    made = d.seal(PROTOCOL_ID, header, keys.server_to_client, server + random + m.framed(0x02, accepted), d.ACCEPTED_CLEAR)
    given = blocks["connection-accepted-datagram"]
    yield "connection-accepted-datagram", (
        made == given and d.parse(PROTOCOL_ID, given) == header
        and one_message(d.open_body(header, keys.server_to_client, given, d.ACCEPTED_CLEAR), 0x02, accepted))


def state_of_example():
    sections, positions = zip(e.quantise_axis(130000, 25600, 32), e.quantise_axis(25599.9, 25600, 32),
                              e.quantise_axis(100, 6400, 4))
    return {"section": list(sections), "position": list(positions), "yaw": e.quantise_angle(1.5),
            "velocity": [e.quantise_speed(v) for v in (300, -299.6, 0)], "anim": 2, "state": 0x05, "effects": 0x08,
            "health": e.quantise_fraction(0.5, True), "mana": e.quantise_fraction(1, True)}


def messages(blocks):
    """Yields (what, right) for messages and the update."""
    state = state_of_example()
    yield "ping", one_message(blocks["ping"], 0x04, {"id": 0x1122334455667788, "time_us": 1_000_000})
    yield "create-entity", one_message(blocks["create-entity"], 0x41, {
        "slot": 0x0102, "generation": 2, "flags": 1, "id": 42, "type": 1, "faction": 3, "level": 60, **state})
    yield "state-hash", blocks["state-hash"] == struct.pack("<I", e.state_hash(state))
    place = {"mod4": m.mod4(state["section"]), "position": state["position"]}
    sync = {"tick": 3600, "applied_input": 9, "records": [
        {"slot": 0x0102, "mask": 2 << 6 | m.POSITION | m.YAW, **place, "yaw": state["yaw"]},
        {"slot": 0x0103, "mask": 1 << 6 | m.SECTION | m.POSITION | m.FLAGS, "section": state["section"], **place,
         **{name: state[name] for name in ("state", "effects", "health", "mana")}}]}
    yield "delta-sync", one_message(blocks["delta-sync"], 0x46, sync)
    yield "entity-block", one_message(blocks["entity-block"], 0x47, {"cell": (1 * 32 + 0) * 32 + 5, "rows": [
        {"slot": 0x0104, "generation": 1, "x": 256, "y": 511, "z": 64, "yaw": 16},
        {"slot": 0xFFFF, "generation": 3, "x": 511, "y": 511, "z": 127, "yaw": 31}]})
    yield "sync-entity-quantized", one_message(blocks["sync-entity-quantized"], 0x81, {
        "sequence": 10, "client_tick": 3590, "move_x": 127, "move_y": -64, "yaw": state["yaw"], "buttons": 0x09,
        "mod4": 1, "position": state["position"]})
    ack = d.AckBlock(300, 10_000 // 64, p.MASK64 ^ 1 << (300 - 1 - 298))
    body = d.Body(ack, None, None, blocks["delta-sync"])
    header = d.Header(CONNECTION_ID, 0, d.SEALED | d.ACKNOWLEDGMENT, 259)
    yield "update-body", blocks["update-body"] == d.write_body(body) and d.read_body(header, blocks["update-body"]) == body
    update, key = blocks["update-datagram"], blocks["key-s2c"]
    yield "update-datagram", (update == d.seal(PROTOCOL_ID, header, key, blocks["update-body"])
                              and d.parse(PROTOCOL_ID, update) == header
                              and d.open_body(header, key, update) == blocks["update-body"])


def game_messages(blocks):
    """Yields (what, right) for the messages of class 3."""
    at = 1_700_000_000_000_000_000
    yield "action", one_message(blocks["action"], 0xC0, {"request": 5, "action": 9, "target": 42})
    yield "action-result", one_message(blocks["action-result"], 0xC1, {"request": 5, "result": 4})
    yield "symbol", one_message(blocks["symbol"], 0xC4, {"id": 1, "name": b"jump"})
    yield "input-command", one_message(blocks["input-command"], 0xC3, {
        "player": 42, "timestamp": at, "sequence": 77, "command": {"id": 1, "name": b""}, "bytes": rising(0x01, 3)})
    yield "state-update", one_message(blocks["state-update"], 0xC2, {
        "timestamp": at, "entity": 42, "priority": 1, "sequence": 77, "components": [
            {"component": {"id": 2, "name": b""}, "bytes": rising(0x64, 4)},
            {"component": {"id": 0, "name": b"mana"}, "bytes": rising(0x0A, 2)}]})
    yield "chat", one_message(blocks["chat"], 0xC5, {"scope": 0, "sender": 0, "text": "ol\u00e9".encode()})


def bodies(blocks):
    """Yields (what, right) for reliable, fragmented and packed bodies."""
    yield "reliable-handshake", one_message(blocks["reliable-handshake"], 0x09, {
        "message_bytes_max": 524_288, "dictionary": 0x12345678, "build": 0x00010002})
    ordered = d.Header(CONNECTION_ID, 1, d.SEALED, 1)
    body = d.Body(None, 7, None, blocks["symbol"] + blocks["input-command"])
    yield "reliable-body", (blocks["reliable-body"] == d.write_body(body)
                            and d.read_body(ordered, blocks["reliable-body"]) == body)
    fragment = d.Header(CONNECTION_ID, 1, d.SEALED | d.FRAGMENT, 1)
    body = d.Body(None, 8, d.Fragment(3, 1128, 1152, rising(0x67, 24)))
    yield "fragment-body", (blocks["fragment-body"] == d.write_body(body)
                            and d.read_body(fragment, blocks["fragment-body"]) == body)
    plain = 2 * m.framed(0xC5, {"scope": 1, "sender": 42, "text": 256 * b"a"})
    yield "plain-body", blocks["plain-body"] == plain
    # Another compressor may make another block: what counts is that it unpacks.
    packed = d.Header(CONNECTION_ID, 0, d.SEALED | d.COMPRESSED, 1)
    yield "packed-body", d.read_body(packed, blocks["packed-body"]) == d.Body(None, None, None, plain)


def epoch(blocks):
    """Yields (what, right) for a rekey and for an integrity check in the session of the handshake."""
    server, client = p.public_key(rising(0x11, 32)), p.public_key(rising(0x31, 32))
    yield "rekey-request", one_message(blocks["rekey-request"], 0x0D, {"epoch": 1, "ephemeral": server})
    yield "rekey-response", one_message(blocks["rekey-response"], 0x0E, {"epoch": 1, "ephemeral": client})
    old = d.session_keys(PROTOCOL_ID, SERVER_ID, CONNECTION_ID, blocks["client-ephemeral"], blocks["server-ephemeral"],
                         rising(0xE0, 16), blocks["token"], rising(0x40, 32), blocks["ee"])
    keys = d.next_keys(old, CONNECTION_ID, 1, server, client, p.x25519(rising(0x11, 32), client))
    yield "rekey-key-c2s", keys.client_to_server == blocks["rekey-key-c2s"]
    yield "rekey-key-s2c", keys.server_to_client == blocks["rekey-key-s2c"]
    question = {"version": 7, "index": 3, "bytes": rising(0x50, 16)}
    yield "check-integrity", one_message(blocks["check-integrity"], 0x0C, question)
    entry = d.integrity_entry(rising(0x70, 32), 7, 3)
    yield "integrity-answer", one_message(blocks["integrity-answer"], 0x0C, {
        **question, "bytes": d.integrity_answer(entry, question["bytes"], old.exporter)})


GROUPS = [handshake, messages, game_messages, bodies, epoch]


def run():
    """(lines that say what is wrong, how many examples there are)"""
    with open(os.path.join(ROOT, PAGE), encoding="utf-8") as file:
        text = file.read()
    blocks = {name: bytes.fromhex(digits) for name, digits in re.findall(r"```hex (\S+)\n(.*?)```", text, re.S)}
    found, seen = [], set()
    for group in GROUPS:
        try:
            for what, right in group(blocks):
                seen.add(what)
                if not right:
                    line = text[:text.index("```hex " + what)].count("\n") + 1
                    found.append(f"{PAGE}:{line}: the example `{what}` is not what the page describes")
        except (KeyError, IndexError, Malformed) as fault:
            found.append(f"{PAGE}:1: the examples of {group.__name__} do not decode: {fault!r}")
    found += [f"{PAGE}:1: nothing decodes the example `{what}`" for what in sorted(set(blocks) - seen)]
    return found, len(blocks)
