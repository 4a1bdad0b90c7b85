#!/usr/bin/env python3
"""scripts/pktgen/throughput.lua against Pktgen's Lua functions of 23 and 26 (pktgen_stub.lua), and the search for the highest
rate without loss, in Lua and in Python."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(ROOT, "scripts/lib"))
import plot  # noqa: E402
import rate_means  # noqa: E402
import rate_search  # noqa: E402

VERSIONS = ["23.10.2", "25.08.2", "26.03.0"]
SCRIPT = os.path.join(ROOT, "scripts/pktgen/throughput.lua")
LUA = shutil.which("lua5.4") or shutil.which("lua5.3") or shutil.which("lua")


def run(version, settings, capacity_pps=1e9, sender_pps=1e9):
    """What the script wrote, or None, and all that it and the stub printed."""
    with tempfile.TemporaryDirectory(prefix="serried-pktgen-") as folder:
        files = {name: os.path.join(folder, name) for name in ("settings.lua", "model.lua", "answer.json")}
        for name, table in (("settings.lua", {**settings, "answer": files["answer.json"]}),
                            ("model.lua", {"capacity_pps": capacity_pps, "sender_pps": sender_pps})):
            with open(files[name], "w", encoding="utf-8") as file:
                file.write("return " + rate_means.lua(table) + "\n")
        done = subprocess.run([LUA, os.path.join(HERE, "pktgen_stub.lua"), version, SCRIPT], capture_output=True, text=True,
                              env={**os.environ, "SERRIED_PKTGEN": files["settings.lua"], "MODEL": files["model.lua"]})
        output = done.stdout + done.stderr
        if done.returncode:
            raise AssertionError(output)
        try:
            with open(files["answer.json"], encoding="utf-8") as file:
                return json.load(file), output
        except OSError:
            return None, output


def best(found):
    _, point = rate_means.merged(found, "elsewhere")
    return point["offered_pps"] if point else 0


@unittest.skipUnless(LUA, "needs a Lua (Debian package lua5.4)")
class Throughput(unittest.TestCase):
    def test_it_finds_where_the_losses_begin(self):
        for version in VERSIONS:
            with self.subTest(version=version):
                for settings in ({"back": 1}, {"status": "stub-status"}):
                    found, output = run(version, {**settings, "seconds": 2, "refine": 12}, capacity_pps=3_210_000)
                    self.assertEqual(found["version"], version)
                    self.assertLessEqual(best(found), 3_210_000, output)
                    self.assertGreater(best(found), 0.995 * 3_210_000, output)
                    for point in found["points"]:
                        self.assertEqual(point["lost"] > 0, point["offered_pps"] > 3_210_001, point)
                        self.assertAlmostEqual(point["carried_pps"], min(point["offered_pps"], 3_210_000), delta=10)
                        if "status" in settings:
                            # What the server refused it has taken; what its NIC missed it has not.
                            self.assertEqual(point["lost"] > 0, "nic_missed" in point["drops"], point)
                            self.assertGreater(point["drops"]["bad_crc"], 0)

    def test_frames_of_136_bytes_fill_a_link_as_they_should(self):
        for version in VERSIONS:
            with self.subTest(version=version):
                found, _ = run(version, {"back": 1, "seconds": 1, "steps": 1, "refine": 0})
                self.assertAlmostEqual(found["points"][0]["offered_pps"], 10e9 / ((140 + 20) * 8), delta=2)

    def test_a_sender_that_is_too_slow_is_no_loss_of_the_receiver(self):
        for version in VERSIONS:
            with self.subTest(version=version):
                found, output = run(version, {"back": 1, "seconds": 2, "refine": 4}, sender_pps=2_000_000)
                self.assertEqual([point["short"] for point in found["points"] if point["rate"] > 26], [True] * 4 + [True] * sum(
                    point["rate"] > 26 for point in found["points"][5:]), output)
                self.assertTrue(all(point["lost"] == 0 for point in found["points"]))
                self.assertLessEqual(best(found), 2_000_000)
                self.assertGreater(best(found), 1_500_000)

    def test_it_sends_what_it_is_told_to(self):
        for version in VERSIONS:
            with self.subTest(version=version):
                _, output = run(version, {"back": 1, "seconds": 1, "steps": 1, "refine": 0, "destination_mac": "02:00:00:00:00:09",
                                          "frame_bytes": 200, "source_ip": "198.18.0.7", "destination_port": 4000})
                for line in ("stub set 0 size 204", "stub set_proto 0 udp", "stub set_ipaddr 0 src 198.18.0.7/32",
                             "stub set_ipaddr 0 dst 10.77.0.1", "stub set 0 sport 20000", "stub set 0 dport 4000",
                             "stub set_mac 0 dst 02:00:00:00:00:09", "stub set 0 count 0"):
                    self.assertIn(line + "\n", output)
                self.assertNotIn("stub pcap", output)
                _, output = run(version, {"back": 1, "seconds": 1, "steps": 1, "refine": 0, "traffic": "pcap"})
                self.assertIn("stub pcap 0 on\n", output)
                self.assertNotIn("stub set_proto", output)

    def test_it_always_stops_and_quits_and_says_what_is_wrong(self):
        for version in VERSIONS:
            with self.subTest(version=version):
                for settings, said in (({}, "say where the frames are to be counted"),
                                       ({"status": "echo nothing"}, "no rx_frames in what `echo nothing` printed"),
                                       ({"back": 7}, "no port 7 here")):
                    found, output = run(version, settings)
                    self.assertIsNone(found)
                    self.assertIn(said, output)
                    self.assertTrue(output.rstrip().endswith("stub stop 0\nstub quit"), output)

    def test_the_stub_is_as_strict_as_pktgen(self):
        """Else it would prove nothing."""
        with tempfile.TemporaryDirectory(prefix="serried-pktgen-") as folder:
            def refused(version, code):
                for name, text in (("try.lua", code), ("model.lua", "return { capacity_pps = 1, sender_pps = 1 }")):
                    with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
                        file.write(text)
                return subprocess.run([LUA, os.path.join(HERE, "pktgen_stub.lua"), version, os.path.join(folder, "try.lua")],
                                      capture_output=True, env={"MODEL": os.path.join(folder, "model.lua")}).returncode != 0
            self.assertFalse(refused("23.10.2", 'pktgen.portStats("0", "port")'))
            self.assertTrue(refused("23.10.2", 'pktgen.portStats("0")'))
            self.assertFalse(refused("26.03.0", 'pktgen.portStats("0")'))
            self.assertTrue(refused("26.03.0", 'pktgen.portStats("0", "port")'))
            self.assertTrue(refused("26.03.0", 'pktgen.pktStats("0")'))
            for code in ('pktgen.start(0)', 'pktgen.set("0", "speed", 3)', 'pktgen.sett("0")', 'pktgen.delay(1.5)',
                         'pktgen.set_ipaddr("0", "src", "10.0.0.1")', 'pktgen.set("0", "rate", 0)'):
                self.assertTrue(refused("23.10.2", code), code)


class Search(unittest.TestCase):
    @staticmethod
    def trial(limit, short_above=10**9):
        def measure(level):
            return {"level": level, "lost": max(level - limit, 0), "short": level > short_above}
        return measure

    def test_it_comes_as_near_as_there_are_trials(self):
        for limit in (0, 1, 7, 30, 59, 60, 61, 1000):
            points, found = rate_search.search(self.trial(limit), 60, 4, 10)
            self.assertEqual(found["level"] if found else 0, min(limit, 60))
            self.assertLessEqual(len(points), 4 + 10)
            self.assertEqual(len({point["level"] for point in points}), len(points), "nothing is measured twice")

    def test_few_trials_are_kept_to(self):
        points, found = rate_search.search(self.trial(777), 1000, 5, 3)
        self.assertEqual([point["level"] for point in points], [200, 400, 600, 800, 1000, 700, 750, 775])
        self.assertEqual(found["level"], 775)

    def test_what_was_not_offered_was_not_passed(self):
        _, found = rate_search.search(self.trial(10**9, short_above=42), 60, 6, 10)
        self.assertEqual(found["level"], 42)

    def test_a_disturbance_below_a_pass_is_none(self):
        def measure(level):
            return {"level": level, "lost": int(level == 20 or level > 44), "short": False}
        _, found = rate_search.search(measure, 60, 3, 10)
        self.assertEqual(found["level"], 44)

    def test_levels_are_whole_and_each_is_there_once(self):
        self.assertEqual(rate_search.sweep_levels(60, 4), [15, 30, 45, 60])
        self.assertEqual(rate_search.sweep_levels(3, 10), [1, 2, 3])
        self.assertEqual(rate_search.sweep_levels(1, 1), [1])


class Losses(unittest.TestCase):
    def test_every_reason_that_is_left_out_exists(self):
        self.assertEqual(rate_means.NO_LOSS - rate_means.drop_units().keys(), set())

    def test_a_loss_is_a_frame_that_the_path_did_not_carry(self):
        drops = {"nic_missed": 5, "transmit_full": 2, "handover_ring_full": 1, "replay_seen": 1, "session_ending": 9,
                 "input_queue_full": 7, "cookie_budget": 3, "bad_crc": 0}
        self.assertEqual(rate_means.losses(drops), {"nic_missed": 5, "transmit_full": 2, "handover_ring_full": 1,
                                                    "replay_seen": 1})


class Plots(unittest.TestCase):
    def test_panels_have_their_data_and_a_script(self):
        with tempfile.TemporaryDirectory(prefix="serried-plot-") as folder:
            place = os.path.join(folder, "rates")
            lines = {"swarm": [(2, 20), (1, 10)], "pcap": [(1, 5)]}
            undrawn = plot.draw(place, [plot.Panel("carried", "offered", "pps", lines),
                                        plot.Panel("cost", "offered", "ns", {"swarm": [(1, 3)]})], columns=2)
            with open(place + ".0.dat", encoding="utf-8") as file:
                self.assertEqual(file.read(), '"swarm"\n1 10\n2 20\n\n\n"pcap"\n1 5\n')
            if shutil.which("gnuplot"):
                self.assertEqual(undrawn, "")
                with open(place + ".png", "rb") as file:
                    self.assertEqual(file.read(4), b"\x89PNG")
            else:
                self.assertIn("no gnuplot here", undrawn)


if __name__ == "__main__":
    unittest.main()
