#pragma once
/// What one viewer is told in one tick, written into its datagram. The outbound half of replication; its inbound twin
/// is acks.h.
///
///     body := DeltaSync(tick, applied input, own record, records by priority)
///             RemoveEntity   what was let go of
///             CreateEntity*  what is new, nearest first
///             EntityBlock*   the next far cells
///             audit          one hash of an entity (Benchmark in docs/wire-format.md)
///
/// Audits: the server sends slot, generation and hash of an entity whose last change the client has acknowledged. It
/// holds for the client when the datagram is at least as new as the one last applied to that entity; in an older one
/// the audit says nothing, and the client skips it. It also skips an entity that it has removed by a newer datagram.

#include <span>

#include "base/counter.h"
#include "replicate/rescan.h"

namespace serried::replicate {

/// What replication put on the wire, by one shard. Bytes of bodies.
struct PlanCounters {
#define SERRIED_PLAN_COUNTER(group, name, ...) base::Counter name;
#include "metrics/counter.def"
};

/// What is due of every tracked row. Scratch of one shard lane.
struct DueSet {
  RowMask due;    ///< records, row 0 not among them
  RowMask heavy;  ///< of those, with a priority of at least the viewer's threshold
  RowMask creates, removals;
  bool own_due = false;
};

/// Find what is due: rows whose entity is gone become removals; creates and removals that are unsent or unanswered;
/// records with an unsent change that the rate allows, with a change unanswered for too long, or to be refreshed. The
/// lines that compose will read of them are asked for: another viewer should have its turn before compose is called.
/// Reads   context
/// Writes  viewer, due_set
/// Owner   shard lane
/// Cost    bench/replicate_bench.cpp
void find_due_rows(Viewer& viewer, const ReplicationContext& context, DueSet& due_set) noexcept;

/// Whether there is anything to say in this tick.
[[nodiscard]] bool wanted(const Viewer& viewer, const ReplicationContext& context, const DueSet& due_set,
                          std::uint16_t applied_input) noexcept;

struct Composed {
  std::uint16_t bytes = 0;
  std::uint16_t plan = 0;
};

/// Write the viewer's datagram into `body` and remember what it carries.
/// Shape   body has room for config.datagram_bytes; never more is written
/// Reads   context, due_set
/// Writes  viewer, body, counters
/// Owner   shard lane
[[nodiscard]] Composed compose(Viewer& viewer, const ReplicationContext& context, const DueSet& due_set,
                               std::uint16_t applied_input, std::span<std::uint8_t> body,
                               PlanCounters& counters) noexcept;

}  // namespace serried::replicate
