#pragma once
/// What became of a viewer's plans: the inbound half of replication. Its outbound twin is plan.h.

#include "replicate/viewer.h"

namespace serried::replicate {

/// The datagram of plan `id` arrived. Unknown ids (older than the plans kept, never given) change nothing: what they
/// carried is simply said again. Returns whether it was known.
/// Writes  viewer
/// Owner   shard lane
bool on_acked(Viewer& viewer, std::uint16_t id, std::uint32_t tick) noexcept;

/// The datagram of plan `id` is taken for lost: what it carried is due again.
void on_lost(Viewer& viewer, std::uint16_t id) noexcept;

}  // namespace serried::replicate
