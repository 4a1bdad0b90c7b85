"""Shared by the check_*.py scripts: the files of the project, findings with file and line, and the
exceptions that scripts/lib/exceptions.txt grants (each with its reason)."""

import fnmatch
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
EXCEPTIONS = "scripts/lib/exceptions.txt"
# What stands behind the name of a file that is compiled for a newer CPU (.clang-format has them too), and its flags.
ISA = {"_sse42": ["-msse4.2", "-mpclmul"], "_ni": ["-msha", "-msse4.1"], "_arm": [], "_avx2": ["-mavx2", "-mbmi2"],
       "_avx512": ["-mavx512f", "-mavx512bw", "-mavx512vl", "-mavx512dq", "-mvpclmulqdq", "-mpclmul"]}
# The rooms of the packet path. Their sources are compiled one by one, and what they hold must not allocate after start.
HOT = ("simd wire crypt channel guard session motion world interest replicate game games/reference port link io handshake shard "
       "message metrics").split()


def project_files():
    """Paths, relative to ROOT, of all files of the project: what git tracks, or without git what is there."""
    try:
        listed = subprocess.run(["git", "-c", "safe.directory=*", "-C", ROOT, "ls-files", "-z"],
                                capture_output=True, check=True).stdout.decode()
        paths = [p for p in listed.split("\0") if p]
    except (OSError, subprocess.CalledProcessError):
        paths = []
        for folder, subfolders, names in os.walk(ROOT):
            top = os.path.relpath(folder, ROOT) == "."
            subfolders[:] = [s for s in subfolders if s not in (".git", "__pycache__", ".cache")
                             and not (top and s.startswith("build"))]
            paths += [os.path.relpath(os.path.join(folder, name), ROOT) for name in names]
    return sorted(p for p in paths if os.path.isfile(os.path.join(ROOT, p)))


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8", errors="replace") as file:
        return file.read()


def strip_comments(text):
    """The text with comments and string contents blanked, lines kept."""
    def blank(match):
        kept = match[0]
        return re.sub(r"[^\n]", " ", kept) if kept.startswith("/") else kept[0] + kept[-1]
    return re.sub(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"', blank, text, flags=re.S)


class Findings:
    """What one check found. `add` is silent about what an exception covers; `finish` prints and gives the exit code.

    An exception that covers nothing any more is itself a finding: the list must not outlive its reasons."""

    def __init__(self, check):
        self.check = check
        self.found = []
        self.exceptions = []
        for number, line in enumerate(read(EXCEPTIONS).splitlines(), 1):
            entry = line.strip()
            if not entry or entry.startswith("#"):
                continue
            match = re.fullmatch(r"(\S+)\s+(\S+)\s+(\S+)\s*:\s+(\S.*)", entry)
            if not match:
                if check == "words":  # said once, not by every check
                    self.found.append(f"{EXCEPTIONS}:{number}: write `check path what : reason`")
                continue
            if match[1] == check:
                self.exceptions.append({"line": number, "path": match[2], "what": match[3], "used": False})

    def excepted(self, path, what):
        for entry in self.exceptions:
            if fnmatch.fnmatchcase(path, entry["path"]) and fnmatch.fnmatchcase(what, entry["what"]):
                entry["used"] = True
                return True
        return False

    def add(self, path, line, text, what=None):
        if what is None or not self.excepted(path, what):
            self.found.append(f"{path}:{line}: {text}")

    def finish(self, looked_at):
        for entry in self.exceptions:
            if not entry["used"]:
                self.found.append(f"{EXCEPTIONS}:{entry['line']}: nothing needs this exception any more; remove it")
        for text in self.found:
            print(text)
        if self.found:
            print(f"{self.check}: {len(self.found)} found in {looked_at}", file=sys.stderr)
            return 1
        print(f"{self.check}: {looked_at}")
        return 0
