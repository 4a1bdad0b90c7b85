"""Another implementation of the protocol, written from docs/wire-format.md alone, plays in a real server."""

import os
import signal
import subprocess
import sys
import tempfile
import unittest

import programs

SCRIPT = os.path.join(programs.ROOT, "tests/conformance/verify_wire_format.py")
BUILD = "7"


class Conformance(unittest.TestCase):
    def test_play(self):
        with tempfile.TemporaryDirectory(prefix="serried-live-") as folder:
            secret, table = os.path.join(folder, "build"), os.path.join(folder, "table")
            for command in (("keygen", "--version", BUILD, "--out", secret), ("table", "--secret", secret, "--out", table)):
                made = programs.run("serried-integrity", *command)
                self.assertEqual(made.returncode, 0, made.stderr)
            server = programs.SocketServer(folder, "--audit", "30", "--rekey-s", "3", "--integrity", secret,
                                           "--integrity-period", "4")
            try:
                self.assertTrue(server.wait_for("serried-server: ready"), server.output())
                tokens = os.path.join(folder, "tokens")
                issued = programs.run("serried-token", "issue", "--key", server.key, "--player", "1", "--count", "2", "--out",
                                      tokens)
                self.assertEqual(issued.returncode, 0, issued.stderr)
                played = subprocess.run(
                    [sys.executable, SCRIPT, "play", "--server", f"127.0.0.1:{server.port}", "--token-file", tokens,
                     "--build", BUILD, "--integrity-table", table, "--integrity-seconds", "15", "--rekey-seconds", "10"],
                    stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, check=False)
                self.assertEqual(played.returncode, 0, played.stdout + played.stderr + server.output())
                self.assertEqual(server.stop(signal.SIGINT, 10), 0, server.output())
            finally:
                server.stop(signal.SIGKILL)
