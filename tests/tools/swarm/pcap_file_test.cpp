#include "tools/swarm/pcap_file.h"

#include <gtest/gtest.h>

#include "scratch_file.h"

namespace serried {
namespace {

using tools::PcapFile;

/// The example is written out by hand from the format's description.
TEST(PcapFile, IsByteForByteWhatTheFormatSays) {
  const test::ScratchFile file;
  auto pcap = PcapFile::create(file.name());
  ASSERT_TRUE(static_cast<bool>(pcap)) << pcap.error().message;
  pcap.value().add(std::array<std::uint8_t, 3>{0xAA, 0xBB, 0xCC}, 0);
  pcap.value().add(std::array<std::uint8_t, 1>{0xDD}, 5 * second + 258);
  ASSERT_TRUE(static_cast<bool>(pcap.value().finish()));
  const std::vector<std::uint8_t> expected{
      0x4D, 0x3C, 0xB2, 0xA1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0,    0, 1, 0, 0, 0,  // file
      0,    0,    0,    0,    0, 0, 0, 0, 3, 0, 0, 0, 3, 0, 0, 0, 0xAA, 0xBB, 0xCC,                 // 0 s
      5,    0,    0,    0,    2, 1, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0xDD};                            // 5 s
  EXPECT_EQ(file.bytes(), expected);
  EXPECT_EQ(pcap.value().bytes(), expected.size());
}

TEST(PcapFile, WhatCannotBeWrittenIsAnError) {
  EXPECT_FALSE(static_cast<bool>(PcapFile::create("/nowhere/file")));
  auto full = PcapFile::create("/dev/full");
  ASSERT_TRUE(static_cast<bool>(full));
  EXPECT_FALSE(static_cast<bool>(full.value().finish()));
}

}  // namespace
}  // namespace serried
