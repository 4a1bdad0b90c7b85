"""A thousand bots whose UDP ports change every few seconds, on servers with several io lanes: most of their datagrams come
to a lane that does not own their session. No bot is lost, no view differs, nothing is unaccounted."""

import unittest

import accounting
import programs

BOTS, SECONDS = 1000, 10
MOVES_PER_MINUTE = 15  # of each bot: one in 4 s


class Lanes(unittest.TestCase):
    def play(self, driver, io_lanes, *server_options, sockets=()):
        code, result, output = programs.demo(
            "--driver", driver, "--io-lanes", str(io_lanes), "--players", str(BOTS), "--seconds", str(SECONDS),
            "--rate", "10", "--npcs", "200", "--in-view", "30", "--server-args", " ".join(server_options),
            "--swarm-args", " ".join([f"--roam-per-minute {MOVES_PER_MINUTE} --connect-rate 1000", *sockets]))
        self.assertEqual(code, 0, output)
        self.assertEqual(result["problems"], [], output)
        self.assertEqual(result["connected"], BOTS)
        self.assertEqual(result["errors"], 0)
        self.assertEqual(result["view_mismatches"], 0)
        self.assertGreater(result["swarm"]["audits"], BOTS)
        sessions = result["server"]["sessions"]
        self.assertEqual(sessions["established"], BOTS, output)
        self.assertEqual(sessions["timed_out"], 0, output)
        moves = BOTS * SECONDS * MOVES_PER_MINUTE / 60
        self.assertGreater(sessions["roamed"], moves / 2, output)
        self.assertNotIn("handover_ring_full", result["drops"], output)
        lanes = [lane for lane in result["server"]["lanes"] if lane["name"].startswith("io")]
        self.assertEqual(len(lanes), io_lanes)
        for lane in lanes:
            self.assertGreater(lane["items"], 0, "a lane that has nothing to do")
        rules, = result["server"]["rules"]
        self.assertEqual(rules["lanes"], io_lanes)
        self.assertEqual(rules["lanes_steered"] == io_lanes, rules["not_steered"] == "", rules)
        accounting.check(self, result["server"])
        return result

    def expect_handed_over(self, result, least):
        """At least so large a part of what the lanes received was another lane's, and the server says why."""
        self.assertEqual(result["server"]["rules"][0]["lanes_steered"], 0)
        self.assertGreater(result["server"]["sessions"]["handed_over"], least * result["server"]["accounting"]["delivered"])

    def test_two_sockets(self):
        self.expect_handed_over(self.play("socket", 2, "--steering off"), 0.2)

    def test_four_sockets(self):
        self.expect_handed_over(self.play("socket", 4, "--steering off"), 0.3)

    def test_the_kernel_steers_to_the_owner(self):
        # Each bot has a port of its own, or the kernel joins what several of them send into one message for one lane.
        result = self.play("socket", 4, sockets=("--sockets", "4000"))
        self.assertEqual(result["server"]["rules"][0]["lanes_steered"], 4)
        # Without steering it is three in four. What a busy kernel still joins is some one in a thousand.
        self.assertLess(result["server"]["sessions"]["handed_over"], result["server"]["accounting"]["delivered"] / 100)

    def test_two_queues_of_memif(self):
        self.expect_handed_over(self.play("memif", 2), 0.2)

    def test_four_queues_of_memif(self):
        self.expect_handed_over(self.play("memif", 4), 0.3)


if __name__ == "__main__":
    unittest.main()
