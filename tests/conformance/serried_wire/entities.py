"""What a client holds of the world. Source: docs/wire-format.md section 6."""

import math
import struct

from .layout import Malformed, require
from .messages import ANIM, FLAGS, POSITION, SECTION, STATE, VELOCITY, YAW
from .primitives import MASK64

FIELDS_OF = {SECTION: ["section"], POSITION: ["position"], YAW: ["yaw"], ANIM: ["anim"],
             FLAGS: ["state", "effects", "health", "mana"], VELOCITY: ["velocity"]}
STATE_FIELDS = [name for name, _, _ in STATE.fields]
STEPS_A_RADIAN = 65536 / (2 * math.pi)


def quantise_axis(value, size, sections):
    """(section, position) of a coordinate; binary64 throughout."""
    steps = 0 if math.isnan(value) else min(max(value * 65536 / size + 0.5, 0), sections * 65536 - 1)
    steps = math.floor(steps)
    return steps // 65536, steps % 65536 - 32768


def coordinate(section, position, size):
    return (section * 65536 + position + 32768) * size / 65536


def wrapped(value, bits=16):
    """Two's complement."""
    value %= 1 << bits
    return value - (1 << bits) if value >> bits - 1 else value


def binary32(value):
    return struct.unpack("<f", struct.pack("<f", value))[0]


def rounded(value, precision=float):
    """To the nearest, halves away from zero; the sum in this precision."""
    return math.trunc(precision(value + (0.5 if value >= 0 else -0.5)))


def quantise_angle(radians):
    return wrapped(rounded(radians * STEPS_A_RADIAN)) if abs(radians) < 1e9 else 0


def quantise_speed(value):
    return 0 if math.isnan(value) else rounded(min(max(value, -32767.0), 32767.0), binary32)


def quantise_fraction(fraction, alive):
    if not alive or math.isnan(fraction):
        return int(alive)
    return rounded(binary32(255 * min(max(fraction, 0.0), 1.0)), binary32) or 1


def step(position, velocity, move, buttons, seconds):
    """(position, velocity, anim) after `seconds`, on the reference game's map. Every sum, product, quotient and root is rounded
    to binary32: two roundings, by way of binary64, are the same as one."""
    f = binary32
    run, crouch = buttons & 0x08, buttons & 0x04
    speed = 150 if crouch else 600 if run else 300
    length = f(move[0] * move[0] + move[1] * move[1])
    scale = f(speed / f(math.sqrt(length))) if length > 127 * 127 else f(speed / 127)
    target = [f(axis * scale) for axis in move]
    change = [f(to - was) for to, was in zip(target, velocity)]
    least, limit = f(f(change[0] * change[0]) + f(change[1] * change[1])), f(3000 * seconds)
    if least > f(limit * limit):
        share = f(limit / f(math.sqrt(least)))
        velocity = [f(was + f(by * share)) for was, by in zip(velocity, change)]
    else:
        velocity = target
    after, speeds = [], []
    for at, by, last in zip(position, velocity, (819199, 819199)):
        to = f(at + f(by * seconds))
        after.append(0.0 if to < 0 else f(last) if to > last else to)
        speeds.append(by if 0 <= to <= last else 0.0)
    anim = 0 if speeds == [0, 0] else 2 if run else 1
    return after + [1000.0], speeds + [0.0], anim


def mix(v):
    v = v + 0x9E3779B97F4A7C15 & MASK64
    v = (v ^ v >> 30) * 0xBF58476D1CE4E5B9 & MASK64
    v = (v ^ v >> 27) * 0x94D049BB133111EB & MASK64
    return v ^ v >> 31


def state_hash(state):
    hashed = 0
    for word in struct.unpack("<4Q", STATE.write(state) + bytes(7)):
        hashed = mix(hashed ^ word)
    return hashed >> 32


def section_near(known, quarter):
    """The section of known - 1, known, known + 1 that is equal to `quarter` modulo 4."""
    for section in (known - 1, known, known + 1):
        if section % 4 == quarter:
            require(0 <= section <= 65535, "a section outside the map")
            return section
    raise Malformed("two sections off")


def apply_record(known, record):
    """The state after a record; Malformed when its section cannot be told."""
    state = dict(known)
    for bit, names in FIELDS_OF.items():
        if record["mask"] & bit:
            state.update({name: record[name] for name in names})
    if record["mask"] & POSITION and not record["mask"] & SECTION:
        state["section"] = [section_near(section, record["mod4"] >> 2 * axis & 3)
                            for axis, section in enumerate(known["section"])]
    return state


