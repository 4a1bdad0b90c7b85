#pragma once
/// Far blocks: all entities in view of a viewer, in turn, as records that their cells' owners have already encoded. In
/// view is what is nearer than the radius of its type, and nothing beyond that is ever written.
///
/// A turn goes through the cells in view in the order of their numbers, from the cell where the viewer first stood
/// round to there again, and within a cell by class and slot. That order is fixed, so the turn passes over no
/// entity that stays in its cell and in view, whatever else comes or goes and wherever the viewer walks:
///
///     not in another cell since last told   =>   told again within one turn
///
/// An entity that changes its cell has another place in the order. When that brings the turn back to it sooner, nothing
/// is to be done; when later (it went to where the turn has been, or a good way ahead), it is told at once:
///
///     in view throughout                    =>   told again within one turn and an eighth
///
/// as long as far_crossings_missed does not count, nothing is lost, and a turn takes far_cycle_ticks at least; shorter
/// ones rest until then, and for them it is twice far_cycle_ticks. A run that is lost is said again once.

#include "base/bytes.h"
#include "replicate/plan.h"

namespace serried::replicate {

/// Whether far records want room now: a turn is under way, the next is due, or a lost run waits. Begins the next turn.
[[nodiscard]] bool far_pending(Viewer& viewer, const ReplicationContext& context) noexcept;

/// Fill what is left of `out` with EntityBlock messages: what changed its cell and must be told (when not all did
/// fit the last time, in half of the room); then a lost run, else the turn goes on where it stopped. Returns the run
/// that was written, for the plan. Precondition: far_pending was called in this tick.
/// Reads   context
/// Writes  viewer, out, counters
/// Owner   shard lane
/// Cost    bench/replicate_bench.cpp
FarRun write_far(Viewer& viewer, const ReplicationContext& context, base::ByteWriter& out,
                 PlanCounters& counters) noexcept;

}  // namespace serried::replicate
