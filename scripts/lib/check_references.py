#!/usr/bin/env python3
"""What a comment or a document names exists: files, folders, scripts, programs, pages, their sections, and the names of
the code that stand with `::` in a document.

    io/io_lane.h, tests/wire        a file or folder: from the root, src/, tests/, ..., or from where it is named
    docs/PAGE.md section 2, Title     the heading with this number, and in it the heading or bold title
    docs/PAGE.md, Title               that title anywhere in the page
    [text](PAGE.md#anchor)            the page and its heading
    build/release/bench/NAME_bench    a program: its name stands in a meson.build, or it is named after its source
    `Client::input_wait`              in a document: the last word stands somewhere in the code

A component in capitals (src/MODULE/FILE.cpp) stands for any name."""

import fnmatch
import os
import re
import sys

import checklib
from comments import CODE, comments

FOLDERS = ["", "src", "include", "docs", "scripts", "tests", "bench"]
TOPS = "src|tests|bench|docs|scripts|include|dpdk-config"
# Not ours: text of other projects, inputs of the fuzzers, the licence.
SKIP = ("tests/fuzz/corpus/", "tests/crypt/data/", "LICENSE")

FILE = re.compile(r"(?<![\w./*<$@{}-])((?:[\w.*-]+/)*[\w*][\w.*-]*\.(?:h|cpp|inc|def|bpf\.c|py|md|txt|build))\b(?![\w/*-])")
FOLDER = re.compile(rf"(?<![\w./*<$@{{}}-])((?:{TOPS})/[\w./*-]*)")
PROGRAM = re.compile(r"(?:BUILD|\bbuild/\w+)/((?:src|tests|bench)/[\w/-]+)")
LINK = re.compile(r"\]\(([^()\s]+)\)")
PAGE = re.compile(r"(?<![\w./-])((?:\.\./)?(?:[\w-]+/)*[\w-]+\.md)\b")
NAME = re.compile(r"`~?(?:\w+::)+~?(\w+)(?:\(\))?`")
PLACEHOLDER = re.compile(r"(?:^|/)\.?[A-Z]+(?:_\w+)?(?:\.\w+)?(?:/|$)")


def blocks(path, text):
    """Comments on consecutive lines as one text, and the number of its first line: a reference may be broken over lines."""
    first, last, lines = 0, -1, []
    for number, line in comments(path, text):
        if number != last + 1 or not line.strip():
            if lines:
                yield first, "\n".join(lines)
            first, lines = number, []
        lines.append(line)
        last = number
    if lines:
        yield first, "\n".join(lines)


class Page:
    """Headings and bold titles of a document, by the number of the section that they stand in ("": before, or none)."""

    def __init__(self, text):
        self.anchors, self.titles = set(), {"": []}
        section, fenced = "", False
        for line in text.splitlines():
            fenced ^= line.startswith("```")
            heading = None if fenced else re.match(r"#+ (?:(\d+)\. )?(.*)", line)
            if heading:
                self.anchors.add(re.sub(r"[^\w -]", "", line.lstrip("#").strip().lower()).replace(" ", "-"))
                section = heading[1] or section
                self.titles.setdefault(section, []).append(heading[2].lower())
            else:
                self.titles[section] += [title.strip(".:").lower() for title in re.findall(r"\*\*(.+?)\*\*", line)]

    def title_at(self, text, section=None):
        """The title with which `text` begins, as it is written there; None when there is none."""
        begins = " ".join(text.split()).lower()
        known = self.titles.get(section, []) if section else sum(self.titles.values(), [])
        fits = [title for title in known if re.match(re.escape(title) + r"(?!\w)", begins)]
        if not fits:
            return None
        words = max(fits, key=len).split()
        return re.match(r"\s+".join(map(re.escape, words)), text, re.I)[0]


