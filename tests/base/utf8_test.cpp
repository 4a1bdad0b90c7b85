#include "base/utf8.h"

#include <string>

#include <gtest/gtest.h>

namespace serried::base {
namespace {

/// The encoding of `point` in `bytes` bytes, shortest or not.
std::string encoded(std::uint32_t point, unsigned bytes) {
  if (bytes == 1) return {static_cast<char>(point)};
  static constexpr unsigned lead[] = {0, 0, 0xC0, 0xE0, 0xF0};
  std::string text(bytes, '\0');
  for (unsigned i = bytes; i-- > 1; point >>= 6) text[i] = static_cast<char>(0x80 | (point & 0x3F));
  text[0] = static_cast<char>(lead[bytes] | point);
  return text;
}
unsigned shortest(std::uint32_t point) { return point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4; }

TEST(Utf8, EveryCodePointInItsShortestFormAndNoOther) {
  for (std::uint32_t point = 0; point <= 0x1FFFFF; ++point) {
    const bool exists = point <= 0x10FFFF && (point < 0xD800 || point > 0xDFFF);
    for (unsigned bytes = shortest(point); bytes <= 4; ++bytes) {
      const std::string text = encoded(point, bytes);
      std::string_view left = text;
      std::uint32_t got = ~0U;
      ASSERT_EQ(next_code_point(left, got), exists && bytes == shortest(point)) << std::hex << point << ' ' << bytes;
      if (got != ~0U) {
        ASSERT_EQ(got, point);
        ASSERT_TRUE(left.empty());
      } else {
        ASSERT_EQ(left.size(), text.size()) << "what is refused stays";
      }
    }
  }
}

TEST(Utf8, TruncatedSequencesAreInvalid) {
  for (const std::uint32_t point : {0xE9U, 0x20ACU, 0x1F600U}) {
    const std::string text = encoded(point, shortest(point));
    EXPECT_TRUE(is_utf8(text));
    for (std::size_t length = 1; length < text.size(); ++length)
      EXPECT_FALSE(is_utf8(text.substr(0, length))) << length;
  }
}

TEST(Utf8, LoneLeadAndContinuationBytesAreInvalid) {
  for (unsigned byte = 0; byte < 256; ++byte) {
    const std::string alone(1, static_cast<char>(byte));
    EXPECT_EQ(is_utf8(alone), byte < 0x80) << byte;
    // Behind, before and amid runs that are looked at eight bytes a time.
    for (std::size_t before = 0; before < 20; ++before)
      EXPECT_EQ(is_utf8(std::string(before, 'a') + alone + std::string(19 - before, 'z')), byte < 0x80) << byte;
  }
}

TEST(Utf8, EmptyAndZeroBytesAreText) {
  EXPECT_TRUE(is_utf8(""));
  EXPECT_TRUE(is_utf8(std::string_view("a\0b", 3)));
}

}  // namespace
}  // namespace serried::base
