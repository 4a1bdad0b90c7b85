#include "tools/attack/frame.h"

#include <algorithm>

#include "base/bytes.h"

namespace serried::tools {
namespace {

/// Of an ICMPv6 message to a neighbour (RFC 4861 section 7.1); others come from a router away.
constexpr std::uint8_t hop_limit_on_link = 255, hop_limit_routed = 64;

/// IP and Ethernet headers before `packet`; returns how long they are.
std::size_t compose_below(std::uint8_t* packet, std::size_t bytes, const port::Address& from, const port::Address& to,
                          std::uint8_t hop_limit, const Stations& stations) noexcept {
  const bool v4 = port::is_ipv4(from);
  const std::size_t ip_bytes = v4 ? wire::ipv4_bytes : wire::ipv6_bytes;
  wire::compose_ip(packet - ip_bytes, from, to, v4 ? wire::ip_protocol::icmp : wire::ip_protocol::icmpv6, hop_limit,
                   bytes, wire::ChecksumBy::software);
  const std::uint16_t ether_type = v4 ? wire::ether_type::ipv4 : wire::ether_type::ipv6;
  const wire::EthernetHeader link{stations.destination, stations.source, 0, ether_type, 0};
  return ip_bytes + wire::compose_ethernet(packet - ip_bytes - wire::ethernet_bytes, link);
}

std::size_t compose_ping(std::uint8_t* data, const Shot& shot, const wire::Path& server,
                         const Stations& stations) noexcept {
  const bool v4 = shot.from.is_ipv4();
  std::uint8_t* const message = data - wire::icmp_bytes;
  const std::size_t bytes = wire::icmp_bytes + shot.bytes;
  // type, code | checksum | identifier | sequence
  base::store(message, std::uint64_t{0});
  message[0] = v4 ? wire::icmp_type::echo_request : wire::icmp_type::echo_request_v6;
  base::store(message + 4, shot.from.port);
  const std::uint64_t pseudo =
      v4 ? 0 : wire::pseudo_header_sum(shot.from.address, server.address, wire::ip_protocol::icmpv6, bytes);
  base::store(message + 2, wire::checksum_finish(wire::checksum_add({message, bytes}, pseudo)));
  return wire::icmp_bytes +
         compose_below(message, bytes, shot.from.address, server.address, hop_limit_routed, stations);
}

std::size_t compose_neighbor(std::uint8_t* message, const Shot& shot, const wire::Path& server,
                             const Stations& stations) noexcept {
  const bool asks = shot.from.port % 2 == 0;
  if (!shot.from.is_ipv4()) {
    const wire::NeighborMessage says{asks, !asks, asks ? server.address : shot.from.address, stations.source};
    wire::compose_neighbor(message, says, shot.from.address, server.address);
    return compose_below(message, shot.bytes, shot.from.address, server.address, hop_limit_on_link, stations);
  }
  wire::ArpPacket packet{asks, stations.source, asks ? wire::Mac{} : stations.destination, {}, {}};
  std::copy_n(shot.from.address.begin() + 12, 4, packet.sender_ip.begin());
  std::copy_n(server.address.begin() + 12, 4, packet.target_ip.begin());
  wire::compose_arp(message, packet);
  const wire::EthernetHeader link{stations.destination, stations.source, 0, wire::ether_type::arp, 0};
  return wire::compose_ethernet(message - wire::ethernet_bytes, link);
}

}  // namespace

bool read_frame(std::span<const std::uint8_t> frame, FrameView& view) noexcept {
  wire::EthernetHeader link;
  if (!wire::read_ethernet(frame, link)) return false;
  const std::span<const std::uint8_t> packet = frame.subspan(link.bytes);
  wire::IpHeader ip;
  const bool v6 = link.ether_type == wire::ether_type::ipv6;
  if (!v6 && link.ether_type != wire::ether_type::ipv4) return false;
  if ((v6 ? wire::read_ipv6(packet, ip) : wire::read_ipv4(packet, false, ip)) != metrics::Drop::none) return false;
  if (ip.fragment || ip.protocol != wire::ip_protocol::udp) return false;
  const std::span<const std::uint8_t> segment = packet.subspan(ip.bytes, ip.payload_bytes);
  wire::UdpHeader udp;
  if (wire::read_udp(segment, udp) != metrics::Drop::none) return false;
  view.from.address = ip.source;
  view.from.port = udp.source_port;
  view.to.address = ip.destination;
  view.to.port = udp.destination_port;
  view.payload = segment.subspan(wire::udp_bytes);
  return true;
}

std::size_t compose_claimed(std::uint8_t* payload, const Shot& shot, const wire::Path& server,
                            const Stations& stations) noexcept {
  if (shot.kind == AttackKind::ping) return compose_ping(payload, shot, server, stations);
  if (shot.kind == AttackKind::neighbor) return compose_neighbor(payload, shot, server, stations);
  wire::UdpFrame frame;
  frame.link.destination = stations.destination;
  frame.link.source = stations.source;
  frame.source = shot.from.address;
  frame.destination = server.address;
  frame.source_port = shot.from.port;
  frame.destination_port = server.port;
  frame.payload_bytes = shot.bytes;
  return wire::compose_udp(payload, frame);
}

std::size_t neighbor_message_bytes(const port::Address& address) noexcept {
  return port::is_ipv4(address) ? wire::arp_bytes : wire::neighbor_bytes + wire::neighbor_option_bytes;
}

bool read_answer(std::span<const std::uint8_t> frame, const wire::Path& server, Answer& answer) noexcept {
  if (FrameView view; read_frame(frame, view)) {
    answer = {kind_of_port(view.to.port), view.payload.size()};
    return view.from.port == server.port && view.from.address == server.address;
  }
  wire::EthernetHeader link;
  if (!wire::read_ethernet(frame, link)) return false;
  const std::span<const std::uint8_t> packet = frame.subspan(link.bytes);
  if (link.ether_type == wire::ether_type::arp) {
    wire::ArpPacket arp;
    answer = {AttackKind::neighbor, wire::arp_bytes};
    return wire::read_arp(packet, arp) && wire::mapped(arp.sender_ip) == server.address;
  }
  wire::IpHeader ip;
  const bool v6 = link.ether_type == wire::ether_type::ipv6;
  if (!v6 && link.ether_type != wire::ether_type::ipv4) return false;
  if ((v6 ? wire::read_ipv6(packet, ip) : wire::read_ipv4(packet, false, ip)) != metrics::Drop::none) return false;
  if (ip.protocol != (v6 ? wire::ip_protocol::icmpv6 : wire::ip_protocol::icmp)) return false;
  if (ip.source != server.address || ip.payload_bytes < wire::icmp_bytes) return false;
  const std::uint8_t type = packet[ip.bytes];
  const bool echo = type == (v6 ? wire::icmp_type::echo_reply_v6 : wire::icmp_type::echo_reply);
  if (!echo &&
      !(v6 && (type == wire::icmp_type::neighbor_advertisement || type == wire::icmp_type::neighbor_solicitation)))
    return false;
  answer = {echo ? AttackKind::ping : AttackKind::neighbor,
            echo ? ip.payload_bytes - wire::icmp_bytes : ip.payload_bytes};
  return true;
}

}  // namespace serried::tools
