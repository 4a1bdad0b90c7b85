#include "server/placement.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "base/check.h"
#include "machine/view.h"

namespace serried::server {
namespace {

constexpr unsigned shards_max = 16;

/// Cores that have no lanes yet.
class FreeCores {
 public:
  FreeCores(std::span<const Core> cores, bool keep_main) {
    std::map<unsigned, unsigned> threads_of;
    std::vector<Core> rising(cores.begin(), cores.end());
    std::sort(rising.begin(), rising.end(), [](const Core& a, const Core& b) { return a.at.cpu < b.at.cpu; });
    for (const Core& core : rising) {
      cores_.push_back({core, threads_of[core.at.core]++, keep_main && core.main});
      package_of_.try_emplace(core.at.node, core.at.package);
    }
  }

  /// Take the one that suits a lane best which wants to be near `node`: first threads before second ones, then isolated
  /// ones first, then by distance; of equals the main core last when it is kept. Precondition: one is left.
  Core take(int node) {
    const auto best = std::min_element(cores_.begin(), cores_.end(),
                                       [&](const Entry& a, const Entry& b) { return rank(a, node) < rank(b, node); });
    SERRIED_CHECK(best != cores_.end());
    const Core core = best->core;
    cores_.erase(best);
    return core;
  }
  /// Which hardware thread of their core the best ones are that are left: 0 as long as there is a first one.
  [[nodiscard]] unsigned best_thread() const {
    unsigned least = ~0U;
    for (const Entry& entry : cores_) least = std::min(least, entry.thread);
    return least;
  }
  [[nodiscard]] bool has(unsigned node, unsigned thread) const {
    return std::any_of(cores_.begin(), cores_.end(),
                       [&](const Entry& entry) { return entry.core.at.node == node && entry.thread == thread; });
  }
  [[nodiscard]] unsigned distance(unsigned from, int to) const {
    if (to == any_node || from == static_cast<unsigned>(to)) return 0;
    const auto a = package_of_.find(from), b = package_of_.find(static_cast<unsigned>(to));
    return a != package_of_.end() && b != package_of_.end() && a->second == b->second ? 1 : 2;
  }
  [[nodiscard]] std::vector<unsigned> nodes() const {
    std::vector<unsigned> nodes;
    for (const auto& [node, package] : package_of_) nodes.push_back(node);
    return nodes;
  }

 private:
  struct Entry {
    Core core;
    unsigned thread;  ///< of its physical core, among those that we may use
    bool kept;        ///< the main core, when another may take its place
  };
  [[nodiscard]] std::tuple<unsigned, bool, unsigned, bool, unsigned> rank(const Entry& entry, int node) const {
    const CpuPlace& at = entry.core.at;
    return {entry.thread, !at.isolated, distance(at.node, node), entry.kept, entry.core.lcore};
  }

  std::vector<Entry> cores_;
  std::map<unsigned, unsigned> package_of_;  ///< by node
};

/// Shard lanes go where io lanes are, by highest averages: the node with most io lanes for each shard that it would
/// have.
class ShardNodes {
 public:
  explicit ShardNodes(std::span<const CoreAssignment> io) {
    for (const CoreAssignment& assignment : io) {
      Count& count = counts_[assignment.core.at.node];
      count.io += static_cast<unsigned>(assignment.lanes.size());
    }
  }
  /// The node of the next one. Precondition: a core is left.
  unsigned next(const FreeCores& free) {
    const unsigned thread = free.best_thread();
    const std::vector<unsigned> nodes = free.nodes();
    const auto rank = [&](unsigned node) {
      const Count count = counts_[node];
      unsigned distance = ~0U;
      for (const auto& [other, of] : counts_)
        if (of.io != 0) distance = std::min(distance, free.distance(other, static_cast<int>(node)));
      const double average = static_cast<double>(count.io) / (count.shards + 1);
      return std::tuple{!free.has(node, thread), -average, distance, node};
    };
    return *std::min_element(nodes.begin(), nodes.end(), [&](unsigned a, unsigned b) { return rank(a) < rank(b); });
  }
  void add(unsigned node) { ++counts_[node].shards; }

