#!/usr/bin/env python3
"""usage: check_path.py [--print | --write]

The path of a packet is what src/io/stage.def says: the lanes call the stages in its order and each under its name, the
header of each stage declares it in the folder that the list names, and the drawing of the path in the documents is the
one that the list gives. --print shows the drawing, --write puts it into the documents."""

import os
import re
import sys

import checklib

LIST = "src/io/stage.def"
DOCUMENTS = ["README.md", "src/README.md", "docs/architecture.md"]
BEGIN, END = "<!-- path: begin (scripts/lib/check_path.py --write) -->", "<!-- path: end -->"
LANES = {"IO": ("io lane", "IoLane"), "SHARD": ("shard lane", "ShardLane"), "HANDSHAKE": ("handshake lane", "HandshakeLane")}
WIDTH = 108  # of a line of the drawing
CALL = re.compile(r"\b((?:\w+(?:::|\.))*)(\w+)(?:<\w+>)?\(")
WATCHED = re.compile(r"\brun\(Stage::(\w+),")


class Stage:
    def __init__(self, match, line):
        self.lane, self.way, self.name, self.header, self.what = match.groups()
        self.line = line
        self.folder = self.header.split("/")[0]


def read_list():
    pattern = re.compile(r'^SERRIED_(\w+)_STAGE\(\s*(\w+)\s*,\s*(\w+)\s*,\s*"([^"]*)"\s*,\s*"([^"]*)"\s*\)$')
    stages = []
    for number, line in enumerate(checklib.read(LIST).splitlines(), 1):
        match = pattern.match(line)
        if match and match[1] in LANES:
            stages.append(Stage(match, number))
    return stages


# ---- the drawing

def track(label, stages):
    """Names over their folders in columns, as many to a line as there is room for."""
    lines, names, folders = [], "", ""
    for stage in stages:
        width = max(len(stage.name), len(stage.folder) + 1) + 3
        if len(names) + width > WIDTH - len(label):
            lines += [names, folders]
            names = folders = ""
        names += stage.name.ljust(width)
        folders += f"{stage.folder}/".ljust(width)
    lines += [names, folders]
    return [label + lines[0]] + [label[0] + " " * (len(label) - 1) + line for line in lines[1:]]


def drawing(stages):
    def part(lane, *ways):
        return [stage for stage in stages if stage.lane == lane and stage.way in ways]

    def label(rail, lane):
        return f"{rail}   {LANES[lane][0]:<17}"
    lines = ["client"]
    lines += track(label("|", "IO"), part("IO", "in")) + ["ring"]
    lines += track(label("|", "SHARD"), part("SHARD", "in", "out")) + ["ring"]
    lines += track(label("|", "IO"), part("IO", "out")) + ["client", "", "beside the path"]
    lines += track(label(" ", "IO"), part("IO", "beside"))
    lines += track(label(" ", "HANDSHAKE"), part("HANDSHAKE", "beside"))
    return [("    " + line).rstrip() for line in lines]


def check_documents(findings, wanted, write):
    for path in DOCUMENTS:
        lines = checklib.read(path).splitlines()
        if lines.count(BEGIN) != 1 or lines.count(END) != 1:
            findings.add(path, 1, f"must hold one line `{BEGIN}` and one `{END}`, around the drawing of the path")
            continue
        begin, end = lines.index(BEGIN) + 1, lines.index(END)
        framed = ["", *wanted, ""]
        if write:
            lines[begin:end] = framed
            with open(os.path.join(checklib.ROOT, path), "w", encoding="utf-8") as file:
                file.write("\n".join(lines) + "\n")
        elif lines[begin:end] != framed:
            findings.add(path, begin + 1, f"is not the path that {LIST} says (scripts/lib/check_path.py --write puts it right)")


# ---- the code

def body_at(text, brace):
    """What stands between the brace at `brace` and its twin."""
    depth = 0
    for at in range(brace, len(text)):
        depth += {"{": 1, "}": -1}.get(text[at], 0)
        if depth == 0:
            return text[brace + 1:at]
    return text[brace + 1:]


