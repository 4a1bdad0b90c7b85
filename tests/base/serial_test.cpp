#include "base/serial.h"

#include <cstdint>

#include <gtest/gtest.h>

namespace serried::base {
namespace {

template <class T>
class Serial : public testing::Test {};
using Widths = testing::Types<std::uint16_t, std::uint32_t, std::uint64_t>;
TYPED_TEST_SUITE(Serial, Widths);

TYPED_TEST(Serial, OrderHoldsAcrossTheWrap) {
  constexpr TypeParam last = static_cast<TypeParam>(-1), half = static_cast<TypeParam>(last / 2);
  for (const TypeParam number : {TypeParam{0}, TypeParam{1}, half, static_cast<TypeParam>(half + 1), last}) {
    const auto next = static_cast<TypeParam>(number + 1), far = static_cast<TypeParam>(number + half);
    EXPECT_TRUE(is_later(next, number));
    EXPECT_FALSE(is_later(number, next));
    EXPECT_FALSE(is_later(number, number));
    EXPECT_TRUE(is_later(far, number));
    EXPECT_FALSE(is_later(number, far));
    EXPECT_EQ(serial_distance(number, next), 1);
    EXPECT_EQ(serial_distance(next, number), -1);
  }
}

}  // namespace
}  // namespace serried::base