 private:
  struct Count {
    unsigned io = 0, shards = 0;
  };
  std::map<unsigned, Count> counts_;  ///< by node
};

/// Deal `lanes` of one kind to some cores, neighbours by number to one core.
void deal(std::span<CoreAssignment> assignments, LaneKind kind, unsigned lanes) {
  for (unsigned i = 0; i < lanes; ++i)
    assignments[std::size_t{i} * assignments.size() / lanes].lanes.push_back({kind, i});
}

int home_of(const PlaceRequest& request, std::size_t lane) {
  return lane < request.homes.size() ? request.homes[lane] : any_node;
}

bool is_alone(const Placement& placement, unsigned lanes, unsigned machine_cpus) {
  return placement.assignments.size() == lanes && machine_cpus > placement.assignments.size();
}

}  // namespace

std::string lane_name(LaneId lane) {
  switch (lane.kind) {
    case LaneKind::io:
      return "io" + std::to_string(lane.index);
    case LaneKind::shard:
      return "shard" + std::to_string(lane.index);
    case LaneKind::handshake:
      break;
  }
  return "handshake";
}

const Core* Placement::core_of(LaneId lane) const noexcept {
  for (const CoreAssignment& assignment : assignments)
    if (std::find(assignment.lanes.begin(), assignment.lanes.end(), lane) != assignment.lanes.end())
      return &assignment.core;
  return nullptr;
}

int LaneNodes::of(LaneId lane) const noexcept {
  if (lane.kind == LaneKind::handshake) return handshake;
  const std::vector<int>& nodes = lane.kind == LaneKind::io ? io : shards;
  return lane.index < nodes.size() ? nodes[lane.index] : any_node;
}

unsigned automatic_shards(unsigned cores, unsigned io_lanes) noexcept {
  const unsigned taken = io_lanes + (cores >= 4 ? 1 : 0);
  return cores <= taken + 1 ? 1 : std::min(cores - taken, shards_max);
}

unsigned physical_cores(std::span<const Core> cores) {
  std::set<unsigned> physical;
  for (const Core& core : cores) physical.insert(core.at.core);
  return static_cast<unsigned>(physical.size());
}

Placement place(const PlaceRequest& request) {
  SERRIED_CHECK(!request.cores.empty() && request.io_lanes > 0);
  const unsigned io_lanes = request.io_lanes, most = request.cores_max != 0 ? request.cores_max : ~0U;
  const unsigned threads = std::min(static_cast<unsigned>(request.cores.size()), most);
  const unsigned physical = std::min(physical_cores(request.cores), most);
  Placement placement;
  placement.shards = request.shards != 0 ? request.shards : automatic_shards(physical, io_lanes);
  const unsigned packet_lanes = io_lanes + placement.shards;
  FreeCores free{request.cores, physical > packet_lanes + 1};
  if (threads == 1) {
    CoreAssignment& all = placement.assignments.emplace_back(CoreAssignment{free.take(home_of(request, 0)), {}});
    deal({&all, 1}, LaneKind::io, io_lanes);
    deal({&all, 1}, LaneKind::shard, placement.shards);
    all.lanes.push_back({LaneKind::handshake, 0});
    return placement;
  }

  const unsigned share = (2 * threads * io_lanes + packet_lanes - 1) / (2 * packet_lanes);  // half: to the shards
  const unsigned for_io = threads >= packet_lanes ? io_lanes : std::clamp(share, 1U, threads - 1);
  std::vector<CoreAssignment> io, shards;
  for (unsigned i = 0; i < for_io; ++i)
    io.push_back({free.take(home_of(request, (std::size_t{i} * io_lanes + for_io - 1) / for_io)), {}});
  deal(io, LaneKind::io, io_lanes);
  if (physical > packet_lanes)
    placement.assignments.push_back({free.take(static_cast<int>(io.back().core.at.node)), {{LaneKind::handshake, 0}}});
  else
    io.back().lanes.push_back({LaneKind::handshake, 0});
  ShardNodes nodes{io};
  for (unsigned i = 0; i < std::min(threads - for_io, placement.shards); ++i) {
    shards.push_back({free.take(static_cast<int>(nodes.next(free))), {}});
    nodes.add(shards.back().core.at.node);
  }
  std::stable_sort(shards.begin(), shards.end(),
                   [](const CoreAssignment& a, const CoreAssignment& b) { return a.core.at.node < b.core.at.node; });
  deal(shards, LaneKind::shard, placement.shards);
  placement.assignments.insert(placement.assignments.begin(), shards.begin(), shards.end());
  placement.assignments.insert(placement.assignments.begin(), io.begin(), io.end());
  placement.alone = is_alone(placement, packet_lanes + 1, request.machine_cpus);
  return placement;
}

Result<Placement> place_as_told(const PlaceRequest& request, std::span<const ToldLane> told,
                                std::span<const CpuPlace> machine) {
  std::vector<ToldLane> lanes(told.begin(), told.end());
  std::sort(lanes.begin(), lanes.end(), [](const ToldLane& a, const ToldLane& b) { return a.lane < b.lane; });
  std::vector<unsigned> cpus;
  for (const Core& core : request.cores) cpus.push_back(core.at.cpu);
  std::sort(cpus.begin(), cpus.end());
  Placement placement;
  for (const auto& [lane, cpu] : lanes) {
    const auto core = std::find_if(request.cores.begin(), request.cores.end(),
                                   [cpu = cpu](const Core& candidate) { return candidate.at.cpu == cpu; });
    if (core == request.cores.end()) {
      const bool exists =
          std::any_of(machine.begin(), machine.end(), [cpu = cpu](const CpuPlace& place) { return place.cpu == cpu; });
      return Error{lane_name(lane) + " = " + std::to_string(cpu) + " names a CPU " +
                   (exists ? "that EAL was not given; give it too with -l or --lcores, or take one of "
                           : "that this machine does not have; take one of ") +
                   machine::format_cpu_list(cpus)};
    }
    auto at = std::find_if(placement.assignments.begin(), placement.assignments.end(),
                           [cpu = cpu](const CoreAssignment& assignment) { return assignment.core.at.cpu == cpu; });
    if (at == placement.assignments.end())
      at = placement.assignments.insert(placement.assignments.end(), CoreAssignment{*core, {}});
    at->lanes.push_back(lane);
    placement.shards += lane.kind == LaneKind::shard ? 1 : 0;
  }
  placement.alone = is_alone(placement, static_cast<unsigned>(lanes.size()), request.machine_cpus);
  return placement;
}

LaneNodes lane_nodes(const Placement& placement, unsigned io_lanes, std::span<const CpuPlace> machine) {
  LaneNodes nodes;
  nodes.several = node_count(machine) > 1;
  const auto node = [&](LaneId lane) {
    const Core* const core = placement.core_of(lane);
    return core == nullptr ? any_node : static_cast<int>(core->at.node);
  };
  for (unsigned i = 0; i < io_lanes; ++i) nodes.io.push_back(node({LaneKind::io, i}));
  for (unsigned i = 0; i < placement.shards; ++i) nodes.shards.push_back(node({LaneKind::shard, i}));
  nodes.handshake = node({LaneKind::handshake, 0});
  for (const CoreAssignment& assignment : placement.assignments) nodes.cpus.push_back(assignment.core.at);
  return nodes;
}

}  // namespace serried::server
