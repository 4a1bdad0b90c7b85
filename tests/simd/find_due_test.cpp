#include "simd/find_due.h"

#include <array>
#include <vector>

#include <gtest/gtest.h>

#include "base/bytes.h"
#include "base/prng.h"

namespace serried::simd {
namespace {

/// A tracked set and what is published, at random, around tick `now`.
struct DueCrowd {
  static constexpr unsigned entities = 300;

  explicit DueCrowd(std::uint64_t seed) : random(seed), now(static_cast<std::uint16_t>(random.next())) {
    for (unsigned entity = 0; entity < entities; ++entity) {
      std::uint8_t* summary = &summaries[std::size_t{entity} * summary_bytes];
      base::store(summary, lately());
      base::store(summary + 2, lately());
      summary[4] = static_cast<std::uint8_t>(random.below(8) | (random.chance(0.8) ? 4 : 0));
      summary[5] = static_cast<std::uint8_t>(random.below(2) | (random.chance(0.1) ? 2 : 0));
      summary[6] = summary[7] = static_cast<std::uint8_t>(random.next());
    }
    for (unsigned row = 0; row < due_rows; ++row) {
      slot[row] = static_cast<std::uint16_t>(random.below(entities));
      acked[row] = lately();
      sent[row] = lately();
      weight[row] = static_cast<std::uint8_t>(1 + random.below(255));
      const unsigned generation = random.chance(0.9) ? summaries[slot[row] * summary_bytes + 4] & 3U : 1;
      const unsigned state = random.chance(0.8) ? 2 : static_cast<unsigned>(random.below(4));
      status[row] = static_cast<std::uint8_t>(state | generation << 2 | (random.next() & 0xF0));
    }
    rules = {.tick = now,
             .age_max = 20'000,
             .resting = static_cast<std::uint16_t>(random.below(12)),
             .distant = static_cast<std::uint16_t>(random.below(12)),
             .near = static_cast<std::uint16_t>(random.below(3)),
             .unanswered = static_cast<std::uint16_t>(random.below(300)),
             .refresh = static_cast<std::uint16_t>(random.below(400)),
             .threshold = static_cast<std::uint32_t>(random.below(random.chance(0.5) ? 5'000 : due_priority_max + 2))};
  }

  /// Mostly a few ticks ago, at times any.
  std::uint16_t lately() {
    return static_cast<std::uint16_t>(random.chance(0.1) ? random.next()
                                                         : now - random.below(random.chance(0.5) ? 6 : 400));
  }
  [[nodiscard]] DueMasks find(unsigned count) const {
    DueMasks masks;
    find_due(summaries.data(), {slot.data(), acked.data(), sent.data(), weight.data(), status.data()}, count, rules,
             masks);
    return masks;
  }

  base::Prng random;
  std::uint16_t now;
  std::vector<std::uint8_t> summaries = std::vector<std::uint8_t>(entities * summary_bytes);
  std::array<std::uint16_t, due_rows> slot, acked, sent;
  std::array<std::uint8_t, due_rows> weight, status;
  DueRules rules{};
};

class FindDueTest : public testing::Test {
  void TearDown() override { use_isa(detected_isa()); }
};

TEST_F(FindDueTest, EveryInstructionSetFindsTheSame) {
  unsigned due = 0, heavy = 0, odd = 0;
  for (std::uint64_t seed = 1; seed <= 3'000; ++seed) {
    DueCrowd crowd(seed);
    const auto count = static_cast<unsigned>(crowd.random.below(due_rows + 1));
    use_isa(Isa::scalar);
    const DueMasks expected = crowd.find(count);
    for (const Isa isa : {Isa::sse42, Isa::avx2, Isa::avx512}) {
      use_isa(isa);
      const DueMasks found = crowd.find(count);
      for (unsigned word = 0; word < 2; ++word) {
        ASSERT_EQ(found.due[word], expected.due[word]) << "seed " << seed << " isa " << isa_name(isa);
        ASSERT_EQ(found.heavy[word], expected.heavy[word]) << "seed " << seed << " isa " << isa_name(isa);
        ASSERT_EQ(found.odd[word], expected.odd[word]) << "seed " << seed << " isa " << isa_name(isa);
      }
    }
    for (unsigned word = 0; word < 2; ++word) {
      due += static_cast<unsigned>(__builtin_popcountll(expected.due[word]));
      heavy += static_cast<unsigned>(__builtin_popcountll(expected.heavy[word]));
      odd += static_cast<unsigned>(__builtin_popcountll(expected.odd[word]));
    }
  }
  EXPECT_GT(heavy, 10'000U);
  EXPECT_GT(due, heavy + 10'000U);
  EXPECT_GT(odd, 10'000U);
}

/// One live row whose entity is as the test says.
struct One {
  One() {
    base::store(summary.data(), std::uint16_t{50});
    summary[4] = 4;
  }
  [[nodiscard]] DueMasks find() const {
    DueMasks masks;
    find_due(summary.data(), {slot.data(), acked.data(), sent.data(), weight.data(), status.data()}, 1, rules, masks);
    return masks;
  }
  [[nodiscard]] bool due(std::uint16_t tick) {
    rules.tick = tick;
    return find().due[0] == 1;
  }
  std::array<std::uint8_t, summary_bytes> summary{};
  std::array<std::uint16_t, due_rows> slot{}, acked{}, sent{};
  std::array<std::uint8_t, due_rows> weight{10}, status{2};
  DueRules rules{.tick = 0,
                 .age_max = 20'000,
                 .resting = 10,
                 .distant = 4,
                 .near = 1,
                 .unanswered = 30,
                 .refresh = 300,
                 .threshold = 0};
};

TEST_F(FindDueTest, AnUnsentChangeWaitsForItsRate) {
  One one;
  one.sent[0] = one.acked[0] = 45;
  EXPECT_FALSE(one.due(54));
  EXPECT_TRUE(one.due(55));
  one.summary[5] = 1;
  EXPECT_FALSE(one.due(48));
  EXPECT_TRUE(one.due(49));
  one.status[0] |= 0x40;
  EXPECT_TRUE(one.due(46));
}

TEST_F(FindDueTest, UrgentChangesAreDueAtOnceAndHeavy) {
  One one;
  one.sent[0] = one.acked[0] = 50;
  base::store(one.summary.data(), std::uint16_t{51});
  base::store(one.summary.data() + 2, std::uint16_t{51});
  one.rules.threshold = due_urgent;
  EXPECT_TRUE(one.due(51));
  EXPECT_EQ(one.find().heavy[0], 1U);
}

TEST_F(FindDueTest, SentRecordsWaitForTheirAckAndThenForTheRefresh) {
  One one;
  one.sent[0] = 50;
  one.acked[0] = 40;
  EXPECT_FALSE(one.due(79));
  EXPECT_TRUE(one.due(80));
  one.acked[0] = 50;
  EXPECT_FALSE(one.due(349));
  EXPECT_TRUE(one.due(350));
}

TEST_F(FindDueTest, ThresholdIsWhatAPriorityMustReach) {
  One one;
  one.sent[0] = one.acked[0] = 40;
  one.rules.threshold = 210;  // 21 ticks of weight 10
  EXPECT_TRUE(one.due(59));
  EXPECT_EQ(one.find().heavy[0], 0U);
  EXPECT_TRUE(one.due(60));
  EXPECT_EQ(one.find().heavy[0], 1U);
}

TEST_F(FindDueTest, TicksAreComparedAcrossTheirEnd) {
  One one;
  one.sent[0] = one.acked[0] = 65'530;
  base::store(one.summary.data(), std::uint16_t{2});
  base::store(one.summary.data() + 2, std::uint16_t{65'000});
  EXPECT_FALSE(one.due(3));
  EXPECT_TRUE(one.due(4));
}

TEST_F(FindDueTest, HiddenOldAndReplacedEntitiesAreOdd) {
  const auto odd = [](auto&& change) {
    One one;
    one.rules.tick = 400;
    change(one);
    const DueMasks found = one.find();
    return found.odd[0] == 1 && found.due[0] == 0;
  };
  EXPECT_FALSE(odd([](One&) {}));
  EXPECT_TRUE(odd([](One& one) { one.summary[5] = 2; }));
  EXPECT_TRUE(odd([](One& one) { one.summary[4] = 5; }));
  EXPECT_TRUE(odd([](One& one) { one.summary[4] = 0; }));
  EXPECT_TRUE(odd([](One& one) { one.acked[0] = static_cast<std::uint16_t>(400 - 20'001); }));
  EXPECT_TRUE(odd([](One& one) { one.status[0] = 1; }));
  EXPECT_TRUE(odd([](One& one) { one.status[0] = 3; }));
  EXPECT_FALSE(odd([](One& one) { one.status[0] = 0; }));
}

}  // namespace
}  // namespace serried::simd
