#include <algorithm>

#include "lane/shard_lane.h"

namespace serried::lane {

using observe::Drop;

namespace {

/// Less is not worth a datagram, and less than replicate/plan.h can divide.
constexpr std::int32_t body_bytes_min = 256;

}  // namespace

/// Empty buffers and room for filled ones, asked for once a slice.
void ShardLane::open_slice() noexcept {
  for (Link& link : links_) {
    link.out_room = std::min(link.rings->filled.free(), viewers_per_poll);
    refill(link);
  }
}

void ShardLane::refill(Link& link) noexcept {
  if (link.empty_count < viewers_per_poll)
    link.empty_count +=
        link.rings->empties.pop(link.empties.data() + link.empty_count, viewers_per_poll - link.empty_count);
}

void ShardLane::close_slice() noexcept {
  for (Link& link : links_) {
    if (link.out_count != 0) link.rings->filled.push(link.out.data(), link.out_count);
    link.out_count = 0;
  }
}

unsigned ShardLane::slice() noexcept {
  const replicate::Scene scene{.world = &world_.setup_.world,
                               .config = &world_.setup_.replicate,
                               .grid = &world_.grid_,
                               .published = &world_.published_,
                               .tick = tick_,
                               .shard = shard_};
  const std::uint32_t interval = pace_.interval();
  open_slice();
  unsigned planned = 0;
  for (; viewer_ < viewer_high_ && planned < viewers_per_poll; ++viewer_) {
    if (viewer_ + 2 < viewer_high_) {
      // The rows of the tracked set: sixteen lines that nothing else brings in.
      const auto* ahead = reinterpret_cast<const char*>(&viewers_[viewer_ + 2]);
      for (unsigned line = 0; line < 20; ++line) __builtin_prefetch(ahead + line * 64, 1);
    }
    if (!viewers_[viewer_].active || viewer_ % interval != tick_ % interval) continue;
    plan_for(viewer_, scene);
    ++planned;
  }
  close_slice();
  return planned;
}

void ShardLane::plan_for(std::uint32_t index, const replicate::Scene& scene) noexcept {
  replicate::Viewer& viewer = viewers_[index];
  // Counted in this viewer's own turns: a viewer is never looked at in the ticks between them.
  const std::uint32_t interval = pace_.interval();
  const std::uint32_t rescan_turns = std::max(scene.config->rescan_ticks / interval, 1U);
  if ((tick_ / interval + index) % rescan_turns == 0) replicate::rescan(viewer, scene);
  replicate::review(viewer, scene, review_);
  const std::uint32_t turn = viewer.far_resting ? 0 : tick_ - viewer.far_turn_tick;
  far_staleness_ = std::max({far_staleness_, turn, viewer.far_turn_ticks});
  const std::uint16_t applied = inputs_[index].applied;
  if (!replicate::wanted(viewer, scene, review_, applied)) return;

  const std::int32_t room = viewer.send_room() - static_cast<std::int32_t>(OutRow::datagram_overhead);
  if (room < body_bytes_min) {
    counters_.drops.add(Drop::window_full);
    return;
  }
  Link& link = links_[viewer.io_lane];
  if (link.out_count >= link.out_room) {
    counters_.drops.add(Drop::filled_ring_full);
    return;
  }
  if (link.empty_count == 0) {
    counters_.drops.add(Drop::no_buffer);
    return;
  }
  const wire::Buffer buffer = link.empties[--link.empty_count];
  std::uint8_t* const body = buffer.data + body_offset;
  const std::size_t body_bytes_max = std::min(out_body_bytes_max, static_cast<std::size_t>(room));
  const replicate::Composed composed =
      replicate::compose(viewer, scene, review_, applied, {body, body_bytes_max}, counters_.plan);
  OutRow& row = link.out[link.out_count++];
  row = {.owner = buffer.owner,
         .body = body,
         .connection_id = viewer.connection_id,
         .session = viewer.session,
         .body_bytes = composed.bytes,
         .tag = composed.plan};
  viewer.handed += row.charge();
}

}  // namespace serried::lane
