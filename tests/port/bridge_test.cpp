#include "port/bridge.h"

#include <cstring>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "shared_eal.h"

namespace serried::port {
namespace {

using Side = Bridge::Side;

/// A bridge between two wires, and at the wires' other ends another one, that speaks and listens.
class BridgeTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(shared_eal_runs());
    static int number = 0;
    const std::string name = "b" + std::to_string(number++);
    const auto left = make_ring_pair(name + "l", 1, 64), right = make_ring_pair(name + "r", 1, 64);
    ASSERT_TRUE(left && right);
    auto bridge = Bridge::open(left.value().second, right.value().first);
    auto ends = Bridge::open(left.value().first, right.value().second);
    ASSERT_TRUE(bridge) << bridge.error().message;
    ASSERT_TRUE(ends) << ends.error().message;
    bridge_ = std::move(bridge).value();
    ends_ = std::move(ends).value();
  }

  /// One of the two says the texts to one side, each a frame; returns how many were taken.
  static unsigned say(Bridge& who, Side to, const std::vector<std::string>& texts) {
    std::vector<Bridge::Piece> pieces;
    for (unsigned i = 0; i < texts.size(); ++i) {
      std::memcpy(who.room(i) - 4, texts[i].data(), texts[i].size());
      pieces.push_back({4, static_cast<std::uint16_t>(texts[i].size() - 4)});
    }
    return who.send(to, pieces);
  }
  /// What has come; it stays with its receiver.
  static std::vector<std::string> hear(Bridge& who, Side from) {
    std::vector<std::string> texts;
    for (const auto frame : who.receive(from)) texts.emplace_back(frame.begin(), frame.end());
    who.pass_on(~std::uint64_t{0});
    return texts;
  }

  std::unique_ptr<Bridge> bridge_, ends_;
};
using Texts = std::vector<std::string>;

TEST_F(BridgeTest, FramesPassBothWaysAndAreSeen) {
  EXPECT_EQ(say(*ends_, Side::left, {"to the right", "and another"}), 2U);
  const auto seen = bridge_->receive(Side::left);
  ASSERT_EQ(seen.size(), 2U);
  EXPECT_EQ(std::string(seen[0].begin(), seen[0].end()), "to the right");
  bridge_->pass_on(0);
  EXPECT_EQ(hear(*ends_, Side::right), (Texts{"to the right", "and another"}));
  EXPECT_EQ(say(*ends_, Side::right, {"to the left"}), 1U);
  EXPECT_EQ(bridge_->receive(Side::right).size(), 1U);
  bridge_->pass_on(0);
  EXPECT_EQ(hear(*ends_, Side::left), (Texts{"to the left"}));
  EXPECT_EQ(bridge_->receive(Side::left).size(), 0U);
  bridge_->pass_on(0);
}

TEST_F(BridgeTest, FramesThatAreKeptAreNotForwarded) {
  EXPECT_EQ(say(*ends_, Side::left, {"first", "second", "third"}), 3U);
  EXPECT_EQ(bridge_->receive(Side::left).size(), 3U);
  bridge_->pass_on(0b010);
  EXPECT_EQ(hear(*ends_, Side::right), (Texts{"first", "third"}));
}

TEST_F(BridgeTest, OwnFramesGoToTheSideTheyAreMeantFor) {
  EXPECT_EQ(say(*bridge_, Side::right, {"for the right"}), 1U);
  EXPECT_EQ(say(*bridge_, Side::left, {"for the left"}), 1U);
  EXPECT_EQ(hear(*ends_, Side::right), (Texts{"for the right"}));
  EXPECT_EQ(hear(*ends_, Side::left), (Texts{"for the left"}));
}

TEST_F(BridgeTest, WhatFindsNoRoomIsCountedAndNoBufferIsLost) {
  const Texts texts(Bridge::burst, "one of many");
  for (int round = 0; round < 400; ++round) {
    const unsigned taken = say(*ends_, Side::left, texts);
    ASSERT_GT(taken, 0U) << "round " << round;
    ASSERT_EQ(bridge_->receive(Side::left).size(), taken);
    bridge_->pass_on(0);  // nothing is read on the right: its ring of 64 is soon full
  }
  EXPECT_GT(bridge_->lost(), 20'000U) << "far more than all mbufs there are";
  EXPECT_EQ(say(*bridge_, Side::right, texts), 0U) << "full for our own as well, and said so";
  EXPECT_FALSE(hear(*ends_, Side::right).empty());
  EXPECT_GT(say(*bridge_, Side::right, texts), 0U);
}

TEST_F(BridgeTest, RefusesAMissingDeviceAndOneDeviceTwice) {
  const auto none = Bridge::open("no_such_device", "net_null0");
  ASSERT_FALSE(none);
  EXPECT_NE(none.error().message.find("no such ethdev"), std::string::npos) << none.error().message;
  EXPECT_FALSE(Bridge::open("net_null0", "net_null0"));
}

}  // namespace
}  // namespace serried::port
