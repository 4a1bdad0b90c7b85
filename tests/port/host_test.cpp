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
  Neighbors neighbors{64, 1};
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
  config.echoes_per_second = 3;
  Host slow(config, neighbors);
  unsigned answers = 0;
  for (int i = 0; i < 10; ++i) answers += feed(slow, ping(false)).answer.empty() ? 0U : 1U;
  EXPECT_EQ(answers, 3U);
  EXPECT_FALSE(feed(slow, ping(false), {}, 2 * second).answer.empty());
}

/// A host that asks for link addresses, its routers at 10.0.0.254 and fd00::fe.
struct AskerTest : HostTest {
  static constexpr Mac router_mac = {2, 0, 0, 0, 0, 0xFE};
  const Address routers[2] = {ipv4_address(10, 0, 0, 254), parse_address("fd00::fe").value()};
  const Address far[2] = {ipv4_address(192, 0, 2, 1), parse_address("2001:db8::1").value()};

  HostConfig config_of_asker() const {
    HostConfig config = config_of();
    config.next_hop = NextHop::arp;
    config.ipv4.prefix_bits = 16;
    config.gateway_ipv4 = routers[0];
    config.gateway_ipv6 = routers[1];
    return config;
  }
  static Bytes answer_of(const Address& address, const Mac& station) {
    return is_ipv4_mapped(address) ? arp_word(false, address, station, own_ipv4, own_mac)
                                   : advertisement(address, station);
  }
  /// What is said about `station` by a host that was not asked, in each form that the link has.
  static std::vector<Bytes> unasked_words(const Address& address, const Mac& station) {
    if (!is_ipv4_mapped(address))
      return {
          advertisement(address, station), advertisement(address, station, false),
          changed(solicitation(address, own_ipv6), [&](Bytes& f) {
            std::memcpy(f.data() + 6, station.data(), 6);
            Bytes body(neighbor_bytes + neighbor_option_bytes);
            compose_neighbor(body.data(), {true, false, own_ipv6, station}, address, solicited_node_address(own_ipv6));
            std::memcpy(f.data() + ethernet_bytes + ipv6_bytes, body.data(), body.size());
          })};
    return {arp_word(false, address, station, own_ipv4, own_mac), arp_word(true, address, station, own_ipv4),
            arp_word(true, address, station, address), arp_word(false, address, station, address)};
  }
  void learn(const Address& address, const Mac& station, Nanos now) {
    ASSERT_TRUE(asker.next_hop(endpoint(address, 4000), now).ask);
    feed(asker, answer_of(address, station), {}, now);
    ASSERT_EQ(asker.next_hop(endpoint(address, 4000), now).mac, station);
  }
  /// Of an IP version, the i-th address of the link that no host has.
  static Address stranger(bool ipv6, unsigned i) {
    Address address = ipv6 ? own_ipv6 : own_ipv4;
    base::store(address.data() + 12, i);
    return ipv6 ? address : ipv4_address(10, 0, static_cast<std::uint8_t>(i >> 8), static_cast<std::uint8_t>(i));
  }
  /// Whether a datagram for `address` makes it ask, and the question finds room.
  bool sends_a_question(const Address& address, Nanos now = second) {
    const Host::Hop hop = asker.next_hop(endpoint(address, 4000), now);
    Bytes question(Host::question_bytes_max);
    return hop.ask && asker.compose_question(hop, question.data()) > 0;
  }
  Host asker{config_of_asker(), neighbors};
};

TEST_F(HostTest, GoesThroughItsGatewayOffTheLink) {
  HostConfig config = config_of();
  config.next_hop = NextHop::arp;
  config.gateway_ipv4 = ipv4_address(10, 0, 0, 254);
  Host one(config, neighbors);
  EXPECT_EQ(one.next_hop(endpoint(ipv4_address(10, 0, 0, 77), 1), second).address, ipv4_address(10, 0, 0, 77));
  EXPECT_EQ(one.next_hop(endpoint(ipv4_address(192, 0, 2, 1), 1), second).address, config.gateway_ipv4);
  EXPECT_FALSE(one.next_hop(endpoint(parse_address("2001:db8::1").value(), 1), second).ask);  // no IPv6 gateway
}

