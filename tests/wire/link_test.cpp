#include "wire/link.h"

#include <cstring>
#include <vector>

#include <gtest/gtest.h>

#include "base/bytes.h"
#include "base/prng.h"

namespace serried::wire {
namespace {

using metrics::Drop;
using Bytes = std::vector<std::uint8_t>;

const Mac here = {2, 0, 0, 0, 0, 1}, there = {2, 0, 0, 0, 0, 2};

/// The definition, a 16-bit word at a time (RFC 1071 1).
std::uint16_t reference_checksum(const Bytes& bytes) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < bytes.size(); i += 2) {
    sum += (std::uint32_t{bytes[i]} << 8) | (i + 1 < bytes.size() ? bytes[i + 1] : 0U);
    sum = (sum & 0xFFFF) + (sum >> 16);
  }
  return base::byte_swapped(static_cast<std::uint16_t>(~sum));
}

TEST(Link, ChecksumAgreesWithItsDefinition) {
  base::Prng rng(1071);
  for (std::size_t size = 0; size < 300; ++size) {
    Bytes bytes(size);
    for (auto& byte : bytes) byte = static_cast<std::uint8_t>(rng.chance(0.3) ? 0xFF : rng.next());
    EXPECT_EQ(checksum_finish(checksum_add(bytes, 0)), reference_checksum(bytes)) << size;
    const std::size_t cut = rng.below(size + 1) & ~std::size_t{1};
    const std::uint64_t first = checksum_add(std::span(bytes).first(cut), 0);
    EXPECT_EQ(checksum_finish(checksum_add(std::span(bytes).subspan(cut), first)), reference_checksum(bytes));
  }
}

/// The example of RFC 1071 section 3: words 0001 f203 f4f5 f6f7 sum to ddf2.
TEST(Link, ChecksumOfTheRfcExample) {
  const Bytes bytes = {0x00, 0x01, 0xF2, 0x03, 0xF4, 0xF5, 0xF6, 0xF7};
  EXPECT_EQ(base::byte_swapped(static_cast<std::uint16_t>(~checksum_finish(checksum_add(bytes, 0)))), 0xDDF2);
}

TEST(Link, UdpFramesRoundTrip) {
  base::Prng rng(768);
  for (int round = 0; round < 500; ++round) {
    const bool ipv6 = rng.chance(0.5), tagged = rng.chance(0.5);
    const std::size_t payload_bytes = rng.below(1201);
    Bytes bytes(link_headers_bytes_max + payload_bytes);
    for (auto& byte : bytes) byte = static_cast<std::uint8_t>(rng.next());
    UdpFrame frame;
    frame.link = {there, here, static_cast<std::uint16_t>(tagged ? 1 + rng.below(0xFFFF) : 0), 0, 0};
    for (int i = 0; i < 16; ++i) {
      frame.source[i] = static_cast<std::uint8_t>(rng.next());
      frame.destination[i] = static_cast<std::uint8_t>(rng.next());
    }
    frame.source[0] = frame.destination[0] = 0x20;
    if (!ipv6) {
      frame.source = mapped({10, 0, 0, static_cast<std::uint8_t>(rng.next())});
      frame.destination = mapped({10, 0, 0, static_cast<std::uint8_t>(rng.next())});
    }
    frame.source_port = static_cast<std::uint16_t>(rng.next());
    frame.destination_port = static_cast<std::uint16_t>(rng.next());
    frame.payload_bytes = static_cast<std::uint16_t>(payload_bytes);
    const std::size_t header_bytes = compose_udp(bytes.data() + link_headers_bytes_max, frame);
    EXPECT_EQ(header_bytes, udp_headers_bytes(ipv6, tagged));

    const auto sent = std::span(bytes).subspan(link_headers_bytes_max - header_bytes);
    EthernetHeader link;
    ASSERT_TRUE(read_ethernet(sent, link));
    EXPECT_EQ(link.source, here);
    EXPECT_EQ(link.destination, there);
    EXPECT_EQ(link.vlan, frame.link.vlan);
    EXPECT_EQ(link.ether_type, ipv6 ? ether_type::ipv6 : ether_type::ipv4);
    IpHeader ip;
    const auto packet = sent.subspan(link.bytes);
    ASSERT_EQ(ipv6 ? read_ipv6(packet, ip) : read_ipv4(packet, true, ip), Drop::none);
    EXPECT_TRUE(ipv6 || packet[6] == 0x40);  // DF, no fragment
    EXPECT_EQ(ip.source, frame.source);
    EXPECT_EQ(ip.destination, frame.destination);
    EXPECT_EQ(ip.protocol, ip_protocol::udp);
    EXPECT_FALSE(ip.fragment);
    const auto segment = packet.subspan(ip.bytes, ip.payload_bytes);
    UdpHeader udp;
    ASSERT_EQ(read_udp(segment, udp), Drop::none);
    EXPECT_EQ(udp.source_port, frame.source_port);
    EXPECT_EQ(udp.destination_port, frame.destination_port);
    EXPECT_NE(udp.checksum, 0);
    EXPECT_TRUE(udp_checksum_right(segment, ip));
    bytes[bytes.size() - 1 - rng.below(segment.size() - 8 + 1)] ^= 0x10;
    EXPECT_FALSE(udp_checksum_right(segment, ip));
  }
}

