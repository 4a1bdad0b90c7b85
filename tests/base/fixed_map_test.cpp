#include "base/fixed_map.h"

#include <unordered_map>

#include <gtest/gtest.h>

#include "base/prng.h"

namespace serried::base {
namespace {

/// Few homes, so that runs are long and wrap round the end of the table; highest bytes that tell keys apart, or nearly.
struct CrowdedHash {
  std::size_t operator()(int key) const noexcept {
    return (static_cast<std::size_t>(key % 5) * 7 + 28) | static_cast<std::size_t>(key % 7 * 37) << 56;
  }
};

TEST(FixedMap, DoesWhatAnOrdinaryMapDoes) {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    Prng random{seed};
    FixedMap<int, int, CrowdedHash> map{16};
    std::unordered_map<int, int> model;
    for (int step = 0; step < 2'000; ++step) {
      const int key = static_cast<int>(random.below(40));
      if (random.chance(0.5)) {
        int* value = map.insert(key, step);
        const bool fits = model.contains(key) || model.size() < map.capacity();
        ASSERT_EQ(value != nullptr, fits);
        if (fits) {
          model.emplace(key, step);
          ASSERT_EQ(*value, model.at(key)) << "insert keeps what is there";
        }
      } else {
        ASSERT_EQ(map.erase(key), model.erase(key) == 1);
      }
      ASSERT_EQ(map.size(), model.size());
      for (int probe = 0; probe < 40; ++probe) {
        const int* found = map.find(probe);
        ASSERT_EQ(found != nullptr, model.contains(probe)) << "key " << probe;
        if (found != nullptr) {
          ASSERT_EQ(*found, model.at(probe));
        }
      }
    }
  }
}

TEST(FixedMap, SweepRemovesAllThatExpiredAndNothingElse) {
  FixedMap<int, int, CrowdedHash> map{16};
  for (int key = 0; key < 16; ++key) map.insert(key, key);
  map.sweep(map.places(), [](int key, int) { return key % 3 == 0; });
  for (int key = 0; key < 16; ++key) EXPECT_EQ(map.find(key) != nullptr, key % 3 != 0) << key;
  EXPECT_EQ(map.size(), 10U);
}

}  // namespace
}  // namespace serried::base
