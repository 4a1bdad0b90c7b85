#!/usr/bin/env python3
"""A Linux to boot that runs programs of ours: Debian's cloud kernel, unpacked and not installed, and an initramfs of busybox,
these programs and what they load. Used by scripts/emulate and test_bare_metal_run.py.

usage: guest.py kernel FOLDER              unpack the kernel below it; prints where the image is
       guest.py copy SYSTEM PROGRAM...     copy programs into SYSTEM/usr/bin, without symbols, and their libraries
       guest.py pack SYSTEM INIT FILE      write it as an initramfs that starts INIT"""

import glob
import os
import re
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
# The package stays here: apt does not download again what it finds unchanged.
DOWNLOADS = os.path.join(ROOT, "build/guest")


class GuestError(Exception):
    """What keeps the system from being made, as one sentence for a person."""


def output_of(*command, folder=None):
    done = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace")
    if done.returncode:
        raise GuestError(f"`{' '.join(command)}` failed: {(done.stderr or done.stdout).strip()[-500:] or done.returncode}")
    return done.stdout


def download_kernel():
    """Debian's smallest kernel, as a package file."""
    depends = output_of("apt-cache", "depends", "linux-image-cloud-amd64")
    package = re.search(r"Depends: (linux-image-\S+)", depends)
    if not package:
        raise GuestError("apt knows no linux-image-cloud-amd64; is apt's package list up to date?")
    os.makedirs(DOWNLOADS, exist_ok=True)
    try:
        output_of("apt-get", "-q", "download", package[1], folder=DOWNLOADS)
    except GuestError as error:
        raise GuestError(f"Debian's kernel cannot be had; is apt's package list up to date? {error}") from None
    files = sorted(glob.glob(os.path.join(DOWNLOADS, f"{package[1]}_*.deb")), key=os.path.getmtime)
    for old in glob.glob(os.path.join(DOWNLOADS, "linux-image-*.deb")):
        if old != files[-1]:
            os.unlink(old)
    return files[-1]


def unpack_kernel(folder):
    """The image; the folder of its modules is lib/modules/VERSION below `folder`."""
    output_of("dpkg-deb", "-x", download_kernel(), folder)
    return glob.glob(os.path.join(folder, "boot/vmlinuz-*"))[0]


def make_system(system):
    """The folders of a system whose programs all are in /usr, as Debian has it: no file is to be there under two names."""
    for folder in ("usr/bin", "usr/lib", "usr/lib64", "dev", "proc", "sys", "run", "tmp", "etc"):
        os.makedirs(os.path.join(system, folder), exist_ok=True)
    for name, target in (("bin", "usr/bin"), ("sbin", "usr/bin"), ("lib", "usr/lib"), ("lib64", "usr/lib64")):
        if not os.path.lexists(os.path.join(system, name)):
            os.symlink(target, os.path.join(system, name))


def libraries_of(files):
    """What the dynamic linker loads for these files, by absolute path."""
    text = output_of("ldd", *files)
    missing = re.search(r"^\s*(\S+) => not found", text, re.MULTILINE)
    if missing:
        raise GuestError(f"library {missing[1]} is not there; is all that the build needs still installed?")
    return sorted(set(re.findall(r"(?:=> |^\s)(/\S+) \(0x", text, re.MULTILINE)))


def copy_with_links(system, path):
    """A file at its place, and each symbolic link on the way to it: a plugin of DPDK that is there twice is loaded twice."""
    folder = os.path.realpath(os.path.dirname(path))
    path = os.path.join(folder, os.path.basename(path))
    os.makedirs(system + folder, exist_ok=True)
    if not os.path.lexists(system + path):
        shutil.copy2(path, system + path, follow_symlinks=False)
    if os.path.islink(path):
        copy_with_links(system, os.path.normpath(os.path.join(folder, os.readlink(path))))


def copy_libraries(system, files):
    """What these programs and libraries load. The dynamic linker's own path is in each program."""
    for library in libraries_of(files):
        copy_with_links(system, library)


def copy_programs(system, programs):
    make_system(system)
    for program in programs:
        output_of("strip", "-o", os.path.join(system, "usr/bin", os.path.basename(program)), program)
    copy_libraries(system, programs)


def modules_with_needs(modules, names):
    """Files of modules, by name, and of those that they need. Each says so itself, in its section .modinfo."""
    files = {os.path.basename(path).removesuffix(".ko").replace("-", "_"): path
             for path in glob.glob(os.path.join(modules, "**/*.ko"), recursive=True)}
    wanted, waiting = [], [name.replace("-", "_") for name in names]
    while waiting:
        name = waiting.pop()
        if name not in files:
            raise GuestError(f"Debian's kernel has no module {name}")
        if files[name] in wanted:
            continue
        wanted.append(files[name])
        with open(files[name], "rb") as file:
            needs = re.search(rb"\0depends=([^\0]*)\0", file.read())
        waiting += [need.replace("-", "_") for need in needs[1].decode().split(",") if need]
    return wanted


def copy_modules(system, kernel, names):
    """Modules by name, with those that they need, where modprobe finds them. `kernel`: the folder it was unpacked in."""
    make_system(system)
    modules = glob.glob(os.path.join(kernel, "lib/modules/*"))[0]
    for module in modules_with_needs(modules, names):
        target = os.path.join(system, "usr", os.path.relpath(module, kernel))
        os.makedirs(os.path.dirname(target), exist_ok=True)
        shutil.copy(module, target)
    output_of("busybox", "depmod", "-b", system, os.path.basename(modules))


def pack(system, init, file_name):
    """As an initramfs whose first program is `init`."""
    make_system(system)
    shutil.copy(init, os.path.join(system, "init"))
    os.chmod(os.path.join(system, "init"), 0o755)
    shutil.copy("/bin/busybox", os.path.join(system, "bin/busybox"))
    subprocess.run(f"find . | cpio --quiet -o -H newc | gzip -1 >{file_name!r}", shell=True, check=True, cwd=system)


def main(arguments):
    try:
        if len(arguments) == 2 and arguments[0] == "kernel":
            print(unpack_kernel(arguments[1]))
        elif len(arguments) > 2 and arguments[0] == "copy":
            copy_programs(arguments[1], arguments[2:])
        elif len(arguments) == 4 and arguments[0] == "pack":
            pack(arguments[1], arguments[2], os.path.abspath(arguments[3]))
        else:
            print(__doc__, file=sys.stderr)
            return 2
    except GuestError as error:
        print(f"guest: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
