"""A server in measurement mode: a file of serried-swarm --write-pcap comes round and round and is taken each time; and where
strangers could send, there is no such server."""

import json
import os
import struct
import subprocess
import sys
import tempfile
import unittest

import programs

sys.path.insert(0, os.path.join(programs.ROOT, "tests/conformance"))
from serried_wire import datagram, messages  # noqa: E402
from serried_wire.primitives import hkdf_expand, hkdf_extract  # noqa: E402

PREFIX = f"serried-measure-{os.getpid()}"
EAL = ["--lcores", "0@" + str(min(os.sched_getaffinity(0))), "--no-huge", "--no-pci", "--no-telemetry", "--no-shconf", "-m",
       "512", "--log-level=lib.eal:warning"]
SMALL = ["--address", "10.0.0.1", "--players-max", "20", "--sessions-max", "64", "--npcs", "0", "--shards", "1"]


def write(folder, *options, code=0):
    file_name = os.path.join(folder, "inputs.pcap")
    done = programs.run("serried-swarm", "--write-pcap", file_name, "--server", "10.0.0.1:40000", *options)
    if done.returncode != code:
        raise AssertionError(f"exit code {done.returncode} instead of {code}\n{done.stdout}{done.stderr}")
    return file_name


def records(file_name):
    """(nanoseconds, frame) of a capture file, by the format's description alone."""
    with open(file_name, "rb") as file:
        content = file.read()
    magic, major, minor, _, _, snap, link = struct.unpack_from("<IHHiIII", content)
    if (magic, major, minor, link) != (0xA1B23C4D, 2, 4, 1):
        raise AssertionError(f"no capture of Ethernet with nanoseconds: {content[:24].hex()}")
    at = 24
    while at < len(content):
        seconds, nanoseconds, kept, length = struct.unpack_from("<IIII", content, at)
        if kept != length or length > snap:
            raise AssertionError(f"a frame is cut at {at}")
        yield seconds * 10**9 + nanoseconds, content[at + 16:at + 16 + kept]
        at += 16 + kept


