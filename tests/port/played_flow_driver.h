#pragma once
/// A driver as flow_rules.h sees it, and the NIC behind it: it takes rules or refuses them in one of the manners in
/// which drivers do, and says of a frame what its rules make of it. It looks at the bytes of the frame, by the masks
/// that it was given.

#include <algorithm>
#include <cstring>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <rte_errno.h>
#include <rte_flow.h>

#include "port/dpdk_versions.h"
#include "port/flow_driver.h"

namespace serried::port {

/// What a driver does. Without anything it takes all rules, and keeps to them.
struct FlowManner {
  bool refuses_raw = false;  ///< most NICs
  bool refuses_ipv6 = false;
  bool creates_nothing =
      false;  ///< says that it takes rules, and then takes none (net_tap where the kernel lacks flower)
  bool one_mask_a_class = false;  ///< each class of packets has one mask; says so when the rule is made (i40e)
  bool ignores_networks = false;  ///< leaves an address out whose mask is not of all bits (i40e)
  std::size_t room = 1'000'000;   ///< rules
};

/// The NIC, which outlives the driver that rules are given by.
class PlayedNic {
 public:
  explicit PlayedNic(const FlowManner& manner = {}) : manner_(manner) {}

  enum class Fate : std::uint8_t { hashed, queue, drop };
  struct Outcome {
    Fate fate = Fate::hashed;  ///< no rule: RSS picks the queue
    unsigned queue = 0;
    bool operator==(const Outcome&) const = default;
  };
  /// A drop goes before a queue.
  [[nodiscard]] Outcome outcome(const std::vector<std::uint8_t>& frame) const {
    Outcome outcome;
    for (const auto& [handle, rule] : rules_) {
      if (!matches(rule, frame)) continue;
      if (rule.actions()->type == RTE_FLOW_ACTION_TYPE_DROP) return {Fate::drop, 0};
      outcome = {Fate::queue, static_cast<const rte_flow_action_queue*>(rule.actions()->conf)->index};
    }
    return outcome;
  }
  [[nodiscard]] std::size_t rules() const { return rules_.size(); }
  /// All of them, and what names them: a reset.
  void lose_rules() { rules_.clear(); }
  void take_on(const FlowManner& manner) { manner_ = manner; }

  unsigned created = 0, flushed = 0;
  unsigned wrong_handles = 0;      ///< rules named that are not there: a crash of the driver
  std::vector<std::string> order;  ///< "queue" and "drop", as they were made

 private:
  friend class PlayedFlowDriver;

  /// A copy of all that a pattern and its actions point to.
  struct Rule {
    std::vector<std::uint8_t> pattern_bytes, actions_bytes;
    [[nodiscard]] const rte_flow_item* items() const {
      return reinterpret_cast<const rte_flow_item*>(pattern_bytes.data());
    }
    [[nodiscard]] const rte_flow_action* actions() const {
      return reinterpret_cast<const rte_flow_action*>(actions_bytes.data());
    }
  };

// It is experimental in DPDK 22.11.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
  static std::vector<std::uint8_t> copy(rte_flow_conv_op op, const void* from) {
    rte_flow_error error{};
    const int bytes = rte_flow_conv(op, nullptr, 0, from, &error);
    std::vector<std::uint8_t> to(static_cast<std::size_t>(std::max(bytes, 0)));
    if (rte_flow_conv(op, to.data(), to.size(), from, &error) != bytes) to.clear();
    return to;
  }

#pragma GCC diagnostic pop
  static bool same(const void* spec, const void* mask, const std::uint8_t* bytes, std::size_t count) {
    if (spec == nullptr) return true;
    const auto *wanted = static_cast<const std::uint8_t*>(spec), *looked_at = static_cast<const std::uint8_t*>(mask);
    for (std::size_t i = 0; i < count; ++i)
      if (((wanted[i] ^ bytes[i]) & looked_at[i]) != 0) return false;
    return true;
  }

  /// A walk over the headers of the frame, an item each.
  [[nodiscard]] bool matches(const Rule& rule, const std::vector<std::uint8_t>& frame) const {
    const std::uint8_t* at = frame.data();
    const std::uint8_t* const end = at + frame.size();
    unsigned type = 0, protocol = 0;
    for (const rte_flow_item* item = rule.items(); item->type != RTE_FLOW_ITEM_TYPE_END; ++item) {
      switch (item->type) {
        case RTE_FLOW_ITEM_TYPE_ETH:
          type = unsigned{at[12]} << 8U | at[13];
          at += 14;
          break;
        case RTE_FLOW_ITEM_TYPE_VLAN:
          if (type != 0x8100 || !same(item->spec, item->mask, at, 2)) return false;
          type = unsigned{at[2]} << 8U | at[3];
          at += 4;
          break;
        case RTE_FLOW_ITEM_TYPE_IPV4: {
          rte_flow_item_ipv4 mask{};
          if (item->mask != nullptr) mask = *static_cast<const rte_flow_item_ipv4*>(item->mask);
          if (manner_.ignores_networks && mask.hdr.src_addr != 0xFFFFFFFF) mask.hdr.src_addr = 0;
          if (type != 0x0800 || !same(item->spec, &mask, at, 20)) return false;
          protocol = at[9];
          at += (at[0] & 15U) * 4U;
          break;
        }
        case RTE_FLOW_ITEM_TYPE_IPV6: {
          rte_flow_item_ipv6 mask{};
          if (item->mask != nullptr) mask = *static_cast<const rte_flow_item_ipv6*>(item->mask);
          if (manner_.ignores_networks && bytes_of_ipv6(mask.hdr.src_addr)[15] != 0xFF)
            std::memset(bytes_of_ipv6(mask.hdr.src_addr), 0, 16);
          if (type != 0x86DD || !same(item->spec, &mask, at, 40)) return false;
          protocol = at[6];
          at += 40;
          break;
        }
        case RTE_FLOW_ITEM_TYPE_UDP:
          if (protocol != 17 || !same(item->spec, item->mask, at, 8)) return false;
          at += 8;
          break;
        case RTE_FLOW_ITEM_TYPE_RAW: {
          const auto& spec = *static_cast<const rte_flow_item_raw*>(item->spec);
          const auto& mask = *static_cast<const rte_flow_item_raw*>(item->mask);
          if (at + spec.offset + spec.length > end || !same(spec.pattern, mask.pattern, at + spec.offset, spec.length))
            return false;
          break;
        }
        default:
          return false;
      }
    }
    return true;
  }

