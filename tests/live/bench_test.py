"""scripts/bench in its small size: every target has a row, and what a row says is a figure of this run. What the figures
are is not looked at here: that is what scripts/bench is for, on a quiet machine."""

import json
import os
import subprocess
import tempfile
import unittest

import programs

NAMES = ["aead", "inbound", "outbound", "refuse", "driver-share", "players", "crowd", "newcomer", "sessions"]


def bench(*arguments, code=0):
    done = subprocess.run(["python3", os.path.join(programs.ROOT, "scripts/bench_run.py"), "--build", programs.build,
                           *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          errors="replace", timeout=300)
    if done.returncode != code:
        raise AssertionError(f"exit code {done.returncode} instead of {code}\n{done.stdout}")
    return done.stdout


class Bench(unittest.TestCase):
    def test_every_target_has_a_row(self):
        with tempfile.TemporaryDirectory(prefix="serried-live-") as folder:
            file_name = os.path.join(folder, "targets.json")
            output = bench("targets", "--quick", "--json", file_name)
            with open(file_name, encoding="utf-8") as file:
                rows = json.load(file)
        for name in NAMES:
            self.assertTrue([row for row in rows if row["name"].startswith(name)], f"{name}\n{output}")
        for row in rows:
            self.assertEqual({"name", "value", "unit", "target", "met"} - row.keys(), set(), row)
            if row["value"] is not None:
                self.assertGreater(row["value"], 0, row)
            # A verdict belongs to a figure and a target, and to nothing else.
            self.assertEqual(row["met"] is None, row["value"] is None or row["target"] is None, row)

    def test_what_it_cannot_do_it_says(self):
        self.assertIn("invalid choice", bench("speed", code=2))
        self.assertIn("is no commit of this repository", bench("compare", "--quick", "--old", "nowhere", code=1))


if __name__ == "__main__":
    unittest.main()
