#!/usr/bin/env python3
"""The range of a range-for outlives the loop. In C++20 only the range's own temporary does: of `for (x : f().g())` the
result of f() ends before the first turn, and where g() answers with a reference the loop reads freed memory. So a range
is a name, a call, or a member of a call's result; what a member function of a call's result gives has a name first."""

import re
import sys

import checklib

FOR = re.compile(r"\bfor\s*\(")
OPENING, CLOSING = "([{", ")]}"
# A call of a member, or an element, of what a call or a braced temporary gave; or what a call's result points to.
OF_A_TEMPORARY = re.compile(r"[)}]\s*((\.|->)\s*(template\s+)?\w+\s*(<[^<>]*>)?\s*\(|->|\[)|^\*.*\(")


def closing_of(text, at):
    """Where the bracket closes that opens just before `at`."""
    depth = 1
    while at < len(text):
        depth += (text[at] in OPENING) - (text[at] in CLOSING)
        if depth == 0:
            break
        at += 1
    return at


def range_of(head):
    """What stands behind the colon of a range-for's head; None: it is another for."""
    depth, begin = 0, None
    for at, char in enumerate(head):
        depth += (char in OPENING) - (char in CLOSING)
        if depth != 0:
            continue
        if char == ";":
            begin = None  # of the initialiser, or no range-for at all
        elif char == ":" and ":" not in (head[at - 1:at], head[at + 1:at + 2]) and "?" not in head[:at]:
            begin = at + 1
    return None if begin is None else head[begin:].strip()


def outermost(text):
    """Without what stands within brackets."""
    kept, depth = [], 0
    for char in text:
        depth -= char in CLOSING
        if depth == 0:
            kept.append(char)
        depth += char in OPENING
    return "".join(kept)


def find(path, text, findings):
    """Report the ranges of `text` that may not outlive their loops; how many ranges there are."""
    text = checklib.strip_comments(text)
    count = 0
    for match in FOR.finditer(text):
        loop_range = range_of(text[match.end():closing_of(text, match.end())])
        count += loop_range is not None
        if loop_range is not None and OF_A_TEMPORARY.search(outermost(loop_range)):
            findings.add(path, text.count("\n", 0, match.start()) + 1,
                         f"the range `{' '.join(loop_range.split())}` may be of a temporary that ends before the loop; "
                         "name it before")
    return count


def main():
    findings = checklib.Findings("ranges")
    paths = [path for path in checklib.project_files()
             if re.match(r"(src|include|tests|bench)/.*\.(h|cpp|inc)$", path)]
    count = sum(find(path, checklib.read(path), findings) for path in paths)
    return findings.finish(f"{count} range-fors in {len(paths)} files")


if __name__ == "__main__":
    sys.exit(main())