TEST_F(AskerTest, LearnsOnlyWhatItAskedFor) {
  Nanos now = second;
  for (const Address& peer : {peer_ipv4, peer_ipv6}) {
    for (const Bytes& word : unasked_words(peer, other_mac)) feed(asker, word, {}, now);
    Host::Hop hop = asker.next_hop(endpoint(peer, 4000), now);
    EXPECT_FALSE(hop.known);
    EXPECT_TRUE(hop.ask);
    hop = asker.next_hop(endpoint(peer, 4000), now + 1);
    EXPECT_FALSE(hop.known || hop.ask);
    feed(asker, answer_of(peer, peer_mac), {}, now + 1);
    hop = asker.next_hop(endpoint(peer, 4000), now + 2);
    EXPECT_TRUE(hop.known);
    EXPECT_FALSE(hop.ask);
    EXPECT_EQ(hop.mac, peer_mac);
    for (const Bytes& word : unasked_words(peer, other_mac)) feed(asker, word, {}, now + 3);
    EXPECT_EQ(asker.next_hop(endpoint(peer, 4000), now + 4).mac, peer_mac);
    hop = asker.next_hop(endpoint(peer, 4000), now + 40 * second);  // stale: used, and asked about
    EXPECT_TRUE(hop.known && hop.ask);
    hop = asker.next_hop(endpoint(peer, 4000), now += 200 * second);
    EXPECT_FALSE(hop.known);
  }
}

/// Speak to as many strangers on the link as a forger can name. Expect the routers, and a peer that was there before,
/// to keep their places.
TEST_F(AskerTest, StrangersOnTheLinkTakeNobodysPlace) {
  for (const Address& router : routers) learn(router, router_mac, second);
  for (const Address& peer : {peer_ipv4, peer_ipv6}) learn(peer, peer_mac, second);
  for (unsigned i = 0; i < 100'000; ++i) {
    const Nanos now = second + i * (millisecond / 10);  // ten seconds in all
    const Address address = stranger(i % 2 == 0, i);
    for (const Bytes& word : unasked_words(address, other_mac))
      if (i % 16 < 2) feed(asker, word, {}, now);
    static_cast<void>(asker.next_hop(endpoint(address, 4000), now));
  }
  for (const Address& address : far) {
    EXPECT_EQ(asker.next_hop(endpoint(address, 4000), 12 * second).mac, router_mac) << format_address(address);
  }
  for (const Address& peer : {peer_ipv4, peer_ipv6})
    EXPECT_EQ(asker.next_hop(endpoint(peer, 4000), 12 * second).mac, peer_mac) << format_address(peer);
}

