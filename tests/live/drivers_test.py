"""Fifty bots for five seconds over each wire, through the demo: no bot is lost, no view differs, nothing is unaccounted."""

import os
import unittest

import accounting
import programs

BOTS, SECONDS = 50, 5
needs_root = unittest.skipUnless(os.geteuid() == 0, "makes network namespaces: needs root")


class Drivers(unittest.TestCase):
    def play(self, driver, *options):
        code, result, output = programs.demo("--driver", driver, "--players", str(BOTS), "--seconds", str(SECONDS),
                                             "--npcs", "200", *options)
        self.assertEqual(code, 0, output)
        self.assertEqual(result["problems"], [], output)
        self.assertEqual(result["players"], BOTS)
        self.assertEqual(result["connected"], BOTS)
        self.assertEqual(result["errors"], 0)
        self.assertEqual(result["view_mismatches"], 0)
        # Each bot sends inputs all the time and hears of the world all the time; half of it is a broken path.
        self.assertGreater(result["rx_pps"], BOTS * result["rate_hz"] / 2, output)
        self.assertGreater(result["tx_pps"], BOTS * 10, output)
        for figures, keys in (("tick_ms", ("p50", "p99", "max")), ("update_latency_ms", ("p50", "p99", "p999", "max"))):
            values = [result[figures][key] for key in keys]
            self.assertNotIn(None, values, output)
            self.assertEqual(values, sorted(values))
            self.assertGreater(values[-1], 0)
        accounting.check(self, result["server"])
        return result

    def test_socket(self):
        self.play("socket")

    def test_socket_two_shards(self):
        self.play("socket", "--shards", "2")

    def test_memif(self):
        self.play("memif")

    @needs_root
    def test_af_xdp(self):
        self.play("af_xdp")

    @needs_root
    def test_af_xdp_with_our_filter(self):
        if not os.path.exists(os.path.join(programs.build, "src/port/serried_filter.bpf.o")):
            self.skipTest("serried_filter.bpf.o was not built: no clang")
        self.play("af_xdp", "--xdp-filter")

    @needs_root
    def test_af_packet(self):
        self.play("af_packet")

    @needs_root
    def test_nothing_is_left_behind(self):
        self.play("af_packet")
        for folder in ("/run/netns", "/var/run/netns"):
            left = [name for name in (os.listdir(folder) if os.path.isdir(folder) else []) if name.startswith("serried-")]
            # Only namespaces whose demo still runs may be there (another checkout's tests).
            left = [name for name in left if not os.path.exists(f"/proc/{name.split('-')[1]}")]
            self.assertEqual(left, [])
