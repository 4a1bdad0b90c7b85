"""What an operator reads of a running server with serried-ctl, as text and as JSON, with a ban and without."""

import json
import os
import tempfile
import unittest

import programs


class Control(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="serried-live-")
        self.addCleanup(self.folder.cleanup)
        self.socket = os.path.join(self.folder.name, "control")
        self.server = programs.SocketServer(self.folder.name, "--npcs", "10", "--control-socket", self.socket)
        self.addCleanup(self.server.stop)
        self.assertTrue(self.server.wait_for("serried-server: ready"), self.server.output())

    def ctl(self, *words, code=0):
        done = programs.run("serried-ctl", "--socket", self.socket, *words)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def test_status_for_people_is_that_of_json(self):
        status = json.loads(self.ctl("status", "--json"))["status"]
        lines = [line.split() for line in self.ctl("status").splitlines()]
        self.assertEqual(lines[0][:2], ["version", status["version"] + ","])
        groups = {group for group, figures in status.items()
                  if isinstance(figures, dict) and any(isinstance(value, (int, float)) for value in figures.values())}
        self.assertGreater(len(groups), 3)
        said = {(line[0], line[1]) for line in lines[2:]}
        for group in groups:
            for name, value in status[group].items():
                if isinstance(value, (int, float)) and not isinstance(value, bool):
                    self.assertIn((group, name), said)
        rules = next(" ".join(line) for line in lines if line[0] == "rules")
        self.assertEqual(rules, "rules sockets: 1 of 1 lanes steered; bans: none, 0 there")

    def test_bans_for_people_are_those_of_json(self):
        self.assertIn("no address is banned", self.ctl("ban", "list"))
        self.ctl("ban", "add", "192.0.2.7", "--for", "10m", "--reason", "flood")
        self.ctl("ban", "add", "2001:db8::/64")
        bans = {ban["address"]: ban for ban in json.loads(self.ctl("ban", "list", "--json"))["bans"]}
        lines = self.ctl("ban", "list").splitlines()
        self.assertEqual(len(lines), len(bans))
        for line in lines:
            self.assertIn(line.split()[0], bans)
        self.assertTrue(any("192.0.2.7" in line and "flood" in line and " left" in line for line in lines), lines)
        self.assertTrue(any("2001:db8::/64" in line and "for ever" in line for line in lines), lines)


if __name__ == "__main__":
    unittest.main()
