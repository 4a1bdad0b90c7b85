"""What both ends of a session keep: replay window, acks, reliable channels, fragments. Source: docs/wire-format.md
sections 1 and 2. Times are seconds."""

import random
from collections import OrderedDict, deque

from .datagram import AckBlock, Fragment
from .layout import Malformed, require

ID_WINDOW = 1024      # ids that may be open
WAITING_MAX = 64      # messages, and bytes, that a receiver keeps at least
WAITING_BYTES = 16 * 1024
PACKET_THRESHOLD = 3


class ReplayWindow:
    SIZE = 192

    def __init__(self):
        self.largest, self.seen = 0, set()

    def fresh(self, sequence):
        return sequence > self.largest - self.SIZE and sequence not in self.seen

    def take(self, sequence):
        self.largest = max(self.largest, sequence)
        self.seen.add(sequence)
        self.seen = {held for held in self.seen if held > self.largest - self.SIZE}


class Received:
    """Which sequences to report, and when."""

    def __init__(self):
        self.sequences, self.largest, self.largest_at = set(), 0, 0.0
        self.unreported, self.oldest_at, self.reliable = 0, None, 0

    def note(self, sequence, now, ack_eliciting, reliable):
        if sequence > self.largest:
            self.largest, self.largest_at = sequence, now
        self.sequences.add(sequence)
        self.sequences = {held for held in self.sequences if held >= self.largest - 64}
        if ack_eliciting:
            self.unreported += 1
            self.reliable += reliable
            if self.oldest_at is None:
                self.oldest_at = now

    def due(self, now, delay):
        return self.unreported and (now - self.oldest_at >= delay or self.unreported >= 31 or self.reliable >= 2)

    def report(self, now):
        """The block for the next datagram; None when nothing was received yet."""
        if not self.largest:
            return None
        self.unreported, self.oldest_at, self.reliable = 0, None, 0
        mask = sum(1 << i for i in range(64) if self.largest - 1 - i in self.sequences)
        return AckBlock(self.largest, min(int((now - self.largest_at) * 1e6) // 64, 65535), mask)


class Sent:
    """Datagrams in flight and what becomes of them. A payload is whatever the caller wants to hear about again."""

    def __init__(self, skip_one_in=64):
        self.last, self.skip_one_in = 0, skip_one_in
        self.skipped, self.in_flight, self.settled_acks = set(), OrderedDict(), 0
        self.smoothed = self.variation = None
        self.largest_acked, self.expiries, self.expired_at = 0, 0, 0.0

    def next_sequence(self):
        self.last += 1
        if random.randrange(self.skip_one_in) == 0:
            self.skipped.add(self.last)
            self.last += 1
        return self.last

    def note(self, sequence, now, payload):
        self.in_flight[sequence] = (now, payload)

    def timeout(self):
        plain = 0.250 if self.smoothed is None else max(0.010, self.smoothed + 4 * self.variation)
        return min(plain * 2 ** self.expiries, max(3.0, 2 * (self.smoothed or 0)))

    def acknowledge(self, block, now, ack_delay):
        """(payloads acked, payloads lost). Malformed: the peer acks what was never sent."""
        require(block.largest <= self.last, "an ack of a sequence that was never reached")
        acked, lost = [], []
        for sequence in block.sequences():
            require(sequence >= 1, "an ack of a sequence below 1")
            require(sequence not in self.skipped, "an ack of a sequence that was left out")
            packet = self.in_flight.pop(sequence, None)
            if packet is None:
                continue
            if sequence == block.largest and sequence > self.largest_acked:
                self._sample(now - packet[0] - min(block.delay * 64e-6, ack_delay))
            acked.append(packet[1])
            self.expiries = 0
        self.largest_acked = max(self.largest_acked, block.largest)
        for sequence in [held for held in self.in_flight if held + PACKET_THRESHOLD <= self.largest_acked]:
            lost.append(self.in_flight.pop(sequence)[1])
        return acked, lost

    def _sample(self, rtt):
        rtt = min(max(rtt, 1e-6), 10.0)
        if self.smoothed is None:
            self.smoothed, self.variation = rtt, rtt / 2
        else:
            self.variation = 0.75 * self.variation + 0.25 * abs(self.smoothed - rtt)
            self.smoothed = 0.875 * self.smoothed + 0.125 * rtt

    def expire(self, now):
        """Payloads lost because nothing was acked for too long."""
        if not self.in_flight:
            return []
        oldest = next(iter(self.in_flight.values()))[0]
        if now < max(oldest, self.expired_at) + self.timeout():
            return []
        limit = self.timeout()
        self.expiries, self.expired_at = self.expiries + 1, now
        return [self.in_flight.pop(sequence)[1] for sequence, (sent, _) in list(self.in_flight.items()) if now - sent >= limit]


def distance(a, b):
    """a - b as serial numbers of 16 bits."""
    return (a - b + 0x8000) % 0x10000 - 0x8000


class Join:
    """One message in fragments: what of it has come."""

    def __init__(self, part):
        self.fragment_id, self.total_size, self.parts = part.fragment_id, part.total_size, {}
        self.newest = None  # id and offset of the one that came last

    def add(self, part, number=None):
        """`number`: its id on a reliable channel; it is held against the one that came last."""
        require(part.total_size == self.total_size, "a contradiction of fragments")
        end = part.offset + len(part.data)
        for offset, (_, data) in self.parts.items():
            require(end <= offset or part.offset >= offset + len(data), "fragments that overlap")
        if self.newest and number is not None:
            require((distance(number, self.newest[0]) < 0) == (part.offset < self.newest[1]), "ids against the offsets")
        self.newest = number, part.offset
        self.parts[part.offset] = (number, part.data)

    def complete(self):
        """The joined (type, content) and the id of its last fragment; None while something is missing."""
        if sum(len(data) for _, data in self.parts.values()) < self.total_size:
            return None
        ordered = [self.parts[offset] for offset in sorted(self.parts)]
        first, last = ordered[0][0], ordered[-1][0]
        require(first is None or distance(last, first) + 1 == len(ordered), "fragments whose ids are not consecutive")
        whole = b"".join(data for _, data in ordered)
        return (whole[0], whole[1:]), ordered[-1][0]


class UnreliableJoins:
    """Fragments on channel 0: at most two messages at a time, 10 seconds each."""

    ROOM, LIFETIME = 2, 10

    def __init__(self, message_bytes_max):
        self.message_bytes_max, self.joins = message_bytes_max, {}
        self.refused, self.refused_at = None, 0

    def contradict(self, fragment_id, now):
        """What came of this message, and what still comes within its lifetime, is dropped."""
        self.refused, self.refused_at = fragment_id, now
        self.joins.pop(fragment_id, None)

    def offer(self, part, now):
        """[the message], when it is complete; a fragment that does not fit ends its message."""
        self.joins = {name: held for name, held in self.joins.items() if now - held[0] < self.LIFETIME}
        if part.fragment_id not in self.joins:
            if part.fragment_id == self.refused and now - self.refused_at < self.LIFETIME:
                return []
            if part.total_size > self.message_bytes_max or len(self.joins) == self.ROOM:
                self.contradict(part.fragment_id, now)
                return []
            self.joins[part.fragment_id] = (now, Join(part))
        join = self.joins[part.fragment_id][1]
        try:
            join.add(part)
            whole = join.complete()
        except Malformed:
            self.contradict(part.fragment_id, now)
            return []
        if whole:
            del self.joins[part.fragment_id]
        return [whole[0]] if whole else []


class ReliableReceiver:
    """Ids in, messages out: (type, content), on channel 1 in the order of their ids, on channel 2 as they come."""

    def __init__(self, ordered, message_bytes_max):
        self.ordered, self.message_bytes_max = ordered, message_bytes_max
        self.missing, self.held = 0, {}  # id: what is to be handed on at its place, or None
        self.join = None

    def offer(self, first_id, items):
        """`items` are (type, content) pairs, or one Fragment. (what is handed on, whether the datagram may be acked.)"""
        handed, room = [], True
        for index, item in enumerate(items):
            number = (first_id + index) % 0x10000
            if isinstance(item, Fragment):
                require(item.total_size <= self.message_bytes_max, "a message larger than was stated")
            ahead = distance(number, self.missing)
            if ahead < 0 or number in self.held:
                continue
            if ahead >= ID_WINDOW:
                room = False
                continue
            place = number
            if isinstance(item, Fragment):
                if self.join and self.join.fragment_id != item.fragment_id:
                    room = False
                    continue
                item, place = self._fragment(item, number)
            self.held[number] = None
            if item is not None and self.ordered:
                self.held[place] = item
            elif item is not None:
                handed.append(item)
        while self.missing in self.held:
            item = self.held.pop(self.missing)
            self.missing = (self.missing + 1) % 0x10000
            if item is not None:
                handed.append(item)
        return handed, room

    def _fragment(self, part, number):
        self.join = self.join or Join(part)
        self.join.add(part, number)
        whole = self.join.complete()
        if whole is None:
            return None, number
        self.join = None
        return whole


class ReliableSender:
    """Messages queue up; `next_datagram` says what to send now, `acked` and `lost` what became of it."""

    def __init__(self):
        self.next_id, self.fragment_id = 0, random.randrange(0x10000)
        self.queue, self.unacked = deque(), {}  # (id, framed bytes or Fragment); id: the same

    def send(self, framed):
        self._add(framed)

    def send_fragments(self, message, chunk=1120):
        """`message` is type | content. One at a time: the one before has been acked."""
        assert not self.fragments_open()
        self.fragment_id = (self.fragment_id + 1) % 0x10000
        chunk -= chunk % 8
        for offset in range(0, len(message), chunk):
            self._add(Fragment(self.fragment_id, offset, len(message), message[offset:offset + chunk]))

    def fragments_open(self):
        return any(isinstance(item, Fragment) for item in [*self.unacked.values(), *(item for _, item in self.queue)])

    def _add(self, item):
        self.queue.append((self.next_id, item))
        self.next_id = (self.next_id + 1) % 0x10000

    def _may_go(self, number, item):
        """As much may be unacked as the receiver keeps: 1024 ids, and 64 messages of 16 KiB that are no fragments."""
        if any(distance(number, held) >= ID_WINDOW for held in self.unacked):
            return False
        messages = [held for held in self.unacked.values() if not isinstance(held, Fragment)]
        return isinstance(item, Fragment) or (
            len(messages) < WAITING_MAX and sum(map(len, messages)) + len(item) <= WAITING_BYTES)

    def next_datagram(self, room):
        """(first id, items) or None: one fragment, or messages of consecutive ids that fit `room` bytes."""
        taken, size = [], 0
        while self.queue:
            number, item = self.queue[0]
            alone = isinstance(item, Fragment)
            size += len(item.bytes() if alone else item)
            if size > room or not self._may_go(number, item) or taken and (
                    alone or isinstance(taken[0][1], Fragment) or distance(number, taken[-1][0]) != 1):
                break
            self.queue.popleft()
            self.unacked[number] = item
            taken.append((number, item))
        return (taken[0][0], [item for _, item in taken]) if taken else None

    def acked(self, numbers):
        for number in numbers:
            self.unacked.pop(number, None)

    def lost(self, numbers):
        again = [(number, self.unacked.pop(number)) for number in numbers if number in self.unacked]
        self.queue.extendleft(reversed(again))

    def idle(self):
        return not self.queue and not self.unacked
