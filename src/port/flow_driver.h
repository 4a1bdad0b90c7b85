#pragma once
/// The part of rte_flow that flow_rules.h uses, for one device. Tests play drivers by it, of which none is at hand.

#include <cstdint>
#include <memory>
#include <string_view>

struct rte_flow;
struct rte_flow_action;
struct rte_flow_error;
struct rte_flow_item;

namespace serried::port {

/// Of rules for what comes in, with the highest priority.
class FlowDriver {
 public:
  FlowDriver() = default;
  virtual ~FlowDriver() = default;
  FlowDriver(const FlowDriver&) = delete;
  FlowDriver& operator=(const FlowDriver&) = delete;

  /// 0, or a negative error code.
  virtual int validate(const rte_flow_item* pattern, const rte_flow_action* actions, rte_flow_error& error) = 0;
  /// Null, and rte_errno, where it is refused.
  virtual rte_flow* create(const rte_flow_item* pattern, const rte_flow_action* actions, rte_flow_error& error) = 0;
  virtual int destroy(rte_flow* rule, rte_flow_error& error) = 0;
  /// All rules of the device.
  virtual int flush(rte_flow_error& error) = 0;
};

/// The driver of the device with this port id.
[[nodiscard]] std::unique_ptr<FlowDriver> flow_driver_of(std::uint16_t port_id);
/// Whether the driver of this name is known to look at the mask of an address. Others take a rule for a network, leave
/// its source out of it and say nothing (i40e; ice and iavf with IPv6): it would be one for all sources.
[[nodiscard]] bool keeps_to_masks(std::string_view driver) noexcept;

}  // namespace serried::port
