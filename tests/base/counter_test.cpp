#include "base/counter.h"

#include <atomic>
#include <thread>

#include <gtest/gtest.h>

namespace serried::base {
namespace {

TEST(Counter, AddsAndSets) {
  Counter counter;
  EXPECT_EQ(counter.value(), 0u);
  counter.add(3);
  counter.add(4);
  EXPECT_EQ(counter.value(), 7u);
  counter.set(1);
  EXPECT_EQ(counter.value(), 1u);
}

TEST(Counter, AReaderSeesItRiseAndNeverFall) {
  Counter counter;
  std::atomic<bool> started = false;
  bool fell = false;
  constexpr std::uint64_t last = 200'000;
  std::thread reader([&] {
    std::uint64_t seen = 0;
    started = true;
    while (seen < last) {
      const std::uint64_t now = counter.value();
      fell |= now < seen;
      seen = now;
    }
  });
  while (!started) std::this_thread::yield();
  for (std::uint64_t i = 0; i < last; ++i) counter.add(1);
  reader.join();
  EXPECT_FALSE(fell);
  EXPECT_EQ(counter.value(), last);
}

}  // namespace
}  // namespace serried::base
