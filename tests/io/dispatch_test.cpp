/// What a client says, and which rows its shard gets for it.
#include "io/fixture.h"
#include "message/input.h"

namespace serried::io {
namespace {

using metrics::Drop;

using DecodeTest = LaneTest;

TEST_F(DecodeTest, InputsReachTheShardOnceAndInOrder) {
  Peer& peer = play(1);
  link::InputRow row;
  while (link.inputs.pop(&row, 1) == 1) {
  }
  std::vector<std::uint16_t> sequences;
  for (int i = 0; i < 50; ++i) {
    message::Input input;
    input.move_x = static_cast<std::int8_t>(i);
    input.yaw = static_cast<std::int16_t>(i * 100);
    input.buttons = message::button::run;
    const std::uint16_t sequence = peer.session.submit(input);
    run(10 * millisecond);
    while (link.inputs.pop(&row, 1) == 1) {
      EXPECT_EQ(row.connection_id, joined[&peer].connection_id);
      if (row.has_input == 0) continue;
      sequences.push_back(row.input_sequence);
      EXPECT_EQ(row.input_sequence, sequence);
      EXPECT_EQ(row.move_x, i);
      EXPECT_EQ(row.yaw, i * 100);
      EXPECT_EQ(row.buttons, message::button::run);
    }
  }
  EXPECT_EQ(sequences.size(), 50U);
  EXPECT_GT(lane.counters().input_copies.value(), 0U) << "the client repeats inputs until they are applied";
}

TEST_F(DecodeTest, PlansAreReportedAckedOrLost) {
  Peer& peer = play(1);
  std::uint64_t acked = 0, lost = 0;
  const auto collect = [&] {
    link::InputRow row;
    while (link.inputs.pop(&row, 1) == 1) {
      for (unsigned bit = 0; bit < 32; ++bit) {
        if ((row.plan_acked_mask >> bit & 1) != 0) acked |= std::uint64_t{1} << (row.plan_acked - bit);
        if ((row.plan_lost_mask >> bit & 1) != 0) lost |= std::uint64_t{1} << (row.plan_lost - bit);
      }
    }
  };
  run(100 * millisecond);
  collect();
  acked = 0;
  for (std::uint16_t plan = 2; plan <= 40; ++plan) {
    server->set_outbound({.loss = plan % 5 == 0 ? 1.0 : 0.0});
    publish(peer, plan);
    run(5 * millisecond);
    collect();
  }
  server->set_outbound({});
  for (int i = 0; i < 4; ++i) {
    publish(peer, static_cast<std::uint16_t>(50 + i));
    run(40 * millisecond);
    collect();
  }
  for (std::uint16_t plan = 2; plan <= 40; ++plan) {
    EXPECT_EQ((acked >> plan & 1) != 0, plan % 5 != 0) << "plan " << plan;
    EXPECT_EQ((lost >> plan & 1) != 0, plan % 5 == 0) << "plan " << plan;
  }
}

TEST_F(DecodeTest, InputBeforeEnterToWorldIsDroppedAsUnexpected) {
  Peer& peer = add_peer(claims_for(1));
  for (int i = 0; i < 200 && peer.session.state() != peer::State::testing; ++i) step();
  ASSERT_EQ(peer.session.state(), peer::State::testing);
  peer.mute = true;
  const crypt::Secret unused = sending_key(peer);
  static_cast<void>(unused);
  message::Input input;
  std::vector<std::uint8_t> body(message::framed_bytes(message::input_quantised_content_bytes));
  base::ByteWriter out{body};
  message::encode(out, input);
  ASSERT_EQ(out.size(), body.size());
  send(peer, {.body = body});
  run(5 * millisecond);
  EXPECT_EQ(lane.counters().drops.value(Drop::unexpected_message), 1U);
}

TEST_F(DecodeTest, InputsForAFullShardRingAreDroppedAndCounted) {
  Peer& peer = play(1);
  for (int i = 0; i < 600; ++i) {
    message::Input input;
    peer.session.submit(input);
    run(15 * millisecond);
  }
  EXPECT_GT(lane.counters().drops.value(Drop::shard_ring_full), 0U);
  EXPECT_EQ(peer.session.state(), peer::State::playing);
  expect_balanced();
}

TEST_F(DecodeTest, ADisconnectEndsTheSessionAtOnce) {
  Peer& peer = play(1);
  peer.session.close(now);
  run(200 * millisecond);
  EXPECT_EQ(lane.counters().sessions.value(), 0U);
  link::SessionEvent leave;
  ASSERT_EQ(link.session_events.pop(&leave, 1), 1U);
  EXPECT_EQ(leave.kind, link::SessionEvent::Kind::leave);
}

/// `count` messages of one kind in one body.
template <class Encode>
std::vector<std::uint8_t> body_of(unsigned count, Encode&& encode) {
  std::vector<std::uint8_t> body(wire::body_bytes_max);
  base::ByteWriter out{body};
  for (unsigned i = 0; i < count; ++i) encode(out, i);
  EXPECT_TRUE(out.ok());
  body.resize(out.size());
  return body;
}

TEST_F(DecodeTest, SeveralPingsInOneDatagramGetOnePong) {
  Peer& peer = play(1);
  const std::uint64_t before = received;
  send(peer, {.body = body_of(60, [](base::ByteWriter& out, unsigned i) {
                message::encode(out, message::Ping{i, 0});
              })});
  run(5 * millisecond);
  EXPECT_EQ(received, before + 1);
  EXPECT_EQ(lane.counters().drops.value(Drop::unexpected_message) + lane.counters().drops.value(Drop::message_rate),
            59U);
}

TEST_F(DecodeTest, SeveralCryptoTestsInOneDatagramGetOneAnswer) {
  Peer& peer = play(1);
  const std::uint64_t before = received;
  send(peer, {.body = body_of(30, [](base::ByteWriter& out, unsigned) {
                message::encode(out, message::Type::crypto_test, message::CryptoTest{});
              })});
  run(5 * millisecond);
  EXPECT_EQ(received, before + 1);
  EXPECT_EQ(lane.counters().drops.value(Drop::unexpected_message), 29U);
}

TEST_F(DecodeTest, OnlyThreeInputsOfADatagramAreTaken) {
  Peer& peer = play(1);
  link::InputRow row;
  while (link.inputs.pop(&row, 1) == 1) {
  }
  send(peer, {.body = body_of(40, [](base::ByteWriter& out, unsigned i) {
                message::Input input;
                input.sequence = static_cast<std::uint16_t>(i + 1);
                message::encode(out, input);
              })});
  run(5 * millisecond);
  std::vector<std::uint16_t> sequences;
  while (link.inputs.pop(&row, 1) == 1)
    if (row.has_input != 0) sequences.push_back(row.input_sequence);
  EXPECT_EQ(sequences, (std::vector<std::uint16_t>{1, 2, 3}));
  EXPECT_EQ(lane.counters().drops.value(Drop::unexpected_message), 37U);
}

}  // namespace
}  // namespace serried::io
