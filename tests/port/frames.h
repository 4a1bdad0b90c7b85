#pragma once
/// Frames as a wire brings them to the host at 10.0.0.1 and fd00::1, right ones and wrong ones, and what is to become
/// of each. The host alone and a whole device are held to the same table.

#include <cstring>
#include <functional>
#include <numeric>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "port/host.h"

namespace serried::port::frames {

using Bytes = std::vector<std::uint8_t>;
using namespace wire;

inline const Mac own_mac = {2, 0, 0, 0, 0, 1}, peer_mac = {2, 0, 0, 0, 0, 2}, other_mac = {2, 0, 0, 0, 0, 3};
inline const Address own_ipv4 = ipv4_address(10, 0, 0, 1), peer_ipv4 = ipv4_address(10, 0, 0, 2);
inline const Address own_ipv6 = parse_address("fd00::1").value(), peer_ipv6 = parse_address("fd00::2").value();
inline const IpAddress all_nodes = {0xFF, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};

inline HostConfig config_of(std::uint16_t vlan = 0) {
  HostConfig config;
  config.mac = own_mac;
  config.has_ipv4 = config.has_ipv6 = true;
  config.ipv4 = {own_ipv4, 24};
  config.ipv6 = {own_ipv6, 64};
  config.port_first = 4000;
  config.port_last = 4001;
  config.vlan = vlan;
  return config;
}

inline Bytes udp_frame(bool ipv6, std::uint16_t vlan = 0, std::size_t payload_bytes = 20, std::uint16_t port = 4000) {
  Bytes bytes(link_headers_bytes_max + payload_bytes);
  std::iota(bytes.end() - static_cast<std::ptrdiff_t>(payload_bytes), bytes.end(), std::uint8_t{1});
  UdpFrame frame;
  frame.link = {own_mac, peer_mac, vlan, 0, 0};
  frame.source = ipv6 ? peer_ipv6 : peer_ipv4;
  frame.destination = ipv6 ? own_ipv6 : own_ipv4;
  frame.source_port = 5000;
  frame.destination_port = port;
  frame.payload_bytes = static_cast<std::uint16_t>(payload_bytes);
  const std::size_t header_bytes = compose_udp(bytes.data() + link_headers_bytes_max, frame);
  bytes.erase(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(link_headers_bytes_max - header_bytes));
  return bytes;
}

/// A frame of any IP protocol; `body` with a right checksum at offset 2 when it is ICMP.
inline Bytes ip_frame(const Mac& to_mac, const Address& from, const Address& to, std::uint8_t protocol,
                      std::uint8_t hop_limit, Bytes body, std::uint16_t vlan = 0) {
  const bool ipv6 = !is_ipv4_mapped(to);
  if (protocol == ip_protocol::icmp || protocol == ip_protocol::icmpv6) {
    base::store<std::uint16_t>(body.data() + 2, 0);
    const std::uint64_t seed = ipv6 ? pseudo_header_sum(from, to, protocol, body.size()) : std::uint64_t{0};
    base::store(body.data() + 2, checksum_finish(checksum_add(body, seed)));
  }
  Bytes bytes(ethernet_bytes + vlan_bytes + ipv6_bytes);
  std::size_t at =
      compose_ethernet(bytes.data(), {to_mac, peer_mac, vlan, ipv6 ? ether_type::ipv6 : ether_type::ipv4, 0});
  at += compose_ip(bytes.data() + at, from, to, protocol, hop_limit, body.size(), ChecksumBy::software);
  bytes.resize(at);
  bytes.insert(bytes.end(), body.begin(), body.end());
  return bytes;
}

inline Bytes arp_frame(bool request, const std::array<std::uint8_t, 4>& target, std::uint16_t vlan = 0) {
  Bytes bytes(ethernet_bytes + vlan_bytes + arp_bytes);
  const std::size_t at = compose_ethernet(bytes.data(), {broadcast_mac, peer_mac, vlan, ether_type::arp, 0});
  compose_arp(bytes.data() + at, {request, peer_mac, {}, {10, 0, 0, 2}, target});
  bytes.resize(at + arp_bytes);
  return bytes;
}

/// A word of ARP by the host `ip` at `station`, to the host `target`; in a broadcast frame unless `to` says otherwise.
inline Bytes arp_word(bool request, const Address& ip, const Mac& station, const Address& target,
                      const Mac& to = broadcast_mac) {
  Bytes bytes(ethernet_bytes + arp_bytes);
  compose_ethernet(bytes.data(), {to, station, 0, ether_type::arp, 0});
  ArpPacket arp{request, station, {}, {}, {}};
  std::memcpy(arp.sender_ip.data(), ip.data() + 12, 4);
  std::memcpy(arp.target_ip.data(), target.data() + 12, 4);
  compose_arp(bytes.data() + ethernet_bytes, arp);
  return bytes;
}

/// What a host says of its link address, to our station and address: as the answer to a solicitation, or unasked.
inline Bytes advertisement(const Address& ip, const Mac& station, bool solicited = true) {
  Bytes body(neighbor_bytes + neighbor_option_bytes);
  compose_neighbor(body.data(), {false, solicited, ip, station}, ip, own_ipv6);
  Bytes frame = ip_frame(own_mac, ip, own_ipv6, ip_protocol::icmpv6, 255, body);
  std::memcpy(frame.data() + 6, station.data(), station.size());
  return frame;
}

inline Bytes solicitation(const Address& from, const Address& target, std::uint8_t hop_limit = 255,
                          std::uint16_t vlan = 0) {
  const Address group = solicited_node_address(target);
  Bytes body(neighbor_bytes + neighbor_option_bytes);
  compose_neighbor(body.data(), {true, false, target, peer_mac}, from, group);
  return ip_frame(multicast_mac(group), from, group, ip_protocol::icmpv6, hop_limit, body, vlan);
}

inline Bytes ping(bool ipv6, std::size_t data_bytes = 56, std::uint16_t vlan = 0) {
  Bytes body(icmp_bytes + data_bytes, 0xAB);
  body[0] = ipv6 ? icmp_type::echo_request_v6 : icmp_type::echo_request;
  body[1] = 0;
  return ipv6 ? ip_frame(own_mac, peer_ipv6, own_ipv6, ip_protocol::icmpv6, 64, body, vlan)
              : ip_frame(own_mac, peer_ipv4, own_ipv4, ip_protocol::icmp, 64, body, vlan);
}

/// After a change of an IPv4 header.
inline void repair_ipv4(Bytes& frame) {
  std::uint8_t* const ip = frame.data() + ethernet_bytes;
  base::store<std::uint16_t>(ip + 10, 0);
  base::store(ip + 10, checksum_finish(checksum_add({ip, std::size_t{ip[0]} % 16 * 4}, 0)));
}

struct Outcome {
  std::string verdict;  ///< "datagram", "host", or the drop's name
  Bytes answer;
  Host::Verdict examined;
};

inline Outcome feed(Host& host, const Bytes& frame, const Host::Offloaded& offloaded = {}, Nanos now = second) {
  // An exact copy on the heap, so that a sanitizer sees a read past its end.
  const Bytes exact(frame);  // NOLINT(performance-unnecessary-copy-initialization)
  Outcome outcome;
  outcome.examined = host.examine(exact, offloaded);
  if (outcome.examined.kind == Host::Kind::datagram) {
    outcome.verdict = "datagram";
  } else if (outcome.examined.kind == Host::Kind::drop) {
    outcome.verdict = drop_name(outcome.examined.drop);
  } else {
    outcome.answer.resize(2048);
    const Host::Service service = host.serve(exact, offloaded, now, outcome.answer);
    outcome.answer.resize(service.answer_bytes);
    outcome.verdict = service.drop == metrics::Drop::none ? "host" : std::string(drop_name(service.drop));
  }
  return outcome;
}

/// A frame, and what the host at `config_of()` makes of it.
struct Case {
  const char* name;
  Bytes frame;
  std::string verdict;
};

inline Bytes changed(Bytes frame, const std::function<void(Bytes&)>& change) {
  change(frame);
  return frame;
}

inline std::vector<Case> cases() {
  const auto ip = ethernet_bytes;
  return {
      {"IPv4", udp_frame(false), "datagram"},
      {"IPv6", udp_frame(true), "datagram"},
      {"second port", udp_frame(false, 0, 20, 4001), "datagram"},
      {"padded by Ethernet", changed(udp_frame(false, 0, 1), [](Bytes& f) { f.resize(60); }), "datagram"},
      {"priority tag",
       changed(udp_frame(false),
               [](Bytes& f) {
                 f.insert(f.begin() + 12, {0x81, 0x00, 0x00, 0x00});
               }),
       "datagram"},
      {"IPv4 options",
       changed(udp_frame(false),
               [&](Bytes& f) {
                 f.insert(f.begin() + 34, {1, 1, 1, 0});
                 f[ip] = 0x46;
                 f[ip + 3] = static_cast<std::uint8_t>(f[ip + 3] + 4);
                 repair_ipv4(f);
               }),
       "datagram"},
      {"IPv6 destination options",
       changed(udp_frame(true),
               [&](Bytes& f) {
                 f.insert(f.begin() + 54, {17, 0, 1, 4, 0, 0, 0, 0});
                 f[ip + 6] = 60;
                 f[ip + 5] = static_cast<std::uint8_t>(f[ip + 5] + 8);
               }),
       "datagram"},
      {"no UDP checksum, IPv4", changed(udp_frame(false), [&](Bytes& f) { f[ip + 26] = f[ip + 27] = 0; }), "datagram"},
      {"no UDP checksum, IPv6", changed(udp_frame(true), [&](Bytes& f) { f[ip + 46] = f[ip + 47] = 0; }),
       "bad_udp_checksum"},
      {"payload bit", changed(udp_frame(false), [](Bytes& f) { f.back() ^= 1; }), "bad_udp_checksum"},
      {"payload bit, IPv6", changed(udp_frame(true), [](Bytes& f) { f.back() ^= 1; }), "bad_udp_checksum"},
      {"IPv4 header bit", changed(udp_frame(false), [&](Bytes& f) { f[ip + 8] ^= 1; }), "bad_ip_checksum"},
      {"other station", changed(udp_frame(false), [](Bytes& f) { f[5] ^= 4; }), "foreign_frame"},
      {"from a group", changed(udp_frame(false), [](Bytes& f) { f[6] |= 1; }), "bad_frame"},
      {"to everybody", changed(udp_frame(false), [](Bytes& f) { std::memset(f.data(), 0xFF, 6); }), "foreign_frame"},
      {"other VLAN", udp_frame(false, 9), "foreign_frame"},
      {"LLDP", changed(udp_frame(false), [](Bytes& f) { f[12] = 0x88, f[13] = 0xCC; }), "foreign_frame"},
      {"other address",
       changed(udp_frame(false),
               [&](Bytes& f) {
                 f[ip + 19] = 99;
                 repair_ipv4(f);
               }),
       "foreign_address"},
      {"other IPv6 address", changed(udp_frame(true), [&](Bytes& f) { f[ip + 39] = 99; }), "foreign_address"},
      {"other port", udp_frame(false, 0, 20, 4002), "foreign_port"},
      {"TCP", ip_frame(own_mac, peer_ipv4, own_ipv4, 6, 64, Bytes(20)), "foreign_port"},
      {"TCP, IPv6", ip_frame(own_mac, peer_ipv6, own_ipv6, 6, 64, Bytes(20)), "foreign_port"},
      {"first fragment",
       changed(udp_frame(false),
               [&](Bytes& f) {
                 f[ip + 6] = 0x20;
                 repair_ipv4(f);
               }),
       "ip_fragment"},
      {"later fragment",
       changed(udp_frame(false),
               [&](Bytes& f) {
                 f[ip + 6] = 0, f[ip + 7] = 10;
                 repair_ipv4(f);
               }),
       "ip_fragment"},
      {"IPv6 fragment", ip_frame(own_mac, peer_ipv6, own_ipv6, ip_protocol::fragment, 64, Bytes(40)), "ip_fragment"},
      {"UDP length too long", changed(udp_frame(false), [&](Bytes& f) { ++f[ip + 25]; }), "bad_frame"},
      {"UDP length too short", changed(udp_frame(false), [&](Bytes& f) { --f[ip + 25]; }), "bad_frame"},
      {"UDP length below its header", changed(udp_frame(false), [&](Bytes& f) { f[ip + 25] = 7; }), "bad_frame"},
      {"IP total beyond the frame",
       changed(udp_frame(false),
               [&](Bytes& f) {
                 ++f[ip + 3];
                 repair_ipv4(f);
               }),
       "bad_frame"},
      {"IPv4 header of 16 bytes", changed(udp_frame(false), [&](Bytes& f) { f[ip] = 0x44; }), "bad_frame"},
      {"version 5", changed(udp_frame(false), [&](Bytes& f) { f[ip] = 0x55; }), "bad_frame"},
      {"from 127.0.0.1",
       changed(udp_frame(false),
               [&](Bytes& f) {
                 f[ip + 12] = 127;
                 repair_ipv4(f);
               }),
       "bad_frame"},
      {"from a multicast group", changed(udp_frame(true), [&](Bytes& f) { f[ip + 8] = 0xFF; }), "bad_frame"},
      {"from ourselves", ip_frame(own_mac, own_ipv4, own_ipv4, ip_protocol::udp, 64, Bytes(20)), "bad_frame"},
      {"IPv4 mapped into IPv6", ip_frame(own_mac, peer_ipv4, own_ipv6, 6, 64, Bytes(20)), "bad_frame"},
      {"ping", ping(false), "host"},
      {"ping6", ping(true), "host"},
      {"ping with a wrong checksum", changed(ping(false), [](Bytes& f) { f.back() ^= 1; }), "bad_frame"},
      {"ping6 with a wrong checksum", changed(ping(true), [](Bytes& f) { f.back() ^= 1; }), "bad_frame"},
      {"echo reply", ip_frame(own_mac, peer_ipv4, own_ipv4, ip_protocol::icmp, 64, Bytes(16)), "host"},
      {"ARP", arp_frame(true, {10, 0, 0, 1}), "host"},
      {"ARP for another", arp_frame(true, {10, 0, 0, 3}), "foreign_address"},
      {"ARP reply", arp_frame(false, {10, 0, 0, 1}), "host"},
      {"ARP of no operation", changed(arp_frame(true, {10, 0, 0, 1}), [](Bytes& f) { f[21] = 9; }), "bad_frame"},
      {"solicitation", solicitation(peer_ipv6, own_ipv6), "host"},
      {"solicitation by nobody yet", solicitation(Address{}, own_ipv6), "host"},
      {"solicitation through a router", solicitation(peer_ipv6, own_ipv6, 254), "bad_frame"},
      {"solicitation for another", solicitation(peer_ipv6, parse_address("fd00::3").value()), "foreign_address"},
  };
}

}  // namespace serried::port::frames