class Tree:
    def __init__(self):
        self.files = [path for path in checklib.project_files() if not path.startswith(SKIP)]
        self.known = {folder for path in checklib.project_files() for folder in (path, *parents(path))}
        self.names = {os.path.basename(path) for path in self.files}
        self.texts = {path: text for path in self.files if "\0" not in (text := checklib.read(path))}
        self.meson = "".join(text for path, text in self.texts.items() if path.endswith("meson.build"))
        self.pages = {path: Page(text) for path, text in self.texts.items() if path.endswith(".md")}
        self.words = {word for path, text in self.texts.items() if path.endswith((*CODE, ".py"))
                      for word in re.findall(r"\w+", text)}

    def has(self, path):
        return path in self.known or "*" in path and any(fnmatch.fnmatchcase(there, path) for there in self.files)

    def find(self, name, where):
        """The file or folder that a file at `where` calls so; None when there is none."""
        name = name.rstrip("/")
        for folder in (os.path.dirname(where), *FOLDERS):
            path = os.path.normpath(os.path.join(folder, name))
            for candidate in (path, path + ".cpp"):  # a program is named like its source
                if self.has(candidate):
                    return candidate
        if name.startswith("_"):  # how names end
            return next((there for there in self.names if there.endswith(name)), None)
        return name if name in self.names else None

    def program(self, name):
        return self.find(name, "") or f"'{os.path.basename(name)}'" in self.meson


def parents(path):
    while path := os.path.dirname(path):
        yield path


def check_page(add, page, name, behind):
    """What `behind` says of a page: `section 2, Title, 7`. Ends at the first words that are prose."""
    section = None
    number = re.match(r",?\s+sections?\s+(\d+)", behind)
    while number:
        section = number[1]
        if section not in page.titles:
            add(f"{name} has no section {section}")
        behind = behind[number.end():]
        number = re.match(r"(?:,|,?\s+and|\s+to)\s+(\d+)(?![\w.])", behind)
    while item := re.match(r",\s+\"?|\s+\((?=[A-Z])", behind):
        behind = behind[item.end():]
        title = page.title_at(behind, section)
        if title is None:
            if re.match(r"[A-Z]", behind) or item[0].endswith('"'):
                words = re.match(r"[\w ]*", behind)[0]
                add(f"{name}{f' section {section}' if section else ''} has no title `{words}`")
            return
        behind = behind[len(title):].removeprefix('"')


def check_document(add, tree, path, text):
    """What only documents do: links, sections of their own, names of the code."""
    page = tree.pages[path]
    for match in re.finditer(r"(\S+\s+)?(?<![\w-])sections?\s+(\d+)\b", text):
        elsewhere = re.search(r"(\.md|\d),?\s+$", match[1] or "")  # of another page, of RFC 9002
        if len(page.titles) > 1 and not elsewhere and match[2] not in page.titles:
            add(match.start(), f"this page has no section {match[2]}")
    for match in LINK.finditer(text):
        target, _, anchor = match[1].partition("#")
        if "://" in target:
            continue
        there = os.path.normpath(os.path.join(os.path.dirname(path), target)) if target else path
        if not tree.has(there):
            add(match.start(), f"the link to {match[1]} leads nowhere", match[1])
        elif anchor and there in tree.pages and anchor not in tree.pages[there].anchors:
            add(match.start(), f"{there} has no heading #{anchor}", match[1])
    for match in NAME.finditer(text):
        if match[1] not in tree.words:
            add(match.start(), f"nothing in the code is called {match[0]}", match[0].strip("`"))


def check_block(add, tree, path, text):
    named = {match.start(): match[1].rstrip(".") for pattern in (FOLDER, FILE) for match in pattern.finditer(text)}
    for at, name in named.items():
        if not tree.find(name, path) and not PLACEHOLDER.search(name):
            add(at, f"{name} does not exist", name)
    for match in PROGRAM.finditer(text):
        if not tree.program(match[1]) and not PLACEHOLDER.search(match[1]):
            add(match.start(), f"no program {match[1]}", match[1])
    for match in PAGE.finditer(text):
        page = tree.pages.get(tree.find(match[1], path))
        if page:
            check_page(lambda what, at=match.start(): add(at, what), page, match[1], text[match.end():])
    if path.endswith(".md"):
        check_document(add, tree, path, text)


def main():
    findings = checklib.Findings("references")
    tree = Tree()
    for path, text in tree.texts.items():
        for first, block in blocks(path, text):
            def add(at, what, name=None, path=path, first=first, block=block):
                findings.add(path, first + block.count("\n", 0, at), what, name)
            check_block(add, tree, path, block)
    return findings.finish(f"{len(tree.texts)} files")


sys.exit(main())
