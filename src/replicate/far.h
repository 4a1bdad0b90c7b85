#pragma once
/// Far blocks: everybody in view of a viewer's cell, in turn, as records that their cells' owners have already encoded.

#include "base/bytes.h"
#include "replicate/plan.h"

namespace serried::replicate {

/// Whether far records want room now: a turn is under way, the next is due, or a lost run waits. Begins the next turn.
[[nodiscard]] bool far_pending(Viewer& viewer, const Scene& scene) noexcept;

/// Fill what is left of `out` with EntityBlock messages: a lost run first, else the turn goes on where it stopped.
/// Returns the run that was written, for the plan; records 0 when none fitted.
/// Reads   scene     Writes  viewer, out, counters     Owner  shard lane
FarRun write_far(Viewer& viewer, const Scene& scene, base::ByteWriter& out, PlanCounters& counters) noexcept;

}  // namespace serried::replicate
