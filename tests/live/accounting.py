"""The identity that holds at any moment a server is stopped: received = delivered + host + drops, to the last frame.
The units come from drop.def: parts of delivered datagrams, and what could not leave, stand outside it. And every counter
of counter.def stands in the summary."""

import os
import re

import programs

OF_THE_IDENTITY = ("frame", "datagram")


def found(name, pattern):
    with open(os.path.join(programs.ROOT, "src/metrics", name), encoding="utf-8") as file:
        return re.findall(pattern, file.read(), re.M)


def units():
    return dict(found("drop.def", r"^SERRIED_DROP\(\s*(\w+)\s*,\s*(\w+)"))


def check_counters(test, summary):
    """Fail `test` unless the server, each lane and each core show all their counters."""
    counters = found("counter.def", r"^SERRIED_\w+_COUNTER\(\s*(\w+),\s*(\w+),")
    test.assertGreater(len(counters), 0)
    for group, name in counters:
        shown = summary[group]
        for one in shown if isinstance(shown, list) else [shown]:
            test.assertIsInstance(one.get(name), int, f"{group}.{name}")
    port, sessions, handshakes = summary["port"], summary["sessions"], summary["handshakes"]
    books = summary["accounting"]
    test.assertEqual(port["rx_frames"], books["received"])
    test.assertEqual(sessions["delivered"] + handshakes["answered"], books["delivered"])
    test.assertEqual(port["rx_host_frames"], books["host"])


def check(test, summary):
    """Fail `test` unless every frame that the server received is somewhere."""
    unit, books, drops = units(), summary["accounting"], summary["drops"]
    test.assertLessEqual(set(drops), set(unit), "a drop reason that drop.def does not know")
    dropped = sum(count for reason, count in drops.items() if unit[reason] in OF_THE_IDENTITY)
    test.assertGreater(books["received"], 0)
    test.assertEqual(books["dropped"], dropped, summary)
    test.assertEqual(books["received"], books["delivered"] + books["host"] + dropped, summary)
    test.assertIs(books["balanced"], True)
    check_counters(test, summary)
