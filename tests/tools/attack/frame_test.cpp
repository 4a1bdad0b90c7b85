#include "tools/attack/frame.h"

#include <gtest/gtest.h>

#include "frames.h"

namespace serried {
namespace {

TEST(AttackFrame, ReadsWhoWroteToWhomWhat) {
  for (const char* address : {"10.77.0.2", "2001:db8::2"}) {
    const auto from = port::parse_address(address).value();
    const wire::Path to = port::endpoint(address[0] == '1' ? port::ipv4_address(10, 77, 0, 1) : from, 40'000);
    const auto frame = make_frame(port::endpoint(from, 20'001), to, std::vector<std::uint8_t>{1, 2, 3});
    tools::FrameView view;
    ASSERT_TRUE(tools::read_frame(frame, view)) << address;
    EXPECT_EQ(view.from.address, from);
    EXPECT_EQ(view.from.port, 20'001);
    EXPECT_EQ(view.to.address, to.address);
    EXPECT_EQ(view.to.port, 40'000);
    EXPECT_EQ(std::vector(view.payload.begin(), view.payload.end()), (std::vector<std::uint8_t>{1, 2, 3}));
  }
}

TEST(AttackFrame, WhatIsCutShortIsNone) {
  const auto frame = make_frame(port::endpoint(port::ipv4_address(10, 0, 0, 2), 1),
                                port::endpoint(port::ipv4_address(10, 0, 0, 1), 2), std::vector<std::uint8_t>(20));
  tools::FrameView view;
  for (std::size_t bytes = 0; bytes < frame.size(); ++bytes)
    EXPECT_FALSE(tools::read_frame(std::span(frame).first(bytes), view)) << bytes;
  auto tcp = frame;
  tcp[14 + 9] = 6;
  EXPECT_FALSE(tools::read_frame(tcp, view));
  auto fragment = frame;
  fragment[14 + 6] = 0x20;
  EXPECT_FALSE(tools::read_frame(fragment, view));
  auto arp = frame;
  arp[13] = 0x06;
  EXPECT_FALSE(tools::read_frame(arp, view));
}

}  // namespace
}  // namespace serried
