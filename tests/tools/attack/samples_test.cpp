#include "tools/attack/samples.h"

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <unistd.h>

#include <gtest/gtest.h>

#include "base/bytes.h"
#include "frames.h"

namespace serried {
namespace {

const port::LocalAddress ours = port::parse_local_address("198.18.0.0/15").value();

tools::Samples make_samples(std::size_t capacity) { return {server, ours, capacity}; }

TEST(AttackSamples, TakesSealedDatagramsForTheServer) {
  auto samples = make_samples(4);
  const auto sealed = make_sealed(7, 9, 60, 1);
  ASSERT_TRUE(samples.add_frame(make_frame(player, server, sealed)));
  base::Prng random(1);
  const tools::Sample& sample = samples.pick(random);
  EXPECT_EQ(sample.from.address, player.address);
  EXPECT_EQ(sample.from.port, player.port);
  EXPECT_EQ(std::vector(sample.data.begin(), sample.data.begin() + sample.bytes), sealed);
}

TEST(AttackSamples, LeavesTheRest) {
  auto samples = make_samples(4);
  const auto sealed = make_sealed(7, 9, 60, 1);
  EXPECT_FALSE(samples.add_frame(make_frame(server, player, sealed))) << "an answer";
  EXPECT_FALSE(samples.add_frame(make_frame(player, port::endpoint(server.address, 40'001), sealed))) << "another port";
  EXPECT_FALSE(samples.add_frame(make_frame(port::endpoint(port::ipv4_address(198, 18, 3, 4), 1), server, sealed)))
      << "one of ours";
  EXPECT_FALSE(samples.add_frame(make_frame(player, server, std::vector<std::uint8_t>(1'200)))) << "in clear";
  EXPECT_FALSE(samples.add_frame(make_frame(player, server, make_sealed(7, 9, 33, 1)))) << "too short";
  EXPECT_FALSE(samples.add_frame({})) << "nothing";
  EXPECT_TRUE(samples.empty());
}

TEST(AttackSamples, TheNewestReplaceTheOldest) {
  auto samples = make_samples(3);
  for (std::uint32_t id = 1; id <= 5; ++id) samples.add_frame(make_frame(player, server, make_sealed(id, 1, 60, 1)));
  EXPECT_EQ(samples.taken(), 5U);
  std::set<std::uint32_t> ids;
  base::Prng random(1);
  for (int i = 0; i < 200; ++i) ids.insert(base::load<std::uint32_t>(samples.pick(random).data.data()));
  EXPECT_EQ(ids, (std::set<std::uint32_t>{3, 4, 5}));
}

class AttackPcap : public testing::Test {
 protected:
  void TearDown() override { std::filesystem::remove(name_); }
  std::string write(bool swapped, std::uint32_t magic, std::uint32_t link, std::size_t cut) {
    std::vector<std::uint8_t> bytes;
    const auto word = [&](std::uint32_t value) {
      bytes.resize(bytes.size() + sizeof value);
      base::store(bytes.data() + bytes.size() - sizeof value, swapped ? base::byte_swapped(value) : value);
    };
    for (const std::uint32_t value : {magic, 0x00040002U, 0U, 0U, 65'535U, link}) word(value);
    for (const auto& payload : {make_sealed(1, 1, 60, 1), std::vector<std::uint8_t>(30), make_sealed(2, 1, 90, 1)}) {
      const auto frame = make_frame(player, server, payload);
      for (const std::size_t value : {std::size_t{1}, std::size_t{2}, frame.size(), frame.size()})
        word(static_cast<std::uint32_t>(value));
      bytes.insert(bytes.end(), frame.begin(), frame.end());
    }
    bytes.resize(bytes.size() - cut);
    std::ofstream(name_, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    return name_;
  }
  std::string name_ = (std::filesystem::temp_directory_path() / ("serried-pcap-" + std::to_string(getpid()))).string();
};

TEST_F(AttackPcap, EitherByteOrderAndClock) {
  for (const bool swapped : {false, true})
    for (const std::uint32_t magic : {0xA1B2C3D4U, 0xA1B23C4DU}) {
      auto samples = make_samples(8);
      const auto added = samples.add_pcap(write(swapped, magic, 1, 0));
      ASSERT_TRUE(added) << added.error().message;
      EXPECT_EQ(added.value(), 2U);
      EXPECT_EQ(samples.taken(), 2U);
    }
}

TEST_F(AttackPcap, WhatIsWrongIsSaid) {
  auto samples = make_samples(8);
  EXPECT_FALSE(samples.add_pcap(write(false, 0xA1B2C3D4, 113, 0))) << "cooked frames";
  EXPECT_FALSE(samples.add_pcap(write(false, 0x0A0D0D0A, 1, 0))) << "pcapng";
  EXPECT_FALSE(samples.add_pcap(write(false, 0xA1B2C3D4, 1, 5))) << "cut short";
  std::ofstream(name_) << "short";
  EXPECT_FALSE(samples.add_pcap(name_));
  EXPECT_FALSE(samples.add_pcap(name_ + ".none"));
}

}  // namespace
}  // namespace serried
