#include "interest/select.h"

#include <map>

#include <gtest/gtest.h>

#include "base/prng.h"

namespace serried::interest {
namespace {

struct Crowd {
  Crowd(unsigned count, float spread) : frame(2'048, 0), identity(2'048), grid(config, 1, 2'048) {
    base::Prng random(4);
    for (unsigned row = 0; row < count; ++row)
      world::spawn(frame, identity, row,
                   {.id = row,
                    .type = world::Type::player,
                    .position = {400'000 + spread * static_cast<float>(random.unit()),
                                 400'000 + spread * static_cast<float>(random.unit()), 1'000}},
                   0);
    grid.clear(0);
    grid.count(0, frame, identity, 0, 2'048);
    while (!grid.add_up(0, 100'000)) {
    }
    grid.scatter(0, frame, identity, 0, 2'048);
  }
  world::Config config;
  world::Frame frame;
  world::Identity identity;
  Grid grid;
};

/// How often each slot comes up in `calls` calls.
std::map<std::uint16_t, unsigned> look(const Crowd& crowd, unsigned calls, float distance2, Bounds bounds) {
  Window window;
  std::map<std::uint16_t, unsigned> seen;
  std::vector<Candidate> out(bounds.entities);
  for (unsigned call = 0; call < calls; ++call) {
    const unsigned found =
        select(crowd.grid, 0, {crowd.frame.x[0], crowd.frame.y[0], 1'000}, distance2, bounds, window, out.data());
    EXPECT_LE(found, bounds.entities);
    for (unsigned i = 0; i < found; ++i) ++seen[out[i].slot];
  }
  return seen;
}

TEST(Select, ATurnVisitsAllInView) {
  const Crowd crowd(2'000, 60'000);
  const auto seen = look(crowd, 40, 1e30F, {128, 64});
  EXPECT_EQ(seen.size(), 2'000U);
}

TEST(Select, OnlyThoseNearerThanTheLimit) {
  const Crowd crowd(2'000, 60'000);
  const float limit2 = 10'000.0F * 10'000.0F;
  const auto seen = look(crowd, 40, limit2, {128, 64});
  for (unsigned row = 0; row < 2'000; ++row) {
    const float dx = crowd.frame.x[row] - crowd.frame.x[0], dy = crowd.frame.y[row] - crowd.frame.y[0];
    EXPECT_EQ(seen.contains(static_cast<std::uint16_t>(row)), dx * dx + dy * dy < limit2) << row;
  }
}

TEST(Select, TurnsAreFair) {
  const Crowd crowd(2'000, 60'000);
  const auto seen = look(crowd, 400, 1e30F, {64, 64});
  unsigned least = ~0U, most = 0;
  for (const auto& [slot, times] : seen) {
    least = std::min(least, times);
    most = std::max(most, times);
  }
  EXPECT_LE(most - least, 1U);
}

TEST(Select, AnEmptyWorldSelectsNothing) {
  const Crowd crowd(0, 1);
  EXPECT_TRUE(look(crowd, 3, 1e30F, {64, 64}).empty());
}

TEST(Select, NoEntityIsSelectedTwiceInOneCall) {
  const Crowd crowd(10, 100);
  for (const auto& [slot, times] : look(crowd, 1, 1e30F, {512, 4'096})) EXPECT_EQ(times, 1U) << slot;
}

}  // namespace
}  // namespace serried::interest
