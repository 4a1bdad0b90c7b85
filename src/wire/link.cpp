#include "wire/link.h"

#include <cstring>

#include "base/bytes.h"

namespace serried::wire {
namespace {

using base::load;
using base::store;
using metrics::Drop;

std::uint16_t load_net16(const std::uint8_t* from) noexcept { return base::byte_swapped(load<std::uint16_t>(from)); }
void store_net16(std::uint8_t* to, std::size_t value) noexcept {
  store(to, base::byte_swapped(static_cast<std::uint16_t>(value)));
}

constexpr std::uint16_t fragment_mask = 0x3FFF;  ///< more fragments, and the offset
constexpr std::uint16_t dont_fragment = 0x4000;
constexpr std::uint8_t hops = 64;
constexpr int extensions_max = 8;
constexpr std::size_t ipv4_in_mapped = 12;

constexpr std::uint8_t option_source_link = 1, option_target_link = 2;
constexpr std::uint8_t flag_solicited = 0x40, flag_override = 0x20;

}  // namespace

// A sum of 32-bit words is, folded, the sum of their 16-bit halves; 64 bits of accumulator cannot overflow on a frame.
// Four words at a time: vectors by the compiler's own extension, on any instruction set.
std::uint64_t checksum_add(std::span<const std::uint8_t> bytes, std::uint64_t sum) noexcept {
  using Two [[gnu::vector_size(16)]] = std::uint64_t;
  const std::uint8_t* at = bytes.data();
  std::size_t left = bytes.size();
  Two low{}, high{};
  for (Two words; left >= sizeof words; at += sizeof words, left -= sizeof words) {
    std::memcpy(&words, at, sizeof words);
    low += words & 0xFFFFFFFF;
    high += words >> 32;
  }
  sum += low[0] + low[1] + high[0] + high[1];
  for (; left >= 4; at += 4, left -= 4) sum += load<std::uint32_t>(at);
  if (left >= 2) {
    sum += load<std::uint16_t>(at);
    at += 2;
    left -= 2;
  }
  return left == 0 ? sum : sum + *at;
}

std::uint16_t checksum_finish(std::uint64_t sum) noexcept {
  sum = (sum & 0xFFFFFFFF) + (sum >> 32);
  sum = (sum & 0xFFFFFFFF) + (sum >> 32);
  sum = (sum & 0xFFFF) + (sum >> 16);
  sum = (sum & 0xFFFF) + (sum >> 16);
  return static_cast<std::uint16_t>(~sum);
}

std::uint64_t pseudo_header_sum(const IpAddress& source, const IpAddress& destination, std::uint8_t protocol,
                                std::size_t bytes) noexcept {
  const std::size_t skip = is_ipv4_mapped(destination) ? ipv4_in_mapped : 0;
  std::uint64_t sum = checksum_add(std::span(source).subspan(skip), 0);
  sum = checksum_add(std::span(destination).subspan(skip), sum);
  return sum + base::byte_swapped(static_cast<std::uint16_t>(bytes)) +
         base::byte_swapped(static_cast<std::uint16_t>(protocol));
}

IpAddress mapped(const std::array<std::uint8_t, 4>& address) noexcept {
  return {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, address[0], address[1], address[2], address[3]};
}

IpAddress solicited_node_address(const IpAddress& address) noexcept {
  return {0xFF, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xFF, address[13], address[14], address[15]};
}

Mac multicast_mac(const IpAddress& group) noexcept { return {0x33, 0x33, group[12], group[13], group[14], group[15]}; }

bool read_ethernet(std::span<const std::uint8_t> frame, EthernetHeader& header) noexcept {
  if (frame.size() < ethernet_bytes) return false;
  std::memcpy(header.destination.data(), frame.data(), 6);
  std::memcpy(header.source.data(), frame.data() + 6, 6);
  header.vlan = 0;
  header.ether_type = load_net16(frame.data() + 12);
  header.bytes = ethernet_bytes;
  if (header.ether_type != ether_type::vlan) return true;
  if (frame.size() < ethernet_bytes + vlan_bytes) return false;
  header.vlan = load_net16(frame.data() + 14);
  header.ether_type = load_net16(frame.data() + 16);
  header.bytes = ethernet_bytes + vlan_bytes;
  return true;
}

std::size_t compose_ethernet(std::uint8_t* to, const EthernetHeader& header) noexcept {
  std::memcpy(to, header.destination.data(), 6);
  std::memcpy(to + 6, header.source.data(), 6);
  if (header.vlan == 0) {
    store_net16(to + 12, header.ether_type);
    return ethernet_bytes;
  }
  store_net16(to + 12, ether_type::vlan);
  store_net16(to + 14, header.vlan);
  store_net16(to + 16, header.ether_type);
  return ethernet_bytes + vlan_bytes;
}

Drop read_ipv4(std::span<const std::uint8_t> packet, bool verify_checksum, IpHeader& header) noexcept {
  if (packet.size() < ipv4_bytes || packet[0] >> 4 != 4) return Drop::bad_frame;
  const std::size_t header_bytes = std::size_t{packet[0]} % 16 * 4;
  const std::size_t total_bytes = load_net16(packet.data() + 2);
  if (header_bytes < ipv4_bytes || total_bytes < header_bytes || total_bytes > packet.size()) return Drop::bad_frame;
  if (verify_checksum && checksum_finish(checksum_add(packet.first(header_bytes), 0)) != 0)
    return Drop::bad_ip_checksum;
  header.ipv6 = false;
  header.fragment = (load_net16(packet.data() + 6) & fragment_mask) != 0;
  header.hop_limit = packet[8];
  header.protocol = packet[9];
  header.source = mapped({packet[12], packet[13], packet[14], packet[15]});
  header.destination = mapped({packet[16], packet[17], packet[18], packet[19]});
  header.bytes = static_cast<std::uint16_t>(header_bytes);
  header.payload_bytes = static_cast<std::uint16_t>(total_bytes - header_bytes);
  return Drop::none;
}

Drop read_ipv6(std::span<const std::uint8_t> packet, IpHeader& header) noexcept {
  if (packet.size() < ipv6_bytes || packet[0] >> 4 != 6) return Drop::bad_frame;
  const std::size_t end = ipv6_bytes + load_net16(packet.data() + 4);
  if (end > packet.size()) return Drop::bad_frame;
  header.ipv6 = true;
  header.fragment = false;
  header.hop_limit = packet[7];
  std::memcpy(header.source.data(), packet.data() + 8, 16);
  std::memcpy(header.destination.data(), packet.data() + 24, 16);
  // A mapped address has no place on the wire (RFC 4942 2.2): it would pass here for an IPv4 one.
  if (is_ipv4_mapped(header.source) || is_ipv4_mapped(header.destination)) return Drop::bad_frame;
  std::uint8_t next = packet[6];
  std::size_t at = ipv6_bytes;
  for (int i = 0; i < extensions_max; ++i) {
    if (next == ip_protocol::fragment) header.fragment = true;
    if (next != ip_protocol::hop_by_hop && next != ip_protocol::routing && next != ip_protocol::destination_options)
      break;
    if (end - at < 8) return Drop::bad_frame;
    next = packet[at];
    const std::size_t extension_bytes = (std::size_t{packet[at + 1]} + 1) * 8;
    if (end - at < extension_bytes) return Drop::bad_frame;
    at += extension_bytes;
  }
  header.protocol = next;
  header.bytes = static_cast<std::uint16_t>(at);
  header.payload_bytes = static_cast<std::uint16_t>(end - at);
  return Drop::none;
}

Drop read_udp(std::span<const std::uint8_t> segment, UdpHeader& header) noexcept {
  if (segment.size() < udp_bytes || load_net16(segment.data() + 4) != segment.size()) return Drop::bad_frame;
  header.source_port = load_net16(segment.data());
  header.destination_port = load_net16(segment.data() + 2);
  header.checksum = load<std::uint16_t>(segment.data() + 6);
  return Drop::none;
}

bool udp_checksum_right(std::span<const std::uint8_t> segment, const IpHeader& ip) noexcept {
  if (load<std::uint16_t>(segment.data() + 6) == 0) return !ip.ipv6;
  const std::uint64_t sum = pseudo_header_sum(ip.source, ip.destination, ip_protocol::udp, segment.size());
  return checksum_finish(checksum_add(segment, sum)) == 0;
}

std::size_t udp_headers_bytes(bool ipv6, bool tagged) noexcept {
  return ethernet_bytes + (tagged ? vlan_bytes : 0) + (ipv6 ? ipv6_bytes : ipv4_bytes) + udp_bytes;
}

std::size_t compose_udp(std::uint8_t* payload, const UdpFrame& frame) noexcept {
  const bool ipv6 = !is_ipv4_mapped(frame.destination);
  const std::size_t bytes = udp_headers_bytes(ipv6, frame.link.vlan != 0);
  const std::size_t segment_bytes = udp_bytes + frame.payload_bytes;
  EthernetHeader link = frame.link;
  link.ether_type = ipv6 ? ether_type::ipv6 : ether_type::ipv4;
  std::uint8_t* const begin = payload - bytes;
  std::uint8_t* const ip = begin + compose_ethernet(begin, link);
  compose_ip(ip, frame.source, frame.destination, ip_protocol::udp, hops, segment_bytes, frame.ip_checksum);

  std::uint8_t* const udp = payload - udp_bytes;
  store_net16(udp, frame.source_port);
  store_net16(udp + 2, frame.destination_port);
  store_net16(udp + 4, segment_bytes);
  store<std::uint16_t>(udp + 6, 0);
  std::uint64_t sum = pseudo_header_sum(frame.source, frame.destination, ip_protocol::udp, segment_bytes);
  if (frame.udp_checksum == ChecksumBy::nic) {
    store(udp + 6, static_cast<std::uint16_t>(~checksum_finish(sum)));
    return bytes;
  }
  sum = checksum_add({udp, segment_bytes}, sum);
  const std::uint16_t checksum = checksum_finish(sum);
  store(udp + 6, checksum == 0 ? std::uint16_t{0xFFFF} : checksum);  // 0 would mean: none (RFC 768)
  return bytes;
}

std::size_t compose_ip(std::uint8_t* to, const IpAddress& source, const IpAddress& destination, std::uint8_t protocol,
                       std::uint8_t hop_limit, std::size_t payload_bytes, ChecksumBy checksum) noexcept {
  if (!is_ipv4_mapped(destination)) {
    store(to, base::byte_swapped(std::uint32_t{6} << 28));
    store_net16(to + 4, payload_bytes);
    to[6] = protocol;
    to[7] = hop_limit;
    std::memcpy(to + 8, source.data(), 16);
    std::memcpy(to + 24, destination.data(), 16);
    return ipv6_bytes;
  }
  to[0] = 0x45;
  to[1] = 0;
  store_net16(to + 2, ipv4_bytes + payload_bytes);
  store<std::uint16_t>(to + 4, 0);  // an atomic datagram needs no identification (RFC 6864 4.1)
  store_net16(to + 6, dont_fragment);
  to[8] = hop_limit;
  to[9] = protocol;
  store<std::uint16_t>(to + 10, 0);
  std::memcpy(to + 12, source.data() + ipv4_in_mapped, 4);
  std::memcpy(to + 16, destination.data() + ipv4_in_mapped, 4);
  if (checksum == ChecksumBy::software) store(to + 10, checksum_finish(checksum_add({to, ipv4_bytes}, 0)));
  return ipv4_bytes;
}

bool read_arp(std::span<const std::uint8_t> bytes, ArpPacket& packet) noexcept {
  static constexpr std::uint8_t ethernet_over_ipv4[6] = {0, 1, 8, 0, 6, 4};
  if (bytes.size() < arp_bytes || std::memcmp(bytes.data(), ethernet_over_ipv4, 6) != 0) return false;
  const std::uint16_t operation = load_net16(bytes.data() + 6);
  if (operation != 1 && operation != 2) return false;
  packet.request = operation == 1;
  std::memcpy(packet.sender_mac.data(), bytes.data() + 8, 6);
  std::memcpy(packet.sender_ip.data(), bytes.data() + 14, 4);
  std::memcpy(packet.target_mac.data(), bytes.data() + 18, 6);
  std::memcpy(packet.target_ip.data(), bytes.data() + 24, 4);
  return true;
}

void compose_arp(std::uint8_t* to, const ArpPacket& packet) noexcept {
  const std::uint8_t head[8] = {0, 1, 8, 0, 6, 4, 0, static_cast<std::uint8_t>(packet.request ? 1 : 2)};
  std::memcpy(to, head, sizeof head);
  std::memcpy(to + 8, packet.sender_mac.data(), 6);
  std::memcpy(to + 14, packet.sender_ip.data(), 4);
  std::memcpy(to + 18, packet.target_mac.data(), 6);
  std::memcpy(to + 24, packet.target_ip.data(), 4);
}

bool read_neighbor(std::span<const std::uint8_t> bytes, NeighborMessage& message) noexcept {
  if (bytes.size() < neighbor_bytes || bytes[1] != 0 || bytes[8] == 0xFF) return false;
  message.solicitation = bytes[0] == icmp_type::neighbor_solicitation;
  if (!message.solicitation && bytes[0] != icmp_type::neighbor_advertisement) return false;
  message.solicited = !message.solicitation && (bytes[4] & flag_solicited) != 0;
  std::memcpy(message.target.data(), bytes.data() + 8, 16);
  message.link = {};
  const std::uint8_t wanted = message.solicitation ? option_source_link : option_target_link;
  for (std::size_t at = neighbor_bytes; at < bytes.size();) {
    if (bytes.size() - at < 2) return false;
    const std::size_t option_bytes = std::size_t{bytes[at + 1]} * 8;
    if (option_bytes == 0 || option_bytes > bytes.size() - at) return false;
    if (bytes[at] == wanted && option_bytes == neighbor_option_bytes)
      std::memcpy(message.link.data(), bytes.data() + at + 2, 6);
    at += option_bytes;
  }
  return true;
}

void compose_neighbor(std::uint8_t* to, const NeighborMessage& message, const IpAddress& source,
                      const IpAddress& destination) noexcept {
  constexpr std::size_t bytes = neighbor_bytes + neighbor_option_bytes;
  std::memset(to, 0, bytes);
  to[0] = message.solicitation ? icmp_type::neighbor_solicitation : icmp_type::neighbor_advertisement;
  if (!message.solicitation) to[4] = message.solicited ? flag_solicited | flag_override : flag_override;
  std::memcpy(to + 8, message.target.data(), 16);
  to[24] = message.solicitation ? option_source_link : option_target_link;
  to[25] = 1;
  std::memcpy(to + 26, message.link.data(), 6);
  const std::uint64_t sum = pseudo_header_sum(source, destination, ip_protocol::icmpv6, bytes);
  store(to + 2, checksum_finish(checksum_add({to, bytes}, sum)));
}

}  // namespace serried::wire
