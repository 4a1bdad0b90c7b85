#include "tools/swarm/wheel.h"

#include <vector>

#include <gtest/gtest.h>

#include "base/prng.h"

namespace serried {
namespace {

using tools::Wheel;

TEST(Wheel, ServesWhatIsDueOnce) {
  Wheel wheel(4, 10 * second);
  wheel.set(0, 10 * second + 3 * millisecond);
  wheel.set(1, 10 * second + 5 * millisecond);
  wheel.set(2, second);  // past: as soon as possible
  std::vector<std::uint32_t> served;
  const auto note = [&](std::uint32_t index, Nanos) { served.push_back(index); };
  wheel.turn(10 * second + millisecond, note);
  EXPECT_EQ(served, (std::vector<std::uint32_t>{2}));
  wheel.turn(10 * second + 4 * millisecond, note);
  EXPECT_EQ(served, (std::vector<std::uint32_t>{2, 0}));
  wheel.remove(1);
  wheel.turn(11 * second, note);
  EXPECT_EQ(served.size(), 2U);
  EXPECT_EQ(wheel.due(1), ~Nanos{0});
}

TEST(Wheel, MovesWhatIsSetAgain) {
  Wheel wheel(2, 0);
  wheel.set(0, second);
  wheel.set(0, 10 * millisecond);
  EXPECT_EQ(wheel.due(0), 10 * millisecond);
  EXPECT_EQ(wheel.turn(20 * millisecond, [](std::uint32_t, Nanos) {}), 1U);
  EXPECT_EQ(wheel.turn(2 * second, [](std::uint32_t, Nanos) {}), 0U);
}

/// Against a plain list: nothing early, nothing later than a slot, nothing lost, also beyond the horizon and after
/// pauses.
TEST(Wheel, AgreesWithAPlainList) {
  constexpr std::uint64_t seed = 11;
  SCOPED_TRACE("seed " + std::to_string(seed));
  constexpr std::uint32_t count = 200;
  base::Prng rng(seed);
  Nanos now = 100 * second;
  Wheel wheel(count, now);
  std::vector<Nanos> due(count);
  for (std::uint32_t i = 0; i < count; ++i) wheel.set(i, due[i] = now + rng.below(10 * second));
  for (int step = 0; step < 5000; ++step) {
    now += rng.chance(0.001) ? 9 * second : rng.below(5 * millisecond);
    wheel.turn(now, [&](std::uint32_t index, Nanos at) {
      EXPECT_EQ(at, due[index]);
      // Beyond the horizon it is asked again before its time, and set again.
      if (due[index] <= now) due[index] = now + rng.below(rng.chance(0.1) ? 10 * second : 50 * millisecond);
      wheel.set(index, due[index]);
    });
    for (std::uint32_t i = 0; i < count; ++i) ASSERT_GT(due[i] + 2 * Wheel::slot_span, now) << i;
  }
}

}  // namespace
}  // namespace serried
