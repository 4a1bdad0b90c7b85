#!/usr/bin/env python3
"""Docstrings keep their structure. What a declaration promises stands behind the prose, one keyword a line, in this
order, and only those that apply:

    /// Shape   sizes and bounds of what is handed over
    /// Units   of its numbers
    /// Reads   columns and state
    /// Writes  columns and state
    /// Owner   the lane or thread that may call it
    /// Drops   the reasons that it counts
    /// Cost    the benchmark that measures it, or the figure and its condition
    /// Source  the standard or document that it follows

The text begins in column 9 of the comment, on further lines too; an empty comment line ends the list. The formatter
leaves these lines alone (CommentPragmas in .clang-format), so it does not break one that is too long either: that is
found here."""

import re
import sys

import checklib

KEYWORDS = ["Shape", "Units", "Reads", "Writes", "Owner", "Drops", "Cost", "Source"]
INDENT = 8  # columns of a keyword with what follows it
COLUMNS = 120

ANY = "|".join(KEYWORDS)
COMMENT = re.compile(r"^\s*(//[/!]?)(?![/<])(?: (.*)|)$")
INSIDE = re.compile(rf"(?<![\w`])({ANY})(?:  |: )")
LAST = re.compile(rf"\S ({ANY})$")
UNKNOWN = re.compile(r"^([A-Z]\w*)  +\S")
SEPARATOR = re.compile(r"^-{3,}$")


def blocks(lines):
    """(number of the first line, texts) of each run of lines that hold nothing but a comment of one kind."""
    first, kind, texts = 0, None, []
    for number, line in enumerate(lines + [""], 1):
        match = COMMENT.match(line)
        if match and match[1] == kind:
            texts.append(match[2] or "")
            continue
        if texts:
            yield first, texts
        first, kind, texts = number, match and match[1], [match[2] or ""] if match else []


def check_block(add, first, texts):
    seen = []
    for number, text in enumerate(texts, first):
        if not text.strip():
            seen = []
            continue
        if SEPARATOR.match(text):
            add(number, "a line of dashes: a separator is one line, `// ---- what follows`")
            continue
        if text.startswith("    ") and not seen:
            continue  # a drawing, or a table
        begins = re.match(rf"({ANY})(?:  |: |:?$)", text)
        for match in INSIDE.finditer(text):
            if match.start() > 0:
                add(number, f"`{match[1]}` begins a line of its own")
        match = LAST.search(text)
        if match:
            add(number, f"`{match[1]}` at the end of a line: torn from what belongs to it")
        if begins:
            keyword = begins[1]
            if not re.match(rf"{keyword.ljust(INDENT)}\S", text):
                add(number, f"write `{keyword.ljust(INDENT)}...`: text begins in column {INDENT + 1}, without a colon")
            if keyword in seen:
                add(number, f"`{keyword}` a second time")
            elif seen and KEYWORDS.index(keyword) < KEYWORDS.index(seen[-1]):
                add(number, f"`{keyword}` belongs before `{seen[-1]}`")
            seen.append(keyword)
        elif seen and not re.match(rf" {{{INDENT}}}\S", text):
            add(number, f"behind `{seen[-1]}`: {INDENT} spaces before what belongs to it; prose comes before the keywords")
        elif not seen:
            match = UNKNOWN.match(text)
            if match:
                add(number, f"`{match[1]}` is no keyword of docstrings ({', '.join(KEYWORDS)})")


def main():
    findings = checklib.Findings("docstrings")
    looked = 0
    for path in checklib.project_files():
        if not path.endswith((".h", ".cpp", ".inc")) or path.split("/")[0] not in ("src", "include", "tests", "bench"):
            continue
        looked += 1
        lines = checklib.read(path).splitlines()
        for number, line in enumerate(lines, 1):
            if len(line) > COLUMNS and COMMENT.match(line):
                findings.add(path, number, f"a comment of {len(line)} columns, {COLUMNS} at most")
        for first, texts in blocks(lines):
            check_block(lambda number, text, path=path: findings.add(path, number, text), first, texts)
    return findings.finish(f"{looked} files")


sys.exit(main())
