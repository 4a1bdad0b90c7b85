"""scripts/bench in its small size: every target has a row, and what a row says is a figure of this run. What the figures
are is not looked at here: that is what scripts/bench is for, on a quiet machine."""

import json
import math
import os
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

import programs

NAMES = ["aead", "inbound", "outbound", "refuse", "driver-share", "players", "crowd", "newcomer", "sessions", "scaling"]


COMMAND = ["python3", os.path.join(programs.ROOT, "scripts/lib/bench_run.py"), "--build"]


def bench(*arguments, code=0):
    return programs.output_of([*COMMAND, programs.build, *arguments], code)


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
                if row["unit"] != "ns more":  # a difference of two times may have either sign
                    self.assertGreater(row["value"], 0, row)
            # A verdict belongs to a figure and a target, and to nothing else.
            self.assertEqual(row["met"] is None, row["value"] is None or row["target"] is None, row)

    def test_what_it_cannot_do_it_says(self):
        self.assertIn("invalid choice", bench("speed", code=2))
        self.assertIn("is no commit of this repository", bench("compare", "--quick", "--old", "nowhere", code=1))


class Matrix(unittest.TestCase):
    def assert_figures(self, values, at_least=0.0):
        for value in values:
            self.assertIsInstance(value, (int, float))
            self.assertTrue(math.isfinite(value) and value >= at_least, value)

    def test_a_row_a_cell_with_all_figures_and_their_plots(self):
        with tempfile.TemporaryDirectory(prefix="serried-live-") as folder:
            file_name, plots = os.path.join(folder, "matrix.json"), os.path.join(folder, "plots")
            output = bench("matrix", "--quick", "--json", file_name, "--plots", plots)
            with open(file_name, encoding="utf-8") as file:
                rows = json.load(file)
            for name, lines in (("update_p99", 1), ("io_ns", 1), ("lane_share", 3), ("player_bytes", 2)):
                with open(os.path.join(plots, name + ".dat"), encoding="utf-8") as file:
                    self.assertEqual(file.read().count('"\n'), lines, name)
                if shutil.which("gnuplot"):
                    with open(os.path.join(plots, name + ".png"), "rb") as file:
                        self.assertEqual(file.read(4), b"\x89PNG", name)
                else:
                    self.assertIn("no gnuplot here", output)
        self.assertEqual([row["in_view"] for row in rows], [10, 40], output)
        for row in rows:
            self.assertEqual({**row, "players": 50, "rate_hz": 60, "budget": 1146, "driver": "socket", "io_lanes": 1,
                              "shards": 1, "seconds": 2, "connected": 50, "problems": []}, row)
            self.assert_figures([row["rx_pps"], row["tx_pps"]], 500)
            self.assert_figures([row["rx_bytes_per_player_s"], row["tx_bytes_per_player_s"]], 500)
            self.assert_figures(row["tick_ms"][key] for key in ("p50", "p99", "max"))
            latency = [row["update_latency_ms"][key] for key in ("p50", "p99", "p999", "max")]
            self.assert_figures(latency, 0.01)
            self.assertEqual(latency, sorted(latency))
            self.assertEqual(row["holds"], latency[1] < 50)
            self.assert_figures([row["interval_ticks_max"]], 1)
            self.assert_figures(row["drops"].values(), 1)
            self.assertIsInstance(row["swarm_behind"], bool)
            self.assertEqual([lane["name"] for lane in row["lanes"]], ["io0", "shard0", "handshake"])
            for lane in row["lanes"]:
                self.assert_figures([lane["busy"], lane["cpu_ns"], lane.get("ns_per_packet") or lane["ns_per_item"]], 1e-9)
                self.assertLessEqual(lane["cpu_ns"], lane["busy_ns"])
        # Who sees more is told more.
        self.assertGreater(rows[1]["tx_bytes_per_player_s"], rows[0]["tx_bytes_per_player_s"])

    def test_options_of_the_server_run_in_turns(self):
        with tempfile.TemporaryDirectory(prefix="serried-live-") as folder:
            file_name = os.path.join(folder, "matrix.json")
            both = ["--tick-rate 30", "--tick-rate 60"]
            output = bench("matrix", "--players", "5", "--in-view", "2", "--drivers", "socket", "--seconds", "2", "--rounds", "2",
                           *(f"--server-args={options}" for options in both), "--json", file_name)
            with open(file_name, encoding="utf-8") as file:
                rows = json.load(file)
        self.assertEqual([row["server_args"] for row in rows], both + both, output)
        medians = output.partition("median (least to most)")[2]
        for options in both:
            self.assertEqual(medians.count(options), 1, output)
        self.assertEqual(medians.count("ns/pkt"), 2, output)

    def test_what_was_measured_before_ctrl_c_stays(self):
        with tempfile.TemporaryDirectory(prefix="serried-live-") as folder:
            file_name = os.path.join(folder, "matrix.json")
            with subprocess.Popen([*COMMAND, programs.build, "matrix", "--players", "5,6", "--in-view", "2", "--drivers",
                                   "socket", "--seconds", "2", "--json", file_name], stdin=subprocess.DEVNULL,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                  # A shell has what it runs in the background ignore it.
                                  preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)) as process:
                for line in process.stdout:
                    if "cell 2 of 2" in line:
                        time.sleep(1)
                        process.send_signal(signal.SIGINT)
                self.assertEqual(process.wait(60), 130)
            with open(file_name, encoding="utf-8") as file:
                self.assertEqual([row["players"] for row in json.load(file)], [5])

    def test_a_cell_without_figures_is_a_failure(self):
        with tempfile.TemporaryDirectory(prefix="serried-live-") as folder:
            file_name = os.path.join(folder, "matrix.json")
            done = subprocess.run([*COMMAND, folder, "matrix", "--quick", "--json", file_name], stdin=subprocess.DEVNULL,
                                  capture_output=True, text=True, timeout=60)
            self.assertEqual(done.returncode, 1)
            self.assertIn("serried-server is not there", done.stderr)
            with open(file_name, encoding="utf-8") as file:
                self.assertEqual([row["holds"] for row in json.load(file)], [False, False])

    def test_bad_options_are_one_sentence(self):
        for arguments, said in ((["--drivers", "pigeon"], "'pigeon' is no driver"),
                                (["--players", "5,x"], "--players: 'x' is no whole number"),
                                (["--rates", ""], "--rates: '' is no whole number"),
                                (["--budgets", "90"], "--budgets: 90 is not in 256 to 1146"),
                                (["--io-lanes", "2", "--drivers", "af_xdp"], "--io-lanes above 1"),
                                (["--quick", "--full"], "not allowed with"),
                                (["--json", "/nowhere/matrix.json"], "--json: cannot write"),
                                (["--plots", "/dev/null/plots"], "--plots: cannot make")):
            with self.subTest(arguments=arguments):
                self.assertIn(said, bench("matrix", *arguments, code=2).splitlines()[-1])
        self.assertIn("--plots is for matrix", bench("targets", "--plots", "here", code=2))


if __name__ == "__main__":
    unittest.main()
