/// What a client says, and which rows its shard gets for it.
#include "io/fixture.h"
#include "message/input.h"

namespace serried::io {
namespace {

using metrics::Drop;

using DispatchTest = LaneTest;

TEST_F(DispatchTest, InputsReachTheShardOnceAndInOrder) {
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
      EXPECT_EQ(row.connection_id, joined[&peer].connection_id());
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

TEST_F(DispatchTest, InputBeforeEnterToWorldIsDroppedAsUnexpected) {
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

TEST_F(DispatchTest, OnlyThreeInputsOfADatagramAreTaken) {
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
