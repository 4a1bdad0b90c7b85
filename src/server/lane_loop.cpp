#include "server/lane_loop.h"

#include <ctime>
#include <sys/prctl.h>

#include <rte_pause.h>

#include "base/clock.h"
#include "telemetry/allocations.h"

namespace serried::server {
namespace {

void sleep_for(Nanos time) noexcept {
  const timespec span{static_cast<time_t>(time / second), static_cast<long>(time % second)};
  nanosleep(&span, nullptr);  // an early wake-up only means an early poll
}

}  // namespace

Nanos LaneLoop::round(Nanos at, unsigned& work) noexcept {
  work = 0;
  bool polled = false;
  for (LaneEntry* const entry : lanes_) {
    if (at < entry->due_at) continue;
    polled = true;
    LaneMeter& meter = entry->meter;
    const std::uint64_t allocations_before = telemetry::thread_allocations();
    const unsigned done = entry->poll(entry->lane, at);
    const Nanos after = base::now();
    meter.polls.add(1);
    if (done != 0) {
      meter.busy_polls.add(1);
      meter.items.add(done);
      meter.busy_ns.add(after - at);
    }
    if (after - at > meter.longest_poll_ns.value()) meter.longest_poll_ns.set(after - at);
    if (const auto more = telemetry::thread_allocations() - allocations_before; more != 0) meter.allocations.add(more);
    work += done;
    at = after;
    entry->due_at = after + entry->rest;
  }
  return polled ? at : base::now();
}

void LaneLoop::run(const std::atomic<bool>& stop) noexcept {
  // The kernel may otherwise stretch each sleep by 50 us to save wake-ups.
  prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
  const Nanos begin = base::now(), cpu_begin = base::thread_cpu();
  Nanos at = begin, asleep = 0, cpu_due = begin;
  unsigned idle_rounds = 0;
  while (!stop.load(std::memory_order_relaxed)) {
    unsigned work = 0;
    at = round(at, work);
    if (work != 0) {
      idle_rounds = 0;
    } else if (idle_.sleep != 0 && ++idle_rounds > idle_.spins) {
      sleep_for(idle_.sleep);
      const Nanos woken = base::now();
      asleep += woken - at;
      at = woken;
    } else {
      rte_pause();
    }
    meter_.run_ns.set(at - begin);
    meter_.awake_ns.set(at - begin - asleep);
    if (at < cpu_due) continue;
    meter_.cpu_ns.set(base::thread_cpu() - cpu_begin);
    cpu_due = at + 100 * millisecond;
  }
  meter_.cpu_ns.set(base::thread_cpu() - cpu_begin);
  ended_.store(true, std::memory_order_release);
}

Nanos rest_policy(bool asked, unsigned asked_us, bool alone) noexcept {
  return asked ? asked_us * microsecond : alone ? 0 : 50 * microsecond;
}

IdlePolicy idle_policy(bool asked, unsigned asked_us, bool alone) noexcept {
  IdlePolicy policy;
  policy.sleep = asked ? asked_us * microsecond : alone ? 0 : 50 * microsecond;
  return policy;
}

}  // namespace serried::server
