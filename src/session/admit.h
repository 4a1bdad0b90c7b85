#pragma once
/// Which session a datagram is of, and whether it may send now: all checks of a session that cost less than
/// cryptography.

#include "guard/abuse_guard.h"
#include "session/table.h"
#include "wire/batch.h"

namespace serried::session {

/// The same for what comes from the session's own address and for what comes from others, each counted by itself: a
/// stranger that knows the id must not use up what the player may send.
struct AdmitLimits {
  std::uint32_t interval_us = 0;  ///< between two datagrams of a session, on average; 0: no limit
  std::uint32_t burst_us = 0;     ///< how far ahead of that average a session may run

  /// A datagram under a player's address and id, but without the keys, costs the lane an AEAD. It must not cost what
  /// the player may send: a datagram is charged a part of its interval when it is admitted, and the rest when its tag
  /// has verified. So a forger has to send this many times as much as the player before that player is limited.
  static constexpr std::uint32_t tries = 32;
  [[nodiscard]] constexpr std::uint32_t try_us() const noexcept { return interval_us / tries; }

  /// From another address it is the other way round: what does not open costs so many times as much as what does, for
  /// all forgers together share what one budget of the lane has for such.
  static constexpr std::uint32_t foreign_failure = 4;
  [[nodiscard]] constexpr std::uint32_t foreign_try_us() const noexcept { return foreign_failure * interval_us; }
};
/// The rest of what a datagram from the session's own address costs, once it has proved to be the session's.
inline void charge(Admission& session, const AdmitLimits& limits) noexcept {
  session.next_allowed_us += limits.interval_us - limits.try_us();
}

/// What a datagram from another address costs less, once it has proved to be the session's.
inline void refund_foreign(Cold& cold, const AdmitLimits& limits) noexcept {
  cold.foreign_allowed_us -= limits.foreign_try_us() - limits.interval_us;
}
/// A session that has been heard within this time has no hurry to be found elsewhere.
inline constexpr Nanos silence = 250 * millisecond;

/// Drop what belongs to no session, was seen before, or comes too fast. Copies that the network made cost a session
/// nothing of its rate, so the window is asked first.
/// Reads   connection_id, sequence, path, live
/// Writes  session, verdict, live
/// Owner   io lane
/// Drops   unknown_session, session_ending, replay_old, replay_seen, session_rate, foreign_source, address_rate,
///         prefix_rate
/// Cost    bench/session_bench.cpp
/// Source  rate: GCRA (ITU-T I.371); docs/wire-format.md section 1, order of checks
void admit(wire::Batch& batch, Table& table, const AdmitLimits& limits, guard::AbuseGuard& abuse_guard,
           metrics::DropCounters& drops, Nanos now) noexcept;

}  // namespace serried::session
