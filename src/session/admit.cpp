#include "session/admit.h"

#include "base/serial.h"

namespace serried::session {
namespace {

using metrics::Drop;

/// GCRA in wrapping microseconds. The sweep of a lane keeps `next_allowed_us` within half the range of now.
bool conforms(std::uint32_t& next_allowed_us, const AdmitLimits& limits, std::uint32_t cost_us,
              std::uint32_t now_us) noexcept {
  if (limits.interval_us == 0) return true;
  const std::int32_t ahead = base::serial_distance(now_us, next_allowed_us);
  if (ahead > static_cast<std::int32_t>(limits.burst_us)) return false;
  next_allowed_us = (ahead > 0 ? next_allowed_us : now_us) + cost_us;
  return true;
}

/// From an endpoint that is not the session's: its NAT has made another, or a forger claims so.
Drop admit_foreign(Table& table, std::uint32_t slot, const wire::Path& from, const AdmitLimits& limits,
                   guard::AbuseGuard& abuse_guard, Nanos now) noexcept {
  const Admission& session = table.admission(slot);
  Cold& cold = table.cold(slot);
  const auto now_us = static_cast<std::uint32_t>(now / microsecond);
  if (!conforms(cold.foreign_allowed_us, limits, limits.foreign_try_us(), now_us)) return Drop::foreign_source;
  const bool asked = cold.roam.probe_id != 0 && wire::same_endpoint(cold.roam.candidate, from);
  const bool silent = now - session.heard_at >= silence;
  return abuse_guard.admit_foreign(
      from.address, {wire::same_address(from.address, table.peer(slot).path.address), asked || silent}, now);
}

}  // namespace

void admit(wire::Batch& batch, Table& table, const AdmitLimits& limits, guard::AbuseGuard& abuse_guard,
           metrics::DropCounters& drops, Nanos now) noexcept {
  for (unsigned i = 0; i < batch.live_rows; ++i) table.prefetch(batch.connection_id[batch.live[i]]);

  const auto now_us = static_cast<std::uint32_t>(now / microsecond);
  batch.filter(drops, [&](unsigned row) noexcept {
    const std::uint32_t slot = table.find(batch.connection_id[row]);
    if (slot == Table::none) return Drop::unknown_session;
    Admission& session = table.admission(slot);
    if (session.state == State::closing) return Drop::session_ending;
    if (const Drop seen = session.replay.peek(batch.sequence[row]); seen != Drop::none) return seen;
    if (wire::same_endpoint(batch.path[row], table.peer(slot).path)) {
      if (!conforms(session.next_allowed_us, limits, limits.try_us(), now_us)) return Drop::session_rate;
    } else if (const Drop refused = admit_foreign(table, slot, batch.path[row], limits, abuse_guard, now);
               refused != Drop::none) {
      return refused;
    }
    batch.session[row] = slot;
    return Drop::none;
  });
}

}  // namespace serried::session
