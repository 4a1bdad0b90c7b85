"""What a reader reads and a compiler does not: the comments of a source, the docstrings of a script, all of a document."""

import io
import re
import tokenize

CODE = (".h", ".cpp", ".inc", ".def", ".c")


def cpp_comments(text):
    token = re.compile(r'"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])\'|//[/!]?<?(?P<line>.*)|/\*(?P<block>.*?)(?P<end>\*/|$)')
    inside = False
    for number, line in enumerate(text.splitlines(), 1):
        if inside:
            comment, end, line = line.partition("*/")
            yield number, comment
            inside = not end
        for match in token.finditer(line):
            if match["line"] is not None or match["block"] is not None:
                yield number, match["line"] or match["block"] or ""
                inside = match["end"] == ""


def python_comments(text):
    """Comments, and strings that are statements: docstrings."""
    before = tokenize.NEWLINE
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string[1:]
            continue
        if token.type == tokenize.STRING and before in (tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT):
            for offset, line in enumerate(token.string.splitlines()):
                yield token.start[0] + offset, line
        if token.type not in (tokenize.NL, tokenize.INDENT, tokenize.DEDENT):
            before = token.type


def hash_comments(text):
    for number, line in enumerate(text.splitlines(), 1):
        match = re.search(r"(?:^|\s)#(?!!)(.*)", line)
        if match:
            yield number, match[1]


def comments(path, text):
    """(line, text) of everything that a reader reads and a compiler does not."""
    if path.endswith(".md"):
        return enumerate(text.splitlines(), 1)
    if path.endswith(CODE):
        return cpp_comments(text)
    if path.endswith(".py") or text.startswith("#!/usr/bin/env python"):
        return python_comments(text)
    return hash_comments(text)
