"""Honest players and an attacker, small: no session is disconnected, no view differs, strangers get no more bytes than they
send, and the server's books hold every datagram. How fast it all goes is measured by scripts/attack, not here."""

import json
import os
import subprocess
import tempfile
import unittest

import accounting
import programs

STRANGERS = {"garbage", "short", "long", "bad-crc", "connect", "connect-cookie", "unknown-session"}
OVERHEARD = {"replay", "bad-tag", "spoofed"}
FRAMES = {"ping", "neighbor"}


def attack(*options):
    with tempfile.TemporaryDirectory(prefix="serried-live-") as folder:
        file_name = os.path.join(folder, "attack.json")
        done = subprocess.run(["python3", os.path.join(programs.ROOT, "scripts/lib/attack_run.py"), "--build", programs.build,
                               "--json", file_name, "--quick", *options], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, errors="replace", timeout=180)
        with open(file_name, encoding="utf-8") as file:
            return done.returncode, json.load(file), done.stdout


class Attack(unittest.TestCase):
    def withstand(self, kinds, *options):
        code, result, output = attack(*options)
        self.assertEqual(result["problems"], [], output)
        self.assertEqual(code, 0, output)
        self.assertEqual(result["connected"], result["players"])
        self.assertEqual(result["errors"], 0)
        self.assertEqual(result["view_mismatches"], 0)
        self.assertGreater(result["swarm"]["audits"], 0)
        sent = result["attack"]["kinds"]
        self.assertEqual(set(sent), kinds)
        self.assertGreater(result["attack"]["datagrams"], 10_000)
        for name, kind in sent.items():
            self.assertLessEqual(kind["amplification"], 1, name)
            # A copy that overtakes its original passes for it: the next update of that player goes to its sender.
            if name not in ("connect", "connect-cookie", "replay", "ping", "neighbor"):
                self.assertEqual(kind["answers"], 0, name)
        # That nothing answers is no merit of a server that hears nothing.
        self.assertGreater(sent["connect"]["answers"], 0, output)
        accounting.check(self, result["server"])
        drops = result["server"]["drops"]
        for reason in ("short_datagram", "long_datagram", "bad_crc", "unknown_session", "bad_flags"):
            self.assertGreater(drops.get(reason, 0), 0, reason)
        if "spoofed" in kinds:
            self.assertGreater(drops.get("bad_tag", 0), 0)
            self.assertGreater(drops.get("replay_seen", 0) + drops.get("replay_old", 0), 0)
        return result["server"]

    @unittest.skipUnless(os.geteuid() == 0, "makes network namespaces: needs root")
    def test_af_xdp(self):
        self.withstand(STRANGERS | OVERHEARD | FRAMES, "--driver", "af_xdp")

    def test_memif(self):
        self.withstand(STRANGERS | OVERHEARD | FRAMES, "--driver", "memif")

    def test_two_io_lanes(self):
        """Forgeries that name the other lane are handed over to it, and refused there."""
        server = self.withstand(STRANGERS | (OVERHEARD if os.geteuid() == 0 else set()), "--driver", "socket", "--io-lanes", "2",
                           "--server-args", "--steering off")
        self.assertGreater(server["sessions"]["handed_over"], 1000)

    def test_socket(self):
        # In a player's name only frames of one's own can speak; sockets copy it under their own.
        self.withstand(STRANGERS | (OVERHEARD if os.geteuid() == 0 else set()), "--driver", "socket")
