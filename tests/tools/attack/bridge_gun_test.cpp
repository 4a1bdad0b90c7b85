#include "tools/attack/bridge_gun.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "../../port/shared_eal.h"
#include "frames.h"
#include "tools/attack/frame.h"

namespace serried {
namespace {

using port::Bridge;
using tools::AttackKind;

const wire::Path bridge_server = port::endpoint(port::ipv4_address(10, 0, 0, 1), 40'000);
const wire::Path bridge_player = port::endpoint(port::ipv4_address(10, 0, 0, 2), 20'001);

/// The gun between two wires, at whose other ends the test is both the players and the server.
class AttackBridgeGun : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(port::shared_eal_runs());
    static int number = 0;
    const std::string name = "g" + std::to_string(number++);
    const auto left = port::make_ring_pair(name + "l", 1, 256), right = port::make_ring_pair(name + "r", 1, 256);
    ASSERT_TRUE(left && right);
    auto bridge = Bridge::open(left.value().second, right.value().first);
    auto ends = Bridge::open(left.value().first, right.value().second);
    ASSERT_TRUE(bridge && ends);
    gun_ = std::make_unique<tools::BridgeGun>(std::move(bridge).value(), bridge_server);
    ends_ = std::move(ends).value();
  }

  void say(Bridge::Side to, std::span<const std::uint8_t> frame) {
    std::copy(frame.begin(), frame.end(), ends_->room(0));
    const Bridge::Piece piece{0, static_cast<std::uint16_t>(frame.size())};
    ASSERT_EQ(ends_->send(to, {&piece, 1}), 1U);
  }
  std::vector<std::vector<std::uint8_t>> hear(Bridge::Side from) {
    std::vector<std::vector<std::uint8_t>> frames;
    for (const auto frame : ends_->receive(from)) frames.emplace_back(frame.begin(), frame.end());
    ends_->pass_on(~std::uint64_t{0});
    return frames;
  }
  /// A datagram of the server's to `to`, from link address `from` to that of `station`.
  static std::vector<std::uint8_t> from_server(const wire::Path& to, const wire::Mac& station, std::size_t bytes) {
    auto frame = make_frame(bridge_server, to, std::vector<std::uint8_t>(bytes, 1));
    std::copy(station.begin(), station.end(), frame.begin());
    const wire::Mac own{2, 0, 0, 0, 0, 9};
    std::copy(own.begin(), own.end(), frame.begin() + 6);
    return frame;
  }

  std::unique_ptr<tools::BridgeGun> gun_;
  std::unique_ptr<Bridge> ends_;
  tools::Samples samples_{bridge_server, {port::ipv4_address(198, 18, 0, 0), 15}, 16};
  tools::AttackTally tally_;
};

TEST_F(AttackBridgeGun, CarriesWhatOthersSayAndOverhearsSomePlayers) {
  const auto sealed = make_sealed(7, 1, 80, 1);
  for (unsigned i = 0; i < tools::BridgeGun::overhear_one_in; ++i)
    say(Bridge::Side::left, make_frame(bridge_player, bridge_server, sealed));
  EXPECT_EQ(gun_->carry(samples_), tools::BridgeGun::overhear_one_in);
  EXPECT_EQ(hear(Bridge::Side::right).size(), tools::BridgeGun::overhear_one_in);
  EXPECT_EQ(samples_.taken(), 1U);
  const auto answer = from_server(bridge_player, {2, 0, 0, 0, 0, 5}, 50);
  say(Bridge::Side::right, answer);
  EXPECT_EQ(gun_->carry(samples_), 1U);
  EXPECT_EQ(hear(Bridge::Side::left), std::vector<std::vector<std::uint8_t>>(1, answer)) << "as it was";
}

TEST_F(AttackBridgeGun, FiresUnderAnyNameOnceItKnowsTheServersStation) {
  const tools::Shot shot{AttackKind::bad_crc, 100, port::endpoint(port::ipv4_address(198, 18, 7, 7), 12'345)};
  std::fill_n(gun_->room(0), 100, std::uint8_t{3});
  gun_->fire(&shot, 1, tally_);
  EXPECT_EQ(tally_.refused, 1U);
  say(Bridge::Side::right, from_server(bridge_player, {2, 0, 0, 0, 0, 5}, 50));
  gun_->carry(samples_);
  gun_->fire(&shot, 1, tally_);
  EXPECT_EQ(tally_.of[tools::index_of(AttackKind::bad_crc)].bytes, 100U);
  const auto frames = hear(Bridge::Side::right);
  ASSERT_EQ(frames.size(), 1U);
  tools::FrameView view;
  ASSERT_TRUE(tools::read_frame(frames[0], view));
  EXPECT_EQ(view.from.address, shot.from.address);
  EXPECT_EQ(view.from.port, 12'345);
  EXPECT_EQ(view.to.port, 40'000);
  EXPECT_EQ(std::count(view.payload.begin(), view.payload.end(), 3), 100);
  EXPECT_TRUE(std::equal(frames[0].begin(), frames[0].begin() + 6, wire::Mac{2, 0, 0, 0, 0, 9}.begin()));
}

TEST_F(AttackBridgeGun, KeepsAndCountsWhatIsAnsweredToIt) {
  say(Bridge::Side::right, from_server(bridge_player, {2, 0, 0, 0, 0, 5}, 50));
  gun_->carry(samples_);
  static_cast<void>(hear(Bridge::Side::left));
  const tools::Shot shot{AttackKind::connect, 100,
                         port::endpoint(port::ipv4_address(198, 18, 7, 7), tools::first_port(AttackKind::connect))};
  gun_->fire(&shot, 1, tally_);
  const auto frames = hear(Bridge::Side::right);
  ASSERT_EQ(frames.size(), 1U);
  wire::Mac station;
  std::copy_n(frames[0].begin() + 6, 6, station.begin());
  say(Bridge::Side::right, from_server(shot.from, station, 66));
  gun_->carry(samples_);
  gun_->hear(tally_);
  gun_->hear(tally_);
  const auto& connect = tally_.of[tools::index_of(AttackKind::connect)];
  EXPECT_EQ(connect.answers, 1U) << "once";
  EXPECT_EQ(connect.answer_bytes, 66U);
  EXPECT_TRUE(hear(Bridge::Side::left).empty()) << "no player hears it";
}

}  // namespace
}  // namespace serried
