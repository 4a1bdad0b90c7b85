#pragma once
/// The user-space half of our XDP program (xdp/serried_filter.bpf.c): finds its maps through the interface that it is
/// attached to, says what is ours and what is banned, reads what it dropped. net_af_xdp loads and attaches the program
/// (`xdp_prog=`) and takes it away again. Not for lanes: every call is a system call. Any thread may make it.

#include <cstdint>
#include <memory>
#include <string>

#include "port/address.h"

namespace serried::port {

struct XdpFilterConfig {
  unsigned interface_index = 0;
  bool has_ipv4 = false, has_ipv6 = false;
  Address ipv4{}, ipv6{};
  std::uint16_t udp_port = 0;
  /// Datagrams of one IPv4 address or IPv6 network of 64 bits, a second's worth at once; 0: no limit.
  std::uint32_t rate_per_s = 0;
};

class XdpFilter {
 public:
  static constexpr std::size_t bans_max = 8'192;  ///< of IPv4, and as many of IPv6

  /// Configure the program at the interface. Until then everything is the kernel's.
  /// Error: no XDP program there, or another than ours; no right to look.
  static Result<std::unique_ptr<XdpFilter>> open(const XdpFilterConfig& config);
  ~XdpFilter();
  XdpFilter(const XdpFilter&) = delete;
  XdpFilter& operator=(const XdpFilter&) = delete;

  /// `bits` of the mapped address: 128 for one address of either kind. A network that holds IPv4 whole (0 to 96 bits)
  /// is banned for both. Error: the program's table is full.
  Result<Done> ban(const Address& address, unsigned bits);
  void lift(const Address& address, unsigned bits);

  /// Frames since the program was attached; all but `redirected` were dropped.
  struct Counts {
    std::uint64_t redirected = 0, banned = 0, rate = 0, malformed = 0;
  };
  [[nodiscard]] Counts counts() const;

 private:
  XdpFilter() = default;
  Result<Done> find_maps(std::uint32_t program);

  int config_ = -1, counters_ = -1, bans_v4_ = -1, bans_v6_ = -1;  ///< map descriptors
};

/// The compiled program: beside this executable, in the build tree, or installed. Error: it was not built.
Result<std::string> find_xdp_program();

}  // namespace serried::port
