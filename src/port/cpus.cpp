#include "port/cpus.h"

#include <algorithm>
#include <cerrno>
#include <memory>
#include <sched.h>

#include "base/setup.h"

namespace serried::port {
namespace {

/// More than a kernel can be built for (NR_CPUS).
constexpr unsigned cpus_max = 1U << 16;

struct FreeSet {
  SERRIED_SETUP void operator()(cpu_set_t* set) const noexcept { CPU_FREE(set); }
};
using CpuSet = std::unique_ptr<cpu_set_t, FreeSet>;

}  // namespace

SERRIED_SETUP std::vector<unsigned> allowed_cpus() {
  std::vector<unsigned> cpus;
  // The kernel takes no set that is smaller than its own, and does not say how large that is.
  for (unsigned count = CPU_SETSIZE; count <= cpus_max; count *= 2) {
    const CpuSet set{CPU_ALLOC(count)};
    const std::size_t bytes = CPU_ALLOC_SIZE(count);
    if (set == nullptr) break;
    CPU_ZERO_S(bytes, set.get());
    if (sched_getaffinity(0, bytes, set.get()) == 0) {
      for (unsigned cpu = 0; cpu < count; ++cpu)
        if (CPU_ISSET_S(cpu, bytes, set.get())) cpus.push_back(cpu);
      break;
    }
    if (errno != EINVAL) break;
  }
  return cpus;
}

SERRIED_SETUP bool run_on(const std::vector<unsigned>& cpus) noexcept {
  if (cpus.empty()) return false;
  const unsigned count = *std::max_element(cpus.begin(), cpus.end()) + 1;
  if (count == 0 || count > cpus_max) return false;
  const CpuSet set{CPU_ALLOC(count)};
  const std::size_t bytes = CPU_ALLOC_SIZE(count);
  if (set == nullptr) return false;
  CPU_ZERO_S(bytes, set.get());
  for (const unsigned cpu : cpus) CPU_SET_S(cpu, bytes, set.get());
  return sched_setaffinity(0, bytes, set.get()) == 0;  // of this thread
}

}  // namespace serried::port
