#!/usr/bin/env python3
"""No file names a path of one machine, and none leaves work for later. Comments and documents call sessions, entities,
clients and senders by these names and not by words for persons. Words in backticks are code."""

import re
import sys

import checklib
from comments import comments

# Written so that this file does not hold what it looks for.
WORDS = [
    (re.compile(r"(?<![\w.$}])/" + r"work/"), "a path of one machine"),
    (re.compile(r"(?<![\w.$}])/tmp/" + r"b-"), "a path of one machine"),
    (re.compile(r"(?<![\w.$}])/" + r"root\b"), "a path of one machine"),
    (re.compile(r"(?<![\w.$}])/" + r"home/\w+"), "a path of one machine"),
    (re.compile(r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X)\b"), "work left for later: do it, or open an issue"),
]
PERSONS = re.compile(r"\b(he|his|him|himself|whoever|nobody|somebody|everybody|anybody)\b", re.I)
CODE = re.compile(r"`[^`]*`")


def main():
    findings = checklib.Findings("words")
    looked = 0
    for path in checklib.project_files():
        if path.startswith("tests/fuzz/corpus/"):
            continue
        text = checklib.read(path)
        if "\0" in text:
            continue
        looked += 1
        for number, line in enumerate(text.splitlines(), 1):
            for pattern, why in WORDS:
                match = pattern.search(line)
                if match:
                    findings.add(path, number, f"`{match[0]}`: {why}", match[0])
        for number, line in comments(path, text):
            for match in PERSONS.finditer(CODE.sub("", line)):
                findings.add(path, number, f"`{match[0]}`: say which session, entity, client or sender", match[0])
    return findings.finish(f"{looked} files")


sys.exit(main())
