#pragma once
/// The outermost loop of the swarm: clock, idling, status, interruption. A template over the port.

#include <csignal>
#include <span>
#include <sys/resource.h>

#include "base/clock.h"
#include "serried/time.h"
#include "tools/swarm/engine.h"
#include "tools/swarm/status.h"

namespace serried::tools {

[[nodiscard]] inline Nanos cpu_now() noexcept {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto nanos = [](const timeval& time) {
    return static_cast<Nanos>(time.tv_sec) * second + static_cast<Nanos>(time.tv_usec) * microsecond;
  };
  return nanos(usage.ru_utime) + nanos(usage.ru_stime);
}
[[nodiscard]] std::uint64_t resident_bytes();

/// Set by SIGINT and SIGTERM.
extern volatile std::sig_atomic_t interrupted;

/// Play to the end, or until interrupted; then end all sessions in order. `recorder` may be null.
template <port::Port P>
Summary run(P& port, const SwarmOptions& options, const crypt::TokenKey& key,
            std::span<const std::uint16_t> local_ports, Recorder* recorder, process::Output& output) {
  constexpr timespec nap{0, 100'000};
  Fleet fleet(options, key, crypt::Entropy{}, local_ports, base::now());
  fleet.record_to(recorder);
  Engine engine(port, fleet, [] { return base::now(); });
  EngineTotals totals;
  totals.port = &port.counters();
  StatusDisplay display(options.status, output);
  Totals shown = fleet.totals(base::now(), totals);
  Nanos measured_at = 0;
  while (fleet.phase() != Fleet::Phase::done) {
    const Nanos begin = base::now();
    if (begin - measured_at >= millisecond) {
      totals.cpu = cpu_now();
      measured_at = begin;
    }
    if (interrupted != 0) fleet.stop(begin, totals);
    if (engine.poll(base::unix_now(), totals)) {
      totals.busy += base::now() - begin;
    } else {
      nanosleep(&nap, nullptr);
    }
    if (options.status != Status::none && begin >= shown.at + second) {
      totals.rss_bytes = resident_bytes();
      display.show(fleet.summary(begin, totals, shown));
      shown = fleet.totals(begin, totals);
    }
  }
  totals.rss_bytes = resident_bytes();
  totals.cpu = cpu_now();
  Summary summary = fleet.summary(base::now(), totals);
  display.finish(summary);
  return summary;
}

}  // namespace serried::tools
