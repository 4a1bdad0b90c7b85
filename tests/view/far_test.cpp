#include "view/far.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "base/prng.h"

namespace serried {
namespace {

using view::FarProxy;
using view::FarStore;

message::FarRecord record(std::uint16_t slot, std::uint16_t x = 0, std::uint8_t generation = 0) {
  message::FarRecord out;
  out.slot = slot;
  out.x = x;
  out.generation = generation;
  return out;
}

TEST(FarStore, KeepsTheNewestUntilItExpires) {
  FarStore store(2 * second);
  EXPECT_EQ(store.find(7, 0), nullptr);
  store.note(record(7, 1), 5, 10, second);
  store.note(record(7, 2), 6, 9, second);  // an older datagram
  ASSERT_NE(store.find(7, second), nullptr);
  EXPECT_EQ(store.find(7, second)->x, 1);
  EXPECT_EQ(store.find(7, second)->cell, 5);
  EXPECT_NE(store.find(7, 3 * second), nullptr);
  EXPECT_EQ(store.find(7, 3 * second + millisecond), nullptr);
  store.note(record(7, 3), 5, 11, 4 * second);
  EXPECT_EQ(store.find(7, 4 * second)->x, 3);
}

TEST(FarStore, ForgetsOneGenerationAtOnce) {
  FarStore store(2 * second);
  store.note(record(7, 1, 2), 5, 10, second);
  store.forget(7, 1);
  EXPECT_NE(store.find(7, second), nullptr);
  store.forget(7, 2);
  EXPECT_EQ(store.find(7, second), nullptr);
}

/// Against a plain table of the same facts; slots come and expire, so entries are reused and the table is rebuilt.
TEST(FarStore, AgreesWithAPlainTable) {
  constexpr std::uint64_t seed = 5;
  SCOPED_TRACE("seed " + std::to_string(seed));
  base::Prng rng(seed);
  FarStore store(FarStore::timeout_bound);  // it is never longer than that
  std::vector<Nanos> seen(65'536, 0);
  Nanos now = 100 * second;
  for (std::uint64_t i = 1; i < 60'000; ++i) {
    now += rng.below(millisecond / 10);
    now -= now % millisecond;
    now += 60 * millisecond * (rng.below(8) == 0);
    const auto slot = static_cast<std::uint16_t>(rng.below(i < 30'000 ? 300 : 65'536));
    store.note(record(slot), 1, i, now);
    seen[slot] = now;
  }
  std::size_t fresh = 0;
  for (std::uint32_t slot = 0; slot < seen.size(); ++slot) {
    const bool expected = seen[slot] != 0 && now - seen[slot] <= FarStore::timeout_bound;
    fresh += expected;
    EXPECT_EQ(store.find(static_cast<std::uint16_t>(slot), now) != nullptr, expected) << slot;
  }
  EXPECT_EQ(store.count(now), fresh);
  EXPECT_LE(store.memory_bytes(), 131'072 * sizeof(FarProxy));
}

/// A server's turns over the far entities of one viewer, told in datagrams of `room` records, a tick each. Entities
/// cross cells at random and are then told of out of turn, as in replicate/far.h.
struct Turns {
  explicit Turns(std::uint64_t seed = 1) : rng(seed) {}

  void step(std::vector<std::uint16_t>& living, unsigned room, double loss = 0) {
    ++sequence;
    now += second / 60;
    const bool lost = rng.chance(loss);
    const auto tell = [&](std::uint16_t slot) {
      if (!lost) store.note(record(slot), static_cast<std::uint16_t>(slot / 64), sequence, now);
    };
    if (living.empty()) return;
    for (unsigned i = 0; i < room / 10; ++i) tell(living[rng.below(living.size())]);
    const std::size_t first = told;
    for (unsigned i = 0; i < room && told < living.size(); ++i, ++told) tell(living[told]);
    // A run that is lost is said again once.
    for (; again_from < again_until && again_until <= living.size(); ++again_from) tell(living[again_from]);
    again_from = lost ? first : 0;
    again_until = lost ? told : 0;
    if (told >= living.size() && now - turned >= second) {  // it rests until a second is over
      turned = now;
      told = 0;
    }
  }
  /// How many of those living the client does not have.
  [[nodiscard]] std::size_t missing(const std::vector<std::uint16_t>& living) const {
    return static_cast<std::size_t>(
        std::count_if(living.begin(), living.end(), [&](auto slot) { return store.find(slot, now) == nullptr; }));
  }

  base::Prng rng;
  FarStore store{4 * second};
  std::uint64_t sequence = 0;
  Nanos now = 100 * second, turned = 0;
  std::size_t told = 0, again_from = 0, again_until = 0;
};

std::vector<std::uint16_t> slots_from(std::uint16_t first, std::uint16_t count) {
  std::vector<std::uint16_t> out(count);
  for (std::uint16_t i = 0; i < count; ++i) out[i] = static_cast<std::uint16_t>(first + i);
  return out;
}

/// Ten entities; then a crowd, of which a turn takes 19 s; then the server gives way and it takes twice that. Each is
/// there from its first word on; and when they have left, they vanish.
TEST(FarStore, EntitiesOfSlowTurnsDoNotFlickerAndThoseThatLeftVanish) {
  for (const double loss : {0.0, 0.05}) {
    SCOPED_TRACE(loss);
    Turns turns;
    std::vector<std::uint16_t> living = slots_from(0, 10);
    for (int tick = 0; tick < 60 * 30; ++tick) turns.step(living, 40);
    EXPECT_EQ(turns.missing(living), 0U);
    EXPECT_LE(turns.store.timeout(), 4 * second);

    const auto play = [&](unsigned seconds, unsigned room, const char* what) {
      std::size_t flickering = 0;
      std::vector<bool> seen(65'536);
      for (unsigned tick = 0; tick < 60 * seconds; ++tick) {
        turns.step(living, room, loss);
        if (tick % 30 != 0) continue;
        for (const std::uint16_t slot : living) {
          const bool there = turns.store.find(slot, turns.now) != nullptr;
          flickering += seen[slot] && !there;
          seen[slot] = there;
        }
      }
      EXPECT_EQ(flickering, 0U) << what;
    };
    const std::vector<std::uint16_t> crowd = slots_from(100, 5'000);
    living.insert(living.end(), crowd.begin(), crowd.end());
    play(90, 4, "a turn of 19 s");
    EXPECT_GE(turns.store.timeout(), 19 * second * 9 / 4);
    EXPECT_LE(turns.store.timeout(), FarStore::timeout_bound);
    play(60, 3, "a turn of 26 s");

    living.resize(10);
    turns.told = 0;
    Nanos gone_after = 0;
    for (const Nanos left = turns.now; turns.missing(crowd) != crowd.size(); gone_after = turns.now - left) {
      turns.step(living, 40);
      ASSERT_EQ(turns.missing(living), 0U);
      ASSERT_LE(turns.now - left, FarStore::timeout_bound + second);
    }
    EXPECT_LE(gone_after, 30 * second);
    for (int tick = 0; tick < 60 * 60; ++tick) turns.step(living, 40);
    EXPECT_LE(turns.store.timeout(), 4 * second);
  }
}

/// Three entities now and then, a long silence, and a new one: that was no turn.
TEST(FarStore, SilenceIsNoTurn) {
  FarStore store(4 * second);
  Nanos now = second;
  std::uint64_t sequence = 0;
  const auto tell = [&](std::uint16_t slot) {
    message::FarRecord record;
    record.slot = slot;
    store.note(record, 0, ++sequence, now);
  };
  for (int i = 0; i < 3; ++i, now += second) tell(1);
  now += 600 * second;
  tell(2);
  EXPECT_EQ(store.timeout(), 4 * second);
}

/// Where nothing is told, no turn is under way, and a lone entity is gone after the least time.
TEST(FarStore, ALoneEntityIsNotKeptForATurnThatNothingTellsOf) {
  Turns turns;
  std::vector<std::uint16_t> living = {7};
  for (int tick = 0; tick < 30; ++tick) turns.step(living, 40);
  living.clear();
  for (int tick = 0; tick < 60 * 5; ++tick) turns.step(living, 40);
  EXPECT_EQ(turns.store.find(7, turns.now), nullptr);
}

}  // namespace
}  // namespace serried
