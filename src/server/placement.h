#pragma once
/// Which lane runs on which core. Pure functions of numbers, so that machines of any shape can be tested on one; what
/// the machine at hand looks like comes from topology.h.
///
/// Order of assignment, for `c` cores, `i` io lanes, `s` shard lanes and the one handshake lane:
///
///     c >= i + s + 1   a core a lane; the main core is left to the control thread when one is over
///     c >= i + s       the handshake lane joins the last io lane
///     c >= 2           cores are divided between io and shard lanes in the proportion of their numbers, at least one
///                      each; within each part lanes go round; the handshake lane joins the last io lane
///     c == 1           everything
///
/// The handshake lane joins an io lane and not a shard: a tick that is late is seen by every player, a burst that waits
/// 50 us for a key exchange by none. Cores for io lanes are taken from the NIC's NUMA node first, and of two
/// hyperthreads of a core the second comes last.

#include <span>
#include <string>
#include <vector>

namespace serried::server {

/// A core that lanes may use: an EAL lcore and where its CPU sits.
struct Core {
  unsigned lcore = 0;
  unsigned cpu = 0;
  unsigned node = 0;
  unsigned sibling = 0;  ///< 0 for the first hardware thread of a physical core
  bool main = false;     ///< EAL's main lcore: the thread that started the program
};

enum class LaneKind : unsigned char { io, shard, handshake };

struct LaneId {
  LaneKind kind{};
  unsigned index = 0;
  [[nodiscard]] bool operator==(const LaneId&) const = default;
};
/// "io0", "shard3", "handshake"
[[nodiscard]] std::string lane_name(LaneId lane);

/// One core and its lanes, in the order in which they are polled.
struct CoreAssignment {
  Core core;
  std::vector<LaneId> lanes;
};

struct Placement {
  std::vector<CoreAssignment> assignments;  ///< only cores that have lanes
  unsigned shards = 0;
  bool alone = false;  ///< each lane has a core of its own, and the machine has one over for everything else
};

/// No node: the port has none, or it is not known.
inline constexpr int any_node = -1;

/// How many shard lanes are made of `cores` when the user did not say.
/// Up to three cores the handshake lane shares; from four on it has its own.
[[nodiscard]] unsigned automatic_shards(unsigned cores, unsigned io_lanes) noexcept;

/// `shards` 0: automatic. `machine_cpus` counts all CPUs that the process may run on, lcores or not.
/// Precondition: cores is not empty, io_lanes > 0.
[[nodiscard]] Placement place(std::span<const Core> cores, unsigned io_lanes, unsigned shards, int nic_node,
                              unsigned machine_cpus);

/// For people, one line a core: "core 3 (cpu 7, node 0): io0 handshake".
[[nodiscard]] std::string placement_text(const Placement& placement);

}  // namespace serried::server
