#pragma once
/// Where the memory of lanes lies: each is built by a thread that prefers memory of the lane's NUMA node, and what it
/// was given is remembered, so that its pages can be counted later.
///
///     Engine::open    build(io0) --> thread of node 0     set_mempolicy, an arena of malloc of its own
///                     build(io1) --> thread of node 1     the same
///                     build(shard0) --> thread of node 0
///
/// A thread a node and not a policy that changes: malloc gives pieces of pages that were touched before, and each of
/// these threads has an arena, in which all pages are of its node. What is not touched while a lane is built is bound,
/// because its first touch may be another lane's.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/numa.h"
#include "server/placement.h"
#include "telemetry/memory_record.h"
#include "telemetry/snapshot.h"

namespace serried::server {

/// What was built for a lane.
struct LaneMemory {
  LaneId lane;
  int node = base::any_node;  ///< where it was to lie
  telemetry::MemoryRecord::Ranges ranges;
};

class LaneBuilder {
 public:
  /// Without several nodes the calling thread builds, and the kernel is asked for nothing.
  explicit LaneBuilder(const LaneNodes& nodes);
  ~LaneBuilder();
  LaneBuilder(const LaneBuilder&) = delete;
  LaneBuilder& operator=(const LaneBuilder&) = delete;

  /// Have `build` called by the thread of the lane's node, and wait. What it allocates and keeps is of the lane.
  void build(LaneId lane, const std::function<void()>& build);
  /// Of every lane that was built, in the order in which they came.
  [[nodiscard]] std::vector<LaneMemory> take() noexcept { return std::move(built_); }

 private:
  class Worker;
  [[nodiscard]] Worker& worker(int node);

  LaneNodes nodes_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::vector<LaneMemory> built_;
};

/// Add a row to the report, of the pages of all ranges that `each` visits; none for any_node. False: the system forbids
/// to look.
using EachRange = std::function<void(const std::function<void(std::span<const std::byte>)>& visit)>;
[[nodiscard]] bool count_memory(std::vector<telemetry::PlacedMemory>& report, LaneId lane, std::string part, int node,
                                const EachRange& each);

}  // namespace serried::server