/// An unknown host on the link: its datagram is answered by the station that sent it while the question is open, and a
/// flood of strangers is neither asked for nor answered beyond the budget.
TEST_F(AskerTest, TheFirstAnswerGoesBackToTheStationThatAsked) {
  for (const bool ipv6 : {false, true}) {
    const Nanos now = (ipv6 ? 20 : 10) * second;
    Path path = endpoint(ipv6 ? peer_ipv6 : peer_ipv4, 5000);
    path.link = peer_mac;
    Host::Hop hop = asker.next_hop(path, now);
    EXPECT_TRUE(hop.known && hop.ask && !hop.alone);
    EXPECT_EQ(hop.mac, peer_mac);
    Bytes question(Host::question_bytes_max);
    question.resize(asker.compose_question(hop, question.data()));
    EXPECT_EQ(question.size(), ethernet_bytes + (ipv6 ? ipv6_bytes + 32 : arp_bytes));
    EXPECT_NE(question[0] & 1, 0) << "all are asked";
    EXPECT_TRUE(asker.next_hop(path, now + second - 1).known);
    path.address = far[ipv6 ? 1 : 0];
    EXPECT_FALSE(asker.next_hop(path, now).known) << "a router is asked for, whoever forwards";
    unsigned asked = 0, answered = 0;
    for (unsigned i = 0; i < 5'000; ++i) {
      path.address = stranger(ipv6, 1'000 + i);
      hop = asker.next_hop(path, now + 5 * second);
      asked += hop.ask ? 1U : 0U;
      answered += hop.known ? 1U : 0U;
    }
    EXPECT_EQ(asked, asker.config().questions_per_second);
    EXPECT_EQ(answered, asked);
  }
}

/// A neighbour that is due is asked alone, and its own word keeps it; when it is silent, all are asked, and another
/// station may take over. An unasked word that contradicts does no more than make it due.
TEST_F(AskerTest, ANeighborMovesOnlyWhenItsStationIsSilent) {
  for (const bool ipv6 : {false, true}) {
    const Address& router = routers[ipv6 ? 1 : 0];
    const Path path = endpoint(far[ipv6 ? 1 : 0], 1);
    Nanos now = 50 * second;
    learn(router, router_mac, now);
    for (const Bytes& word : unasked_words(router, other_mac)) {
      now += 5 * second;
      feed(asker, word, {}, now);
      Host::Hop hop = asker.next_hop(path, now);
      EXPECT_TRUE(hop.known && hop.ask && hop.alone);
      Bytes question(Host::question_bytes_max);
      question.resize(asker.compose_question(hop, question.data()));
      EXPECT_EQ(std::memcmp(question.data(), router_mac.data(), 6), 0);
      feed(asker, answer_of(router, other_mac), {}, now + 1);
      EXPECT_EQ(asker.next_hop(path, now + 2).mac, router_mac) << "the station that we know was asked";
      feed(asker, answer_of(router, router_mac), {}, now + 3);
      hop = asker.next_hop(path, now + 2 * second);
      EXPECT_TRUE(hop.known && !hop.ask);
    }
    feed(asker, unasked_words(router, other_mac)[0], {}, now += 5 * second);
    for (int i = 0; i < 3; ++i, now += second) EXPECT_TRUE(asker.next_hop(path, now).alone) << i;
    const Host::Hop hop = asker.next_hop(path, now);
    EXPECT_TRUE(hop.known && hop.ask && !hop.alone) << "silent: all are asked";
    feed(asker, answer_of(router, other_mac), {}, now + 1);
    EXPECT_EQ(asker.next_hop(path, now + 2).mac, other_mac);
  }
}

/// A flood of one kind of frame leaves what belongs to the others: echoes, answers about ourselves, and questions.
TEST_F(AskerTest, AFloodSilencesOnlyItself) {
  for (unsigned i = 0; i < 20'000; ++i) feed(asker, ping(i % 2 == 0));
  EXPECT_FALSE(feed(asker, arp_frame(true, {10, 0, 0, 1})).answer.empty()) << "after pings";
  EXPECT_FALSE(feed(asker, solicitation(peer_ipv6, own_ipv6)).answer.empty()) << "after pings";
  EXPECT_TRUE(sends_a_question(peer_ipv4)) << "after pings";
  for (unsigned i = 0; i < 20'000; ++i)
    feed(asker, i % 2 == 0 ? arp_frame(true, {10, 0, 0, 1}) : solicitation(peer_ipv6, own_ipv6));
  EXPECT_FALSE(feed(asker, ping(false), {}, 3 * second).answer.empty());
  EXPECT_TRUE(sends_a_question(peer_ipv6)) << "after questions of others";
  for (unsigned i = 0; i < 20'000; ++i) static_cast<void>(sends_a_question(stranger(true, i)));
  for (const Address& address : far) EXPECT_TRUE(sends_a_question(address)) << "a router, after strangers";
  EXPECT_FALSE(feed(asker, arp_frame(true, {10, 0, 0, 1}), {}, 5 * second).answer.empty());
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
