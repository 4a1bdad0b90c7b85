#include "telemetry/snapshot.h"

#include <cstdio>
#include <malloc.h>
#include <unistd.h>
#include <utility>

namespace serried::telemetry {

void Snapshot::add(LaneFigures lane) {
  counters.merge(lane.counters);
  lanes.push_back(std::move(lane));
}

void Snapshot::add(const CoreFigures& core) {
  counters.merge(core.counters);
  cores.push_back(core);
}

std::uint64_t Snapshot::run_ns(const LaneFigures& lane) const noexcept {
  for (const CoreFigures& core : cores)
    if (core.lcore == lane.lcore) return core.counters[metrics::CounterId::cores_run_ns];
  return 0;
}

std::uint64_t Snapshot::dropped() const noexcept {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < metrics::drop_count; ++i) {
    const auto unit = metrics::drop_unit(static_cast<metrics::Drop>(i));
    if (unit == metrics::DropUnit::frame || unit == metrics::DropUnit::datagram) sum += drops[i];
  }
  return sum;
}

void measure_memory(Snapshot& snapshot) noexcept {
  unsigned long long pages = 0;
  if (std::FILE* const file = std::fopen("/proc/self/statm", "re")) {
    if (std::fscanf(file, "%*u %llu", &pages) != 1) pages = 0;
    std::fclose(file);
  }
  snapshot.rss_bytes = pages * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  const struct mallinfo2 heap = mallinfo2();
  snapshot.heap_bytes = heap.uordblks + heap.hblkhd;
}

}  // namespace serried::telemetry
