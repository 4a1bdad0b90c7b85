#pragma once
/// The cryptography of a burst, in and out: each row under the keys of its session.

#include "session/table.h"
#include "wire/batch.h"

namespace serried::session {

/// Decrypt the live rows in place; drop what does not verify, or repeats a sequence within this very burst.
/// Reads   data, length, connection_id, sequence, session, live
/// Writes  verdict, live, the replay windows
/// Owner   io lane
/// Drops   bad_tag, replay_old, replay_seen
/// Cost    bench/crypt_bench.cpp
/// Source  RFC 8439; docs/wire-format.md section 5
void open(wire::Batch& batch, Table& table, metrics::DropCounters& drops) noexcept;

/// Encrypt the live rows in place, headers already written. `length` counts header, body, tag and trailer.
/// Reads   data, length, connection_id, sequence, session, live
/// Owner   io lane
void seal(wire::Batch& batch, Table& table) noexcept;

}  // namespace serried::session
