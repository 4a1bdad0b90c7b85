"""The identity that holds at any moment a server is stopped: received = delivered + host + drops, to the last frame.
The units come from drop.def: parts of delivered datagrams, and what could not leave, stand outside it."""

import os
import re

import programs

OF_THE_IDENTITY = ("frame", "datagram")


def units():
    with open(os.path.join(programs.ROOT, "src/observe/drop.def"), encoding="utf-8") as file:
        return dict(re.findall(r"^SERRIED_DROP\(\s*(\w+)\s*,\s*(\w+)", file.read(), re.M))


def check(test, summary):
    """Fail `test` unless every frame that the server received is somewhere."""
    unit, books, drops = units(), summary["accounting"], summary["drops"]
    test.assertLessEqual(set(drops), set(unit), "a drop reason that drop.def does not know")
    dropped = sum(count for reason, count in drops.items() if unit[reason] in OF_THE_IDENTITY)
    test.assertGreater(books["received"], 0)
    test.assertEqual(books["dropped"], dropped, summary)
    test.assertEqual(books["received"], books["delivered"] + books["host"] + dropped, summary)
    test.assertIs(books["balanced"], True)