/// A checksum that comes out as 0 is sent as FFFF: 0 means that there is none.
TEST(Link, AZeroChecksumIsSentAsOnes) {
  UdpFrame frame;
  frame.link = {there, here, 0, 0, 0};
  frame.source = frame.destination = mapped({0, 0, 0, 0});
  frame.payload_bytes = 2;
  Bytes bytes(link_headers_bytes_max + 2);
  std::uint8_t* const payload = bytes.data() + link_headers_bytes_max;
  const auto stored = [&] { return base::load<std::uint16_t>(payload - 2); };
  compose_udp(payload, frame);
  base::store(payload, stored());  // what was missing to make the sum all ones
  compose_udp(payload, frame);
  EXPECT_EQ(stored(), 0xFFFF);
  IpHeader ip;
  ip.source = ip.destination = frame.source;
  EXPECT_TRUE(udp_checksum_right({payload - 8, 10}, ip));
}

/// The NIC adds the segment to the pseudo header's sum that we leave: the same checksum as in software.
TEST(Link, WhatTheNicCompletesIsWhatSoftwareComputes) {
  for (const bool ipv6 : {false, true}) {
    UdpFrame frame;
    frame.link = {there, here, 0, 0, 0};
    frame.source = ipv6 ? IpAddress{0x20, 1, 5} : mapped({10, 0, 0, 1});
    frame.destination = ipv6 ? IpAddress{0x20, 1, 6} : mapped({10, 0, 0, 2});
    frame.source_port = 4000;
    frame.destination_port = 5000;
    frame.payload_bytes = 99;
    Bytes software(link_headers_bytes_max + 99, 0x5A), nic = software;
    compose_udp(software.data() + link_headers_bytes_max, frame);
    frame.udp_checksum = ChecksumBy::nic;
    compose_udp(nic.data() + link_headers_bytes_max, frame);
    std::uint8_t* const segment = nic.data() + link_headers_bytes_max - udp_bytes;
    base::store(segment + 6, checksum_finish(checksum_add({segment, udp_bytes + 99}, 0)));
    EXPECT_EQ(nic, software);
  }
}

TEST(Link, WalksExtensionsAndStopsAtTheirEnd) {
  Bytes packet(ipv6_bytes + 80, 0);
  compose_ip(packet.data(), IpAddress{0x20}, IpAddress{0x21}, ip_protocol::hop_by_hop, 64, 80, ChecksumBy::software);
  packet[40] = ip_protocol::destination_options;
  packet[41] = 1;  // 16 bytes
  packet[56] = ip_protocol::udp;
  IpHeader ip;
  ASSERT_EQ(read_ipv6(packet, ip), Drop::none);
  EXPECT_EQ(ip.protocol, ip_protocol::udp);
  EXPECT_EQ(ip.bytes, 64);
  EXPECT_EQ(ip.payload_bytes, 56);
  packet[57] = 200;  // beyond the packet
  EXPECT_EQ(read_ipv6(packet, ip), Drop::bad_frame);
  packet[57] = 0;
  packet[56] = ip_protocol::fragment;
  ASSERT_EQ(read_ipv6(packet, ip), Drop::none);
  EXPECT_TRUE(ip.fragment);
}

TEST(Link, RefusesNeighborMessagesThatContradictThemselves) {
  const IpAddress from = {0xFD, 1}, to = {0xFD, 2};
  Bytes bytes(32);
  compose_neighbor(bytes.data(), {true, false, to, here}, from, to);
  NeighborMessage message;
  ASSERT_TRUE(read_neighbor(bytes, message));
  EXPECT_TRUE(message.solicitation);
  EXPECT_EQ(message.target, to);
  EXPECT_EQ(message.link, here);
  for (std::size_t size = 0; size < bytes.size(); ++size)
    EXPECT_EQ(read_neighbor(std::span(bytes).first(size), message), size == neighbor_bytes) << size;
  const auto refused = [&](std::size_t at, std::uint8_t value) {
    Bytes changed = bytes;
    changed[at] = value;
    return !read_neighbor(changed, message);
  };
  EXPECT_TRUE(refused(0, 134));
  EXPECT_TRUE(refused(1, 1));
  EXPECT_TRUE(refused(8, 0xFF));
  EXPECT_TRUE(refused(25, 0));
  EXPECT_TRUE(refused(25, 2));
}

TEST(Link, GroupsOfNeighborDiscovery) {
  const IpAddress address = {0x20, 0x01, 0x0D, 0xB8, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4};
  const IpAddress group = solicited_node_address(address);
  EXPECT_EQ(group, (IpAddress{0xFF, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xFF, 2, 3, 4}));
  EXPECT_EQ(multicast_mac(group), (Mac{0x33, 0x33, 0xFF, 2, 3, 4}));
}

}  // namespace
}  // namespace serried::wire
