#include "port/flow_filter.h"

#include <cstring>
#include <string>

#include <rte_errno.h>
#include <rte_flow.h>

#include "base/setup.h"

namespace serried::port {
namespace {

constexpr unsigned mapped_bits = 96;

Error refusal(const rte_flow_error& error, int code) {
  return Error{std::string{"the driver refuses the rule: "} +
               (error.message != nullptr ? error.message : rte_strerror(code < 0 ? -code : code))};
}

/// The first `bits` of `bytes` bytes.
void fill_mask(std::uint8_t* to, std::size_t bytes, unsigned bits) {
  for (std::size_t i = 0; i < bytes; ++i, bits -= bits < 8 ? bits : 8)
    to[i] = bits >= 8 ? 0xFF : static_cast<std::uint8_t>(0xFF00 >> bits);
}

}  // namespace

SERRIED_SETUP Result<std::unique_ptr<FlowFilter>> FlowFilter::open(std::uint16_t port_id, std::uint16_t vlan) {
  std::unique_ptr<FlowFilter> filter{new FlowFilter(port_id, vlan)};
  if (const auto asked = filter->make(ipv4_address(192, 0, 2, 1), 128, false); !asked) return asked.error();
  return filter;
}

SERRIED_SETUP FlowFilter::~FlowFilter() {
  rte_flow_error error{};
  for (const auto& [key, rule] : rules_) rte_flow_destroy(port_id_, rule, &error);
}

SERRIED_SETUP Result<rte_flow*> FlowFilter::make(const Address& address, unsigned bits, bool install) const {
  const bool ipv4 = is_ipv4(address) && bits >= mapped_bits;
  rte_flow_item_ipv4 v4{}, v4_mask{};
  rte_flow_item_ipv6 v6{}, v6_mask{};
  rte_flow_item_vlan vlan{}, vlan_mask{};
  vlan.tci = __builtin_bswap16(vlan_);
  vlan_mask.tci = __builtin_bswap16(0x0FFF);
  std::memcpy(&v4.hdr.src_addr, address.data() + 12, 4);
  std::memcpy(v6.hdr.src_addr, address.data(), 16);
  fill_mask(reinterpret_cast<std::uint8_t*>(&v4_mask.hdr.src_addr), 4, ipv4 ? bits - mapped_bits : 0);
  fill_mask(v6_mask.hdr.src_addr, 16, bits);

  rte_flow_item pattern[4] = {};
  unsigned items = 0;
  pattern[items++].type = RTE_FLOW_ITEM_TYPE_ETH;
  if (vlan_ != 0) pattern[items++] = {RTE_FLOW_ITEM_TYPE_VLAN, &vlan, nullptr, &vlan_mask};
  if (ipv4)
    pattern[items++] = {RTE_FLOW_ITEM_TYPE_IPV4, &v4, nullptr, &v4_mask};
  else
    pattern[items++] = {RTE_FLOW_ITEM_TYPE_IPV6, &v6, nullptr, &v6_mask};
  pattern[items].type = RTE_FLOW_ITEM_TYPE_END;
  const rte_flow_action actions[] = {{RTE_FLOW_ACTION_TYPE_DROP, nullptr}, {RTE_FLOW_ACTION_TYPE_END, nullptr}};
  rte_flow_attr where{};
  where.ingress = 1;
  where.priority = 0;  // the highest there is
  rte_flow_error error{};
  if (const int code = rte_flow_validate(port_id_, &where, pattern, actions, &error); code != 0)
    return refusal(error, code);
  if (!install) return static_cast<rte_flow*>(nullptr);
  rte_flow* const rule = rte_flow_create(port_id_, &where, pattern, actions, &error);
  if (rule == nullptr) return refusal(error, rte_errno);
  return rule;
}

SERRIED_SETUP Result<Done> FlowFilter::ban(const Address& address, unsigned bits) {
  if (rules_.contains({address, bits})) return Done{};
  if (rules_.size() == rules_max) return Error{"there are " + std::to_string(rules_max) + " rules already"};
  const auto rule = make(address, bits, true);
  if (!rule) return rule.error();
  rules_.emplace(std::pair{address, bits}, rule.value());
  return Done{};
}

SERRIED_SETUP void FlowFilter::lift(const Address& address, unsigned bits) {
  const auto found = rules_.find({address, bits});
  if (found == rules_.end()) return;
  rte_flow_error error{};
  rte_flow_destroy(port_id_, found->second, &error);
  rules_.erase(found);
}

}  // namespace serried::port
