#pragma once
/// Bans in the NIC itself, for drivers that take rte_flow rules: what is banned costs neither bus nor core. For
/// one thread, which is no lane's. A driver that refuses changes nothing: the lanes drop what is banned in any case.

#include <cstdint>
#include <map>
#include <memory>
#include <utility>

#include "port/address.h"

struct rte_flow;

namespace serried::port {

class FlowFilter {
 public:
  /// NICs have room for thousands; some slow down long before.
  static constexpr std::size_t rules_max = 1'024;
  static constexpr std::size_t score_rules_max = 256;  ///< of them, for bans by score

  /// `vlan` is that of our frames, 0: none. Error: the driver takes no such rules; nothing is installed by asking.
  static Result<std::unique_ptr<FlowFilter>> open(std::uint16_t port_id, std::uint16_t vlan);
  /// Takes all rules away. Before the device is closed.
  ~FlowFilter();
  FlowFilter(const FlowFilter&) = delete;
  FlowFilter& operator=(const FlowFilter&) = delete;

  /// Drop what comes from the first `bits` of the (mapped) address, before any other rule.
  /// Error: the driver refuses this one, there are too many.
  Result<Done> ban(const Address& address, unsigned bits);
  void lift(const Address& address, unsigned bits);
  [[nodiscard]] std::size_t rules() const noexcept { return rules_.size(); }

 private:
  FlowFilter(std::uint16_t port_id, std::uint16_t vlan) noexcept : port_id_(port_id), vlan_(vlan) {}
  Result<rte_flow*> make(const Address& address, unsigned bits, bool install) const;

  std::uint16_t port_id_, vlan_;
  std::map<std::pair<Address, unsigned>, rte_flow*> rules_;
};

}  // namespace serried::port
