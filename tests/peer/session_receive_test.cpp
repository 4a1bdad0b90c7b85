#include <algorithm>
#include <cmath>

#include <gtest/gtest.h>

#include "peer/session.h"
#include "story.h"

namespace serried {
namespace {

using metrics::Drop;
using peer::End;
using peer::Session;
using peer::State;
using test::Bytes;
using test::client_port;
using test::Story;

TEST(Session, IgnoresClearAndForeignDatagramsOnceConnected) {
  Story story;
  ASSERT_TRUE(story.reach(State::playing));
  story.server.send_clear(test::path_of(client_port), message::Cookie{});
  EXPECT_EQ(story.deliver(story.server.outbox.back().bytes), Drop::clear_datagram);
  story.server.tick(story.now);
  Bytes datagram = story.server.outbox.back().bytes;
  Bytes copy = datagram;
  EXPECT_EQ(story.session.receive(copy, test::path_of(4001), story.now, story.drops), Drop::foreign_source);
  copy = datagram;
  EXPECT_EQ(story.deliver(copy), Drop::none);
  EXPECT_EQ(story.deliver(datagram), Drop::replay_seen);
}

TEST(Session, RefusesAnEchoOfAnInputThatWasNeverSent) {
  Story story;
  ASSERT_TRUE(story.reach(State::playing));
  story.peer().applied_input = 9;
  story.step();
  EXPECT_EQ(story.session.applied_input(), 0);
  EXPECT_GE(story.session.faults().count(peer::Fault::input_echo), 1U);
  EXPECT_EQ(story.session.state(), State::playing);
}

TEST(Session, DoesNotAckWhatTheViewHadToIgnore) {
  Story story;
  ASSERT_TRUE(story.reach(State::playing));
  message::EntityState state;
  const auto record = [&](base::ByteWriter& out) {
    std::uint8_t bytes[message::record_bytes_max];
    const std::uint8_t* end = message::write_record(bytes, 7, message::delta::rotation, state);
    out.write_bytes({bytes, static_cast<std::size_t>(end - bytes)});
  };
  story.server.tick(story.now, record, {}, 77);  // of an entity that was never created
  for (int i = 0; i < 6; ++i) {
    story.server.tick(story.now, {}, {}, 78);
    story.step();
  }
  const auto& peer = story.peer();
  EXPECT_EQ(std::count(peer.lost.begin(), peer.lost.end(), 77), 1);
  EXPECT_EQ(std::count(peer.acked.begin(), peer.acked.end(), 77), 0);
  EXPECT_GE(std::count(peer.acked.begin(), peer.acked.end(), 78), 3);
}

TEST(Session, EndsWhenTheServerAcksWhatWasNeverSent) {
  Story story;
  ASSERT_TRUE(story.reach(State::playing));
  story.server.send(
      story.id(), story.peer(), story.now, 0,
      [](base::ByteWriter& out) { channel::write_ack_block(out, {.largest = 1'000'000, .delay = 0, .mask = 0}); },
      wire::flag::acknowledgment, 0, false);
  EXPECT_EQ(story.deliver(story.server.outbox.back().bytes), Drop::bad_ack);
  EXPECT_EQ(story.session.end(), End::protocol_error);
  EXPECT_EQ(story.session.faults().count(peer::Fault::ack_lie), 1U);
}

TEST(Session, DropsWhatCannotBeUnderstoodOnChannelZeroAndGoesOn) {
  Story story;
  ASSERT_TRUE(story.reach_open());
  const auto nonsense = [](base::ByteWriter& out) { out.write_zeros(20); };
  const struct {
    std::uint8_t flags;
    Drop drop;
  } cases[] = {{wire::flag::fragment, Drop::bad_fragment},
               {wire::flag::compressed, Drop::bad_packed},
               {wire::flag::key_phase, Drop::bad_tag}};
  for (const auto& c : cases) {
    story.server.send(story.id(), story.peer(), story.now, 0, nonsense, c.flags, 0);
    EXPECT_EQ(story.deliver(story.server.outbox.back().bytes), c.drop);
    EXPECT_EQ(story.session.state(), State::playing);
  }
}

TEST(Session, EndsWhenAReliableChannelIsMalformed) {
  const std::uint8_t flags[] = {0, wire::flag::fragment, wire::flag::compressed};
  for (const std::uint8_t flag : flags)
    for (const std::uint8_t channel : {std::uint8_t{1}, std::uint8_t{2}}) {
      SCOPED_TRACE(unsigned{flag} * 10 + channel);
      Story story;
      ASSERT_TRUE(story.reach_open());
      // An id, and a message that is longer than the datagram.
      const auto broken = [](base::ByteWriter& out) { out.write<std::uint32_t>(0x7FFF'0000); };
      story.server.send(story.id(), story.peer(), story.now, 0, broken, flag, channel);
      EXPECT_EQ(story.deliver(story.server.outbox.back().bytes),
                flag == wire::flag::compressed ? Drop::bad_packed : Drop::bad_reliable);
      EXPECT_EQ(story.session.end(), End::protocol_error);
      for (int i = 0; i < 10; ++i) story.step(10 * millisecond, false);
      EXPECT_EQ(story.session.state(), State::closed);
      EXPECT_EQ(story.peer().disconnects, 3U);
      EXPECT_EQ(story.peer().disconnect_reason, static_cast<std::uint8_t>(message::DisconnectReason::protocol_error));
      EXPECT_NE(story.session.end_text().find("reliable channel"), std::string::npos);
    }
}

TEST(Session, CountsMessagesItCannotUseAndReadsOn) {
  Story story;
  ASSERT_TRUE(story.reach(State::playing));
  story.server.send(story.id(), story.peer(), story.now, 0, [](base::ByteWriter& out) {
    message::frame(out, message::Type::game_first, 0);
    message::frame(out, message::Type::ping, 3);
    out.write_zeros(3);
    message::frame(out, message::Type::sync_entity, 0);  // from the wrong side
    message::encode(out, message::Ping{1, 2});
    out.write_varint(0);  // framing ends here
  });
  EXPECT_EQ(story.deliver(story.server.outbox.back().bytes), Drop::none);
  EXPECT_EQ(story.drops.value(Drop::unknown_message), 2U);
  EXPECT_EQ(story.drops.value(Drop::bad_message), 1U);
  EXPECT_EQ(story.drops.value(Drop::bad_framing), 1U);
  story.step();
  EXPECT_EQ(story.peer().pongs, 1U);
  EXPECT_EQ(story.session.state(), State::playing);
}

TEST(Session, EndsWhenTheServerDisconnects) {
  Story story;
  ASSERT_TRUE(story.reach(State::playing));
  const Bytes text = {'b', 'y', 'e', 0x1B, '!'};
  story.server.send(story.id(), story.peer(), story.now, 0, [&](base::ByteWriter& out) {
    message::encode(out, message::Disconnect{message::DisconnectReason::shutdown, text});
  });
  story.deliver(story.server.outbox.back().bytes);
  EXPECT_EQ(story.session.end(), End::disconnected);
  EXPECT_NE(story.session.end_text().find("bye?!"), std::string::npos);
  EXPECT_TRUE(story.say().empty());
}

/// At every state: bytes that mean nothing, and what means something with one bit bent, change nothing.
TEST(Session, ForgedDatagramsChangeNoState) {
  const State states[] = {State::connecting, State::challenged, State::testing,
                          State::entering,   State::playing,    State::closing};
  for (const State state : states) {
    SCOPED_TRACE(state_name(state));
    Story story(99);
    // The world's ticks would take it past `entering`.
    for (int i = 0; i < 50 && story.session.state() != state; ++i) {
      if (state == State::closing && story.session.state() == State::playing)
        story.session.close(story.now);
      else
        story.step(10 * millisecond, state >= State::playing);
    }
    ASSERT_EQ(story.session.state(), state);
    const std::uint32_t faults = story.session.faults().total();
    const auto unchanged = [&] { return story.session.state() == state && story.session.faults().total() == faults; };
    for (int i = 0; i < 3000; ++i) {
      Bytes noise(story.rng.below(1300));
      for (auto& byte : noise) byte = static_cast<std::uint8_t>(story.rng.next());
      // Every other one gets past CRC and flags.
      if (noise.size() >= 34 && i % 2 == 0) {
        const std::uint32_t id = i % 4 == 0 ? story.session.connection_id() : 0;
        wire::compose_header(noise.data(), {id, 0, static_cast<std::uint8_t>(id != 0 ? wire::flag::sealed : 0),
                                            id != 0 ? story.rng.below(1000) : 0});
        wire::stamp_one(noise, story.server.crc);
      }
      EXPECT_NE(story.deliver(std::move(noise)), Drop::none);
      ASSERT_TRUE(unchanged());
    }
    if (story.server.peers.empty()) continue;
    story.server.tick(story.now);
    if (story.server.outbox.empty()) continue;
    const Bytes good = story.server.outbox.back().bytes;
    for (std::size_t bit = 0; bit < 8 * good.size(); ++bit) {
      Bytes bent = good;
      bent[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
      EXPECT_NE(story.deliver(bent), Drop::none) << bit;
      wire::stamp_one(bent, story.server.crc);
      if (bit < 8 * (good.size() - wire::crc_bytes)) {
        EXPECT_NE(story.deliver(bent), Drop::none) << bit;
      }
      ASSERT_TRUE(unchanged());
    }
    EXPECT_EQ(story.deliver(good), Drop::none);
  }
}

/// Messages of every type, with contents that are mostly of a size that the type may have.
void babble(base::ByteWriter& out, base::Prng& rng) {
  static constexpr std::size_t sizes[] = {0, 1, 3, 7, 9, 14, 16, 20, 32, 41, 44, 56};
  for (std::uint64_t left = rng.below(8); left-- > 0;) {
    const auto number = static_cast<std::uint8_t>(rng.chance(0.8) ? 0x40 + rng.below(8) : rng.below(16));
    if (number == static_cast<std::uint8_t>(message::Type::disconnect)) continue;
    const std::size_t size = rng.chance(0.9) ? sizes[rng.below(std::size(sizes))] : rng.below(100);
    message::frame(out, static_cast<message::Type>(number), size);
    // Small numbers often, so that slots, generations and flags are plausible.
    for (std::size_t i = 0; i < size; ++i)
      out.write(static_cast<std::uint8_t>(rng.chance(0.5) ? rng.below(4) : rng.next()));
  }
}

TEST(Session, RandomMessagesOfAnAuthenticServerStayWithinBounds) {
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    base::Prng rng(seed);
    Story story(seed);
    message::ConnectionAccepted& parameters = story.server.parameters;
    parameters.tick_rate_hz = static_cast<std::uint16_t>(rng.chance(0.5) ? 1 + rng.below(0xFFFF) : 60);
    parameters.idle_ping_ms = static_cast<std::uint32_t>(rng.chance(0.3) ? 0 : rng.next());
    parameters.timeout_ms = static_cast<std::uint32_t>(rng.chance(0.5) ? ~0U : 15'000);
    parameters.ack_delay_us = static_cast<std::uint32_t>(rng.chance(0.3) ? 0 : rng.next());
    parameters.tracked_max = static_cast<std::uint16_t>(rng.chance(0.5) ? ~0U : rng.below(200));
    ASSERT_TRUE(story.reach(State::playing));
    for (int i = 0; i < 400 && story.session.state() == State::playing; ++i) {
      story.server.send(story.server.peers.begin()->first, story.peer(), story.now, 0,
                        [&](base::ByteWriter& out) { babble(out, rng); });
      story.deliver(story.server.outbox.back().bytes);
      story.server.outbox.clear();
      story.session.submit({});
      ASSERT_LE(story.say().size(), 4U);
      story.now += rng.below(40) * millisecond;
      static_cast<void>(story.session.wake_at());
      const view::View& view = story.session.view();
      view.for_each([&](const view::Tracked& entity) { ASSERT_EQ(view.find(entity.slot), &entity); });
      view.for_each_shown(story.now, [&](const view::Tracked&, const view::Drawn& drawn) {
        for (const float axis : drawn.position) ASSERT_TRUE(std::isfinite(axis));
      });
      view.for_each_far(story.now, [&](const view::FarProxy& proxy) { static_cast<void>(view.position(proxy)); });
    }
    EXPECT_LE(story.session.view().memory_bytes(), std::size_t{8} << 20);
  }
}

}  // namespace
}  // namespace serried
