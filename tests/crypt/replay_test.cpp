#include "crypt/replay.h"

#include <set>

#include <gtest/gtest.h>

#include "base/prng.h"

namespace serried::crypt {
namespace {

using metrics::Drop;

// At least the last 192 positions are judged exactly; what is older is refused.
constexpr std::uint64_t exact = ReplayWindow::positions - 64;

/// The window as one would like to write it.
class Naive {
 public:
  [[nodiscard]] Drop peek(std::uint64_t sequence) const {
    const std::uint64_t largest = seen_.empty() ? 0 : *seen_.rbegin();
    if (sequence > largest) return Drop::none;
    if (sequence == 0 || largest - sequence >= exact) return Drop::replay_old;
    return seen_.contains(sequence) ? Drop::replay_seen : Drop::none;
  }
  Drop commit(std::uint64_t sequence) {
    const Drop drop = peek(sequence);
    if (drop == Drop::none) seen_.insert(sequence);
    return drop;
  }

 private:
  std::set<std::uint64_t> seen_;
};

TEST(Replay, TakesEachOnce) {
  ReplayWindow window;
  EXPECT_EQ(window.commit(0), Drop::replay_old) << "sequences begin at 1";
  EXPECT_EQ(window.commit(1), Drop::none);
  EXPECT_EQ(window.commit(1), Drop::replay_seen);
  EXPECT_EQ(window.commit(3), Drop::none);
  EXPECT_EQ(window.commit(2), Drop::none);
  EXPECT_EQ(window.commit(2), Drop::replay_seen);
  EXPECT_EQ(window.largest(), 3u);
}

TEST(Replay, PeekChangesNothing) {
  ReplayWindow window;
  EXPECT_EQ(window.peek(1'000'000), Drop::none);
  EXPECT_EQ(window.largest(), 0u);
  EXPECT_EQ(window.commit(1), Drop::none);
  EXPECT_EQ(window.peek(2), Drop::none);
  EXPECT_EQ(window.peek(2), Drop::none);
  EXPECT_EQ(window.commit(2), Drop::none);
}

TEST(Replay, HoldsAtLeastWhatTheProtocolDemands) { EXPECT_GE(exact, 64u); }

TEST(Replay, BehindTheWindowIsOldEvenIfNeverSeen) {
  for (const std::uint64_t largest : {std::uint64_t{256}, std::uint64_t{1000}, std::uint64_t{1} << 62}) {
    ReplayWindow window;
    EXPECT_EQ(window.commit(largest), Drop::none);
    EXPECT_EQ(window.commit(largest - exact), Drop::replay_old);
    EXPECT_EQ(window.commit(largest - exact + 1), Drop::none);
    EXPECT_EQ(window.commit(largest - exact + 1), Drop::replay_seen);
  }
}

TEST(Replay, AJumpForgetsWhatItLeavesBehind) {
  for (std::uint64_t jump = 1; jump <= 600; ++jump) {
    ReplayWindow window;
    for (std::uint64_t sequence = 1; sequence <= 300; ++sequence) ASSERT_EQ(window.commit(sequence), Drop::none);
    ASSERT_EQ(window.commit(300 + jump), Drop::none);
    for (std::uint64_t sequence = 301; sequence < 300 + jump; ++sequence)
      ASSERT_EQ(window.peek(sequence), 300 + jump - sequence >= exact ? Drop::replay_old : Drop::none)
          << jump << " " << sequence;
    ASSERT_NE(window.peek(300), Drop::none);
  }
}

TEST(Replay, LastSequences) {
  constexpr std::uint64_t last = (std::uint64_t{1} << 63) - 1;
  ReplayWindow window;
  EXPECT_EQ(window.commit(1), Drop::none);
  EXPECT_EQ(window.commit(last), Drop::none);
  EXPECT_EQ(window.commit(last), Drop::replay_seen);
  EXPECT_EQ(window.commit(last - 1), Drop::none);
  EXPECT_EQ(window.commit(1), Drop::replay_old);
}

TEST(Replay, AgreesWithASet) {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    base::Prng random(seed);
    ReplayWindow window;
    Naive naive;
    // Some histories creep, some jump by several windows.
    const std::uint64_t reach = std::uint64_t{2} << random.below(11);
    std::uint64_t front = random.chance(0.5) ? 0 : random.below(std::uint64_t{1} << 60);
    for (int i = 0; i < 3000; ++i) {
      std::uint64_t sequence;
      if (random.chance(0.6)) {
        sequence = front += random.below(reach);
      } else {
        const std::uint64_t back = random.below(400);
        sequence = back > front ? 0 : front - back;
      }
      ASSERT_EQ(window.peek(sequence), naive.peek(sequence)) << sequence;
      ASSERT_EQ(window.commit(sequence), naive.commit(sequence)) << sequence;
    }
  }
}

TEST(Replay, FitsBesideTheKeysOfASession) { EXPECT_EQ(sizeof(ReplayWindow), 40u); }

}  // namespace
}  // namespace serried::crypt
