"""Another implementation of the protocol, written from docs/wire-format.md alone, plays in a real server."""

import os
import signal
import subprocess
import sys
import tempfile
import unittest

import programs

SCRIPT = os.path.join(programs.ROOT, "scripts/verify_wire_format.py")
# What a server is not asked for here: it offers no rekey or integrity check within seconds unless it is configured to.
WITHOUT = "reliable,roaming"


class Conformance(unittest.TestCase):
    def test_play(self):
        with tempfile.TemporaryDirectory(prefix="serried-live-") as folder:
            server = programs.SocketServer(folder, "--audit", "30")
            try:
                self.assertTrue(server.wait_for("serried-server: ready"), server.output())
                tokens = os.path.join(folder, "tokens")
                issued = programs.run("serried-token", "issue", "--key", server.key, "--player", "1", "--count", "2", "--out",
                                      tokens)
                self.assertEqual(issued.returncode, 0, issued.stderr)
                played = subprocess.run(
                    [sys.executable, SCRIPT, "play", "--server", f"127.0.0.1:{server.port}", "--token-file", tokens,
                     "--without", WITHOUT], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, check=False)
                self.assertEqual(played.returncode, 0, played.stdout + played.stderr + server.output())
                self.assertEqual(server.stop(signal.SIGINT, 10), 0, server.output())
            finally:
                server.stop(signal.SIGKILL)
