#include "port/flow_rules.h"

#include <random>

#include <gtest/gtest.h>

#include "frames.h"
#include "played_flow_driver.h"
#include "wire/compose.h"

namespace serried::port::flow_rules_test {
namespace {

using Fate = PlayedNic::Fate;
using Outcome = PlayedNic::Outcome;

constexpr std::uint16_t our_port = 4000;
constexpr Outcome hashed{Fate::hashed, 0}, dropped{Fate::drop, 0};
constexpr Outcome to_queue(unsigned queue) { return {Fate::queue, queue}; }

/// Four lanes, each with the queue of its number.
FlowRulesConfig four_lanes() {
  FlowRulesConfig config;
  config.udp_port = our_port;
  config.has_ipv4 = config.has_ipv6 = true;
  config.networks = true;
  config.lane = {3, 4};
  for (std::uint16_t queue = 0; queue < 4; ++queue) config.queues.emplace_back(queue);
  return config;
}

FlowRulesConfig one_lane() {
  FlowRulesConfig config = four_lanes();
  config.queues.resize(1);
  return config;
}

/// A player's datagram on the wire, of the least length that there is.
frames::Bytes datagram(const wire::Header& header, bool ipv6 = false, std::uint16_t vlan = 0,
                       std::uint16_t port = our_port) {
  const bool sealed = (header.flags & wire::flag::encrypted) != 0;
  const std::size_t bytes = sealed ? 34 : 18;
  frames::Bytes frame = frames::udp_frame(ipv6, vlan, bytes, port);
  wire::compose_header(frame.data() + frame.size() - bytes, header);
  return frame;
}
wire::Header sealed_of(unsigned lane, std::uint32_t rest = 0x00123456) {
  return {lane << 28 | rest, 0, wire::flag::sealed, 1};
}
const wire::Header in_clear{0, 0, 0, 0};

frames::Bytes from(const char* source, std::uint16_t port = our_port) {
  const Address address = parse_address(source).value();
  const bool ipv6 = !is_ipv4(address);
  frames::Bytes frame = datagram(in_clear, ipv6, 0, port);
  std::memcpy(frame.data() + wire::ethernet_bytes + (ipv6 ? 8 : 12), address.data() + (ipv6 ? 0 : 12), ipv6 ? 16 : 4);
  return frame;
}
Result<Done> ban(FlowRules& rules, const char* address, unsigned bits = 128) {
  return rules.ban(parse_address(address).value(), bits);
}

struct Machine {
  explicit Machine(const FlowManner& manner = {}, const FlowRulesConfig& config = four_lanes())
      : nic(manner), rules(std::make_unique<FlowRules>(config, std::make_unique<PlayedFlowDriver>(nic))) {}
  PlayedNic nic;
  std::unique_ptr<FlowRules> rules;
};

TEST(FlowRules, SealedDatagramsComeToTheQueueOfTheirLane) {
  for (const std::uint16_t vlan : {std::uint16_t{0}, std::uint16_t{42}}) {
    FlowRulesConfig config = four_lanes();
    config.vlan = vlan;
    const Machine machine{{}, config};
    std::minstd_rand random{7};
    for (unsigned i = 0; i < 400; ++i) {
      const unsigned lane = i % 4;
      wire::Header header = sealed_of(lane, static_cast<std::uint32_t>(random()) >> 4);
      header.channel = static_cast<std::uint8_t>(i % 3);
      header.flags = static_cast<std::uint8_t>(wire::flag::sealed | (random() & 0xF8));
      header.sequence = random();
      ASSERT_EQ(machine.nic.outcome(datagram(header, i % 8 < 4, vlan)), to_queue(lane)) << "lane " << lane;
    }
    EXPECT_EQ(machine.rules->report().steered, 4U);
    EXPECT_NE(machine.rules->report().lanes_text().find("bring sealed datagrams to their lanes"), std::string::npos);
  }
}

TEST(FlowRules, HandshakesAreSpreadByTheHash) {
  // Their connection id is 0, whose lane would be lane 0: it would get all sessions of the server.
  const Machine machine;
  std::minstd_rand random{7};
  for (unsigned i = 0; i < 200; ++i) {
    frames::Bytes frame = datagram(in_clear, i % 2 == 1);
    for (std::size_t at = frame.size() - 4; at < frame.size(); ++at) frame[at] = static_cast<std::uint8_t>(random());
    ASSERT_EQ(machine.nic.outcome(frame), hashed);
  }
}

TEST(FlowRules, OthersAreLeftAlone) {
  const Machine machine;
  EXPECT_EQ(machine.nic.outcome(datagram(sealed_of(4))), hashed) << "a lane that is not there";
  EXPECT_EQ(machine.nic.outcome(datagram(sealed_of(1), false, 0, our_port + 1)), hashed) << "another port";
  EXPECT_EQ(machine.nic.outcome(datagram(sealed_of(1), false, 9)), hashed) << "a VLAN that is not ours";
  EXPECT_EQ(machine.nic.outcome(frames::ping(false)), hashed);
  EXPECT_EQ(machine.nic.outcome(frames::arp_frame(true, {10, 0, 0, 1})), hashed);
  EXPECT_EQ(machine.nic.outcome(frames::udp_frame(false, 0, 5)), hashed) << "no room for the flags";
}

TEST(FlowRules, OptionsOfIpDoNotMoveWhatIsLookedAt) {
  const Machine machine;
  frames::Bytes frame = datagram(sealed_of(2));
  frame.insert(frame.begin() + 34, {1, 1, 1, 0});
  frame[wire::ethernet_bytes] = 0x46;
  EXPECT_EQ(machine.nic.outcome(frame), to_queue(2));
}

TEST(FlowRules, LanesThatAreNotAtHomeHaveNone) {
  FlowRulesConfig config = four_lanes();
  config.queues = {{}, {}, 0, 1};
  const Machine machine{{}, config};
  EXPECT_EQ(machine.nic.outcome(datagram(sealed_of(0))), hashed);
  EXPECT_EQ(machine.nic.outcome(datagram(sealed_of(1))), hashed);
  EXPECT_EQ(machine.nic.outcome(datagram(sealed_of(2))), to_queue(0));
  EXPECT_EQ(machine.nic.outcome(datagram(sealed_of(3))), to_queue(1));
  EXPECT_EQ(machine.rules->report().lanes, 2U);
  EXPECT_EQ(machine.rules->report().steered, 2U);
}

TEST(FlowRules, OneQueueNeedsNone) {
  const Machine machine{{}, one_lane()};
  EXPECT_EQ(machine.nic.rules(), 0U);
  EXPECT_EQ(machine.rules->report().steered, 1U);
  EXPECT_EQ(machine.rules->report().lanes_text(), "");
}

TEST(FlowRules, SteeringThatIsNotAskedForMakesNone) {
  FlowRulesConfig config = four_lanes();
  config.not_asked = "--steering is off";
  const Machine machine{{}, config};
  EXPECT_EQ(machine.nic.rules(), 0U);
  EXPECT_EQ(machine.rules->report().steered, 0U);
  EXPECT_EQ(machine.rules->report().lanes_text(), "lanes hand over what came to another: --steering is off");
  EXPECT_TRUE(machine.rules->takes_bans());
}

TEST(FlowRules, OnlyVersionsOfIpThatAreSpoken) {
  FlowRulesConfig config = four_lanes();
  config.has_ipv6 = false;
  const Machine machine{{}, config};
  EXPECT_EQ(machine.nic.rules(), 4U);
  EXPECT_EQ(machine.nic.outcome(datagram(sealed_of(1), true)), hashed);
  EXPECT_EQ(machine.rules->report().bans, (std::vector<std::string>{"IPv4 addresses", "IPv4 networks"}));
  EXPECT_FALSE(ban(*machine.rules, "2001:db8::7"));
}

TEST(FlowRules, BansDropWhatComesToOurPort) {
  const Machine machine;
  const std::size_t before = machine.nic.rules();
  ASSERT_TRUE(ban(*machine.rules, "192.0.2.7"));
  ASSERT_TRUE(ban(*machine.rules, "192.0.2.7"));  // there already
  ASSERT_TRUE(ban(*machine.rules, "198.51.100.0", 96 + 24));
  ASSERT_TRUE(ban(*machine.rules, "2001:db8:7::", 48));
  EXPECT_EQ(machine.rules->report().ban_rules, 3U);
  EXPECT_EQ(machine.nic.rules(), before + 3);
  EXPECT_EQ(machine.nic.outcome(from("192.0.2.7")), dropped);
  EXPECT_EQ(machine.nic.outcome(from("192.0.2.8")), hashed);
  EXPECT_EQ(machine.nic.outcome(from("192.0.2.7", our_port + 1)), hashed);
  EXPECT_EQ(machine.nic.outcome(from("198.51.100.200")), dropped);
  EXPECT_EQ(machine.nic.outcome(from("198.51.101.200")), hashed);
  EXPECT_EQ(machine.nic.outcome(from("2001:db8:7::9")), dropped);
  EXPECT_EQ(machine.nic.outcome(from("2001:db8:8::9")), hashed);
  machine.rules->lift(parse_address("192.0.2.7").value(), 128);
  machine.rules->lift(parse_address("192.0.2.9").value(), 128);  // is not there
  EXPECT_EQ(machine.nic.outcome(from("192.0.2.7")), hashed);
  EXPECT_EQ(machine.rules->report().ban_rules, 2U);
  EXPECT_EQ(machine.rules->report().bans_text(), "bans go into the NIC as rte_flow rules");
}

TEST(FlowRules, AskingLeavesNothingBehind) {
  const Machine machine{{}, one_lane()};
  EXPECT_EQ(machine.nic.created, 4U) << "one ban of each kind was tried";
  EXPECT_EQ(machine.nic.rules(), 0U);
  EXPECT_EQ(machine.nic.outcome(from("192.0.2.1")), hashed);
}

TEST(FlowRules, NetworksGoToNoDriverThatMayLeaveOutTheirMask) {
  FlowRulesConfig config = one_lane();
  config.networks = false;
  const FlowManner manner{.ignores_networks = true};
  const Machine machine{manner, config};
  EXPECT_EQ(machine.rules->report().bans, (std::vector<std::string>{"IPv4 addresses", "IPv6 addresses"}));
  const auto network = ban(*machine.rules, "198.51.100.0", 96 + 24);
  ASSERT_FALSE(network);
  EXPECT_NE(network.error().message.find("would drop all"), std::string::npos) << network.error().message;
  EXPECT_FALSE(ban(*machine.rules, "2001:db8:7::", 64));
  ASSERT_TRUE(ban(*machine.rules, "192.0.2.7"));
  EXPECT_EQ(machine.nic.outcome(from("192.0.2.7")), dropped);
  EXPECT_EQ(machine.nic.outcome(from("203.0.113.1")), hashed);
  EXPECT_NE(machine.rules->report().bans_text().find("bans of IPv4 addresses, IPv6 addresses go into the NIC"),
            std::string::npos);
  // Given to such a driver, the rule is one for all.
  config.networks = true;
  const Machine careless{manner, config};
  ASSERT_TRUE(ban(*careless.rules, "198.51.100.0", 96 + 24));
  EXPECT_EQ(careless.nic.outcome(from("203.0.113.1")), dropped);
}

TEST(FlowRules, WithoutRawLanesHandOverAndBansGoIn) {
  const Machine machine{{.refuses_raw = true}};
  EXPECT_EQ(machine.nic.rules(), 0U);
  EXPECT_EQ(machine.rules->report().steered, 0U);
  EXPECT_EQ(machine.rules->report().lanes_text(),
            "lanes hand over what came to another: the driver refuses the rule: item not supported");
  ASSERT_TRUE(ban(*machine.rules, "192.0.2.7"));
  EXPECT_EQ(machine.nic.outcome(from("192.0.2.7")), dropped);
}

TEST(FlowRules, ADriverThatValidatesAndDoesNotCreateTakesNothing) {
  const Machine machine{{.creates_nothing = true}};
  const FlowReport report = machine.rules->report();
  EXPECT_EQ(report.steered, 0U);
  EXPECT_FALSE(machine.rules->takes_bans());
  EXPECT_NE(report.bans_text().find("the driver takes no rte_flow rules for bans"), std::string::npos);
  EXPECT_NE(report.bans_text().find("couldn't send request"), std::string::npos);
  EXPECT_FALSE(ban(*machine.rules, "192.0.2.7"));
  EXPECT_EQ(machine.rules->report().ban_rules, 0U);
}

TEST(FlowRules, WhereAClassHasOneMaskLanesAreFirst) {
  const FlowManner manner{.one_mask_a_class = true};
  {
    const Machine machine{manner};
    EXPECT_EQ(machine.rules->report().steered, 4U);
    EXPECT_FALSE(machine.rules->takes_bans()) << "it says that it takes them, until one is made";
    EXPECT_FALSE(ban(*machine.rules, "192.0.2.7"));
    EXPECT_EQ(machine.nic.outcome(datagram(sealed_of(3), true)), to_queue(3));
  }
  const Machine alone{manner, one_lane()};
  EXPECT_EQ(alone.rules->report().bans, (std::vector<std::string>{"IPv4 addresses", "IPv6 addresses"}));
  ASSERT_TRUE(ban(*alone.rules, "192.0.2.7"));
  EXPECT_EQ(alone.nic.outcome(from("192.0.2.7")), dropped);
}

TEST(FlowRules, HalfOfTheRulesOfALaneAreKept) {
  const Machine machine{{.refuses_ipv6 = true}};
  EXPECT_EQ(machine.rules->report().steered, 0U);
  EXPECT_NE(machine.rules->report().not_steered.find("no IPv6"), std::string::npos);
  EXPECT_EQ(machine.nic.outcome(datagram(sealed_of(3))), to_queue(3));
  EXPECT_EQ(machine.nic.outcome(datagram(sealed_of(3), true)), hashed);
  EXPECT_EQ(machine.rules->report().bans, (std::vector<std::string>{"IPv4 addresses", "IPv4 networks"}));
}

TEST(FlowRules, ANicThatIsFullKeepsWhatItHas) {
  {
    const Machine machine{{.room = 5}};
    EXPECT_EQ(machine.rules->report().steered, 2U);
    EXPECT_NE(machine.rules->report().lanes_text().find("to 2 of 4 lanes"), std::string::npos);
    EXPECT_NE(machine.rules->report().lanes_text().find("Fdir space full"), std::string::npos);
    EXPECT_EQ(machine.nic.outcome(datagram(sealed_of(1), true)), to_queue(1));
    EXPECT_EQ(machine.nic.outcome(datagram(sealed_of(3))), hashed);
    EXPECT_FALSE(ban(*machine.rules, "192.0.2.7"));
  }
  const Machine machine{{.room = 12}};
  for (const char* each : {"192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4"}) ASSERT_TRUE(ban(*machine.rules, each));
  const auto fifth = ban(*machine.rules, "192.0.2.5");
  ASSERT_FALSE(fifth);
  EXPECT_NE(fifth.error().message.find("Fdir space full"), std::string::npos);
  EXPECT_EQ(machine.rules->report().ban_rules, 4U);
  machine.rules->lift(parse_address("192.0.2.2").value(), 128);
  EXPECT_TRUE(ban(*machine.rules, "192.0.2.5"));
  EXPECT_EQ(machine.nic.outcome(from("192.0.2.5")), dropped);
}

TEST(FlowRules, BansHaveALimit) {
  const Machine machine{{}, one_lane()};
  for (std::size_t i = 0; i < FlowRules::ban_rules_max; ++i)
    ASSERT_TRUE(
        machine.rules->ban(ipv4_address(10, 9, static_cast<std::uint8_t>(i >> 8), static_cast<std::uint8_t>(i)), 128));
  EXPECT_FALSE(ban(*machine.rules, "192.0.2.7"));
}

TEST(FlowRules, GoBeforeTheDeviceStopsAndComeBackAfterItStarts) {
  Machine machine;
  ASSERT_TRUE(ban(*machine.rules, "192.0.2.7"));
  ASSERT_TRUE(ban(*machine.rules, "192.0.2.8"));
  machine.rules->withdraw();
  EXPECT_EQ(machine.nic.rules(), 0U);
  // Meanwhile bans go on.
  ASSERT_TRUE(ban(*machine.rules, "192.0.2.9"));
  machine.rules->lift(parse_address("192.0.2.8").value(), 128);
  EXPECT_EQ(machine.nic.rules(), 0U);
  PlayedNic& nic = machine.nic;
  nic.order.clear();
  machine.rules->restore();
  EXPECT_EQ(nic.order, (std::vector<std::string>{"queue", "queue", "queue", "queue", "queue", "queue", "queue", "queue",
                                                 "drop", "drop"}));
  EXPECT_EQ(nic.outcome(datagram(sealed_of(3))), to_queue(3));
  EXPECT_EQ(nic.outcome(from("192.0.2.7")), dropped);
  EXPECT_EQ(nic.outcome(from("192.0.2.8")), hashed);
  EXPECT_EQ(nic.outcome(from("192.0.2.9")), dropped);
  EXPECT_EQ(nic.wrong_handles, 0U);
}

TEST(FlowRules, ThatADeviceLostAreMadeAnewAndNotNamedAgain) {
  Machine machine;
  ASSERT_TRUE(ban(*machine.rules, "192.0.2.7"));
  ASSERT_TRUE(ban(*machine.rules, "192.0.2.8"));
  machine.nic.lose_rules();
  machine.rules->forget();
  machine.nic.take_on({.room = 9});  // and it has less room now
  machine.rules->restore();
  EXPECT_EQ(machine.nic.outcome(datagram(sealed_of(2), true)), to_queue(2));
  EXPECT_EQ(machine.nic.outcome(from("192.0.2.7")), dropped);
  EXPECT_EQ(machine.nic.outcome(from("192.0.2.8")), hashed);
  EXPECT_EQ(machine.rules->report().ban_rules, 1U);
  machine.nic.lose_rules();
  machine.rules->forget();
  machine.nic.take_on({.refuses_raw = true});
  machine.rules->restore();
  EXPECT_EQ(machine.rules->report().steered, 0U);
  EXPECT_NE(machine.rules->report().not_steered, "");
  machine.rules.reset();
  EXPECT_EQ(machine.nic.wrong_handles, 0U);
}

TEST(FlowRules, NothingIsLeftAtTheEnd) {
  Machine machine;
  ASSERT_TRUE(ban(*machine.rules, "192.0.2.7"));
  machine.rules.reset();
  EXPECT_EQ(machine.nic.rules(), 0U);
  EXPECT_EQ(machine.nic.flushed, 1U);
  EXPECT_EQ(machine.nic.wrong_handles, 0U);
}

}  // namespace
}  // namespace serried::port::flow_rules_test
