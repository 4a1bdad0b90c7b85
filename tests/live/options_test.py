"""A user's mistakes: one clear answer that names all of them, exit code 2, and nothing started."""

import os
import tempfile
import unittest

import programs


class ServerOptions(unittest.TestCase):
    def refuse(self, *options):
        done = programs.run("serried-server", *options)
        said = done.stdout + done.stderr
        self.assertEqual(done.returncode, 2, said)
        self.assertNotIn("ready", said)
        return said

    def test_all_faults_at_once(self):
        said = self.refuse("--driver", "socket", "--udp-port", "70000", "--shards", "99", "--address", "nowhere",
                           "--tick-rate", "fast", "--nonsense", "1")
        for fault in ("--udp-port", "--shards", "--address", "--tick-rate", "--nonsense", "--token-key"):
            self.assertIn(fault, said)

    def test_missing_key_file(self):
        said = self.refuse("--driver", "socket", "--token-key", "/nonexistent/token.key")
        self.assertIn("/nonexistent/token.key", said)

    def test_faults_of_a_file_name_its_lines(self):
        with tempfile.TemporaryDirectory(prefix="serried-live-") as folder:
            name = os.path.join(folder, "bad.toml")
            with open(name, "w", encoding="utf-8") as file:
                file.write("[network]\nudp_port = 70000\nudp_prot = 1\n")
            said = self.refuse("--config", name)
        self.assertIn("bad.toml:2", said)
        self.assertIn("bad.toml:3", said)
        self.assertIn("udp_prot", said)

    def test_help_names_every_option_of_the_demo(self):
        done = programs.run("serried-server", "--help")
        self.assertEqual(done.returncode, 0, done.stderr)
        for option in ("--driver", "--address", "--udp-port", "--token-key", "--shards", "--io-lanes", "--players-max",
                       "--npcs", "--seed", "--audit", "--seconds", "--json-summary", "--status", "--config"):
            self.assertIn(option, done.stdout)


class SwarmOptions(unittest.TestCase):
    def test_each_fault_is_named(self):
        good = {"--bots": "1", "--server": "127.0.0.1:40000", "--token-key": "/nonexistent/token.key"}
        for option, value in (("--bots", "0"), ("--rate", "fast"), ("--server", "nowhere"), ("--driver", "pigeon"),
                              ("--seconds", "-1"), ("--nonsense", "1")):
            with self.subTest(option=option):
                options = [text for pair in {**good, option: value}.items() for text in pair]
                done = programs.run("serried-swarm", *options)
                self.assertEqual(done.returncode, 2, done.stdout + done.stderr)
                self.assertIn(option, done.stdout + done.stderr)

    def test_help(self):
        done = programs.run("serried-swarm", "--help")
        self.assertEqual(done.returncode, 0, done.stderr)
        for option in ("--bots", "--server", "--token-key", "--driver", "--rate", "--seconds", "--json", "--status"):
            self.assertIn(option, done.stdout)


class DemoOptions(unittest.TestCase):
    def test_bad_option(self):
        code, result, output = programs.demo("--players", "0")
        self.assertEqual((code, result), (2, {}), output)
        self.assertIn("--players", output)
