#include "io/send_queue.h"

#include <algorithm>
#include <map>

#include <gtest/gtest.h>

#include "base/prng.h"
#include "io/fixture.h"

namespace serried::io {
namespace {

using Sessions = std::vector<std::uint32_t>;

Sessions due(SendQueue& queue, Nanos now) {
  Sessions found;
  queue.turn(now);
  for (std::uint32_t session = 0; queue.next(session);) found.push_back(session);
  return found;
}

TEST(SendQueue, ReturnsEachSessionWhenItIsDueAndNotBefore) {
  SendQueue queue{8};
  const Nanos start = 100 * second;
  EXPECT_EQ(due(queue, start), Sessions{});
  queue.put(3, start + 50 * millisecond, start);
  queue.put(1, start + 2 * millisecond, start);
  queue.put(2, start, start);
  EXPECT_EQ(due(queue, start), Sessions{2});
  EXPECT_EQ(due(queue, start + millisecond), Sessions{});
  EXPECT_EQ(due(queue, start + 2 * millisecond), Sessions{1});
  EXPECT_EQ(due(queue, start + 49 * millisecond), Sessions{});
  EXPECT_EQ(due(queue, start + 50 * millisecond), Sessions{3});
  EXPECT_EQ(due(queue, start + second), Sessions{});
}

TEST(SendQueue, HoldsEachSessionOnceAtItsLastTime) {
  SendQueue queue{4};
  const Nanos start = second;
  EXPECT_EQ(due(queue, start), Sessions{});
  queue.put(0, start + 30 * millisecond, start);
  queue.put(0, start + 10 * millisecond, start);
  queue.put(1, start, start);
  queue.put(1, start + 20 * millisecond, start);
  queue.put(2, start, start);
  queue.remove(2);
  queue.remove(3);
  EXPECT_EQ(due(queue, start), Sessions{});
  EXPECT_EQ(due(queue, start + 10 * millisecond), Sessions{0});
  EXPECT_EQ(due(queue, start + second), Sessions{1});
}

TEST(SendQueue, SessionsNotTakenComeFirstInTheNextTurn) {
  SendQueue queue{4};
  for (const std::uint32_t session : {0U, 1U, 2U}) queue.put(session, 0, second);
  queue.turn(second);
  std::uint32_t session = 0;
  ASSERT_TRUE(queue.next(session));
  EXPECT_EQ(session, 0U);
  queue.put(0, 0, second);
  queue.put(3, 0, second);
  EXPECT_EQ(due(queue, second), (Sessions{1, 2, 0, 3}));
}

TEST(SendQueue, AgreesWithAMap) {
  base::Prng random{4};
  SendQueue queue{64};
  std::map<std::uint32_t, Nanos> model;
  Nanos now = second;
  for (int i = 0; i < 20'000; ++i) {
    const auto session = static_cast<std::uint32_t>(random.below(64));
    if (random.chance(0.2)) {
      queue.remove(session);
      model.erase(session);
    } else if (random.chance(0.5)) {
      const Nanos at = now + random.below(90 * millisecond);
      queue.put(session, at, now);
      model[session] = at;
    }
    if (!random.chance(0.3)) continue;
    now += random.chance(0.05) ? random.below(300 * millisecond) : random.below(3 * millisecond);
    for (const std::uint32_t found : due(queue, now)) {
      ASSERT_TRUE(model.contains(found));
      if (model[found] > now) {
        queue.put(found, model[found], now);  // it was put beyond the slots
        continue;
      }
      model.erase(found);
    }
    for (const auto& [waiting, at] : model) ASSERT_GT(at + SendQueue::slot_time, now) << waiting;
  }
}

/// A lane's sessions without their clients.
struct Crowd {
  static constexpr std::uint32_t sessions = 1'000;
  Crowd() : memory(512 * 1'280) {
    for (std::size_t i = 0; i < 512; ++i) state.spare.push({memory.data() + i * 1'280, memory.data() + i * 1'280});
    for (std::uint32_t i = 0; i <= sessions; ++i) {
      const std::uint32_t slot = state.table.allocate(i, now);
      EXPECT_EQ(slot, i);
      state.table.admission(slot).state = session::State::playing;
      state.table.reliable(slot).open(message::message_bytes_max);
    }
  }
  static IoConfig config() {
    IoConfig config;
    config.sessions_max = sessions + 1;
    config.chunks = 4'096;
    config.small_blocks = 1;
    config.large_blocks = 0;
    return config;
  }
  void say(std::uint32_t slot, channel::Urgency urgency) {
    const std::array<std::uint8_t, 20> content{};
    send_message(state, slot, wire::Channel::reliable_ordered, message::Type::game_own, content, urgency, false, now);
  }
  /// The sessions whose datagrams one poll's worth makes ready.
  Sessions poll() {
    static_cast<void>(send_reliable(state, now));
    Sessions sent;
    while (!state.replies.empty()) {
      const ReplyRow row = state.replies.pop();
      sent.push_back(row.session);
      state.spare.push(row.buffer());
    }
    return sent;
  }

  Nanos now = 100 * second;
  std::vector<std::uint8_t> memory;
  SeededEntropy random{5};
  link::IoShardLink link{256, 256};
  link::HandshakeLink handshake{8, 64};
  IoState state{config(), {&link}, handshake, crypt::CookieJar{crypt::Secret{}}, random.entropy()};
};

TEST(SendReliable, AnImmediateMessageDoesNotWaitForBundles) {
  Crowd crowd;
  for (std::uint32_t slot = 0; slot < Crowd::sessions; ++slot) crowd.say(slot, channel::Urgency::bundled);
  crowd.say(Crowd::sessions, channel::Urgency::immediate);
  EXPECT_EQ(crowd.poll(), Sessions{Crowd::sessions});
  crowd.now += channel::Reliable::bundle_delay;
  Sessions sent;
  for (int polls = 0; polls < 10; ++polls)
    for (const std::uint32_t slot : crowd.poll()) sent.push_back(slot);
  std::sort(sent.begin(), sent.end());
  EXPECT_EQ(sent.size(), Crowd::sessions) << "all within ten polls";
  EXPECT_EQ(std::unique(sent.begin(), sent.end()), sent.end());
}

TEST(SendReliable, ASessionWithoutWindowWaitsForAnAckAndDelaysNoOther) {
  Crowd crowd;
  for (std::uint32_t slot = 0; slot < Crowd::sessions; ++slot) {
    channel::SentDatagrams& sent = crowd.state.table.outbound(slot).sent;
    for (unsigned i = 0; i < 10; ++i) static_cast<void>(sent.note(sent.next_sequence(false), {}, 1'200, crowd.now));
    crowd.say(slot, channel::Urgency::immediate);
  }
  crowd.say(Crowd::sessions, channel::Urgency::immediate);
  EXPECT_EQ(crowd.poll(), Sessions{Crowd::sessions});
  EXPECT_EQ(crowd.poll(), Sessions{});
  constexpr std::uint32_t blocked = 7;
  std::array<channel::SentDatagrams::Outcome, channel::SentDatagrams::capacity> outcomes;
  channel::AckResult result;
  ASSERT_EQ(crowd.state.table.outbound(blocked).sent.acknowledge({2, 0, 1}, 0, crowd.now, outcomes.data(), result),
            channel::SentDatagrams::Verdict::ok);
  note_sendable(crowd.state, blocked, crowd.now);
  EXPECT_EQ(crowd.poll(), Sessions{blocked});
}

}  // namespace
}  // namespace serried::io
