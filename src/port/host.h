#pragma once
/// The host that a bypassed NIC lacks: says what a frame is, answers ARP, ping and neighbour solicitations, and finds
/// the link address of where a datagram is to go. Bytes in, bytes out: no DPDK here, so tests and fuzzers feed it
/// directly.
///
///     frame -> examine -> datagram: to the lane
///                      -> drop:     counted by its reason
///                      -> service:  serve -> an answer to transmit, or nothing, or a drop after all
///
/// The checks, in order: link, VLAN, station, EtherType, IP header, address, fragment, protocol, UDP header, port,
/// checksum.

#include <span>

#include "base/budget.h"
#include "metrics/drop.h"
#include "port/neighbor.h"
#include "wire/link.h"
#include "wire/path.h"

namespace serried::port {

/// Where replies and first words go, on the link.
enum class NextHop : std::uint8_t {
  learn,       ///< to the station that the session's last datagram came from
  static_mac,  ///< to one router
  arp          ///< ask: for hosts that we speak to first, and for routers that share an address
};

struct HostConfig {
  wire::Mac mac{};
  bool has_ipv4 = false, has_ipv6 = false;
  LocalAddress ipv4{}, ipv6{};
  Address gateway_ipv4{}, gateway_ipv6{};  ///< all zeros: none
  std::uint16_t port_first = 0, port_last = 0;
  std::uint16_t vlan = 0;  ///< 1 to 4094, or 0: untagged frames
  bool verify_udp_checksum = true;
  NextHop next_hop = NextHop::learn;
  wire::Mac next_hop_mac{};
  /// A second and lane; the rest of a flood is swallowed. Each has a budget of its own, so that pings leave room for
  /// what the link cannot do without. Questions about routers and neighbours that are known need none: they are as many
  /// as those (port/neighbor.h).
  unsigned echoes_per_second = 1000;     ///< answers to pings
  unsigned answers_per_second = 5000;    ///< answers to ARP and neighbour solicitations
  unsigned questions_per_second = 1000;  ///< about strangers
};

/// What the NIC says about a checksum.
enum class Checked : std::uint8_t { unknown, good, bad };

class Host {
 public:
  /// `neighbors` is shared by the device's lanes, and only used with NextHop::arp. Pins the routers.
  Host(const HostConfig& config, Neighbors& neighbors) noexcept;

  enum class Kind : std::uint8_t { datagram, drop, service };
  struct Verdict {
    Kind kind = Kind::drop;
    metrics::Drop drop = metrics::Drop::none;
    std::uint16_t payload_offset = 0, payload_bytes = 0;  ///< datagram: the UDP payload
    wire::Path path{};                                    ///< datagram: where it came from
  };
  /// What the NIC took off the frame and found out about it.
  struct Offloaded {
    bool vlan_stripped = false;
    std::uint16_t vlan = 0;
    Checked ip = Checked::unknown, udp = Checked::unknown;
  };
  /// Drops   foreign_frame, bad_frame, bad_ip_checksum, foreign_address, ip_fragment, foreign_port, bad_udp_checksum
  [[nodiscard]] Verdict examine(std::span<const std::uint8_t> frame, const Offloaded& offloaded) const noexcept;

  struct Service {
    metrics::Drop drop = metrics::Drop::none;  ///< none: the host took it
    std::size_t answer_bytes = 0;              ///< 0: nothing to send
  };
  /// For frames of Kind::service. Writes an answer of at most answer.size() bytes.
  /// Drops   bad_frame, foreign_address
  [[nodiscard]] Service serve(std::span<const std::uint8_t> frame, const Offloaded& offloaded, Nanos now,
                              std::span<std::uint8_t> answer) noexcept;

  struct Hop {
    bool known = false;
    bool ask = false;  ///< compose_question of this is to be sent
    wire::Mac mac{};
    Address address{};   ///< the host's there
    bool alone = false;  ///< the question is for `mac` alone
  };
  /// The station to which a datagram for `path` goes. While a host on the link is asked for, what answers its datagram
  /// goes back to the station that sent it, so that its first one is answered at once.
  [[nodiscard]] Hop next_hop(const wire::Path& path, Nanos now) noexcept;
  /// An ARP request or neighbour solicitation; returns its bytes. Precondition: question_bytes_max of room.
  [[nodiscard]] std::size_t compose_question(const Hop& hop, std::uint8_t* to) const noexcept;
  static constexpr std::size_t question_bytes_max =
      wire::ethernet_bytes + wire::vlan_bytes + wire::ipv6_bytes + wire::neighbor_bytes + wire::neighbor_option_bytes;

  [[nodiscard]] const HostConfig& config() const noexcept { return config_; }
  /// Our address of the family of `other`.
  [[nodiscard]] const Address& own_address(const Address& other) const noexcept {
    return wire::is_ipv4_mapped(other) ? config_.ipv4.address : config_.ipv6.address;
  }
  [[nodiscard]] bool speaks(const Address& other) const noexcept {
    return wire::is_ipv4_mapped(other) ? config_.has_ipv4 : config_.has_ipv6;
  }

 private:
  struct Packet;
  [[nodiscard]] metrics::Drop read_link(std::span<const std::uint8_t> frame, const Offloaded& offloaded,
                                        Packet& packet) const noexcept;
  [[nodiscard]] metrics::Drop read_ip(std::span<const std::uint8_t> frame, const Offloaded& offloaded,
                                      Packet& packet) const noexcept;
  [[nodiscard]] metrics::Drop read_udp(std::span<const std::uint8_t> frame, const Offloaded& offloaded,
                                       const Packet& packet, Verdict& verdict) const noexcept;
  [[nodiscard]] Service serve_arp(std::span<const std::uint8_t> body, const Packet& packet, Nanos now,
                                  std::span<std::uint8_t> answer) noexcept;
  [[nodiscard]] Service serve_icmp(std::span<const std::uint8_t> body, const Packet& packet, Nanos now,
                                   std::span<std::uint8_t> answer) noexcept;
  [[nodiscard]] Service serve_neighbor(std::span<const std::uint8_t> body, const Packet& packet, Nanos now,
                                       std::span<std::uint8_t> answer) noexcept;

  HostConfig config_;
  Neighbors& neighbors_;
  base::Budget echoes_, answers_, questions_;  ///< a second's worth at once, and then evenly
};

}  // namespace serried::port
