"""Ctrl-C: the server sends its players Disconnect, writes its figures and ends with 0."""

import json
import os
import signal
import tempfile
import unittest

import accounting
import programs


class Drain(unittest.TestCase):
    def drain(self, signal_number):
        with tempfile.TemporaryDirectory(prefix="serried-live-") as folder:
            server = programs.SocketServer(folder, "--npcs", "50")
            swarm = None
            try:
                self.assertTrue(server.wait_for("serried-server: ready"), server.output())
                swarm = server.swarm(folder, 20, 60)
                self.assertTrue(server.wait_for_players(20), server.output() + swarm.output())
                self.assertEqual(server.stop(signal_number, 10), 0, server.output())
                # Told, not left to find out: a bot that must wait for its time-out takes 15 s.
                self.assertIsNotNone(swarm.ended(8), "the bots did not notice that the server closed\n" + swarm.output())
                summary = server.summary()
                with open(os.path.join(folder, "swarm.json"), encoding="utf-8") as file:
                    bots = json.load(file)
            finally:
                if swarm:
                    swarm.stop()
                server.stop(signal.SIGKILL)
        self.assertEqual(bots["connected"], 20)
        self.assertEqual(summary["players_peak"], 20)
        accounting.check(self, summary)

    def test_interrupt(self):
        self.drain(signal.SIGINT)

    def test_terminate(self):
        self.drain(signal.SIGTERM)

    def test_without_players(self):
        with tempfile.TemporaryDirectory(prefix="serried-live-") as folder:
            server = programs.SocketServer(folder)
            try:
                self.assertTrue(server.wait_for("serried-server: ready"), server.output())
                self.assertEqual(server.stop(signal.SIGINT, 5), 0, server.output())
                self.assertEqual(server.summary()["players_peak"], 0)
            finally:
                server.stop(signal.SIGKILL)

    def test_seconds(self):
        with tempfile.TemporaryDirectory(prefix="serried-live-") as folder:
            server = programs.SocketServer(folder, "--seconds", "2")
            try:
                self.assertTrue(server.wait_for("serried-server: ready"), server.output())
                self.assertEqual(server.ended(10), 0, server.output())
            finally:
                server.stop(signal.SIGKILL)
