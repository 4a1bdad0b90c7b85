"""scripts/pktgen/measure in its small size: every means gives points, the table and the plots have them. What the figures are
is not looked at here."""

import json
import math
import os
import shutil
import signal
import stat
import subprocess
import tempfile
import time
import unittest

import programs

COMMAND = ["python3", os.path.join(programs.ROOT, "scripts/lib/packet_rate_run.py"), "--build"]
KEYS = {"means", "driver", "offered_pps", "carried_pps", "lost", "drops", "short", "ns_per_packet", "busy", "seconds"}


def measure(*arguments, code=0):
    return programs.output_of([*COMMAND, programs.build, *arguments], code)


class PacketRate(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="serried-live-")
        self.addCleanup(folder.cleanup)
        self.json = os.path.join(folder.name, "rates.json")
        self.png = os.path.join(folder.name, "rates.png")
        self.folder = folder.name

    def found(self):
        with open(self.json, encoding="utf-8") as file:
            return json.load(file)

    def assert_points(self, points):
        for point in points:
            self.assertEqual(point.keys(), KEYS)
            for key in ("offered_pps", "carried_pps", "seconds"):
                self.assertTrue(math.isfinite(point[key]) and point[key] > 0, point)
            self.assertLessEqual(point["carried_pps"], point["offered_pps"] * 1.001, point)
            for key in ("ns_per_packet", "busy"):
                self.assertTrue(point[key] is None or point[key] > 0, point)

    def test_players_and_their_recording(self):
        output = measure("--quick", "--means", "pcap,swarm", "--driver", "socket", "--json", self.json, "--png", self.png)
        found = self.found()
        self.assert_points(found["points"])
        self.assertEqual(found["problems"], [])
        self.assertEqual([point["means"] for point in found["points"]][:3], ["pcap", "swarm", "swarm"], output)
        recorded, *swarm = found["points"]
        for point in found["points"]:
            self.assertIsNotNone(point["ns_per_packet"])
            self.assertLessEqual(point["busy"], 1)
        self.assertEqual(recorded["lost"], 0, "a file is never too fast for those who read it")
        self.assertGreater(swarm[1]["offered_pps"], swarm[0]["offered_pps"])
        for words in ("offered/s", "pcap: ", "swarm: "):
            self.assertIn(words, output)
        if shutil.which("gnuplot"):
            with open(self.png, "rb") as file:
                self.assertEqual(file.read(4), b"\x89PNG")
        else:
            self.assertIn("no gnuplot here", output)

    @unittest.skipUnless(shutil.which("dpdk-testpmd"), "needs dpdk-testpmd (Debian package dpdk-dev)")
    def test_what_drivers_alone_can_do(self):
        for driver in ("null", "ring", "pcap", "memif"):
            with self.subTest(driver=driver):
                measure("--quick", "--means", "testpmd", "--driver", driver, "--json", self.json)
                points = self.found()["points"]
                self.assert_points(points)
                self.assertEqual([(point["means"], point["driver"]) for point in points], [("testpmd", driver)])

    @unittest.skipUnless(shutil.which("lua5.4"), "needs lua5.4, in the place of Pktgen")
    def test_pktgen_is_given_what_it_needs(self):
        """The stub is no generator on a wire; here the model that it has of one does for the server's count too."""
        stub = os.path.join(self.folder, "pktgen")
        model = os.path.join(self.folder, "model.lua")
        settings = os.path.join(self.folder, "seen.lua")
        with open(model, "w", encoding="utf-8") as file:
            file.write("return { capacity_pps = 2000000, sender_pps = 1e9 }\n")
        with open(stub, "w", encoding="utf-8") as file:
            file.write(f"""#!/bin/sh
while [ "$1" != -f ]; do shift; done
sed -E 's/status = "[^"]*"/status = "stub-status"/' "$SERRIED_PKTGEN" >'{settings}'
"$(sed -nE 's/.*status = "([^ ]*) .*/\\1/p' "$SERRIED_PKTGEN")" --socket "$(dirname "$SERRIED_PKTGEN")/control" status --json |
  grep -q rx_frames || exit 1
SERRIED_PKTGEN='{settings}' MODEL='{model}' exec lua5.4 '{programs.ROOT}/tests/pktgen/pktgen_stub.lua' 26.03.0 "$2"
""")
        os.chmod(stub, os.stat(stub).st_mode | stat.S_IXUSR)
        measure("--quick", "--means", "pktgen", "--pktgen", stub, "--json", self.json)
        found = self.found()
        self.assert_points(found["points"])
        self.assertEqual({point["means"] for point in found["points"]}, {"pktgen"})
        self.assertEqual(len(found["points"]), 3)

    def test_points_from_elsewhere_are_shown_beside(self):
        merged = os.path.join(self.folder, "pktgen.json")
        with open(merged, "w", encoding="utf-8") as file:
            json.dump({"means": "pktgen", "points": [
                {"offered_pps": 1e6, "carried_pps": 1e6, "lost": 0, "drops": {}, "short": False, "seconds": 10},
                {"offered_pps": 2e6, "carried_pps": 1.5e6, "lost": 5000000, "drops": {"nic_missed": 5000000}, "short": False,
                 "seconds": 10}]}, file)
        output = measure("--quick", "--means", "pcap", "--merge", merged, "--json", self.json)
        self.assertEqual(self.found()["best"]["pktgen"]["offered_pps"], 1e6)
        self.assertIn("pktgen: without loss up to 1,000,000 packets/s", output)
        self.assertIn("nic_missed 5,000,000", output)

    def test_ctrl_c_leaves_what_was_measured(self):
        with subprocess.Popen([*COMMAND, programs.build, "--means", "pcap,swarm", "--driver", "socket", "--players", "5", "--seconds",
                               "2", "--json", self.json], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True,
                              preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)) as process:
            for line in process.stdout:
                if "packet rate: swarm" in line:
                    time.sleep(1)
                    process.send_signal(signal.SIGINT)
                    break
            process.stdout.read()
            self.assertEqual(process.wait(60), 130)
        found = self.found()
        self.assertEqual([point["means"] for point in found["points"]], ["pcap"])
        self.assertEqual(found["problems"], ["interrupted"])

    def test_what_cannot_be_measured_is_a_failure(self):
        done = subprocess.run([*COMMAND, self.folder, "--quick", "--means", "pcap", "--json", self.json],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 1)
        self.assertIn("serried-swarm is not there", done.stderr)
        self.assertEqual(self.found()["points"], [])

    def test_bad_options_are_one_sentence(self):
        for arguments, said in ((["--means", "guess"], "'guess' is none"),
                                (["--means", "swarm", "--driver", "null"], "--means swarm: not with --driver null"),
                                (["--means", "pktgen"], "--means pktgen needs --pktgen PROGRAM"),
                                (["--pktgen", "/nowhere/pktgen"], "--pktgen: /nowhere/pktgen is no program"),
                                (["--means", "testpmd", "--testpmd", "/nowhere/testpmd"], "--testpmd: /nowhere/testpmd is no"),
                                (["--io-lanes", "2", "--driver", "ring"], "--io-lanes: ring has one queue"),
                                (["--json", "/nowhere/rates.json"], "--json: cannot write beside"),
                                (["--png", "rates.gif"], "--png: wants the name of a file that ends with .png"),
                                (["--merge", "/nowhere/pktgen.json"], "--merge: cannot read"),
                                (["--players", "0"], "0 is not in 1 to 30000")):
            with self.subTest(arguments=arguments):
                self.assertIn(said, measure(*arguments, code=2).splitlines()[-1])


if __name__ == "__main__":
    unittest.main()
