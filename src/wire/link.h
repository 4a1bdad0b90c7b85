#pragma once
/// The headers below a datagram, for ports that own a raw NIC: Ethernet, 802.1Q, ARP, IPv4, IPv6, UDP, ICMP, ICMPv6.
/// Readers check every bound and say what is wrong; writers are given their room. Nothing here keeps state.
///
///     | Ethernet 14 | 802.1Q 0/4 | IPv4 20 (+ options) / IPv6 40 (+ extensions) | UDP 8 | payload ...
///
/// Source  IEEE 802.3, 802.1Q; RFC 826 (ARP), 791 (IPv4), 8200 (IPv6), 768 (UDP), 792 (ICMP), 4443, 4861 (ICMPv6)

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "metrics/drop.h"
#include "wire/path.h"

namespace serried::wire {

using Mac = std::array<std::uint8_t, 6>;
using IpAddress = std::array<std::uint8_t, 16>;  ///< as Path::address: IPv4 mapped

inline constexpr std::size_t ethernet_bytes = 14;
inline constexpr std::size_t vlan_bytes = 4;
inline constexpr std::size_t ipv4_bytes = 20;
inline constexpr std::size_t ipv6_bytes = 40;
inline constexpr std::size_t udp_bytes = 8;
inline constexpr std::size_t arp_bytes = 28;
inline constexpr std::size_t icmp_bytes = 8;
inline constexpr std::size_t neighbor_bytes = 24;        ///< a solicitation or advertisement without options
inline constexpr std::size_t neighbor_option_bytes = 8;  ///< with one link-layer address
inline constexpr std::size_t link_headers_bytes_max = ethernet_bytes + vlan_bytes + ipv6_bytes + udp_bytes;

namespace ether_type {
inline constexpr std::uint16_t ipv4 = 0x0800, arp = 0x0806, vlan = 0x8100, ipv6 = 0x86DD;
}
namespace ip_protocol {
inline constexpr std::uint8_t hop_by_hop = 0, icmp = 1, udp = 17, routing = 43, fragment = 44, icmpv6 = 58,
                              destination_options = 60;
}
namespace icmp_type {
inline constexpr std::uint8_t echo_reply = 0, echo_request = 8;
inline constexpr std::uint8_t echo_request_v6 = 128, echo_reply_v6 = 129, neighbor_solicitation = 135,
                              neighbor_advertisement = 136;
}  // namespace icmp_type

/// The ones' complement sum of RFC 1071, not yet folded or inverted; `sum` carries on from a part of even length.
[[nodiscard]] std::uint64_t checksum_add(std::span<const std::uint8_t> bytes, std::uint64_t sum) noexcept;
/// Fold and invert: the value to store (already in memory order), or 0 when what was summed holds a right checksum.
[[nodiscard]] std::uint16_t checksum_finish(std::uint64_t sum) noexcept;
/// The sum of the pseudo header of RFC 768 / RFC 8200 8.1.
[[nodiscard]] std::uint64_t pseudo_header_sum(const IpAddress& source, const IpAddress& destination,
                                              std::uint8_t protocol, std::size_t bytes) noexcept;

struct EthernetHeader {
  Mac destination{}, source{};
  std::uint16_t vlan = 0;        ///< tag control information, 0: untagged
  std::uint16_t ether_type = 0;  ///< behind the tag
  std::uint16_t bytes = 0;       ///< of the header, tag included
};
/// False: cut short. One tag is read; a second one stays as the EtherType.
[[nodiscard]] bool read_ethernet(std::span<const std::uint8_t> frame, EthernetHeader& header) noexcept;
/// Writes 14 or 18 bytes; returns how many.
std::size_t compose_ethernet(std::uint8_t* to, const EthernetHeader& header) noexcept;

struct IpHeader {
  IpAddress source{}, destination{};
  std::uint8_t protocol = 0;  ///< behind the extension headers
  std::uint8_t hop_limit = 0;
  bool ipv6 = false;
  bool fragment = false;
  std::uint16_t bytes = 0;          ///< of the header, options and extensions included
  std::uint16_t payload_bytes = 0;  ///< as the header says; not more than the frame holds
};
/// Drop::none, bad_frame or, when asked to verify, bad_ip_checksum. `packet` may be longer (Ethernet pads).
[[nodiscard]] metrics::Drop read_ipv4(std::span<const std::uint8_t> packet, bool verify_checksum,
                                      IpHeader& header) noexcept;
/// Drop::none or bad_frame. Walks hop-by-hop, routing and destination extensions, at most eight.
[[nodiscard]] metrics::Drop read_ipv6(std::span<const std::uint8_t> packet, IpHeader& header) noexcept;

struct UdpHeader {
  std::uint16_t source_port = 0, destination_port = 0;
  std::uint16_t checksum = 0;  ///< as it lies in memory; 0: none
};
/// Drop::none or bad_frame; `segment` is exactly the IP payload, and the UDP length must say the same.
[[nodiscard]] metrics::Drop read_udp(std::span<const std::uint8_t> segment, UdpHeader& header) noexcept;
/// Whether the checksum of a UDP segment is right. None at all is right for IPv4, wrong for IPv6 (RFC 8200 8.1).
[[nodiscard]] bool udp_checksum_right(std::span<const std::uint8_t> segment, const IpHeader& ip) noexcept;

/// What fills in a checksum: we do, or the NIC, which wants the pseudo header's sum in its place.
enum class ChecksumBy : std::uint8_t { software, nic };

struct UdpFrame {
  EthernetHeader link{};  ///< ether_type and bytes are filled in by compose
  IpAddress source{}, destination{};
  std::uint16_t source_port = 0, destination_port = 0;
  std::uint16_t payload_bytes = 0;
  ChecksumBy ip_checksum = ChecksumBy::software;
  ChecksumBy udp_checksum = ChecksumBy::software;
};
/// Bytes of all headers before the payload.
[[nodiscard]] std::size_t udp_headers_bytes(bool ipv6, bool tagged) noexcept;
/// Write all headers so that they end at `payload`, DF set, hop limit 64; returns how many bytes.
/// Precondition: link_headers_bytes_max of room before `payload`.
std::size_t compose_udp(std::uint8_t* payload, const UdpFrame& frame) noexcept;

/// An IP header without options for `payload_bytes` behind it; returns 20 or 40.
std::size_t compose_ip(std::uint8_t* to, const IpAddress& source, const IpAddress& destination, std::uint8_t protocol,
                       std::uint8_t hop_limit, std::size_t payload_bytes, ChecksumBy checksum) noexcept;

struct ArpPacket {
  bool request = false;  ///< or reply
  Mac sender_mac{}, target_mac{};
  std::array<std::uint8_t, 4> sender_ip{}, target_ip{};
};
/// False: cut short, or not Ethernet over IPv4, or neither request nor reply.
[[nodiscard]] bool read_arp(std::span<const std::uint8_t> bytes, ArpPacket& packet) noexcept;
/// Writes 28 bytes.
void compose_arp(std::uint8_t* to, const ArpPacket& packet) noexcept;

/// A neighbour solicitation or advertisement.
struct NeighborMessage {
  bool solicitation = false;
  bool solicited = false;  ///< advertisement: answers a solicitation of that host
  IpAddress target{};
  Mac link{};  ///< the option; zeros: absent
};
/// False: cut short or not valid by RFC 4861 7.1 (code, options of length 0, target multicast). The caller has verified
/// checksum and hop limit. `bytes` is the ICMPv6 message.
[[nodiscard]] bool read_neighbor(std::span<const std::uint8_t> bytes, NeighborMessage& message) noexcept;
/// Writes the ICMPv6 message with its option and checksum, 32 bytes.
void compose_neighbor(std::uint8_t* to, const NeighborMessage& message, const IpAddress& source,
                      const IpAddress& destination) noexcept;

/// ff02::1:ffXX:XXXX, where a host is asked for `address` (RFC 4291 2.7.1), and the Ethernet group of an IPv6 group
/// (RFC 2464 7).
[[nodiscard]] IpAddress solicited_node_address(const IpAddress& address) noexcept;
[[nodiscard]] Mac multicast_mac(const IpAddress& group) noexcept;
[[nodiscard]] IpAddress mapped(const std::array<std::uint8_t, 4>& address) noexcept;
inline constexpr Mac broadcast_mac = {0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF};

}  // namespace serried::wire
