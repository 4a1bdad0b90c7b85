#include "base/text.h"

#include <gtest/gtest.h>

namespace serried::base {
namespace {

using Texts = std::vector<std::string>;

TEST(Formatted, WritesValuesOfAnyLength) {
  EXPECT_EQ(formatted("%s", ""), "");
  EXPECT_EQ(formatted("%-6s%4u|%08X %.3g", "ab", 7U, 0xBEEFU, 0.8), "ab       7|0000BEEF 0.8");
  const std::string long_one(5'000, 'x');
  EXPECT_EQ(formatted("<%s>", long_one.c_str()), "<" + long_one + ">");
}

TEST(Split, HasOnePartMoreThanSeparators) {
  EXPECT_EQ(split("", ','), (Texts{""}));
  EXPECT_EQ(split("a", ','), (Texts{"a"}));
  EXPECT_EQ(split("a,,b,", ','), (Texts{"a", "", "b", ""}));
}

}  // namespace
}  // namespace serried::base