def members_of(lane):
    """Bodies of the member functions of class `lane` by name, each with its file and the line where it begins."""
    inside = re.compile(rf"^(?:template <[^\n]*>\n)?class {lane} \{{", re.M)
    heads = {True: re.compile(r"^  [\w\[\]][^\n;{}=]*?\b(\w+)\([^;{}]*\)[^;{}()]*\{", re.M),
             False: re.compile(rf"^[\w\[\]][^\n;{{}}=]*?\b{lane}::(\w+)\([^;{{}}]*\)[^;{{}}]*\{{", re.M)}
    members = {}
    for path in checklib.project_files():
        if not re.fullmatch(r"src/.*\.(h|cpp)", path):
            continue
        text = checklib.strip_comments(checklib.read(path))
        pieces = [(0, text, heads[False])]
        declared = inside.search(text)
        if declared:
            pieces.append((declared.end(), body_at(text, declared.end() - 1), heads[True]))
        for offset, piece, head in pieces:
            for match in head.finditer(piece):
                line = text.count("\n", 0, offset + match.end()) + 1
                members.setdefault(match[1], (path, line, body_at(piece, match.end() - 1)))
    return members


class Walk:
    """The calls of stages in the order of the code, from `poll` into each member function that is called on the way."""

    def __init__(self, findings, stages, lane):
        self.findings, self.names, self.members = findings, {stage.name: stage for stage in stages}, members_of(lane)
        self.watched = lane == "IoLane"
        self.calls = []  # (name, path, line)
        self.visit("poll", [])

    def visit(self, name, callers):
        if name not in self.members or name in callers:
            return
        path, first, body = self.members[name]
        for match in CALL.finditer(body):
            line = first + body.count("\n", 0, match.start())
            watched = WATCHED.match(body, match.start())
            if watched:
                self.watch(watched[1], body[watched.end():], path, line)
            elif not self.watched and match[2] in self.names:
                self.call(match[2], match[1], path, line)
            self.visit(match[2], [*callers, name])
        if WATCHED.search(body):
            self.check_unwatched(body, path, first)

    def watch(self, name, rest, path, line):
        """`run(Stage::name, [&] { module::name(...); })`"""
        calls = CALL.findall(body_at(rest, rest.index("{")))
        by_name = [qualified for qualified, called in calls if called == name]
        if not by_name:
            self.findings.add(path, line, f"the stage {name} does not call {name}")
        self.call(name, by_name[0] if by_name else "", path, line)

    def call(self, name, qualified, path, line):
        self.calls.append((name, path, line))
        stage = self.names.get(name)
        if stage and qualified.endswith("::") and qualified[:-2].split("::")[-1] != stage.folder:
            self.findings.add(path, line, f"{qualified}{name} stands in {stage.header}, {LIST}:{stage.line} says")

    def check_unwatched(self, body, path, first):
        """What works on the burst or the lane's state between the stages is a stage without a name."""
        rest = body
        for match in reversed(list(WATCHED.finditer(body))):
            brace = body.index("{", match.end())
            end = brace + len(body_at(body, brace)) + 2
            rest = rest[:match.start()] + re.sub(r"[^\n]", " ", body[match.start():end]) + rest[end:]
        for match in re.finditer(r"(\w+)\(\s*(?:state_|batch_)\s*[,)]", rest):
            line = first + rest.count("\n", 0, match.start())
            self.findings.add(path, line, f"{match[1]} is called between the stages: give it a line in {LIST}")


def check_lane(findings, stages, lane):
    calls = Walk(findings, stages, lane).calls
    places = {stage.name: [at for at, call in enumerate(calls) if call[0] == stage.name] for stage in stages}
    for stage in stages:
        if not places[stage.name]:
            findings.add(LIST, stage.line, f"{lane}::poll comes to no stage {stage.name}")
    # A stage may be called from several places (`transmit` follows `gather_ready` and `stamp`): it is out of order when
    # it stands in the list before another that is always called before it.
    called = [stage.name for stage in stages if places[stage.name]]
    for at, name in enumerate(called):
        for later in called[at + 1:]:
            if min(places[name]) > max(places[later]):
                _, path, line = calls[min(places[name])]
                findings.add(path, line, f"{name} is called after {later}, and stands before it in {LIST}")
                return


def main():
    findings = checklib.Findings("path")
    stages = read_list()
    if sys.argv[1:] == ["--print"]:
        print("\n".join(drawing(stages)))
        return 0
    for stage in stages:
        path = f"src/{stage.header}"
        if not os.path.exists(os.path.join(checklib.ROOT, path)):
            findings.add(LIST, stage.line, f"{path} does not exist")
        elif not re.search(rf"\b{stage.name}\(", checklib.strip_comments(checklib.read(path))):
            findings.add(LIST, stage.line, f"{path} declares no {stage.name}")
    for key, (_, lane) in LANES.items():
        check_lane(findings, [stage for stage in stages if stage.lane == key], lane)
    check_documents(findings, drawing(stages), sys.argv[1:] == ["--write"])
    return findings.finish(f"{len(stages)} stages of {len(LANES)} lanes, {len(DOCUMENTS)} drawings")


sys.exit(main())
