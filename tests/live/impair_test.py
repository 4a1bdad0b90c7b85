"""Bots play through serried-impair: what it says of the link is what they find."""

import json
import os
import re
import signal
import tempfile
import unittest

import programs

BOTS = 20


class Impair(unittest.TestCase):
    def play(self, *link):
        """(summary of the relay, of the swarm, of the server)"""
        with tempfile.TemporaryDirectory(prefix="serried-live-") as folder:
            server = programs.SocketServer(folder, "--npcs", "50")
            relay = swarm = None
            try:
                self.assertTrue(server.wait_for("serried-server: ready"), server.output())
                figures = os.path.join(folder, "relay.json")
                relay = programs.Background(folder, "serried-impair", "--listen", "127.0.0.1:0", "--server",
                                            f"127.0.0.1:{server.port}", "--json-summary", figures, *link)
                self.assertTrue(relay.wait_for("serried-impair: ready"), relay.output())
                address = re.search(r"ready on (\S+)", relay.output()).group(1)
                swarm = programs.Background(folder, "serried-swarm", "--driver", "socket", "--sockets", str(BOTS), "--bots",
                                            str(BOTS), "--server", address, "--token-key", server.key, "--seconds", "8",
                                            "--json", os.path.join(folder, "swarm.json"), "--status", "line")
                self.assertEqual(swarm.ended(60), 0, swarm.output())
                self.assertEqual(relay.stop(signal.SIGINT, 10), 0, relay.output())
                self.assertEqual(server.stop(signal.SIGINT, 10), 0, server.output())
                with open(figures, encoding="utf-8") as file:
                    passed = json.load(file)
                with open(os.path.join(folder, "swarm.json"), encoding="utf-8") as file:
                    bots = json.load(file)
                for way in (passed["up"], passed["down"]):
                    self.assertEqual(way["received"] + way["duplicated"], sum(way[term] for term in (
                        "delivered", "lost", "overflowed", "refused", "held")), passed)
                self.assertEqual(bots["connected"], BOTS, swarm.output())
                self.assertEqual(bots["view_mismatches"], 0, bots)
                return passed, bots, server.summary()
            finally:
                for process in (swarm, relay, server):
                    if process:
                        process.stop(signal.SIGKILL)

    def test_a_long_way_with_jitter_and_loss(self):
        passed, bots, server = self.play("--delay", "100", "--jitter", "20", "--loss", "2", "--reorder", "1", "--duplicate", "1")
        self.assertEqual(passed["clients"], BOTS)
        for way in (passed["up"], passed["down"]):
            self.assertGreater(way["delivered"], 1_000)
            self.assertAlmostEqual(way["lost"] / way["received"], 0.02, delta=0.01)
            self.assertGreater(way["duplicated"], 0)
            self.assertGreater(way["reordered"], 0)
            self.assertGreaterEqual(way["delay_ms"]["p50"], 95)
        self.assertGreaterEqual(bots["update_latency_ms"]["p50"], 190, "input to update")
        self.assertGreater(server["drops"]["replay_seen"], 0, "the copies")

    def test_a_narrow_way_down(self):
        passed, _, _ = self.play("--down", "rate=64,queue=100")
        self.assertGreater(passed["down"]["delivered"], 0)
        self.assertLess(passed["down"]["delivered_bytes"] * 8 / passed["seconds"], 64_000 * BOTS)
        self.assertEqual(passed["up"]["overflowed"], 0)


if __name__ == "__main__":
    unittest.main()
