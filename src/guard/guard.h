#pragma once
/// The first and the last look of the inbound path at addresses. `guard` stands behind parse and before anything is
/// summed; `penalize` stands at the end, when every row has its verdict.

#include "guard/abuse_guard.h"
#include "wire/batch.h"

namespace serried::guard {

/// Drop what comes from addresses that an operator banned. Free while there is no such ban.
/// Reads   path, live
/// Writes  verdict, live
/// Owner   io lane
/// Drops   banned
/// Cost    bench/session_bench.cpp
void guard(wire::Batch& batch, AbuseGuard& abuse_guard, metrics::DropCounters& drops, Nanos now) noexcept;

/// Penalize one of the burst's malformed rows, chosen at random, for all of them: right on average, and one hash a
/// burst whatever the flood. What honest clients send when a network or a server misbehaves (copies, ids of sessions
/// that are gone, too much at once) is not counted.
/// Reads   path, verdict
/// Owner   io lane
/// Cost    bench/session_bench.cpp
void penalize(const wire::Batch& batch, AbuseGuard& abuse_guard, Nanos now) noexcept;

}  // namespace serried::guard
