#!/usr/bin/env python3
"""usage: restricted.py CALL[,CALL...] PROGRAM [ARGUMENT...]

Runs a program to which the system refuses some calls, as a container's seccomp filter does: socket6 (IPv6 does not exist),
or by their names any of those below."""

import ctypes
import errno
import os
import struct
import sys

# x86-64's numbers.
NUMBERS = {"recvmmsg": 299, "recvmsg": 47, "sendmmsg": 307, "sendmsg": 46, "sched_setaffinity": 203, "sched_getaffinity": 204,
           "tgkill": 234}
SOCKET, AF_INET6 = 41, 10
LOAD, EQUAL, RETURN = 0x20, 0x15, 0x06
ALLOW, REFUSE = 0x7FFF0000, 0x00050000
PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, FILTER = 38, 22, 2


class Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("code", ctypes.c_char_p)]


def statement(code, value, when_true=0, when_false=0):
    return struct.pack("HBBI", code, when_true, when_false, value)


def refuse(names):
    code = b""
    for name in names:
        code += statement(LOAD, 0)
        if name == "socket6":
            code += (statement(EQUAL, SOCKET, 0, 3) + statement(LOAD, 16) + statement(EQUAL, AF_INET6, 0, 1) +
                     statement(RETURN, REFUSE | errno.EAFNOSUPPORT))
        else:
            code += statement(EQUAL, NUMBERS[name], 0, 1) + statement(RETURN, REFUSE | errno.EPERM)
    code += statement(RETURN, ALLOW)
    libc = ctypes.CDLL(None, use_errno=True)
    program = Program(len(code) // 8, code)
    if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 or libc.prctl(PR_SET_SECCOMP, FILTER, ctypes.byref(program)) != 0:
        sys.exit(f"restricted.py: {os.strerror(ctypes.get_errno())}")


if __name__ == "__main__":
    refuse(sys.argv[1].split(","))
    os.execvp(sys.argv[2], sys.argv[2:])
