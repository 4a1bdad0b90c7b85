#include "port/flow_rules.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <span>

#include <rte_errno.h>
#include <rte_flow.h>

#include "base/setup.h"
#include "port/dpdk_versions.h"
#include "wire/datagram.h"

namespace serried::port {

/// A pattern, and what its items point to.
struct FlowPattern {
  std::array<rte_flow_item, 7> items{};
  rte_flow_item_vlan vlan{}, vlan_mask{};
  rte_flow_item_ipv4 ipv4{}, ipv4_mask{};
  rte_flow_item_ipv6 ipv6{}, ipv6_mask{};
  rte_flow_item_udp udp{}, udp_mask{};
  rte_flow_item_raw raw{}, raw_mask{};
  std::array<std::uint8_t, 4> payload{}, payload_mask{};
  std::size_t count = 0;

  FlowPattern() = default;
  FlowPattern(const FlowPattern&) = delete;
  FlowPattern& operator=(const FlowPattern&) = delete;

  void add(rte_flow_item_type type, const void* spec = nullptr, const void* mask = nullptr) {
    items[count++] = {type, spec, nullptr, mask};
  }
};

namespace {

constexpr unsigned mapped_bits = 96;
constexpr unsigned payload_offset = 2, flags_offset = 5;  // of the part that is looked at; behind id and channel

constexpr std::uint16_t big_endian(std::uint16_t value) { return __builtin_bswap16(value); }

bool is_ipv4_rule(const Address& address, unsigned bits) { return is_ipv4(address) && bits >= mapped_bits; }

/// The first `bits` of `bytes` bytes.
void fill_mask(std::uint8_t* to, std::size_t bytes, unsigned bits) {
  for (std::size_t i = 0; i < bytes; ++i, bits -= bits < 8 ? bits : 8)
    to[i] = bits >= 8 ? 0xFF : static_cast<std::uint8_t>(0xFF00 >> bits);
}

void begin(FlowPattern& pattern, std::uint16_t vlan) {
  pattern.add(RTE_FLOW_ITEM_TYPE_ETH);
  if (vlan == 0) return;
  pattern.vlan.hdr.vlan_tci = big_endian(vlan);
  pattern.vlan_mask.hdr.vlan_tci = big_endian(0x0FFF);
  pattern.add(RTE_FLOW_ITEM_TYPE_VLAN, &pattern.vlan, &pattern.vlan_mask);
}

void add_port(FlowPattern& pattern, std::uint16_t port) {
  pattern.udp.hdr.dst_port = big_endian(port);
  pattern.udp_mask.hdr.dst_port = 0xFFFF;
  pattern.add(RTE_FLOW_ITEM_TYPE_UDP, &pattern.udp, &pattern.udp_mask);
}

void add_lane(FlowPattern& pattern, const LaneField& field, unsigned lane) {
  const unsigned lane_at = field.byte - payload_offset, flags_at = flags_offset - payload_offset;
  pattern.payload[lane_at] = static_cast<std::uint8_t>(lane << field.shift);
  pattern.payload_mask[lane_at] = static_cast<std::uint8_t>(0xFF << field.shift);
  pattern.payload[flags_at] = pattern.payload_mask[flags_at] = wire::flag::encrypted;
  pattern.raw.relative = 1;
  pattern.raw.offset = payload_offset;
  pattern.raw.length = static_cast<std::uint16_t>(pattern.payload.size());
  pattern.raw.pattern = pattern.payload.data();
  pattern.raw_mask.relative = pattern.raw_mask.search = 1;
  pattern.raw_mask.offset = -1;
  pattern.raw_mask.limit = pattern.raw_mask.length = 0xFFFF;
  pattern.raw_mask.pattern = pattern.payload_mask.data();
  pattern.add(RTE_FLOW_ITEM_TYPE_RAW, &pattern.raw, &pattern.raw_mask);
}

void add_source(FlowPattern& pattern, const Address& address, unsigned bits) {
  if (is_ipv4_rule(address, bits)) {
    std::memcpy(&pattern.ipv4.hdr.src_addr, address.data() + 12, 4);
    fill_mask(reinterpret_cast<std::uint8_t*>(&pattern.ipv4_mask.hdr.src_addr), 4, bits - mapped_bits);
    pattern.add(RTE_FLOW_ITEM_TYPE_IPV4, &pattern.ipv4, &pattern.ipv4_mask);
  } else {
    std::memcpy(bytes_of_ipv6(pattern.ipv6.hdr.src_addr), address.data(), 16);
    fill_mask(bytes_of_ipv6(pattern.ipv6_mask.hdr.src_addr), 16, bits);
    pattern.add(RTE_FLOW_ITEM_TYPE_IPV6, &pattern.ipv6, &pattern.ipv6_mask);
  }
}

Error refusal(const rte_flow_error& error, int code) {
  return Error{std::string{"the driver refuses the rule: "} +
               (error.message != nullptr ? error.message : rte_strerror(code < 0 ? -code : code))};
}

constexpr const char* unknown_masks =
    "the driver is not known to keep to the mask of a network, and a rule without it would drop all";

/// A kind of ban, and one of it from the addresses that are for documents (RFC 5737, RFC 3849).
struct BanKind {
  const char* name;
  bool ipv6;
  Address address;
  unsigned bits;
};

std::array<BanKind, 4> ban_kinds() {
  const auto ipv6 = [](std::uint8_t sixth, std::uint8_t last) {
    Address address{0x20, 0x01, 0x0D, 0xB8};
    address[5] = sixth;
    address[15] = last;
    return address;
  };
  return {{{"IPv4 addresses", false, ipv4_address(192, 0, 2, 1), 128},
           {"IPv4 networks", false, ipv4_address(198, 51, 100, 0), mapped_bits + 24},
           {"IPv6 addresses", true, ipv6(0, 1), 128},
           {"IPv6 networks", true, ipv6(1, 0), 48}}};
}

const char* kind_of(const Address& address, unsigned bits) {
  const bool ipv6 = !is_ipv4_rule(address, bits);
  return ban_kinds()[(ipv6 ? 2 : 0) + (bits == 128 ? 0 : 1)].name;
}

std::string joined(std::span<const std::string> names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

}  // namespace

SERRIED_SETUP std::string FlowReport::lanes_text() const {
  if (lanes < 2 && not_steered.empty()) return "";
  if (not_steered.empty())
    return "the driver has taken rte_flow rules that bring sealed datagrams to their lanes; sessions.handed_over says "
           "whether it keeps to them";
  if (steered == 0) return "lanes hand over what came to another: " + not_steered;
  return "the driver has taken rte_flow rules that bring sealed datagrams to " + std::to_string(steered) + " of " +
         std::to_string(lanes) + " lanes; those of the others are handed over: " + not_steered;
}

SERRIED_SETUP std::string FlowReport::bans_text() const {
  if (bans.empty()) return "the driver takes no rte_flow rules for bans; lanes drop them: " + not_banned;
  if (not_banned.empty()) return "bans go into the NIC as rte_flow rules";
  return "bans of " + joined(bans) + " go into the NIC as rte_flow rules; lanes drop the others: " + not_banned;
}

SERRIED_SETUP FlowRules::FlowRules(FlowRulesConfig config, std::unique_ptr<FlowDriver> driver)
    : config_(std::move(config)), driver_(std::move(driver)) {
  for (unsigned lane = 0; lane < config_.queues.size(); ++lane) {
    const auto& queue = config_.queues[lane];
    if (!queue) continue;
    ++report_.lanes;
    if (config_.has_ipv4) lane_rules_.push_back({lane, *queue, false});
    if (config_.has_ipv6) lane_rules_.push_back({lane, *queue, true});
  }
  // All that comes here comes to the one queue that there is.
  if (report_.lanes == 1 || !config_.not_asked.empty()) lane_rules_.clear();
  make_lane_rules();
  try_bans();
}

SERRIED_SETUP FlowRules::~FlowRules() {
  withdraw();
  rte_flow_error error{};
  driver_->flush(error);
}

SERRIED_SETUP Result<rte_flow*> FlowRules::make(const FlowPattern& pattern, const rte_flow_action& action) {
  const rte_flow_action actions[] = {action, {RTE_FLOW_ACTION_TYPE_END, nullptr}};
  rte_flow_error error{};
  if (const int code = driver_->validate(pattern.items.data(), actions, error); code != 0) return refusal(error, code);
  rte_flow* const rule = driver_->create(pattern.items.data(), actions, error);
  if (rule == nullptr) return refusal(error, rte_errno);
  return rule;
}

SERRIED_SETUP Result<rte_flow*> FlowRules::make(const LaneRule& rule) {
  FlowPattern pattern;
  begin(pattern, config_.vlan);
  pattern.add(rule.ipv6 ? RTE_FLOW_ITEM_TYPE_IPV6 : RTE_FLOW_ITEM_TYPE_IPV4);
  add_port(pattern, config_.udp_port);
  add_lane(pattern, config_.lane, rule.lane);
  pattern.add(RTE_FLOW_ITEM_TYPE_END);
  rte_flow_action_queue queue{};
  queue.index = rule.queue;
  return make(pattern, {RTE_FLOW_ACTION_TYPE_QUEUE, &queue});
}

SERRIED_SETUP Result<rte_flow*> FlowRules::make(const Ban& ban) {
  FlowPattern pattern;
  begin(pattern, config_.vlan);
  add_source(pattern, ban.first, ban.second);
  add_port(pattern, config_.udp_port);
  pattern.add(RTE_FLOW_ITEM_TYPE_END);
  return make(pattern, {RTE_FLOW_ACTION_TYPE_DROP, nullptr});
}

SERRIED_SETUP void FlowRules::destroy(rte_flow*& rule) noexcept {
  rte_flow_error error{};
  if (rule != nullptr) driver_->destroy(rule, error);
  rule = nullptr;
}

/// A lane is steered where each version of IP has its rule. Half of one is kept: what it does not bring is handed over.
SERRIED_SETUP void FlowRules::make_lane_rules() {
  report_.not_steered = report_.lanes > 1 ? config_.not_asked : "";
  report_.steered = report_.lanes == 1 ? 1 : 0;
  for (std::size_t i = 0; i < lane_rules_.size();) {
    bool all = true;
    for (const unsigned lane = lane_rules_[i].lane; i < lane_rules_.size() && lane_rules_[i].lane == lane; ++i) {
      const auto made = make(lane_rules_[i]);
      if (made)
        lane_rules_[i].rule = made.value();
      else if (report_.not_steered.empty())
        report_.not_steered = made.error().message;
      all = all && made;
    }
    report_.steered += all ? 1 : 0;
  }
}

/// One of each kind, all at once: with a mask for a whole class, a driver takes the first kind of it alone.
SERRIED_SETUP void FlowRules::try_bans() {
  std::vector<rte_flow*> made;
  for (const BanKind& kind : ban_kinds()) {
    if (kind.ipv6 ? !config_.has_ipv6 : !config_.has_ipv4) continue;
    const bool allowed = kind.bits == 128 || config_.networks;
    const auto rule = allowed ? make(Ban{kind.address, kind.bits}) : Result<rte_flow*>{Error{unknown_masks}};
    if (rule) {
      made.push_back(rule.value());
      report_.bans.emplace_back(kind.name);
    } else if (report_.not_banned.empty()) {
      report_.not_banned = rule.error().message;
    }
  }
  for (rte_flow* rule : made) destroy(rule);
}

SERRIED_SETUP Result<Done> FlowRules::ban(const Address& address, unsigned bits) {
  if (bans_.contains({address, bits})) return Done{};
  if (std::find(report_.bans.begin(), report_.bans.end(), kind_of(address, bits)) == report_.bans.end())
    return Error{report_.not_banned.empty() ? "the device has no address of this version of IP" : report_.not_banned};
  if (bans_.size() == ban_rules_max) return Error{"there are " + std::to_string(ban_rules_max) + " rules already"};
  rte_flow* made = nullptr;
  if (device_runs_) {
    const auto rule = make(Ban{address, bits});
    if (!rule) return rule.error();
    made = rule.value();
  }
  bans_.emplace(Ban{address, bits}, made);
  ban_rules_ = bans_.size();
  return Done{};
}

SERRIED_SETUP void FlowRules::lift(const Address& address, unsigned bits) {
  const auto found = bans_.find({address, bits});
  if (found == bans_.end()) return;
  destroy(found->second);
  bans_.erase(found);
  ban_rules_ = bans_.size();
}

/// The bans first: what is there last is what was there first.
SERRIED_SETUP void FlowRules::withdraw() noexcept {
  device_runs_ = false;
  for (auto& [ban, rule] : bans_) destroy(rule);
  for (LaneRule& lane : lane_rules_) destroy(lane.rule);
}

SERRIED_SETUP void FlowRules::forget() noexcept {
  device_runs_ = false;
  for (auto& [ban, rule] : bans_) rule = nullptr;
  for (LaneRule& lane : lane_rules_) lane.rule = nullptr;
}

SERRIED_SETUP void FlowRules::restore() {
  device_runs_ = true;
  make_lane_rules();
  for (auto at = bans_.begin(); at != bans_.end();) {
    const auto made = make(at->first);
    if (made) at->second = made.value();
    at = made ? std::next(at) : bans_.erase(at);
  }
  ban_rules_ = bans_.size();
}

SERRIED_SETUP FlowReport FlowRules::report() const {
  FlowReport report = report_;
  report.ban_rules = ban_rules_;
  return report;
}

}  // namespace serried::port
