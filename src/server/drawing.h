#pragma once
/// A placement as a drawing for the log: a line a NUMA node, a box a physical core. Small enough for two cores, and for
/// hundreds: cores without lanes stand together in one box.
///
///     node 0: [0+8 free] [1+9 io0] [2+10 io1] [3+11 shard0] [4-7+12-15 free]   0000:41:00.0 -> io0 io1
///
///     [1+9 io0]          io0 on CPU 1, whose core's other thread, CPU 9, is left alone
///     [1 io0 | 9 shard2] two lanes on one core
///     [4-7 free]         EAL's, without a lane         [8-15 -]  not EAL's

#include <span>
#include <string>
#include <vector>

#include "server/placement.h"
#include "server/topology.h"

namespace serried::server {

/// A device, and the io lanes at home there.
struct DrawnDevice {
  std::string name;
  int node = any_node;
  std::vector<unsigned> io_lanes;
};

/// Lines of at most `columns`, as far as one box allows.
[[nodiscard]] std::vector<std::string> drawing(const Placement& placement, std::span<const Core> cores,
                                               std::span<const CpuPlace> machine, std::span<const DrawnDevice> devices,
                                               std::size_t columns = 100);

}  // namespace serried::server
