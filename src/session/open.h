#pragma once
/// The cryptography of a burst, in and out: each row under the keys of its session.

#include "guard/abuse_guard.h"
#include "session/peers.h"
#include "session/table.h"
#include "wire/batch.h"

namespace serried::session {

/// Decrypt the live rows in place; drop what does not verify, or repeats a sequence within this very burst. What does
/// not verify and came from another address than the session's is charged to its source. Of recorded peers a repeat is
/// taken: their replay windows never move, so that admit lets everything through to here.
/// Reads   data, length, connection_id, sequence, path, session, live
/// Writes  verdict, live, the replay windows
/// Owner   io lane
/// Drops   bad_tag, replay_old, replay_seen
/// Cost    bench/crypt_bench.cpp
/// Source  RFC 8439; docs/wire-format.md section 5
template <Peers peers = Peers::live>
void open(wire::Batch& batch, Table& table, guard::AbuseGuard& abuse_guard, metrics::DropCounters& drops,
          Nanos now) noexcept;

/// Encrypt the live rows in place, headers already written. `length` counts header, body, tag and trailer.
/// Reads   data, length, connection_id, sequence, session, live
/// Owner   io lane
void seal(wire::Batch& batch, Table& table) noexcept;

}  // namespace serried::session
