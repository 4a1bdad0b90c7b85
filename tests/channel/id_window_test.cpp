#include "channel/id_window.h"

#include <set>

#include <gtest/gtest.h>

#include "base/prng.h"

namespace serried::channel {
namespace {

using Place = IdWindow::Place;

TEST(IdWindow, TakesFromMissingTo1023Beyond) {
  IdWindow window;
  EXPECT_EQ(window.look(0), Place::fresh);
  EXPECT_EQ(window.look(1023), Place::fresh);
  EXPECT_EQ(window.look(1024), Place::beyond);
  EXPECT_EQ(window.look(0x7FFF), Place::beyond);
  EXPECT_EQ(window.look(0x8000), Place::known);
  EXPECT_EQ(window.look(0xFFFF), Place::known);
  window.take(0);
  EXPECT_EQ(window.missing(), 1U);
  EXPECT_EQ(window.look(0), Place::known);
  EXPECT_EQ(window.look(1024), Place::fresh);
  EXPECT_EQ(window.look(1025), Place::beyond);
}

TEST(IdWindow, AgreesWithASetOverThreeWrapsOfTheNumbers) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    base::Prng random{seed};
    IdWindow window;
    std::set<std::uint32_t> taken;  // numbers that do not wrap, from `missing` on
    std::uint32_t missing = 0;
    while (missing < 3 * 65'536) {
      const auto number = static_cast<std::uint32_t>(missing + random.below(random.chance(0.5) ? 3 : 1'100));
      const auto id = static_cast<std::uint16_t>(number);
      const Place expected = number >= missing + 1024   ? Place::beyond
                             : taken.count(number) != 0 ? Place::known
                                                        : Place::fresh;
      ASSERT_EQ(window.look(id), expected);
      ASSERT_EQ(window.look(static_cast<std::uint16_t>(missing - 1 - random.below(0x8000))), Place::known);
      if (expected != Place::fresh) continue;
      window.take(id);
      taken.insert(number);
      while (taken.erase(missing) != 0) ++missing;
      ASSERT_EQ(window.missing(), static_cast<std::uint16_t>(missing));
    }
  }
}

TEST(IdBefore, IsSerial) {
  EXPECT_TRUE(id_before(0, 1));
  EXPECT_FALSE(id_before(1, 1));
  EXPECT_TRUE(id_before(0xFFFF, 0));
  EXPECT_FALSE(id_before(0, 0xFFFF));
}

}  // namespace
}  // namespace serried::channel
