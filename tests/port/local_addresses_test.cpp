#include "port/local_addresses.h"

#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace serried::port {
namespace {

Address nth(unsigned i) {
  return ipv4_address(127, 1, static_cast<std::uint8_t>(i >> 8), static_cast<std::uint8_t>(i));
}

TEST(LocalAddresses, AnAddressKeepsItsNumber) {
  LocalAddresses addresses;
  const Address six = {0xFD, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  const std::uint8_t first = addresses.number_of(nth(1)), second = addresses.number_of(six);
  EXPECT_NE(first, 0);
  EXPECT_NE(second, 0);
  EXPECT_NE(first, second);
  EXPECT_EQ(addresses.number_of(nth(1)), first);
  EXPECT_EQ(addresses.at(first), nth(1));
  EXPECT_EQ(addresses.at(second), six);
}

TEST(LocalAddresses, WhatDoesNotFitHasNoNumberAndDisturbsNone) {
  LocalAddresses addresses;
  for (unsigned i = 0; i < LocalAddresses::max; ++i) ASSERT_NE(addresses.number_of(nth(i)), 0);
  for (unsigned i = 0; i < 1'000; ++i) EXPECT_EQ(addresses.number_of(nth(1'000 + i)), 0);
  for (unsigned i = 0; i < LocalAddresses::max; ++i) EXPECT_EQ(addresses.at(addresses.number_of(nth(i))), nth(i));
}

TEST(LocalAddresses, NothingIsAnsweredInTheNameOfAGroup) {
  LocalAddresses addresses;
  EXPECT_EQ(addresses.number_of(ipv4_address(224, 0, 0, 1)), 0);
  EXPECT_EQ(addresses.number_of(ipv4_address(255, 255, 255, 255)), 0);
  EXPECT_EQ(addresses.number_of({0xFF, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}), 0);
}

TEST(LocalAddresses, ANumberOfOneThreadIsGoodInAnother) {
  LocalAddresses addresses;
  std::vector<std::thread> threads;
  std::vector<std::vector<std::uint8_t>> numbers(4);
  for (auto& mine : numbers)
    threads.emplace_back([&] {
      for (unsigned i = 0; i < 32; ++i) mine.push_back(addresses.number_of(nth(i)));
    });
  for (auto& thread : threads) thread.join();
  for (const auto& mine : numbers)
    for (unsigned i = 0; i < 32; ++i) {
      ASSERT_NE(mine[i], 0);
      EXPECT_EQ(addresses.at(mine[i]), nth(i));
    }
}

}  // namespace
}  // namespace serried::port
