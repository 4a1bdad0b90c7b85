/// New keys for sessions that go on, and clients that get the change wrong on purpose.
#include "io/fixture.h"

namespace serried::io {
namespace {

using metrics::Drop;
using wire::Channel;
using wire::flag::sealed;

class RekeyTest : public LaneTest {
 protected:
  explicit RekeyTest(Nanos after = 2 * second) : LaneTest(often(after)) {}
  static IoConfig often(Nanos after) {
    IoConfig config = default_config();
    config.rekey_after = after;
    config.type_rates = {};
    return config;
  }
  /// A session that has been asked for epoch 1, and whose client says only what the test says.
  Peer& asked() {
    Peer& peer = play(1);
    take_over(peer);
    run(2'300 * millisecond);
    return peer;
  }
  void respond(Peer& peer, std::uint8_t epoch, const crypt::PublicKey& ephemeral, Channel channel,
               message::Type type = message::Type::rekey_response) {
    std::vector<std::uint8_t> message{static_cast<std::uint8_t>(type), epoch};
    message.insert(message.end(), ephemeral.begin(), ephemeral.end());
    send(peer, {.channel = static_cast<std::uint8_t>(channel), .body = reliable_body(0, {message})});
  }
  /// Its client sends Disconnect, if it has a session yet.
  void end(Peer& peer) {
    send(peer, {.body = body_with([](base::ByteWriter& out) {
                  message::encode(out, message::Disconnect{message::DisconnectReason::user, {}});
                })});
    EXPECT_TRUE(ended());
    link::SessionEvent leave;
    EXPECT_EQ(link.session_events.pop(&leave, 1), 1U);
  }
  [[nodiscard]] bool ended() {
    run(500 * millisecond);
    return lane.counters().sessions.value() == 0;
  }
};

class FrequentRekeyTest : public RekeyTest {
 protected:
  FrequentRekeyTest() : RekeyTest(200 * millisecond) {}
};

TEST_F(FrequentRekeyTest, KeysChangeUnderTrafficWithoutALoss) {
  Peer& peer = play(1);
  // Datagrams of both epochs overtake one another; nothing is lost on the wire.
  constexpr port::LoopProfile shuffled{.delay_min = 0, .delay_max = 80 * millisecond};
  server->set_outbound(shuffled);
  remote->set_outbound(shuffled);
  std::vector<std::uint32_t> up;
  std::uint32_t sent = 0, posted = 0;
  for (int i = 0; i < 30'000; ++i) {
    if (i % 25 == 0) peer.session.submit({});
    std::vector<std::uint8_t> content(20);
    if (i % 40 == 0) {
      base::store(content.data(), sent);
      if (peer.session.send_message(Channel::reliable_ordered, message::Type::game_own, content,
                                    channel::Urgency::immediate, now) == channel::Queued::yes)
        ++sent;
    }
    if (i % 40 == 20) {
      std::vector<std::uint8_t> message(5, 0xD0);
      base::store(message.data() + 1, posted++);
      post(peer, Channel::reliable_ordered, message);
      publish(peer, static_cast<std::uint16_t>(1 + i % 30'000));
    }
    step();
    for (const GameMessage& game_message : collect())
      up.push_back(base::load<std::uint32_t>(game_message.message.data() + 1));
    discard_rows();
  }
  run(second);
  for (const GameMessage& game_message : collect())
    up.push_back(base::load<std::uint32_t>(game_message.message.data() + 1));
  EXPECT_GE(lane.counters().rekeys.value(), 18U);
  EXPECT_EQ(drops(Drop::bad_tag), 0U);
  EXPECT_EQ(client_drops.value(Drop::bad_tag), 0U);
  EXPECT_EQ(peer.session.state(), peer::State::playing) << peer.session.end_text();
  ASSERT_EQ(up.size(), sent);
  for (std::uint32_t i = 0; i < sent; ++i) EXPECT_EQ(up[i], i);
  ASSERT_EQ(peer.inbox.size(), posted);
  for (std::uint32_t i = 0; i < posted; ++i) EXPECT_EQ(base::load<std::uint32_t>(peer.inbox[i].message.data() + 1), i);
  expect_balanced();
}

/// With the rates that a server has unless it is told otherwise, and a client that speaks faster: RekeyResponse comes
/// behind 160 lines of chat.
class TalkativeRekeyTest : public LaneTest {
 protected:
  TalkativeRekeyTest() : LaneTest(usual()) {}
  static IoConfig usual() {
    IoConfig config = default_config();
    config.rekey_after = 10 * second;
    return config;
  }
};

TEST_F(TalkativeRekeyTest, KeysChange) {
  Peer& peer = play(1);
  run(200 * millisecond);
  static constexpr std::array<std::uint8_t, 10> line{1, 0, 0, 0, 0, 0, 0, 0, 0, 'a'};
  for (int i = 0; i < 100'000; ++i) {
    if (i < 20'000)
      static_cast<void>(peer.session.send_message(Channel::reliable_ordered, message::Type::chat, line,
                                                  channel::Urgency::bundled, now));
    step();
    static_cast<void>(collect());
    discard_rows();
  }
  EXPECT_GE(lane.counters().rekeys.value(), 6U);
  EXPECT_EQ(peer.session.state(), peer::State::playing) << peer.session.end_text();
}

TEST_F(FrequentRekeyTest, EpochsWrapAround) {
  Peer& peer = play(1);
  for (int i = 0; i < 5'000 && lane.counters().rekeys.value() < 300; ++i) {
    peer.session.submit({});
    run(100 * millisecond);
    discard_rows();
  }
  EXPECT_GE(lane.counters().rekeys.value(), 300U);
  run(300 * millisecond);
  EXPECT_EQ(peer.session.state(), peer::State::playing) << peer.session.end_text();
  EXPECT_EQ(peer.session.key_epoch(), static_cast<std::uint8_t>(lane.counters().rekeys.value()));
  EXPECT_EQ(drops(Drop::bad_tag), 0U);
}

TEST_F(RekeyTest, TheOldKeyOpensForOneSecondAfterTheChange) {
  Peer& peer = play(1);
  const crypt::Secret old_key = sending_key(peer);
  for (int i = 0; i < 4'000 && peer.session.key_epoch() == 0; ++i) step();
  ASSERT_EQ(lane.counters().rekeys.value() + peer.session.key_epoch(), 1U);
  run(300 * millisecond);
  ASSERT_EQ(lane.counters().rekeys.value(), 1U);
  peer.session.submit({});
  run(10 * millisecond);
  peer.mute = true;
  const std::uint64_t delivered = lane.counters().delivered.value();
  send(peer, {.key = &old_key});
  run(5 * millisecond);
  EXPECT_EQ(lane.counters().delivered.value(), delivered + 1) << "a straggler";
  run(1'200 * millisecond);
  EXPECT_EQ(drops(Drop::bad_tag), 0U);
  send(peer, {.key = &old_key});
  run(5 * millisecond);
  EXPECT_EQ(drops(Drop::bad_tag), 1U);
  EXPECT_EQ(lane.counters().delivered.value(), delivered + 1);
}

/// A wiped key is 32 zeros: no datagram may be let in by it, at whatever stage.
TEST_F(RekeyTest, DatagramsSealedWithAnAllZeroKeyAreRefusedInEitherPhase) {
  Peer& peer = play(1);
  const crypt::Secret zeros;
  const std::uint16_t stranger = 20'900;
  for (int i = 0; i < 6'000; ++i) {
    step();
    if (i % 50 != 0) continue;
    const std::uint64_t before = drops(Drop::bad_tag);
    for (const std::uint8_t phase : {std::uint8_t{0}, wire::flag::key_phase})
      send_raw(forge(peer, {.flags = static_cast<std::uint8_t>(sealed | phase), .key = &zeros}), stranger);
    step();
    step();
    EXPECT_EQ(drops(Drop::bad_tag), before + 2);
  }
  EXPECT_GE(lane.counters().rekeys.value(), 1U);
  EXPECT_EQ(peer.session.state(), peer::State::playing) << peer.session.end_text();
}

TEST_F(RekeyTest, AValidResponseOfEitherTypeIsAccepted) {
  for (const auto type : {message::Type::rekey_response, message::Type::client_rekey_response}) {
    Peer& peer = asked();
    ASSERT_EQ(lane.counters().sessions.value(), 1U);
    const std::uint64_t before = lane.counters().rekeys.value();
    respond(peer, 1, crypt::make_key_pair(entropy()).public_key, Channel::reliable_ordered, type);
    run(20 * millisecond);
    EXPECT_EQ(lane.counters().rekeys.value(), before + 1);
    end(peer);
  }
}

/// What takes its time: acks all that comes, and answers when the test says so.
TEST_F(RekeyTest, AResponseIsAcceptedWithinAMinuteAndDroppedLater) {
  for (const bool late : {false, true}) {
    SCOPED_TRACE(late);
    Peer& peer = asked();
    const auto wait = [&](Nanos duration) {
      for (const Nanos end = now + duration; now < end;) {
        const std::uint64_t before = received;
        step();
        if (received == before) continue;
        send(peer, {.flags = sealed | wire::flag::acknowledgment,
                    .body = body_with([&](base::ByteWriter& out) {
                      channel::write_ack_block(out, {wire::read_header(last_datagram.data()).sequence, 0, 0});
                    })});
      }
    };
    wait(59 * second);
    EXPECT_EQ(lane.counters().sessions.value(), 1U) << drops_text();
    if (late) {
      wait(1'500 * millisecond);
      EXPECT_EQ(lane.counters().sessions.value(), 0U);
      EXPECT_EQ(lane.counters().timed_out.value(), 0U) << "not for silence";
    }
    const std::uint64_t rekeys = lane.counters().rekeys.value(), unknown = drops(Drop::unknown_session);
    respond(peer, 1, crypt::make_key_pair(entropy()).public_key, Channel::reliable_ordered);
    run(20 * millisecond);
    EXPECT_EQ(lane.counters().rekeys.value(), rekeys + (late ? 0 : 1));
    EXPECT_EQ(drops(Drop::unknown_session), unknown + (late ? 1 : 0));
    end(peer);
  }
}

TEST_F(RekeyTest, AResponseForAnotherEpochEndsTheSession) {
  Peer& peer = asked();
  respond(peer, 2, crypt::make_key_pair(entropy()).public_key, Channel::reliable_ordered);
  EXPECT_TRUE(ended());
  EXPECT_EQ(drops(Drop::unexpected_message), 1U);
  EXPECT_EQ(lane.counters().rekeys.value(), 0U);
}

TEST_F(RekeyTest, AnUnrequestedResponseEndsTheSession) {
  Peer& peer = play(1);
  take_over(peer);
  respond(peer, 1, crypt::make_key_pair(entropy()).public_key, Channel::reliable_ordered);
  EXPECT_TRUE(ended());
  EXPECT_EQ(lane.counters().rekeys.value(), 0U);
}

TEST_F(RekeyTest, APointOfSmallOrderEndsTheSession) {
  Peer& peer = asked();
  respond(peer, 1, {}, Channel::reliable_ordered);
  EXPECT_TRUE(ended());
  EXPECT_EQ(lane.counters().rekeys.value(), 0U);
}

TEST_F(RekeyTest, ASecondResponseEndsTheSession) {
  Peer& peer = asked();
  const auto ephemeral = crypt::make_key_pair(entropy()).public_key;
  std::vector<std::uint8_t> message{static_cast<std::uint8_t>(message::Type::rekey_response), 1};
  message.insert(message.end(), ephemeral.begin(), ephemeral.end());
  send(peer, {.channel = 1, .body = reliable_body(0, {message, message})});
  EXPECT_TRUE(ended());
}

}  // namespace
}  // namespace serried::io
