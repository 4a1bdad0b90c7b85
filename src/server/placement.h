#pragma once
/// Which lane runs on which core. Pure functions of numbers, so that machines of any shape can be tested on one; what
/// the machine at hand looks like comes from topology.h.
///
/// Order of assignment, for `c` hardware threads on `p` physical cores, `i` io lanes, `s` shard lanes and the one
/// handshake lane:
///
///     p >= i + s + 1   a physical core a lane; of equals the main one is left over
///     c >= i + s       a hardware thread a lane, second ones of a core last; the handshake lane joins the last io lane
///     c >= 2           they are divided between io and shard lanes in the proportion of their numbers, at least one
///                      each; neighbours by number share; the handshake lane joins the last io lane
///     c == 1           everything
///
/// The handshake lane joins an io lane and not a shard: a tick that is late is seen by every player, a burst that waits
/// 50 us for a key exchange by none. It never takes the second thread of a core that a lane polls on: it would take
/// half of that lane's core for what is seldom to be done.
///
/// An io lane goes to the NUMA node of its home device, or as near to it as there is room, the handshake lane to the
/// last io lane's, and then shard lanes to the nodes of io lanes in the proportion of their numbers, and to others when
/// these are full. Shards of one node follow one another, so that their rows do too.

#include <span>
#include <string>
#include <vector>

#include "base/numa.h"
#include "serried/result.h"
#include "server/topology.h"

namespace serried::server {

using base::any_node;

/// A core that lanes may use: an EAL lcore and where its CPU sits.
struct Core {
  unsigned lcore = 0;
  CpuPlace at{};
  bool main = false;  ///< EAL's main lcore: the thread that started the program
};

enum class LaneKind : unsigned char { io, shard, handshake };

struct LaneId {
  LaneKind kind{};
  unsigned index = 0;
  [[nodiscard]] auto operator<=>(const LaneId&) const = default;
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

  /// The core of a lane; null when it has none.
  [[nodiscard]] const Core* core_of(LaneId lane) const noexcept;
};

/// The NUMA node of each lane's core.
struct LaneNodes {
  bool several = false;  ///< the machine has more than one; else it does not matter where memory lies
  std::vector<int> io, shards;
  int handshake = any_node;
  std::vector<CpuPlace> cpus;  ///< of the cores that have lanes

  /// any_node for a lane that is not there.
  [[nodiscard]] int of(LaneId lane) const noexcept;
};

/// What is to be placed, and where it may go.
struct PlaceRequest {
  std::vector<Core> cores;    ///< not empty
  unsigned io_lanes = 1;      ///< at least 1
  unsigned shards = 0;        ///< 0: automatic
  std::vector<int> homes{};   ///< node of each io lane's home device; any_node where it is not known or missing
  unsigned machine_cpus = 0;  ///< all CPUs that the process may run on, lcores or not
  unsigned cores_max = 0;     ///< no more of the cores are taken; 0: all may be
};

/// A lane, and the CPU that it is to run on.
struct ToldLane {
  LaneId lane;
  unsigned cpu = 0;
};

/// How many shard lanes are made of so many physical cores when the user did not say.
/// Up to three cores the handshake lane shares; from four on it has its own.
[[nodiscard]] unsigned automatic_shards(unsigned cores, unsigned io_lanes) noexcept;

/// Physical cores of which there is at least one hardware thread.
[[nodiscard]] unsigned physical_cores(std::span<const Core> cores);

[[nodiscard]] Placement place(const PlaceRequest& request);

/// As a person said. Precondition: each lane of the request once (load_placement sees to it), and shards.
/// Error: a CPU that is not among the cores, in words that follow the name of the file.
[[nodiscard]] Result<Placement> place_as_told(const PlaceRequest& request, std::span<const ToldLane> told,
                                              std::span<const CpuPlace> machine);

[[nodiscard]] LaneNodes lane_nodes(const Placement& placement, unsigned io_lanes, std::span<const CpuPlace> machine);

}  // namespace serried::server
