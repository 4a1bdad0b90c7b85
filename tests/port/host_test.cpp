#include "port/host.h"

#include <cstring>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/bytes.h"
#include "base/prng.h"
#include "frames.h"

namespace serried::port {
namespace {

using metrics::Drop;
using namespace frames;

struct HostTest : testing::Test {
  Neighbors neighbors{64};
  Host host{config_of(), neighbors};
  Host tagged{config_of(7), neighbors};
};

TEST_F(HostTest, ClassifiesEachFrame) {
  for (const Case& one : cases()) EXPECT_EQ(feed(host, one.frame).verdict, one.verdict) << one.name;
}

TEST_F(HostTest, KnowsWhereADatagramCameFrom) {
  for (const bool ipv6 : {false, true}) {
    for (const std::uint16_t vlan : {std::uint16_t{0}, std::uint16_t{0x2007}}) {  // priority 1, VLAN 7
      Host& one = vlan == 0 ? host : tagged;
      const Bytes frame = udp_frame(ipv6, vlan, 33, 4001);
      const Outcome outcome = feed(one, frame);
      ASSERT_EQ(outcome.verdict, "datagram");
      const Path& path = outcome.examined.path;
      EXPECT_EQ(path.address, ipv6 ? peer_ipv6 : peer_ipv4);
      EXPECT_EQ(path.port, 5000);
      EXPECT_EQ(path.local_port, 4001);
      EXPECT_EQ(path.link, peer_mac);
      EXPECT_EQ(path.vlan, vlan);
      EXPECT_EQ(outcome.examined.payload_bytes, 33);
      EXPECT_EQ(outcome.examined.payload_offset, udp_headers_bytes(ipv6, vlan != 0));
      EXPECT_EQ(frame[outcome.examined.payload_offset], 1);
    }
  }
}

/// Cut at each length: a bad frame, never a read beyond it (the sanitizer's to see), never a datagram.
TEST_F(HostTest, RefusesEveryTruncation) {
  const Bytes whole[] = {udp_frame(false),
                         udp_frame(true),
                         ping(false),
                         ping(true),
                         arp_frame(true, {10, 0, 0, 1}),
                         solicitation(peer_ipv6, own_ipv6)};
  for (const Bytes& frame : whole)
    for (std::size_t bytes = 0; bytes < frame.size(); ++bytes) {
      const Bytes cut(frame.begin(), frame.begin() + static_cast<std::ptrdiff_t>(bytes));
      EXPECT_EQ(feed(host, cut).verdict, "bad_frame") << bytes << " of " << frame.size();
    }
  const Bytes frame = udp_frame(false, 7);
  for (std::size_t bytes = 0; bytes < frame.size(); ++bytes)
    EXPECT_NE(feed(tagged, Bytes(frame.begin(), frame.begin() + static_cast<std::ptrdiff_t>(bytes))).verdict,
              "datagram");
}

TEST_F(HostTest, BelievesTheNicAboutChecksums) {
  const Bytes good = udp_frame(false);
  Bytes bad = good;
  bad.back() ^= 1;
  EXPECT_EQ(feed(host, bad, {false, 0, Checked::good, Checked::good}).verdict, "datagram");
  EXPECT_EQ(feed(host, good, {false, 0, Checked::bad, Checked::good}).verdict, "bad_ip_checksum");
  EXPECT_EQ(feed(host, good, {false, 0, Checked::good, Checked::bad}).verdict, "bad_udp_checksum");
  HostConfig careless = config_of();
  careless.verify_udp_checksum = false;
  Host lenient(careless, neighbors);
  EXPECT_EQ(feed(lenient, bad).verdict, "datagram");
}

TEST_F(HostTest, ReadsTheVlanTagThatTheNicStripped) {
  const Bytes frame = udp_frame(false);
  const Outcome outcome = feed(tagged, frame, {true, 7, Checked::unknown, Checked::unknown});
  ASSERT_EQ(outcome.verdict, "datagram");
  EXPECT_EQ(outcome.examined.path.vlan, 7);
  EXPECT_EQ(feed(tagged, frame).verdict, "foreign_frame");
  EXPECT_EQ(feed(host, frame, {true, 7, Checked::unknown, Checked::unknown}).verdict, "foreign_frame");
}

TEST_F(HostTest, AnswersArp) {
  const Bytes answer = feed(host, arp_frame(true, {10, 0, 0, 1})).answer;
  EthernetHeader link;
  ASSERT_TRUE(read_ethernet(answer, link));
  EXPECT_EQ(link.destination, peer_mac);
  EXPECT_EQ(link.source, own_mac);
  ArpPacket arp;
  ASSERT_TRUE(read_arp(std::span(answer).subspan(link.bytes), arp));
  EXPECT_FALSE(arp.request);
  EXPECT_EQ(arp.sender_mac, own_mac);
  EXPECT_EQ(arp.sender_ip, (std::array<std::uint8_t, 4>{10, 0, 0, 1}));
  EXPECT_EQ(arp.target_mac, peer_mac);
  EXPECT_EQ(arp.target_ip, (std::array<std::uint8_t, 4>{10, 0, 0, 2}));
  EXPECT_TRUE(feed(host, arp_frame(false, {10, 0, 0, 1})).answer.empty());
  ASSERT_TRUE(read_ethernet(feed(tagged, arp_frame(true, {10, 0, 0, 1}, 7)).answer, link));
  EXPECT_EQ(link.vlan, 7);
}

TEST_F(HostTest, AnswersPings) {
  for (const bool ipv6 : {false, true})
    for (const std::size_t data_bytes : {std::size_t{0}, std::size_t{1}, std::size_t{56}, std::size_t{1400}}) {
      const Bytes request = ping(ipv6, data_bytes);
      const Bytes answer = feed(host, request).answer;
      ASSERT_EQ(answer.size(), request.size());
      IpHeader ip;
      const auto packet = std::span(answer).subspan(ethernet_bytes);
      ASSERT_EQ(ipv6 ? read_ipv6(packet, ip) : read_ipv4(packet, true, ip), Drop::none);
      EXPECT_EQ(ip.source, ipv6 ? own_ipv6 : own_ipv4);
      EXPECT_EQ(ip.destination, ipv6 ? peer_ipv6 : peer_ipv4);
      const auto body = packet.subspan(ip.bytes);
      EXPECT_EQ(body[0], ipv6 ? icmp_type::echo_reply_v6 : icmp_type::echo_reply);
      const std::uint64_t seed =
          ipv6 ? pseudo_header_sum(ip.source, ip.destination, ip.protocol, body.size()) : std::uint64_t{0};
      EXPECT_EQ(checksum_finish(checksum_add(body, seed)), 0);
      EXPECT_TRUE(
          std::equal(body.begin() + 4, body.end(), request.end() - static_cast<std::ptrdiff_t>(body.size()) + 4));
    }
}

TEST_F(HostTest, AnswersSolicitations) {
  for (const bool tries_out : {false, true}) {
    const Bytes answer = feed(host, solicitation(tries_out ? Address{} : peer_ipv6, own_ipv6)).answer;
    EthernetHeader link;
    IpHeader ip;
    ASSERT_TRUE(read_ethernet(answer, link));
    EXPECT_EQ(link.destination, tries_out ? multicast_mac(all_nodes) : peer_mac);
    const auto packet = std::span(answer).subspan(link.bytes);
    ASSERT_EQ(read_ipv6(packet, ip), Drop::none);
    EXPECT_EQ(ip.hop_limit, 255);
    EXPECT_EQ(ip.destination, tries_out ? all_nodes : peer_ipv6);
    const auto body = packet.subspan(ip.bytes);
    EXPECT_EQ(
        checksum_finish(checksum_add(body, pseudo_header_sum(ip.source, ip.destination, ip.protocol, body.size()))), 0);
    NeighborMessage message;
    ASSERT_TRUE(read_neighbor(body, message));
    EXPECT_FALSE(message.solicitation);
    EXPECT_EQ(message.solicited, !tries_out);
    EXPECT_EQ(message.target, own_ipv6);
    EXPECT_EQ(message.link, own_mac);
  }
}

TEST_F(HostTest, AnswersNoMoreThanItsBudget) {
  HostConfig config = config_of();
  config.answers_per_second = 3;
  Host slow(config, neighbors);
  unsigned answers = 0;
  for (int i = 0; i < 10; ++i) answers += feed(slow, ping(false)).answer.empty() ? 0U : 1U;
  EXPECT_EQ(answers, 3U);
  EXPECT_FALSE(feed(slow, ping(false), {}, 2 * second).answer.empty());
}

TEST_F(HostTest, LearnsOnlyWhatItAskedFor) {
  HostConfig config = config_of();
  config.next_hop = NextHop::arp;
  Host asker(config, neighbors);
  for (const bool ipv6 : {false, true}) {
    const Address& peer = ipv6 ? peer_ipv6 : peer_ipv4;
    Bytes advertisement(neighbor_bytes + neighbor_option_bytes);
    compose_neighbor(advertisement.data(), {false, true, peer_ipv6, peer_mac}, peer_ipv6, own_ipv6);
    const Bytes unasked =
        ipv6 ? ip_frame(own_mac, peer_ipv6, own_ipv6, ip_protocol::icmpv6, 255, advertisement) : Bytes{};
    if (ipv6) feed(asker, unasked);
    Host::Hop hop = asker.next_hop(endpoint(peer, 4000), second);
    EXPECT_FALSE(hop.known);
    EXPECT_TRUE(hop.ask);
    Bytes question(Host::question_bytes_max);
    question.resize(asker.compose_question(hop.address, question.data(), second));
    EXPECT_EQ(question.size(), ethernet_bytes + (ipv6 ? ipv6_bytes + 32 : arp_bytes));
    hop = asker.next_hop(endpoint(peer, 4000), second + 1);
    EXPECT_FALSE(hop.known || hop.ask);
    feed(asker, ipv6 ? unasked : arp_frame(false, {10, 0, 0, 1}));
    hop = asker.next_hop(endpoint(peer, 4000), second + 2);
    EXPECT_TRUE(hop.known);
    EXPECT_FALSE(hop.ask);
    EXPECT_EQ(hop.mac, peer_mac);
    hop = asker.next_hop(endpoint(peer, 4000), 40 * second);  // stale: used, and asked about
    EXPECT_TRUE(hop.known && hop.ask);
    hop = asker.next_hop(endpoint(peer, 4000), 200 * second);
    EXPECT_FALSE(hop.known);
  }
}

TEST_F(HostTest, GoesThroughItsGatewayOffTheLink) {
  HostConfig config = config_of();
  config.next_hop = NextHop::arp;
  config.gateway_ipv4 = ipv4_address(10, 0, 0, 254);
  Host asker(config, neighbors);
  EXPECT_EQ(asker.next_hop(endpoint(ipv4_address(10, 0, 0, 77), 1), second).address, ipv4_address(10, 0, 0, 77));
  EXPECT_EQ(asker.next_hop(endpoint(ipv4_address(192, 0, 2, 1), 1), second).address, config.gateway_ipv4);
  EXPECT_FALSE(asker.next_hop(endpoint(parse_address("2001:db8::1").value(), 1), second).ask);  // no IPv6 gateway
}

TEST_F(HostTest, RepliesToTheStationItLearned) {
  Path path = endpoint(peer_ipv4, 5000);
  EXPECT_FALSE(host.next_hop(path, 0).known);
  path.link = other_mac;
  EXPECT_EQ(host.next_hop(path, 0).mac, other_mac);
  HostConfig config = config_of();
  config.next_hop = NextHop::static_mac;
  config.next_hop_mac = peer_mac;
  EXPECT_EQ(Host(config, neighbors).next_hop(path, 0).mac, peer_mac);
}

/// Noise, and noise that begins like a frame for us: one verdict each, and never a crash.
TEST_F(HostTest, SurvivesNoise) {
  const std::uint64_t seed = 20221124;
  RecordProperty("seed", std::to_string(seed));
  base::Prng rng(seed);
  const Bytes seeds[] = {udp_frame(false),
                         udp_frame(true),
                         ping(false),
                         ping(true),
                         arp_frame(true, {10, 0, 0, 1}),
                         solicitation(peer_ipv6, own_ipv6),
                         udp_frame(true, 7)};
  for (int i = 0; i < 50000; ++i) {
    Bytes frame;
    if (rng.chance(0.2)) {
      frame.resize(rng.below(200));
      for (auto& byte : frame) byte = static_cast<std::uint8_t>(rng.next());
      if (frame.size() > 6) std::memcpy(frame.data(), own_mac.data(), 6);
    } else {
      frame = seeds[rng.below(std::size(seeds))];
      for (auto changes = rng.below(4); changes > 0; --changes)
        frame[rng.below(frame.size())] = static_cast<std::uint8_t>(rng.next());
      if (rng.chance(0.3)) frame.resize(rng.below(frame.size() + 40));
    }
    const Outcome outcome = feed(host, frame, {}, static_cast<Nanos>(i) * second);
    EXPECT_FALSE(outcome.verdict.empty());
    if (outcome.verdict == "datagram") {
      ASSERT_LE(std::size_t{outcome.examined.payload_offset} + outcome.examined.payload_bytes, frame.size());
    }
  }
}

}  // namespace
}  // namespace serried::port