  /// What of a packet a rule looks at, in i40e's words its input set, and the class that this holds for.
  static std::pair<std::string, std::string> input_set(const rte_flow_item* item) {
    std::string type, looked_at;
    for (; item->type != RTE_FLOW_ITEM_TYPE_END; ++item) {
      type += static_cast<char>('a' + item->type);
      std::size_t bytes = item->type == RTE_FLOW_ITEM_TYPE_IPV4   ? sizeof(rte_flow_item_ipv4)
                          : item->type == RTE_FLOW_ITEM_TYPE_IPV6 ? sizeof(rte_flow_item_ipv6)
                          : item->type == RTE_FLOW_ITEM_TYPE_UDP  ? sizeof(rte_flow_item_udp)
                                                                  : 0;
      if (item->type == RTE_FLOW_ITEM_TYPE_RAW) {
        // It is part of the class's mask, and no class of its own.
        type.pop_back();
        const auto& mask = *static_cast<const rte_flow_item_raw*>(item->mask);
        looked_at.append(reinterpret_cast<const char*>(mask.pattern), 4);
      } else if (item->mask != nullptr) {
        looked_at.append(static_cast<const char*>(item->mask), bytes);
      } else {
        looked_at.append(bytes, '\0');
      }
    }
    return {type, looked_at};
  }

  [[nodiscard]] const char* validation_fault(const rte_flow_item* item) const {
    for (; item->type != RTE_FLOW_ITEM_TYPE_END; ++item) {
      if (item->type == RTE_FLOW_ITEM_TYPE_RAW && manner_.refuses_raw) return "item not supported";
      if (item->type == RTE_FLOW_ITEM_TYPE_IPV6 && manner_.refuses_ipv6) return "no IPv6";
    }
    return nullptr;
  }
  [[nodiscard]] const char* creation_fault(const rte_flow_item* items) const {
    if (manner_.creates_nothing) return "couldn't send request to kernel";
    if (rules_.size() >= manner_.room) return "Fdir space full";
    if (!manner_.one_mask_a_class) return nullptr;
    const auto wanted = input_set(items);
    for (const auto& [handle, rule] : rules_) {
      const auto known = input_set(rule.items());
      if (known.first == wanted.first && known.second != wanted.second) return "Failed to create flow.";
    }
    return nullptr;
  }

  FlowManner manner_;
  std::map<std::uintptr_t, Rule> rules_;
  std::uintptr_t next_ = 1;
};

class PlayedFlowDriver final : public FlowDriver {
 public:
  explicit PlayedFlowDriver(PlayedNic& nic) : nic_(nic) {}

  int validate(const rte_flow_item* pattern, const rte_flow_action*, rte_flow_error& error) override {
    error.message = nic_.validation_fault(pattern);
    return error.message == nullptr ? 0 : -ENOTSUP;
  }
  rte_flow* create(const rte_flow_item* pattern, const rte_flow_action* actions, rte_flow_error& error) override {
    error.message = nic_.validation_fault(pattern);
    if (error.message == nullptr) error.message = nic_.creation_fault(pattern);
    if (error.message != nullptr) {
      rte_errno = EINVAL;
      return nullptr;
    }
    ++nic_.created;
    nic_.order.emplace_back(actions->type == RTE_FLOW_ACTION_TYPE_DROP ? "drop" : "queue");
    nic_.rules_[nic_.next_] = {PlayedNic::copy(RTE_FLOW_CONV_OP_PATTERN, pattern),
                               PlayedNic::copy(RTE_FLOW_CONV_OP_ACTIONS, actions)};
    return reinterpret_cast<rte_flow*>(nic_.next_++);
  }
  int destroy(rte_flow* rule, rte_flow_error&) override {
    nic_.wrong_handles += nic_.rules_.erase(reinterpret_cast<std::uintptr_t>(rule)) == 0 ? 1 : 0;
    return 0;
  }
  int flush(rte_flow_error&) override {
    ++nic_.flushed;
    nic_.rules_.clear();
    return 0;
  }

 private:
  PlayedNic& nic_;
};

}  // namespace serried::port
