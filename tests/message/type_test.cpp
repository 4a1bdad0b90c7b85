#include "message/type.h"

#include <gtest/gtest.h>

#include "random_bytes.h"

namespace serried::message {
namespace {

std::vector<Framed> messages_of(std::span<const std::uint8_t> bytes, bool& clean) {
  base::ByteReader body(bytes);
  std::vector<Framed> found;
  for (Framed framed; next(body, framed);) found.push_back(framed);
  clean = body.ok();
  return found;
}

TEST(Framing, EmptyBodyEndsCleanly) {
  bool clean = false;
  EXPECT_TRUE(messages_of({}, clean).empty());
  EXPECT_TRUE(clean);
}

TEST(Framing, BackToBackMessagesComeOutInOrder) {
  Random random;
  std::vector<std::uint8_t> bytes(4096);
  base::ByteWriter out(bytes);
  std::vector<std::vector<std::uint8_t>> contents;
  for (std::size_t size : {0, 1, 126, 127, 128, 700}) {
    std::vector<std::uint8_t> content(size);
    random.fill(content);
    frame(out, Type::game_own, size);
    out.write_bytes(content);
    contents.push_back(content);
  }
  ASSERT_TRUE(out.ok());
  bool clean = false;
  const auto found = messages_of(out.written(), clean);
  EXPECT_TRUE(clean);
  ASSERT_EQ(found.size(), contents.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    EXPECT_EQ(found[i].type, Type::game_own);
    EXPECT_TRUE(std::equal(found[i].content.begin(), found[i].content.end(), contents[i].begin(), contents[i].end()));
  }
}

TEST(Framing, FramedBytesIsWhatFrameAndContentTake) {
  for (std::size_t content : {0, 1, 125, 126, 127, 128, 1160, 16'381, 16'382, 16'383}) {
    std::vector<std::uint8_t> bytes(20'000);
    base::ByteWriter out(bytes);
    frame(out, Type::ping, content);
    out.write_zeros(content);
    EXPECT_EQ(out.size(), framed_bytes(content)) << content;
  }
}

TEST(Framing, BrokenFramingSetsTheErrorState) {
  const std::vector<std::vector<std::uint8_t>> broken = {
      {0x00},                                                              // length 0 has no type
      {0x01},                                                              // type is missing
      {0x03, 0xC0, 0x00},                                                  // content cut short
      {0x80},                                                              // varint cut short
      {0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01, 0xC0},  // 2^64 - 1 bytes
      {0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F, 0xC0},  // more than 64 bits
      {0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01},  // more than 10 bytes
  };
  for (const auto& bytes : broken) {
    bool clean = true;
    EXPECT_TRUE(messages_of(bytes, clean).empty());
    EXPECT_FALSE(clean);
  }
}

TEST(Framing, MessagesBeforeABrokenOneStand) {
  const std::vector<std::uint8_t> bytes = {0x02, 0xC1, 0x55, 0x09, 0xC0};
  bool clean = true;
  const auto found = messages_of(bytes, clean);
  EXPECT_FALSE(clean);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].content[0], 0x55);
}

}  // namespace
}  // namespace serried::message
