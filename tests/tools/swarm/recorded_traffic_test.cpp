#include "tools/swarm/recorded_traffic.h"

#include <map>

#include <gtest/gtest.h>

#include "base/serial.h"
#include "crypt/aead.h"
#include "message/input.h"
#include "port/address.h"
#include "scratch_file.h"
#include "session/id.h"
#include "session/measurement.h"
#include "wire/compose.h"
#include "wire/link.h"
#include "wire/stamp.h"
#include "wire/verify.h"

namespace serried {
namespace {

using session::Measurement;
using Bytes = std::vector<std::uint8_t>;

struct Frame {
  Nanos at = 0;
  Bytes bytes;
};

std::vector<Frame> frames_of(const Bytes& file) {
  base::ByteReader in(file);
  in.skip(24);
  std::vector<Frame> frames;
  while (in.remaining() != 0) {
    Frame frame;
    frame.at = in.read<std::uint32_t>() * second;
    frame.at += in.read<std::uint32_t>();
    const auto bytes = in.read<std::uint32_t>();
    EXPECT_EQ(in.read<std::uint32_t>(), bytes);
    const auto content = in.read_bytes(bytes);
    frame.bytes.assign(content.begin(), content.end());
    frames.push_back(std::move(frame));
  }
  EXPECT_TRUE(in.ok());
  return frames;
}

/// What the server sees of a frame, opened under the keys that it would have.
struct Opened {
  wire::Path path;
  wire::EthernetHeader link;
  wire::IpAddress to{};
  std::uint16_t to_port = 0;
  wire::Header header{};
  std::vector<message::Input> inputs;
};

Opened open_frame(Frame frame, const Measurement& measurement) {
  Opened found;
  EXPECT_TRUE(wire::read_ethernet(frame.bytes, found.link));
  const std::span<std::uint8_t> packet = std::span(frame.bytes).subspan(found.link.bytes);
  wire::IpHeader ip;
  EXPECT_EQ(
      found.link.ether_type == wire::ether_type::ipv4 ? wire::read_ipv4(packet, true, ip) : wire::read_ipv6(packet, ip),
      metrics::Drop::none);
  const std::span<std::uint8_t> segment = packet.subspan(ip.bytes, ip.payload_bytes);
  wire::UdpHeader udp;
  EXPECT_EQ(wire::read_udp(segment, udp), metrics::Drop::none);
  EXPECT_NE(udp.checksum, 0);
  EXPECT_TRUE(wire::udp_checksum_right(segment, ip));
  found.path.address = ip.source;
  found.path.port = udp.source_port;
  found.to = ip.destination;
  found.to_port = udp.destination_port;

  const std::span<std::uint8_t> datagram = segment.subspan(wire::udp_bytes);
  Bytes stamped(datagram.begin(), datagram.end());
  wire::stamp_one(stamped, wire::CrcSeed{measurement.token_key().protocol_id});
  EXPECT_TRUE(std::equal(stamped.begin(), stamped.end(), datagram.begin())) << "the trailer is wrong";
  found.header = wire::read_header(datagram.data());
  const std::uint32_t lanes = measurement.config().lanes;
  const auto player = measurement.player(session::slot_of(found.header.connection_id) * lanes +
                                         session::lane_of(found.header.connection_id));
  EXPECT_EQ(found.header.connection_id, player.connection_id);
  EXPECT_TRUE(wire::same_endpoint(found.path, player.path));
  const std::size_t body_bytes = datagram.size() - wire::header_bytes - wire::tag_bytes - wire::crc_bytes;
  EXPECT_TRUE(crypt::open_in_place(player.keys.client_to_server.data(), player.connection_id, found.header.sequence,
                                   datagram.data(), 0, body_bytes));
  base::ByteReader body{datagram.subspan(wire::header_bytes, body_bytes)};
  for (message::Framed framed; message::next(body, framed);) {
    message::Input input;
    EXPECT_EQ(framed.type, message::Type::sync_entity_quantized);
    EXPECT_TRUE(message::decode_sync_entity_quantized(framed.content, input));
    found.inputs.push_back(input);
  }
  EXPECT_TRUE(body.complete());
  return found;
}

tools::SwarmOptions options_for(const std::string& file) {
  tools::SwarmOptions options;
  options.pcap_file = file;
  options.seed = 11;
  options.bots = 5;
  options.recorded_inputs = 7;
  options.rate_hz = 20;
  options.server = port::endpoint(port::ipv4_address(10, 0, 0, 1), 4'000);
  return options;
}

TEST(RecordedTraffic, EveryFrameIsAPlayersAndForTheServer) {
  ASSERT_TRUE(crypt::initialise());
  const test::ScratchFile file;
  tools::SwarmOptions options = options_for(file.name());
  const wire::IpAddress v6{0xFD, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  for (const wire::IpAddress& server : {port::ipv4_address(10, 0, 0, 1), v6}) {
    options.server.address = server;
    const auto written = tools::write_recorded_traffic(options);
    ASSERT_TRUE(static_cast<bool>(written)) << written.error().message;
    EXPECT_EQ(written.value().frames, 35U);
    EXPECT_EQ(written.value().bytes, file.bytes().size());
    const auto frames = frames_of(file.bytes());
    ASSERT_EQ(frames.size(), 35U);
    const Measurement measurement{{.seed = 11, .players = 5, .ipv6 = server == v6}};
    for (std::size_t i = 0; i < frames.size(); ++i) {
      const Opened found = open_frame(frames[i], measurement);
      EXPECT_EQ(found.link.destination, Measurement::server_mac);
      EXPECT_EQ(found.link.source, Measurement::client_mac);
      EXPECT_EQ(found.to, server);
      EXPECT_EQ(found.to_port, 4'000);
      EXPECT_EQ(found.header.flags, wire::flag::sealed);
      EXPECT_EQ(found.header.sequence, i / 5 + 1) << "in rounds";
      EXPECT_EQ(session::slot_of(found.header.connection_id), i % 5);
      EXPECT_EQ(found.inputs.size(), 3U);
      EXPECT_EQ(frames[i].at, i * 10 * millisecond) << "at the rate of all";
    }
  }
}

/// What a lane does with the inputs: of each datagram the newest is new, in the first turn and in every other.
TEST(RecordedTraffic, InputsGoAroundTheCircle) {
  ASSERT_TRUE(crypt::initialise());
  const test::ScratchFile file;
  for (const unsigned count : {3U, 4U, 16U, 6'553U}) {
    tools::SwarmOptions options = options_for(file.name());
    options.recorded_inputs = count;
    ASSERT_TRUE(static_cast<bool>(tools::write_recorded_traffic(options)));
    const Measurement measurement{{.seed = 11, .players = 5}};
    std::vector<Opened> opened;
    for (const Frame& frame : frames_of(file.bytes())) opened.push_back(open_frame(frame, measurement));
    std::map<std::uint32_t, std::uint16_t> last;
    unsigned wrong = 0;
    for (int turn = 0; turn < 3; ++turn)
      for (const Opened& datagram : opened) {
        unsigned fresh = 0;
        for (const message::Input& input : datagram.inputs) {
          const auto known = last.find(datagram.header.connection_id);
          if (known != last.end() && !base::is_later(input.sequence, known->second)) continue;
          last[datagram.header.connection_id] = input.sequence;
          ++fresh;
        }
        wrong += fresh != 1 && !(turn == 0 && datagram.header.sequence == 1) ? 1 : 0;
      }
    EXPECT_EQ(wrong, 0U) << count << " inputs";
  }
}

TEST(RecordedTraffic, AFileForEachLaneWithItsOwnPlayers) {
  ASSERT_TRUE(crypt::initialise());
  const test::ScratchFile base, first{".0"}, second_file{".1"};
  tools::SwarmOptions options = options_for(base.name());
  options.io_lanes = 2;
  const auto written = tools::write_recorded_traffic(options);
  ASSERT_TRUE(static_cast<bool>(written)) << written.error().message;
  EXPECT_EQ(written.value().files, (std::vector<std::string>{first.name(), second_file.name()}));
  const Measurement measurement{{.seed = 11, .players = 5, .lanes = 2}};
  const std::vector<Frame> lanes[] = {frames_of(first.bytes()), frames_of(second_file.bytes())};
  EXPECT_EQ(lanes[0].size(), 3U * 7);
  EXPECT_EQ(lanes[1].size(), 2U * 7);
  for (std::uint32_t lane = 0; lane < 2; ++lane)
    for (const Frame& frame : lanes[lane])
      EXPECT_EQ(session::lane_of(open_frame(frame, measurement).header.connection_id), lane);
}

TEST(RecordedTraffic, TheSeedDecidesEveryByte) {
  ASSERT_TRUE(crypt::initialise());
  const test::ScratchFile file;
  tools::SwarmOptions options = options_for(file.name());
  const auto write = [&] {
    EXPECT_TRUE(static_cast<bool>(tools::write_recorded_traffic(options)));
    return file.bytes();
  };
  const Bytes once = write();
  EXPECT_EQ(write(), once);
  options.seed = 12;
  EXPECT_NE(write(), once);
  options.pcap_file = "/nowhere/file";
  EXPECT_FALSE(static_cast<bool>(tools::write_recorded_traffic(options)));
}

}  // namespace
}  // namespace serried