class View:
    """Slots with what they hold and the datagram sequence last applied to them. `refused` counts what was not taken: a
    datagram with any of it must not be acked."""

    PROXY_SECONDS = 4

    def __init__(self, accepted):
        self.geometry = accepted
        sizes = [accepted["section_size_xy"]] * 2 + [accepted["section_size_z"]]
        counts = [accepted["sections_x"], accepted["sections_y"], accepted["sections_z"]]
        cells = [accepted["cell_size_xy"]] * 2 + [accepted["cell_size_z"]]
        self.axes = list(zip(sizes, counts, cells))
        self.cells = [-(-count * size // cell) for size, count, cell in self.axes]
        self.slots = {}    # slot: {"sequence", "generation", "entity": the CreateEntity's fields, or None when removed}
        self.proxies = {}  # slot: {"sequence", "seen", "record", "place"}
        self.tick = self.applied_input = None
        self.own_slot = None
        self.audits = self.mismatches = 0

    def known(self):
        return {slot: held["entity"] for slot, held in self.slots.items() if held["entity"]}

    def own(self):
        held = self.slots.get(self.own_slot)
        return held and held["entity"]

    # Each of these says whether the message was taken in whole.

    def _newer(self, slot, sequence):
        return slot not in self.slots or sequence >= self.slots[slot]["sequence"]

    def create(self, sequence, message):
        slot = message["slot"]
        if not self._newer(slot, sequence):
            return False
        self.slots[slot] = {"sequence": sequence, "generation": message["generation"], "entity": dict(message)}
        if message["flags"] & 1:
            self.own_slot = slot
        return True

    def record(self, sequence, message):
        held = self.slots.get(message["slot"])
        if (not self._newer(message["slot"], sequence) or held is None or held["entity"] is None
                or held["generation"] != message["mask"] >> 6):
            return False
        state = {name: held["entity"][name] for name in STATE_FIELDS}
        try:
            held["entity"].update(apply_record(state, message))
        except Malformed:
            return False
        held["sequence"] = sequence
        return True

    def update(self, sequence, message):
        """UpdateEntity, the float form, is a record of its values."""
        record = {"slot": message["slot"], "mask": message["mask"]}
        places = [quantise_axis(value, size, count)
                  for value, (size, count, _) in zip(message["position"], self.axes)]
        if message["mask"] & POSITION:
            record["mask"] |= SECTION
        record.update(section=[place[0] for place in places], position=[place[1] for place in places],
                      yaw=quantise_angle(message["rotation"][0]), velocity=[quantise_speed(v) for v in message["velocity"]],
                      **{name: message[name] for name in ("anim", "state", "effects", "health", "mana")})
        return self.record(sequence, record)

    def remove(self, sequence, rows):
        taken = True
        for row in rows:
            held = self.slots.get(row["slot"])
            if held and held["entity"] and held["generation"] == (row["generation"] + 1) % 4:
                continue  # outdated: the slot has its next entity
            if not self._newer(row["slot"], sequence):
                taken = False
                continue
            self.slots[row["slot"]] = {"sequence": sequence, "generation": row["generation"], "entity": None}
            if row["left"] and self.proxies.get(row["slot"], {"sequence": sequence})["sequence"] <= sequence:
                self.proxies.pop(row["slot"], None)
        return taken

    def block(self, sequence, message, now):
        cells_x, cells_y, cells_z = self.cells
        require(message["cell"] < cells_x * cells_y * cells_z, "a cell beyond the last")
        cell = [message["cell"] % cells_x, message["cell"] // cells_x % cells_y, message["cell"] // (cells_x * cells_y)]
        for row in message["rows"]:
            before, held = self.proxies.get(row["slot"]), self.slots.get(row["slot"])
            if before and before["sequence"] > sequence or held and not held["entity"] and held["sequence"] > sequence:
                continue
            place = [(index + (row[axis] + 0.5) / steps) * edge for index, axis, steps, (_, _, edge)
                     in zip(cell, "xyz", (512, 512, 128), self.axes)]
            self.proxies[row["slot"]] = {"sequence": sequence, "seen": now, "record": row, "place": place}

    def forget(self, now):
        for slot in [slot for slot, proxy in self.proxies.items() if now - proxy["seen"] > self.PROXY_SECONDS]:
            del self.proxies[slot]

    def audit(self, sequence, rows):
        """After the whole datagram. Nothing newer may have been applied to the slot."""
        for row in rows:
            held = self.slots.get(row["slot"])
            if held and held["sequence"] > sequence:
                continue
            self.audits += 1
            same = held and held["entity"] and held["generation"] == row["generation"]
            self.mismatches += not same or state_hash(held["entity"]) != row["hash"]
