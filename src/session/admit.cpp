#include "session/admit.h"

namespace serried::session {
namespace {

using metrics::Drop;

/// GCRA in wrapping microseconds. The sweep of a lane keeps `next_allowed_us` within half the range of now.
bool conforms(std::uint32_t& next_allowed_us, const AdmitLimits& limits, std::uint32_t cost_us,
              std::uint32_t now_us) noexcept {
  if (limits.interval_us == 0) return true;
  const auto ahead = static_cast<std::int32_t>(next_allowed_us - now_us);
  if (ahead > static_cast<std::int32_t>(limits.burst_us)) return false;
  next_allowed_us = (ahead > 0 ? next_allowed_us : now_us) + cost_us;
  return true;
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
    if (!opens(session.state)) return Drop::unknown_session;
    if (const Drop seen = session.replay.peek(batch.sequence[row]); seen != Drop::none) return seen;
    if (wire::same_endpoint(batch.path[row], table.peer(slot).path)) {
      if (!conforms(session.next_allowed_us, limits, limits.try_us(), now_us)) return Drop::session_rate;
    } else if (!conforms(table.cold(slot).foreign_allowed_us, limits, limits.interval_us, now_us)) {
      return Drop::foreign_source;
    } else if (const Drop refused = abuse_guard.admit_foreign(batch.path[row].address, now); refused != Drop::none) {
      return refused;
    }
    batch.session[row] = slot;
    return Drop::none;
  });
}

}  // namespace serried::session
