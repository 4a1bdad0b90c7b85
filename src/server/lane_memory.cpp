#include "server/lane_memory.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>

#include "port/cpus.h"

namespace serried::server {

/// A thread that runs on cores of one node and prefers its memory, and does what it is given.
class LaneBuilder::Worker {
 public:
  Worker(int node, std::vector<unsigned> cpus) : node_(node), cpus_(std::move(cpus)), thread_([this] { run(); }) {}
  ~Worker() {
    hand({});
    thread_.join();
  }
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  [[nodiscard]] int node() const noexcept { return node_; }
  void call(const std::function<void()>& work) {
    hand(work);
    std::unique_lock lock{mutex_};
    changed_.wait(lock, [this] { return !waiting_; });
  }

 private:
  void hand(std::function<void()> work) {
    const std::lock_guard lock{mutex_};
    work_ = std::move(work);
    waiting_ = true;
    changed_.notify_all();
  }
  void run() {
    static_cast<void>(port::run_on(cpus_));  // where that is forbidden, the policy alone decides
    const base::PreferredNode preferred{node_};
    std::unique_lock lock{mutex_};
    for (;;) {
      changed_.wait(lock, [this] { return waiting_; });
      if (!work_) return;
      work_();
      waiting_ = false;
      changed_.notify_all();
    }
  }

  int node_;
  std::vector<unsigned> cpus_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::function<void()> work_;
  bool waiting_ = false;
  std::thread thread_;  // last: it uses the others
};

LaneBuilder::LaneBuilder(const LaneNodes& nodes) : nodes_(nodes) {}

LaneBuilder::~LaneBuilder() = default;

LaneBuilder::Worker& LaneBuilder::worker(int node) {
  const auto found =
      std::find_if(workers_.begin(), workers_.end(), [node](const auto& worker) { return worker->node() == node; });
  if (found != workers_.end()) return **found;
  std::vector<unsigned> cpus;
  for (const CpuPlace& place : nodes_.cpus)
    if (static_cast<int>(place.node) == node) cpus.push_back(place.cpu);
  return *workers_.emplace_back(std::make_unique<Worker>(node, std::move(cpus)));
}

void LaneBuilder::build(LaneId lane, const std::function<void()>& build) {
  const int node = nodes_.of(lane);
  LaneMemory memory{lane, node, {}};
  const auto recorded = [&] {
    telemetry::MemoryRecord record;
    build();
    memory.ranges = record.take();
  };
  if (nodes_.several && node != base::any_node) {
    worker(node).call(recorded);
    for (const auto range : memory.ranges)
      base::prefer_node({const_cast<std::byte*>(range.data()), range.size()}, node);
  } else {
    recorded();
  }
  const auto found =
      std::find_if(built_.begin(), built_.end(), [lane](const auto& other) { return other.lane == lane; });
  if (found == built_.end())
    built_.push_back(std::move(memory));
  else
    found->ranges.insert(found->ranges.end(), memory.ranges.begin(), memory.ranges.end());
}

bool count_memory(std::vector<telemetry::PlacedMemory>& report, LaneId lane, std::string part, int node,
                  const EachRange& each) {
  if (node == base::any_node) return true;
  base::NodePages pages;
  bool allowed = true;
  each([&](std::span<const std::byte> range) {
    if (const auto counted = base::count_pages(range, node))
      pages += *counted;
    else
      allowed = false;
  });
  report.push_back({lane_name(lane), std::move(part), node, pages.there, pages.elsewhere});
  return allowed;
}

}  // namespace serried::server
