/// What players with good keys may try, and what the lane owes a shard whose clients have fallen silent.
#include "io/fixture.h"

namespace serried::io {
namespace {

using metrics::Drop;
using Bytes = std::vector<std::uint8_t>;

class HostileClientTest : public LaneTest {
 protected:
  /// One message of the game's own, `bytes` of type and content, packed; `id` before it on a reliable channel.
  static Bytes packed(std::size_t bytes, bool reliable) {
    Bytes plain(channel::unpacked_bytes_max);
    base::ByteWriter out{plain};
    if (reliable) out.write(std::uint16_t{0});
    message::frame(out, message::Type::game_own, bytes - 1);
    for (std::size_t i = 1; i < bytes; ++i) out.write(static_cast<std::uint8_t>(i / 100));
    EXPECT_TRUE(out.ok());
    Bytes to(wire::datagram_bytes_max);
    to.resize(channel::Packer{}.pack(out.written(), to, nullptr));
    EXPECT_NE(to.size(), 0U);
    return to;
  }
  static Bytes own(std::size_t bytes) {
    Bytes message{static_cast<std::uint8_t>(message::Type::game_own)};
    for (std::size_t i = 1; i < bytes; ++i) message.push_back(static_cast<std::uint8_t>(i / 100));
    return message;
  }
};

TEST_F(HostileClientTest, ABodyThatUnpacksBeyondABufferIsHandedOverInABlock) {
  Peer& peer = play(1);
  constexpr std::uint8_t flags = wire::flag::sealed | wire::flag::compressed;
  for (const std::size_t bytes :
       {link::GameMessage::buffer_bytes_max, link::GameMessage::buffer_bytes_max + 1, std::size_t{8'000}}) {
    send(peer, {.flags = flags, .body = packed(bytes, false)});
    run(2 * millisecond);
    link::GameMessage handed;
    ASSERT_EQ(link.game_messages.pop(&handed, 1), 1U);
    EXPECT_EQ(handed.lies_in_buffer(), bytes <= link::GameMessage::buffer_bytes_max);
    ASSERT_TRUE(link.game_messages.push(handed));
    const auto game_messages = collect();
    ASSERT_EQ(game_messages.size(), 1U);
    EXPECT_EQ(game_messages[0].message, own(bytes));
  }
  send(peer, {.flags = flags, .channel = 1, .body = packed(8'000, true)});
  run(2 * millisecond);
  const auto game_messages = collect();
  ASSERT_EQ(game_messages.size(), 1U);
  EXPECT_EQ(game_messages[0].message, own(8'000));
  run(300 * millisecond);
  EXPECT_EQ(lane.counters().fragment_bytes.value(), 0U);
  expect_balanced();
}

TEST_F(HostileClientTest, AMessageOfOneFragmentIsRateLimitedAsItsType) {
  Peer& peer = play(1);
  constexpr unsigned tries = 40;
  unsigned taken = 0;
  for (std::uint16_t i = 0; i < tries; ++i) {
    Bytes body(64);
    base::ByteWriter out{body};
    constexpr std::uint32_t message_bytes = 1 + 1 + 8 + 5;
    channel::write_fragment_header(out, {i, 0, message_bytes});
    out.write(message::Type::chat);
    out.write_zeros(1 + 8);
    out.write_bytes(base::as_bytes("hello"));
    body.resize(out.size());
    send(peer, {.flags = wire::flag::sealed | wire::flag::fragment, .body = body});
    run(millisecond);
    taken += static_cast<unsigned>(collect().size());
  }
  EXPECT_EQ(taken, 8U);
  EXPECT_EQ(lane.counters().drops.value(Drop::message_rate), tries - taken);
  run(300 * millisecond);
  EXPECT_EQ(lane.counters().fragment_bytes.value(), 0U);
}

/// Two dozen players hold all blocks, small and large, with the first fragments of long messages. Another one's long
/// message goes through, and one of the game goes to it.
TEST_F(HostileClientTest, LongMessagesPassPlayersWhoHoldAllBlocks) {
  Peer& honest = play(100);
  std::vector<Peer*> hoarders;
  for (std::uint64_t player_id = 1; player_id <= 24; ++player_id) hoarders.push_back(&play(player_id));
  run(200 * millisecond);
  for (Peer* hoarder : hoarders) take_over(*hoarder);
  for (Peer* hoarder : hoarders) {
    Peer& peer = *hoarder;
    for (const std::uint32_t total : {2'000U, 100'000U}) {
      for (const std::uint8_t channel : {std::uint8_t{0}, std::uint8_t{1}, std::uint8_t{2}}) {
        Bytes body(100);
        base::ByteWriter out{body};
        if (channel != 0) out.write(std::uint16_t{0});
        channel::write_fragment_header(out, {static_cast<std::uint16_t>(total), 0, total});
        body.resize(out.size() + 80);
        send(peer, {.flags = wire::flag::sealed | wire::flag::fragment, .channel = channel, .body = body});
      }
    }
    discard_rows();
  }
  run(200 * millisecond);
  EXPECT_GE(drops(Drop::reliable_no_room), hoarders.size()) << "they hold what they may";
  const Bytes content(300'000, 7);
  ASSERT_EQ(honest.session.send_message(wire::Channel::reliable_ordered, message::Type::game_own, content,
                                        channel::Urgency::immediate, now),
            channel::Queued::yes);
  const std::size_t heard = honest.inbox.size();
  post(honest, wire::Channel::reliable_ordered, own(link::out_body_bytes_max));
  std::vector<GameMessage> game_messages;
  for (int i = 0; i < 8'000; ++i) {
    step();
    for (GameMessage& game_message : collect()) game_messages.push_back(std::move(game_message));
    discard_rows();
  }
  ASSERT_EQ(game_messages.size(), 1U);
  EXPECT_EQ(game_messages[0].message.size(), content.size() + 1);
  EXPECT_EQ(honest.inbox.size(), heard + 1);
  EXPECT_EQ(honest.session.state(), peer::State::playing) << honest.session.end_text();
  EXPECT_GT(drops(Drop::fragments_given_up), 0U);
}

/// The same with small blocks alone, for which a message that came packed has as good a claim as one in fragments.
TEST_F(HostileClientTest, PackedMessagesPassPlayersWhoHoldAllSmallBlocks) {
  Peer& honest = play(100);
  std::vector<Peer*> hoarders;
  for (std::uint64_t player_id = 1; player_id <= 16; ++player_id) hoarders.push_back(&play(player_id));
  run(200 * millisecond);
  for (Peer* hoarder : hoarders) take_over(*hoarder);
  for (Peer* hoarder : hoarders) {
    Bytes body(100);
    base::ByteWriter out{body};
    out.write(std::uint16_t{0});
    channel::write_fragment_header(out, {1, 0, 2'000});
    body.resize(out.size() + 80);
    send(*hoarder, {.flags = wire::flag::sealed | wire::flag::fragment, .channel = 1, .body = body});
  }
  for (int i = 0; i < 2'100; ++i) {
    step();
    discard_rows();
  }
  EXPECT_GT(drops(Drop::reliable_no_room), 0U) << "they hold what they may";
  constexpr std::uint8_t flags = wire::flag::sealed | wire::flag::compressed;
  for (const std::uint8_t channel : {std::uint8_t{0}, std::uint8_t{1}}) {
    send(honest, {.flags = flags, .channel = channel, .body = packed(8'000, channel != 0)});
    run(2 * millisecond);
    const auto game_messages = collect();
    ASSERT_EQ(game_messages.size(), 1U) << "channel " << unsigned{channel} << ": " << drops_text();
    EXPECT_EQ(game_messages[0].message, own(8'000));
    run(20 * millisecond);
  }
  EXPECT_EQ(drops(Drop::fragments_given_up), 1U) << "the second took the block that the first gave back";
}

TEST_F(HostileClientTest, LostPlansAreReportedWithoutFurtherDatagrams) {
  Peer& peer = play(1);
  run(200 * millisecond);
  discard_rows();
  peer.mute = true;
  publish(peer, 7);
  bool lost = false;
  for (int i = 0; i < 1'000 && !lost; ++i) {
    step();
    for (link::InputRow row; link.inputs.pop(&row, 1) == 1;) lost |= row.plan_lost == 7 && row.plan_lost_mask != 0;
  }
  EXPECT_TRUE(lost);
}

}  // namespace
}  // namespace serried::io
