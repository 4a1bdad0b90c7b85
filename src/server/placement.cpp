#include "server/placement.h"

#include <algorithm>
#include <tuple>

#include "base/check.h"

namespace serried::server {
namespace {

constexpr unsigned shards_max = 16;

/// The cores in the order in which lanes take them.
std::vector<Core> ranked(std::span<const Core> cores, int nic_node) {
  std::vector<Core> order(cores.begin(), cores.end());
  const auto rank = [nic_node](const Core& core) {
    const bool far = nic_node != any_node && core.node != static_cast<unsigned>(nic_node);
    return std::tuple{far, core.sibling != 0, core.lcore};
  };
  std::sort(order.begin(), order.end(), [&](const Core& a, const Core& b) { return rank(a) < rank(b); });
  return order;
}

/// Deal the lanes of one kind to some cores in turn.
void deal(std::span<CoreAssignment> assignments, LaneKind kind, unsigned lanes) {
  for (unsigned i = 0; i < lanes; ++i) assignments[i % assignments.size()].lanes.push_back({kind, i});
}

CoreAssignment& assignment_of(std::vector<CoreAssignment>& assignments, LaneId lane) {
  const auto found = std::find_if(assignments.begin(), assignments.end(), [&](const CoreAssignment& assignment) {
    return std::find(assignment.lanes.begin(), assignment.lanes.end(), lane) != assignment.lanes.end();
  });
  SERRIED_CHECK(found != assignments.end());
  return *found;
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

unsigned automatic_shards(unsigned cores, unsigned io_lanes) noexcept {
  const unsigned taken = io_lanes + (cores >= 4 ? 1 : 0);
  return cores <= taken + 1 ? 1 : std::min(cores - taken, shards_max);
}

Placement place(std::span<const Core> cores, unsigned io_lanes, unsigned shards, int nic_node, unsigned machine_cpus) {
  SERRIED_CHECK(!cores.empty() && io_lanes > 0);
  const auto available = static_cast<unsigned>(cores.size());
  Placement placement;
  placement.shards = shards != 0 ? shards : automatic_shards(available, io_lanes);
  const unsigned packet_lanes = io_lanes + placement.shards;

  std::vector<Core> order = ranked(cores, nic_node);
  if (available > packet_lanes + 1)  // one is over: let it be the main core
    std::stable_partition(order.begin(), order.end(), [](const Core& core) { return !core.main; });
  for (const Core& core : order) placement.assignments.push_back({core, {}});

  const std::span<CoreAssignment> assignments{placement.assignments};
  if (available == 1) {
    deal(assignments, LaneKind::io, io_lanes);
    deal(assignments, LaneKind::shard, placement.shards);
  } else {
    const unsigned share = (2 * available * io_lanes + packet_lanes - 1) / (2 * packet_lanes);  // half: to the shards
    const unsigned for_io = available >= packet_lanes ? io_lanes : std::clamp(share, 1U, available - 1);
    deal(assignments.first(for_io), LaneKind::io, io_lanes);
    deal(assignments.subspan(for_io, std::min(available - for_io, placement.shards)), LaneKind::shard,
         placement.shards);
  }
  CoreAssignment& handshake = available > packet_lanes
                                  ? placement.assignments[packet_lanes]
                                  : assignment_of(placement.assignments, {LaneKind::io, io_lanes - 1});
  handshake.lanes.push_back({LaneKind::handshake, 0});

  std::erase_if(placement.assignments, [](const CoreAssignment& assignment) { return assignment.lanes.empty(); });
  placement.alone = placement.assignments.size() == packet_lanes + 1 && machine_cpus > placement.assignments.size();
  return placement;
}

std::string placement_text(const Placement& placement) {
  std::string text;
  for (const CoreAssignment& assignment : placement.assignments) {
    text += "core " + std::to_string(assignment.core.lcore) + " (cpu " + std::to_string(assignment.core.cpu) +
            ", node " + std::to_string(assignment.core.node) + "):";
    for (const LaneId lane : assignment.lanes) text.append(" ").append(lane_name(lane));
    text += "\n";
  }
  return text;
}

}  // namespace serried::server
