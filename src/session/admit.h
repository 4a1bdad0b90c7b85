#pragma once
/// Third stage in: which session, and may it. All checks that cost less than cryptography.

#include "session/table.h"
#include "wire/batch.h"

namespace serried::session {

/// How often a lane opens datagrams that come from an address which is not their session's: enough for everybody whose
/// NAT rebinds, too little to be worth an attack. A token bucket.
class ForeignBudget {
 public:
  static constexpr std::uint32_t burst = 256;
  static constexpr std::uint32_t per_second = 4096;

  [[nodiscard]] bool take(Nanos now) noexcept {
    constexpr Nanos interval = second / per_second;
    const Nanos gained = (now - at_) / interval;
    if (gained != 0) {
      tokens_ = gained >= burst - tokens_ ? burst : tokens_ + static_cast<std::uint32_t>(gained);
      at_ += gained * interval;
    }
    if (tokens_ == 0) return false;
    --tokens_;
    return true;
  }

 private:
  Nanos at_ = 0;
  std::uint32_t tokens_ = burst;
};

struct AdmitLimits {
  std::uint32_t interval_us = 0;  ///< between two datagrams of a session, on average; 0: no limit
  std::uint32_t burst_us = 0;     ///< how far ahead of that average a session may run
};

/// Drop what belongs to no session, comes too fast, or was seen before.
/// Reads   connection_id, sequence, path, live      Writes  session, verdict, live      Owner  io lane
/// Drops   unknown_session, session_rate, foreign_source, replay_old, replay_seen
/// Cost    bench/session_bench.cpp
/// Source  rate: GCRA (ITU-T I.371); docs/wire-format.md section 1, order of checks
void admit(wire::Batch& batch, Table& table, const AdmitLimits& limits, ForeignBudget& foreign,
           observe::DropCounters& drops, Nanos now) noexcept;

}  // namespace serried::session
