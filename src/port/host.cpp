#include "port/host.h"

#include <cstring>

#include "base/bytes.h"
#include "base/setup.h"

namespace serried::port {
namespace {

using metrics::Drop;
using namespace wire;

constexpr std::uint16_t vlan_id_mask = 0x0FFF;
constexpr std::uint8_t hops_of_a_neighbor = 255;  ///< no host beyond a router can fake it (RFC 4861 7.1)
constexpr std::uint8_t hops = 64;
constexpr IpAddress all_nodes = {0xFF, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};

bool is_group(const Mac& mac) noexcept { return (mac[0] & 1) != 0; }

/// An address that no host may send from: an answer to it would reach many, or ourselves.
bool is_impossible_source(const IpAddress& address) noexcept {
  static constexpr IpAddress loopback{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  if (is_ipv4_mapped(address))
    return address[12] >= 224 || address[12] == 127 || (address[12] | address[13] | address[14] | address[15]) == 0;
  return address[0] == 0xFF || same_address(address, loopback);
}

bool is_unspecified(const IpAddress& address) noexcept { return same_address(address, IpAddress{}); }

}  // namespace

struct Host::Packet {
  EthernetHeader link{};
  std::uint16_t tag = 0;  ///< in the frame, or stripped by the NIC
  IpHeader ip{};
};

SERRIED_SETUP Host::Host(const HostConfig& config, Neighbors& neighbors) noexcept
    : config_(config),
      neighbors_(neighbors),
      echoes_(config.echoes_per_second, config.echoes_per_second),
      answers_(config.answers_per_second, config.answers_per_second),
      questions_(config.questions_per_second, config.questions_per_second) {
  if (config.next_hop != NextHop::arp) return;
  for (const Address& router : {config.gateway_ipv4, config.gateway_ipv6})
    if (!is_unspecified(router)) neighbors.pin(router);
}

Drop Host::read_link(std::span<const std::uint8_t> frame, const Offloaded& offloaded, Packet& packet) const noexcept {
  if (!read_ethernet(frame, packet.link) || is_group(packet.link.source)) return Drop::bad_frame;
  packet.tag = offloaded.vlan_stripped ? offloaded.vlan : packet.link.vlan;
  if ((packet.tag & vlan_id_mask) != config_.vlan) return Drop::foreign_frame;
  if (!same_mac(packet.link.destination, config_.mac) && !is_group(packet.link.destination)) return Drop::foreign_frame;
  return Drop::none;
}

Drop Host::read_ip(std::span<const std::uint8_t> frame, const Offloaded& offloaded, Packet& packet) const noexcept {
  const auto bytes = frame.subspan(packet.link.bytes);
  if (packet.link.ether_type == ether_type::ipv4) {
    if (offloaded.ip == Checked::bad) return Drop::bad_ip_checksum;
    if (const Drop drop = read_ipv4(bytes, offloaded.ip == Checked::unknown, packet.ip); drop != Drop::none)
      return drop;
  } else if (const Drop drop = read_ipv6(bytes, packet.ip); drop != Drop::none) {
    return drop;
  }
  const IpAddress& to = packet.ip.destination;
  const bool group = packet.ip.ipv6 && to[0] == 0xFF;
  if (!speaks(to)) return Drop::foreign_address;
  if (group ? to != all_nodes && to != solicited_node_address(config_.ipv6.address)
            : !same_address(to, own_address(to)))
    return Drop::foreign_address;
  if (is_impossible_source(packet.ip.source) || same_address(packet.ip.source, own_address(to))) return Drop::bad_frame;
  if (packet.ip.fragment) return Drop::ip_fragment;
  const bool icmp = packet.ip.protocol == (packet.ip.ipv6 ? ip_protocol::icmpv6 : ip_protocol::icmp);
  if (packet.ip.protocol != ip_protocol::udp && !icmp) return Drop::foreign_port;
  // No honest host sends to our address in a broadcast frame (RFC 1122 3.3.6), and none sends UDP to a group here.
  if (!icmp && group) return Drop::foreign_address;
  if (!group && is_group(packet.link.destination)) return Drop::foreign_frame;
  return Drop::none;
}

Drop Host::read_udp(std::span<const std::uint8_t> frame, const Offloaded& offloaded, const Packet& packet,
                    Verdict& verdict) const noexcept {
  const std::size_t at = std::size_t{packet.link.bytes} + packet.ip.bytes;
  const auto segment = frame.subspan(at, packet.ip.payload_bytes);
  UdpHeader udp;
  if (const Drop drop = wire::read_udp(segment, udp); drop != Drop::none) return drop;
  if (is_unspecified(packet.ip.source)) return Drop::bad_frame;
  if (udp.destination_port < config_.port_first || udp.destination_port > config_.port_last) return Drop::foreign_port;
  if (config_.verify_udp_checksum) {
    const bool none_where_needed = udp.checksum == 0 && packet.ip.ipv6;
    if (none_where_needed || (offloaded.udp == Checked::bad && udp.checksum != 0)) return Drop::bad_udp_checksum;
    if (offloaded.udp == Checked::unknown && !udp_checksum_right(segment, packet.ip)) return Drop::bad_udp_checksum;
  }
  verdict.payload_offset = static_cast<std::uint16_t>(at + udp_bytes);
  verdict.payload_bytes = static_cast<std::uint16_t>(segment.size() - udp_bytes);
  verdict.path.address = packet.ip.source;
  verdict.path.port = udp.source_port;
  verdict.path.vlan = packet.tag;
  verdict.path.link = packet.link.source;
  verdict.path.local_port = udp.destination_port;
  return Drop::none;
}

Host::Verdict Host::examine(std::span<const std::uint8_t> frame, const Offloaded& offloaded) const noexcept {
  Verdict verdict;
  Packet packet;
  verdict.drop = read_link(frame, offloaded, packet);
  if (verdict.drop != Drop::none) return verdict;
  if (packet.link.ether_type == ether_type::arp) {
    verdict.kind = Kind::service;
    return verdict;
  }
  if (packet.link.ether_type != ether_type::ipv4 && packet.link.ether_type != ether_type::ipv6) {
    verdict.drop = Drop::foreign_frame;
    return verdict;
  }
  verdict.drop = read_ip(frame, offloaded, packet);
  if (verdict.drop != Drop::none) return verdict;
  if (packet.ip.protocol != ip_protocol::udp) {
    verdict.kind = Kind::service;
    return verdict;
  }
  verdict.drop = read_udp(frame, offloaded, packet, verdict);
  if (verdict.drop == Drop::none) verdict.kind = Kind::datagram;
  return verdict;
}

Host::Service Host::serve(std::span<const std::uint8_t> frame, const Offloaded& offloaded, Nanos now,
                          std::span<std::uint8_t> answer) noexcept {
  Packet packet;
  if (const Drop drop = read_link(frame, offloaded, packet); drop != Drop::none) return {drop};
  if (packet.link.ether_type == ether_type::arp)
    return serve_arp(frame.subspan(packet.link.bytes), packet, now, answer);
  if (const Drop drop = read_ip(frame, offloaded, packet); drop != Drop::none) return {drop};
  return serve_icmp(frame.subspan(std::size_t{packet.link.bytes} + packet.ip.bytes, packet.ip.payload_bytes), packet,
                    now, answer);
}

Host::Service Host::serve_arp(std::span<const std::uint8_t> body, const Packet& packet, Nanos now,
                              std::span<std::uint8_t> answer) noexcept {
  ArpPacket arp;
  if (!read_arp(body, arp)) return {Drop::bad_frame};
  const Address sender = mapped(arp.sender_ip);
  const bool for_us = config_.has_ipv4 && mapped(arp.target_ip) == config_.ipv4.address;
  const bool probe = arp.sender_ip == std::array<std::uint8_t, 4>{};  // a host tries an address out (RFC 5227)
  if (!probe && config_.has_ipv4 && !is_impossible_source(sender) && sender != config_.ipv4.address) {
    if (!arp.request && for_us && same_mac(packet.link.destination, config_.mac))
      neighbors_.answered(sender, arp.sender_mac, now);
    else
      neighbors_.said(sender, arp.sender_mac, now);
  }
  if (!for_us) return {Drop::foreign_address};
  const std::size_t bytes = ethernet_bytes + (packet.tag != 0 ? vlan_bytes : 0) + arp_bytes;
  if (!arp.request || answer.size() < bytes || !answers_.take(now)) return {};
  const EthernetHeader link{packet.link.source, config_.mac, packet.tag, ether_type::arp};
  const std::size_t at = compose_ethernet(answer.data(), link);
  compose_arp(answer.data() + at, {false, config_.mac, arp.sender_mac, arp.target_ip, arp.sender_ip});
  return {Drop::none, bytes};
}

Host::Service Host::serve_icmp(std::span<const std::uint8_t> body, const Packet& packet, Nanos now,
                               std::span<std::uint8_t> answer) noexcept {
  const IpHeader& ip = packet.ip;
  if (body.size() < icmp_bytes) return {Drop::bad_frame};
  const std::uint64_t seed =
      ip.ipv6 ? pseudo_header_sum(ip.source, ip.destination, ip_protocol::icmpv6, body.size()) : std::uint64_t{0};
  if (checksum_finish(checksum_add(body, seed)) != 0) return {Drop::bad_frame};
  if (ip.ipv6 && (body[0] == icmp_type::neighbor_solicitation || body[0] == icmp_type::neighbor_advertisement))
    return serve_neighbor(body, packet, now, answer);
  const bool echo = body[0] == (ip.ipv6 ? icmp_type::echo_request_v6 : icmp_type::echo_request) && body[1] == 0;
  const std::size_t bytes =
      ethernet_bytes + (packet.tag != 0 ? vlan_bytes : 0) + (ip.ipv6 ? ipv6_bytes : ipv4_bytes) + body.size();
  const bool to_us_alone = ip.destination == own_address(ip.destination) && !is_unspecified(ip.source);
  if (!echo || !to_us_alone || answer.size() < bytes || !echoes_.take(now)) return {};

  std::uint8_t* at = answer.data();
  at += compose_ethernet(at, {packet.link.source, config_.mac, packet.tag, packet.link.ether_type});
  at += compose_ip(at, ip.destination, ip.source, ip.protocol, hops, body.size(), ChecksumBy::software);
  std::memcpy(at, body.data(), body.size());
  at[0] = ip.ipv6 ? icmp_type::echo_reply_v6 : icmp_type::echo_reply;
  base::store<std::uint16_t>(at + 2, 0);
  const std::uint64_t answer_seed =
      ip.ipv6 ? pseudo_header_sum(ip.destination, ip.source, ip_protocol::icmpv6, body.size()) : std::uint64_t{0};
  base::store(at + 2, checksum_finish(checksum_add({at, body.size()}, answer_seed)));
  return {Drop::none, bytes};
}

Host::Service Host::serve_neighbor(std::span<const std::uint8_t> body, const Packet& packet, Nanos now,
                                   std::span<std::uint8_t> answer) noexcept {
  NeighborMessage message;
  if (packet.ip.hop_limit != hops_of_a_neighbor || !read_neighbor(body, message)) return {Drop::bad_frame};
  const Address& asker = packet.ip.source;
  if (!message.solicitation) {
    if (message.solicited && packet.ip.destination == config_.ipv6.address)
      neighbors_.answered(message.target, message.link, now);
    else
      neighbors_.said(message.target, message.link, now);
    return {};
  }
  if (message.target != config_.ipv6.address) return {Drop::foreign_address};
  const bool tries_out = is_unspecified(asker);  // duplicate address detection: all nodes must hear (RFC 4861 7.2.4)
  if (!tries_out) neighbors_.said(asker, message.link, now);
  constexpr std::size_t body_bytes = neighbor_bytes + neighbor_option_bytes;
  const std::size_t bytes = ethernet_bytes + (packet.tag != 0 ? vlan_bytes : 0) + ipv6_bytes + body_bytes;
  if (answer.size() < bytes || !answers_.take(now)) return {};
  const IpAddress to = tries_out ? all_nodes : asker;
  const Mac station = tries_out ? multicast_mac(all_nodes) : packet.link.source;
  std::uint8_t* at = answer.data();
  at += compose_ethernet(at, {station, config_.mac, packet.tag, ether_type::ipv6});
  at += compose_ip(at, message.target, to, ip_protocol::icmpv6, hops_of_a_neighbor, body_bytes, ChecksumBy::software);
  compose_neighbor(at, {false, !tries_out, message.target, config_.mac}, message.target, to);
  return {Drop::none, bytes};
}

Host::Hop Host::next_hop(const Path& path, Nanos now) noexcept {
  if (!speaks(path.address)) return {};
  if (config_.next_hop == NextHop::static_mac) return {true, false, config_.next_hop_mac, path.address};
  if (config_.next_hop == NextHop::learn) return {!same_mac(path.link, Mac{}), false, path.link, path.address};
  Hop hop;
  hop.address = path.address;
  const bool ipv4 = is_ipv4_mapped(path.address);
  const bool on_link = is_on_link(ipv4 ? config_.ipv4 : config_.ipv6, path.address);
  if (!on_link) hop.address = ipv4 ? config_.gateway_ipv4 : config_.gateway_ipv6;
  if (is_unspecified(hop.address)) return {};
  const Neighbors::Answer answer = neighbors_.find(hop.address, now, questions_.has(now));
  hop.known = answer.known;
  hop.ask = answer.ask && (!answer.stranger || questions_.take(now));
  hop.alone = answer.alone;
  hop.mac = answer.mac;
  if (!answer.known && answer.open && on_link && !same_mac(path.link, Mac{})) {
    hop.known = true;
    hop.mac = path.link;
  }
  return hop;
}

std::size_t Host::compose_question(const Hop& hop, std::uint8_t* to) const noexcept {
  std::uint8_t* at = to;
  if (is_ipv4_mapped(hop.address)) {
    at += compose_ethernet(at, {hop.alone ? hop.mac : broadcast_mac, config_.mac, config_.vlan, ether_type::arp});
    ArpPacket arp{true, config_.mac, {}, {}, {}};
    std::memcpy(arp.sender_ip.data(), config_.ipv4.address.data() + 12, 4);
    std::memcpy(arp.target_ip.data(), hop.address.data() + 12, 4);
    compose_arp(at, arp);
    return static_cast<std::size_t>(at - to) + arp_bytes;
  }
  constexpr std::size_t body_bytes = neighbor_bytes + neighbor_option_bytes;
  const IpAddress asked = hop.alone ? hop.address : solicited_node_address(hop.address);
  const Mac station = hop.alone ? hop.mac : multicast_mac(asked);
  at += compose_ethernet(at, {station, config_.mac, config_.vlan, ether_type::ipv6});
  at += compose_ip(at, config_.ipv6.address, asked, ip_protocol::icmpv6, hops_of_a_neighbor, body_bytes,
                   ChecksumBy::software);
  compose_neighbor(at, {true, false, hop.address, config_.mac}, config_.ipv6.address, asked);
  return static_cast<std::size_t>(at - to) + body_bytes;
}

}  // namespace serried::port
