"""A machine may have been up for any time: what wraps (microseconds in 32 bits, every 71.6 minutes) must not shut players
out. Time namespaces give the programs a monotonic clock of our choice."""

import os
import subprocess
import time
import unittest

import accounting
import programs

# Seconds since the machine's start, as the programs see it when the demo begins.
JUST_UP = 10
HALF_RANGE = 2**31 / 1e6 + 60   # signed differences against 0 have just changed their sign
BEFORE_WRAP = 2**32 / 1e6 - 5   # the wrap comes while bots play


def can_set_clock():
    return os.geteuid() == 0 and subprocess.run(["unshare", "--time", "--boottime", "60", "true"],
                                                capture_output=True).returncode == 0


@unittest.skipUnless(can_set_clock(), "needs root and time namespaces")
class Uptime(unittest.TestCase):
    def play(self, uptime):
        offset = int(uptime - time.clock_gettime(time.CLOCK_BOOTTIME))
        code, result, output = programs.demo("--driver", "socket", "--players", "20", "--seconds", "8", "--npcs", "50",
                                             within=["unshare", "--time", "--boottime", str(offset)])
        self.assertEqual(code, 0, output)
        self.assertEqual(result["connected"], 20, output)
        self.assertNotIn("session_rate", result["drops"], output)
        accounting.check(self, result["server"])

    def test_just_up(self):
        self.play(JUST_UP)

    def test_half_the_range(self):
        self.play(HALF_RANGE)

    def test_across_the_wrap(self):
        self.play(BEFORE_WRAP)
