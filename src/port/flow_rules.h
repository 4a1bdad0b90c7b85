#pragma once
/// Rules in the NIC itself, for drivers that take them by rte_flow: sealed datagrams come to the queue of the lane
/// whose session they name, and what is banned costs neither bus nor core. A driver that refuses changes nothing: lanes
/// hand over what is another's, and drop what is banned in any case.
///
///     lane   eth / [vlan] / ipv4 or ipv6               / udp dst OURS / raw at payload byte 2   ->  queue
///     ban    eth / [vlan] / ipv4 or ipv6 src ADDRESS   / udp dst OURS                           ->  drop
///
///     payload       0    1    2    3    4    5
///                   +----+----+----+----+----+----+--        byte 3: lane in its upper bits
///                   | connection id     |chan|flag|          byte 5: the sealed flag; in clear the id is 0, and its
///                   +----+----+----+----+----+----+--                lane would be 0
///     mask                    | 00   F0   00   01 |          from an even byte, as i40e wants it
///
/// Both name our UDP port: some NICs (i40e) know UDP as a class of packets of its own, beside that of its IP version.
/// And some have one mask for a whole class, so that a rule of one kind keeps those of the other out. Lanes are first;
/// what is then left for bans is found out by making some, since a driver may say that it takes a rule and then not
/// take it.
///
/// For one thread, which is no lane's, but for report().

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "port/address.h"
#include "port/flow_driver.h"
#include "port/steering.h"

namespace serried::port {

struct FlowPattern;

struct FlowRulesConfig {
  std::uint16_t vlan = 0;  ///< of our frames, 0: none
  std::uint16_t udp_port = 0;
  bool has_ipv4 = false, has_ipv6 = false;
  bool networks = false;  ///< the driver keeps to masks: bans of networks may be given to it
  LaneField lane{};
  /// The receive queue of each lane; of those that have one here.
  std::vector<std::optional<std::uint16_t>> queues{};
  std::string not_asked{};  ///< why nothing is to be steered; empty: it is
};

/// What the driver took.
struct FlowReport {
  unsigned lanes = 0;             ///< that receive here
  unsigned steered = 0;           ///< of them, with rules for every version of IP that is spoken here
  std::string not_steered;        ///< why not all of them; empty: all
  std::vector<std::string> bans;  ///< what kinds of bans are taken: "IPv4 addresses", "IPv6 networks"
  std::string not_banned;         ///< why not all kinds; empty: all
  std::size_t ban_rules = 0;      ///< there now

  /// Two sentences for the log, of lanes (empty with one alone) and of bans.
  [[nodiscard]] std::string lanes_text() const;
  [[nodiscard]] std::string bans_text() const;
};

class FlowRules {
 public:
  /// NICs have room for thousands; some slow down long before.
  static constexpr std::size_t ban_rules_max = 1'024;
  static constexpr std::size_t score_rules_max = 256;  ///< of them, for bans by score

  /// Makes the rules of the lanes. Precondition: the device is started.
  FlowRules(FlowRulesConfig config, std::unique_ptr<FlowDriver> driver);
  /// Takes all rules away. Before the device stops.
  ~FlowRules();
  FlowRules(const FlowRules&) = delete;
  FlowRules& operator=(const FlowRules&) = delete;

  /// Whether any kind of ban is taken.
  [[nodiscard]] bool takes_bans() const noexcept { return !report_.bans.empty(); }
  /// Drop what comes to our port from the first `bits` of the (mapped) address.
  /// Error: the driver refuses this one, there are too many.
  Result<Done> ban(const Address& address, unsigned bits);
  void lift(const Address& address, unsigned bits);

  /// Take the rules away before the device stops. What they were is kept, and bans are kept with them meanwhile.
  void withdraw() noexcept;
  /// The device was reset, or is gone, and its rules with it: none of them may be named to the driver again.
  void forget() noexcept;
  /// Make them again once it has started. Bans that are refused now are no longer here: report().ban_rules.
  void restore();

  /// Any thread, but not while the rules come and go with the device.
  [[nodiscard]] FlowReport report() const;

 private:
  struct LaneRule {
    unsigned lane = 0;
    std::uint16_t queue = 0;
    bool ipv6 = false;
    rte_flow* rule = nullptr;
  };
  using Ban = std::pair<Address, unsigned>;
  using Bans = std::map<Ban, rte_flow*>;  ///< null: withdrawn

  Result<rte_flow*> make(const LaneRule& rule);
  Result<rte_flow*> make(const Ban& ban);
  Result<rte_flow*> make(const FlowPattern& pattern, const rte_flow_action& action);
  void destroy(rte_flow*& rule) noexcept;
  void make_lane_rules();
  void try_bans();

  FlowRulesConfig config_;
  std::unique_ptr<FlowDriver> driver_;
  FlowReport report_;
  std::vector<LaneRule> lane_rules_;
  Bans bans_;
  std::atomic<std::size_t> ban_rules_{0};
  bool device_runs_ = true;
};

}  // namespace serried::port
