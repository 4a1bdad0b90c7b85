/// A lane of a server in measurement mode, and the datagrams that a file would bring it, played again and again.

#include "io/measured_sessions.h"

#include <gtest/gtest.h>

#include "io/io_lane.h"
#include "message/input.h"
#include "port/loop.h"
#include "support/datagram.h"
#include "support/entropy.h"

namespace serried::io {
namespace {

using metrics::Drop;
using session::Measurement;
using Lane = IoLane<port::LoopPort, NoProbe, session::Peers::recorded>;

constexpr std::uint32_t players = 6;

class MeasuredSessions : public testing::Test {
 protected:
  MeasuredSessions() {
    server_ =
        network_.open({.address = port::ipv4_address(10, 0, 0, 1), .port_first = 40'000, .buffers = 2'048}).value();
    for (std::uint32_t number = 0; number < players; ++number)
      clients_.push_back(
          network_.open({.address = measurement_.player(number).path.address, .port_first = Measurement::client_port})
              .value());
    IoConfig config;
    config.sessions_max = 16;
    config.spare_buffers = 128;
    config.chunks = 4'096;
    config.small_blocks = 16;
    config.large_blocks = 4;
    config.protocol_id = measurement_.token_key().protocol_id;
    config.parameters.input_rate_max_hz = 0;
    config.parameters.timeout_ms = config.parameters.idle_ping_ms = ~std::uint32_t{0};
    lane_ = std::make_unique<Lane>(config, *server_, std::vector{&shards_[0], &shards_[1]}, handshake_,
                                   crypt::CookieJar{crypt::Secret{}}, random_.entropy());
    lane_->open_sessions(measurement_, now_);
    poll();
  }
  ~MeasuredSessions() override {
    lane_->close();
    EXPECT_EQ(server_->outstanding(), 0U);
  }

  void poll() {
    now_ += millisecond;
    lane_->poll(now_);
    for (const auto& client : clients_)
      test::receive_all(*client, now_, [this](std::span<std::uint8_t>, const wire::Path&) { ++heard_; });
  }
  /// Datagram `index` of a file of `count` a player, from each.
  void send_round(unsigned index, unsigned count, std::uint8_t bend = 0) {
    for (std::uint32_t number = 0; number < players; ++number) {
      const Measurement::Player player = measurement_.player(number);
      std::array<std::uint8_t, 64> room;
      base::ByteWriter body{room};
      message::Input input;
      input.sequence = static_cast<std::uint16_t>((index << 16) / count);
      message::encode(body, input);
      auto bytes = test::sealed_datagram(player.keys.client_to_server,
                                         {player.connection_id, 0, wire::flag::sealed, std::uint64_t{index} + 1},
                                         std::span(room).first(body.size()), crc_);
      bytes[wire::header_bytes] ^= bend;
      if (bend != 0) wire::stamp_one(bytes, crc_);
      ASSERT_TRUE(test::transmit(*clients_[number], bytes, server_->local(), now_));
    }
    poll();
  }
  [[nodiscard]] std::uint64_t inputs_at_shards() {
    std::uint64_t inputs = 0;
    for (link::IoShardLink& shard : shards_)
      for (link::InputRow row; shard.inputs.pop(&row, 1) == 1;) inputs += row.has_input;
    return inputs;
  }

  Measurement measurement_{{.seed = 5, .players = players}};
  wire::CrcSeed crc_{measurement_.token_key().protocol_id};
  test::SeededEntropy random_{3};
  port::LoopNetwork network_{{}};
  std::unique_ptr<port::LoopPort> server_;
  std::vector<std::unique_ptr<port::LoopPort>> clients_;
  std::array<link::IoShardLink, 2> shards_{link::IoShardLink{1'024, 256}, link::IoShardLink{1'024, 256}};
  link::HandshakeLink handshake_{8, 16};
  std::unique_ptr<Lane> lane_;
  Nanos now_ = second;
  std::uint64_t heard_ = 0;
};

TEST_F(MeasuredSessions, ArePlayingAndTheirPlayersJoinTheShardsEvenly) {
  for (unsigned shard = 0; shard < shards_.size(); ++shard) {
    std::vector<std::uint64_t> joined;
    for (link::SessionEvent event; shards_[shard].session_events.pop(&event, 1) == 1;)
      joined.push_back(event.join().player_id);
    EXPECT_EQ(joined, (std::vector<std::uint64_t>{shard + 1, shard + 3, shard + 5}));
  }
}

TEST_F(MeasuredSessions, TakeTheSameDatagramsRoundAfterRoundAndEachInputForANewOne) {
  constexpr unsigned count = 3, rounds = 50;
  for (unsigned round = 0; round < rounds; ++round)
    for (unsigned index = 0; index < count; ++index) {
      send_round(index, count);
      EXPECT_EQ(inputs_at_shards(), players);
    }
  const IoCounters& counters = lane_->counters();
  EXPECT_EQ(counters.delivered.value(), players * count * rounds);
  EXPECT_EQ(counters.inputs.value(), players * count * rounds);
  EXPECT_EQ(counters.input_copies.value(), 0U);
  EXPECT_EQ(counters.drops.total(metrics::DropUnit::datagram), 0U);
  EXPECT_EQ(counters.roamed.value(), 0U) << "they come from where the session is";
  EXPECT_GT(heard_, 0U) << "acks of what came";
}

TEST_F(MeasuredSessions, StillCheckEveryTag) {
  send_round(0, 3, 1);
  EXPECT_EQ(lane_->counters().drops.value(Drop::bad_tag), players);
  EXPECT_EQ(lane_->counters().delivered.value(), 0U);
}

TEST_F(MeasuredSessions, OutliveSilenceAndWantOfAcks) {
  send_round(0, 3);
  for (int i = 0; i < 8; ++i) poll();  // both shards get their empty buffers
  // Something that wants to be acked goes to every player, over and over, and no ack comes.
  for (int i = 0; i < 40; ++i) {
    for (std::uint32_t number = 0; number < players; ++number) {
      const Measurement::Player player = measurement_.player(number);
      link::IoShardLink& shard = shards_[player.slot % 2];
      wire::Buffer buffer;
      ASSERT_EQ(shard.empties.pop(&buffer, 1), 1U);
      buffer.data[link::body_offset] = 0;
      ASSERT_TRUE(shard.filled.push(link::OutRow::Datagram{.session = player.slot,
                                                           .connection_id = player.connection_id,
                                                           .body_bytes = 1,
                                                           .owner = buffer.owner,
                                                           .body = buffer.data + link::body_offset}));
    }
    heard_ = 0;
    poll();
    poll();
    EXPECT_GE(heard_, players) << "after " << now_ / second << " s";
    now_ += 60 * second;
    for (int poll_of_sweep = 0; poll_of_sweep < 300; ++poll_of_sweep) poll();
  }
  EXPECT_EQ(lane_->counters().retransmission_timeouts.value(), 0U);
  EXPECT_EQ(lane_->counters().timed_out.value(), 0U);
  const std::uint64_t before = lane_->counters().delivered.value();
  send_round(1, 3);
  EXPECT_EQ(lane_->counters().delivered.value(), before + players);
}

TEST_F(MeasuredSessions, AreSentDisconnectWhenTheServerDrains) {
  heard_ = 0;
  lane_->begin_drain();
  for (int i = 0; i < 400 && !lane_->drained(); ++i) poll();
  EXPECT_TRUE(lane_->drained());
  EXPECT_EQ(heard_, 3 * players);
}

}  // namespace
}  // namespace serried::io
