#!/usr/bin/env python3
"""What scripts/lib/check_objects.py finds and lets pass: planted.cpp, compiled by g++ and clang++ as most modules are and as those
of -O3 are. Each finding must be one that a comment of planted.cpp says, with its line, and each comment must be found.
And what is wrong with an object as a whole, and the way from a library to the exit code. The cases of llvm_test.py, rooms_test.py,
ranges_test.py and unused_test.py, which need no compiler, run here too."""

import os
import re
import shutil
import subprocess
import sys
import tempfile

FOLDER = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(FOLDER))
sys.path.insert(0, os.path.join(ROOT, "scripts", "lib"))

import check_objects  # noqa: E402
import checklib  # noqa: E402
import hot_objects  # noqa: E402
import llvm_test  # noqa: E402
import ranges_test  # noqa: E402
import rooms_test  # noqa: E402
import unused_test  # noqa: E402

HOT_CODE = ["-ffunction-sections", "-fdata-sections"]
failures = []


def expect(what, wanted, got):
    if wanted != got:
        failures.append(f"{what}: expected {wanted}, got {got}")


def compiled(compiler, source, to, flags):
    subprocess.run([compiler, "-std=c++20", "-I", os.path.join(ROOT, "src"), *flags, "-c", source, "-o", to], check=True)
    with open(to, "rb") as file:
        return hot_objects.Object(file.read())


def findings_of(objects):
    findings = checklib.Findings("objects")
    check_objects.check(findings, objects)
    return findings.found


def by_line(found):
    """The verbs that were found, by line."""
    verbs = {}
    for text in found:
        line, verb = re.fullmatch(r"[^:]*:(\d+): hot function .*? (\w+)(?: a setup function)?: \S.*", text).groups()
        verbs.setdefault(int(line), set()).add(verb)
    return verbs


def planted(compiler, level, folder):
    source = os.path.join(FOLDER, "planted.cpp")
    elsewhere = os.path.join(FOLDER, "planted_elsewhere.cpp")
    flags = [level, *HOT_CODE]
    objects = {source: compiled(compiler, source, f"{folder}/planted.o", flags),
               elsewhere: compiled(compiler, elsewhere, f"{folder}/elsewhere.o", flags)}
    wanted = {}
    with open(source, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            if "// finds: " in line:
                wanted[number] = set(line.split("// finds: ")[1].split())
    found = findings_of(objects)
    expect(f"{compiler} {level}", wanted, by_line(found))
    through = [text for text in found if re.search(r"by_helper\(int\).*helper_of_hot\(int\)$", text)]
    expect(f"{compiler} {level}, the helper's name", 1, len(through))


def whole_objects(compiler, folder):
    source = f"{folder}/thing_avx2.cpp"
    with open(source, "w", encoding="utf-8") as file:
        file.write("inline int shared(int a) { return a + 1; }\n"
                   "int (*kept)(int) = shared;\n"
                   "int use(int a) { return kept(a); }\n"
                   "int use_too(int a) { return kept(a) + 1; }\n")
    weak = findings_of({source: compiled(compiler, source, f"{folder}/weak.o", ["-O2", *HOT_CODE])})
    expect(f"{compiler}, a weak symbol", [True], ["weak symbol shared(int)" in text for text in weak])
    one_text = findings_of({f"{folder}/thing.cpp": compiled(compiler, source, f"{folder}/one.o", ["-O2"])})
    expect(f"{compiler}, one section for all", [True], ["share a section" in text for text in one_text])


def lane_elsewhere(compiler, folder):
    """A lane that another module instantiates, in an object whose other functions may do as they like."""
    source = f"{folder}/engine.cpp"
    with open(source, "w", encoding="utf-8") as file:
        file.write("namespace serried::io {\n"
                   "template <class Port> struct IoLane { int* kept; int poll(int a) { return take(a); }\n"
                   "  [[gnu::noinline]] int take(int a) { kept = new int(a); return *kept; } };\n"
                   "}\n"
                   "struct Port {};\n"
                   "template struct serried::io::IoLane<Port>;\n"
                   "int* control(int a) { return new int(a + 1); }\n")
    findings = checklib.Findings("objects")
    check_objects.check(findings, {}, {source: compiled(compiler, source, f"{folder}/engine.o", ["-O2"])})
    expect(f"{compiler}, a lane elsewhere", ["2: hot function serried::io::IoLane<Port>::poll(int) allocates: _Znwm"],
           [text.removeprefix(f"{source}:").split(",")[0] for text in findings.found])


def library(compiler, folder):
    """check_objects.py BUILD on libraries, thin and not, in which one object has an allocation."""
    module = f"{folder}/build/src/wire"
    os.makedirs(f"{module}/x.p")
    with open(f"{folder}/clean.cpp", "w", encoding="utf-8") as file:
        file.write("int compose(int a) { return a + 1; }\n")
    with open(f"{folder}/planted.cpp", "w", encoding="utf-8") as file:
        file.write("int* parse(int a) { return new int(a); }\n")
    objects = [f"{module}/x.p/a_member_of_a_long_name_{number}.cpp.o" for number in range(3)] + [f"{module}/x.p/parse.cpp.o"]
    for path in objects:
        compiled(compiler, f"{folder}/{'planted' if 'parse' in path else 'clean'}.cpp", path, ["-O2", *HOT_CODE])
    for kind in ("rcs", "rcsT"):
        if os.path.exists(f"{module}/libx.a"):
            os.remove(f"{module}/libx.a")
        subprocess.run(["ar", kind, "libx.a", *(os.path.relpath(path, module) for path in objects)], cwd=module, check=True)
        expect(f"members, ar {kind}", [os.path.basename(path) for path in objects],
               [name for name, _ in hot_objects.members(f"{module}/libx.a")])
        done = subprocess.run([sys.executable, check_objects.__file__, f"{folder}/build"], capture_output=True, text=True)
        expect(f"exit code, ar {kind}", 1, done.returncode)
        told = [line for line in done.stdout.splitlines() if line.startswith("src/wire/parse.cpp:")]
        expect(f"findings, ar {kind}", [True],
               [bool(re.fullmatch(r"src/wire/parse\.cpp:\d+: hot function parse\(int\) allocates: _Znwm", line)) for line in told])


def main():
    compilers = [name for name in ("g++", "clang++") if shutil.which(name)]
    if not compilers:
        sys.exit("objects_test: no g++ and no clang++ here (scripts/setup installs them)")
    for compiler in compilers:
        with tempfile.TemporaryDirectory() as folder:
            for level in ("-O2", "-O3"):
                planted(compiler, level, folder)
            whole_objects(compiler, folder)
            lane_elsewhere(compiler, folder)
            library(compiler, folder)
    failures.extend(llvm_test.failures() + rooms_test.failures() + ranges_test.failures() + unused_test.failures())
    for text in failures:
        print(text)
    print(f"objects_test: {len(failures)} failures")
    return 1 if failures else 0


sys.exit(main())