class Measurement(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="serried-live-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def serve(self, vdev, *options, seconds="2", within=()):
        """A server, run to its end; the CompletedProcess, and its summary."""
        summary = os.path.join(self.folder, "server.json")
        done = subprocess.run([*within, programs.path("serried-server"), *EAL, "--file-prefix", PREFIX, "--vdev", vdev, "--",
                               *SMALL, "--status", "line", "--json-summary", summary, "--seconds", seconds, *options],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
        try:
            with open(summary, encoding="utf-8") as file:
                return done, json.load(file)
        except OSError:
            return done, None

    def test_a_file_comes_round_and_is_taken_each_time(self):
        file_name = write(self.folder, "--seed", "7", "--bots", "20", "--inputs", "16")
        done, summary = self.serve(f"net_pcap0,rx_pcap={file_name},infinite_rx=1", "--measurement", "7")
        output = done.stdout + done.stderr
        self.assertEqual(done.returncode, 0, output)
        self.assertGreater(summary["sessions"]["delivered"], 10 * 320, "the file was taken once or twice at most")
        # All that came was taken, but for what came after the sessions had been ended.
        self.assertEqual(set(summary["drops"]) - {"session_ending", "unknown_session", "input_queue_full", "shard_ring_full",
                                                  "stale_input", "shard_unknown_viewer"}, set(), summary["drops"])
        self.assertTrue(summary["accounting"]["balanced"])
        self.assertEqual(summary["players_peak"], 20)
        # Each datagram brings an input that is new, in every round, and two that are not.
        self.assertGreater(summary["sessions"]["inputs"], 0.99 * summary["sessions"]["delivered"])
        self.assertEqual(summary["sessions"]["timed_out"], 0)
        self.assertTrue(summary["measurement"])
        self.assertEqual(summary["config"]["run.measurement"], "7")
        self.assertEqual(output.count("measurement mode seed=7"), 1, output)
        self.assertIn("MEASUREMENT MODE 00:00:01", output)

    def test_another_seed_is_another_server(self):
        file_name = write(self.folder, "--seed", "8", "--bots", "20", "--inputs", "4")
        done, summary = self.serve(f"net_pcap0,rx_pcap={file_name}", "--measurement", "7")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual(summary["sessions"]["delivered"], 0)
        self.assertEqual(summary["drops"], {"bad_crc": 80})

    def test_several_lanes_each_have_their_file(self):
        file_name = write(self.folder, "--seed", "7", "--bots", "20", "--inputs", "3", "--io-lanes", "2")
        done, summary = self.serve(f"net_pcap0,rx_pcap={file_name}.0,rx_pcap={file_name}.1", "--measurement", "7", "--io-lanes",
                                   "2")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual(summary["sessions"]["delivered"], 60)
        self.assertEqual(summary["sessions"]["handed_over"], 0)

    def test_where_strangers_could_send_it_is_refused(self):
        file_name = write(self.folder, "--seed", "7", "--bots", "20", "--inputs", "4")
        memif = os.path.join(self.folder, "memif.sock")
        pipe = os.path.join(self.folder, "pipe")
        os.mkfifo(pipe)
        cases = [(f"net_memif0,role=server,socket={memif},socket-abstract=no", "is of net_memif"),
                 (f"net_pcap0,rx_pcap={pipe}", f"reads {pipe}, which is no regular file")]
        if os.geteuid() == 0:
            cases += [("net_af_packet0,iface=lo", "is of net_af_packet"), ("net_tap0", "is of net_tap"),
                      ("net_pcap0,iface=lo", "stands on"), (f"net_pcap0,rx_pcap={file_name},tx_iface=lo", "stands on")]
        for vdev, said in cases:
            with self.subTest(vdev=vdev):
                # In a namespace of its own: what must not happen would happen on an interface that nothing else has.
                within = ["unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh"] if os.geteuid() == 0 else []
                with subprocess.Popen(["sh", "-c", 'exec cat "$0" >"$1"', file_name, pipe]) as cat:
                    done, summary = self.serve(vdev, "--measurement", "7", seconds="1", within=within)
                    cat.kill()
                output = done.stdout + done.stderr
                self.assertEqual(done.returncode, 1, output)
                self.assertIn("--measurement: device", output)
                self.assertIn(said, output)
                self.assertNotIn("ready", output)
                self.assertIsNone(summary)

    def test_neither_sockets_nor_a_key_of_players_nor_a_file_of_options(self):
        key = os.path.join(self.folder, "token.key")
        programs.run("serried-token", "keygen", "--out", key)
        config = os.path.join(self.folder, "serried.toml")
        with open(config, "w", encoding="utf-8") as file:
            file.write("[run]\nmeasurement = 7\n")
        for options, said in ((["--measurement", "7", "--driver", "socket"], "--measurement is no mode for --driver socket"),
                              (["--measurement", "7", "--token-key", key, "--address", "10.0.0.1"], "--token-key means nothing"),
                              (["--config", config, "--address", "10.0.0.1"], "run.measurement is for the command line alone")):
            done = programs.run("serried-server", *options)
            self.assertEqual(done.returncode, 2, done.stdout + done.stderr)
            self.assertIn(said, done.stderr)


class Recording(unittest.TestCase):
    def test_another_implementation_reads_every_frame(self):
        """The one that was written from docs/wire-format.md alone; the keys by src/session/measurement.cpp."""
        with tempfile.TemporaryDirectory(prefix="serried-live-") as folder:
            frames = list(records(write(folder, "--seed", "7", "--bots", "3", "--inputs", "5", "--rate", "10")))
        self.assertEqual(len(frames), 15)
        root = hkdf_extract(b"serried measurement", struct.pack("<Q", 7))

        def derived(letter, number, count):
            return hkdf_expand(root, letter + struct.pack("<Q", number), count)

        protocol_id = struct.unpack("<Q", derived(b"p", 0, 8))[0]
        for index, (at, frame) in enumerate(frames):
            player, turn = index % 3, index // 3
            self.assertEqual(at, index * 10**9 // 30)
            self.assertEqual(frame[:14].hex(), "020000000001" + "020000000002" + "0800")
            self.assertEqual(frame[23], 17)
            self.assertEqual(frame[26:34], bytes([198, 18, 0, 1 + player, 10, 0, 0, 1]))
            self.assertEqual(struct.unpack_from(">HHH", frame, 34), (20000, 40000, len(frame) - 34))
            header = datagram.parse(protocol_id, frame[42:])
            secret = struct.unpack("<Q", derived(b"i", player, 8))[0] % 2047 + 1
            self.assertEqual(header, datagram.Header(player << 11 | secret, 0, datagram.SEALED, turn + 1))
            plain = datagram.open_body(header, derived(b"c", player, 32), frame[42:])
            self.assertIsNotNone(plain)
            found, whole = messages.split(datagram.read_body(header, plain).messages)
            self.assertTrue(whole)
            inputs = [messages.decode(number, content) for number, content in found]
            self.assertEqual([each["sequence"] for each in inputs],
                             [(turn + back) % 5 * 65536 // 5 for back in (-2, -1, 0)])


if __name__ == "__main__":
    unittest.main()
