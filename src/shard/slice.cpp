#include <algorithm>

#include "base/serial.h"
#include "shard/shard_lane.h"

namespace serried::shard {

using metrics::Drop;

namespace {

/// A smaller body is not worth a datagram, and too small for replicate/plan.h to divide.
constexpr std::int32_t body_bytes_min = 256;

/// The next body's lines, to be written: buffers come back cold.
void fetch_body(const wire::Buffer& buffer) noexcept {
  for (std::size_t at = link::body_offset; at < link::body_offset + link::out_body_bytes_max; at += 64)
    __builtin_prefetch(buffer.data + at, 1);
}

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

/// Three viewers at a time: the datagram of one is written; what is due of the next has been found, and its lines are
/// on their way; the lines of the one behind it are asked for.
unsigned ShardLane::slice() noexcept {
  const replicate::ReplicationContext context{.world = &world_.setup_.world,
                                              .config = &world_.setup_.replicate,
                                              .grid = &world_.grid_,
                                              .published = &world_.published_,
                                              .coarse = &world_.coarse_,
                                              .tick = tick_,
                                              .shard = shard_};
  const std::uint32_t interval = throttle_.interval();
  open_slice();
  std::array<std::uint32_t, viewers_per_poll> turn;
  unsigned planned = 0;
  for (; viewer_ < viewer_high_ && planned < viewers_per_poll; ++viewer_)
    if (viewers_[viewer_].active && viewer_ % interval == tick_ % interval) turn[planned++] = viewer_;
  for (unsigned i = 0; i <= planned; ++i) {
    if (i + 1 < planned) fetch(turn[i + 1]);
    if (i < planned) look_for(turn[i], context, due_sets_[i % 2]);
    if (i > 0) plan_for(turn[i - 1], context, due_sets_[(i - 1) % 2]);
  }
  close_slice();
  return planned;
}

/// The rows of the tracked set: lines that nothing else brings in.
void ShardLane::fetch(std::uint32_t index) const noexcept {
  const auto* viewer = reinterpret_cast<const char*>(&viewers_[index]);
  for (unsigned line = 0; line < sizeof(replicate::Viewer) - sizeof(replicate::Viewer::plans); line += 64)
    __builtin_prefetch(viewer + line, 1);
  __builtin_prefetch(&inputs_[index].applied);
}

void ShardLane::look_for(std::uint32_t index, const replicate::ReplicationContext& context,
                         replicate::DueSet& due_set) noexcept {
  replicate::Viewer& viewer = viewers_[index];
  __builtin_prefetch(&viewer.plans[viewer.next_plan % replicate::plans_in_flight], 1);
  if (!base::is_later(viewer.rescan_tick, tick_)) replicate::rescan(viewer, context);
  replicate::find_due_rows(viewer, context, due_set);
}

void ShardLane::plan_for(std::uint32_t index, const replicate::ReplicationContext& context,
                         const replicate::DueSet& due_set) noexcept {
  replicate::Viewer& viewer = viewers_[index];
  const std::uint32_t turn = viewer.far_resting ? 0 : tick_ - viewer.far_turn_tick;
  far_staleness_ = std::max({far_staleness_, turn, viewer.far_turn_ticks});
  const std::uint16_t applied = inputs_[index].applied;
  if (!replicate::wanted(viewer, context, due_set, applied)) return;

  const std::int32_t room = viewer.send_room() - static_cast<std::int32_t>(link::OutRow::datagram_overhead);
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
  if (link.empty_count != 0) fetch_body(link.empties[link.empty_count - 1]);
  std::uint8_t* const body = buffer.data + link::body_offset;
  const std::size_t body_bytes_max = std::min(link::out_body_bytes_max, static_cast<std::size_t>(room));
  const replicate::Composed composed =
      replicate::compose(viewer, context, due_set, applied, {body, body_bytes_max}, counters_.plan);
  const link::OutRow::Datagram row{.session = viewer.session,
                                   .connection_id = viewer.connection_id,
                                   .body_bytes = composed.bytes,
                                   .plan = composed.plan,
                                   .owner = buffer.owner,
                                   .body = body};
  link.out[link.out_count++] = row;
  viewer.handed += row.charge();
}

}  // namespace serried::shard
