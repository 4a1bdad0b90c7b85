#include "io/handover.h"

#include <algorithm>
#include <cstring>
#include <span>

#include "base/setup.h"
#include "io/io_state.h"

namespace serried::io {
namespace {

using metrics::Drop;

constexpr unsigned burst_max = wire::Batch::capacity;

void write(HandedDatagram& slot, const wire::Batch& batch, unsigned row) noexcept {
  slot.path = batch.path[row];
  slot.sequence = batch.sequence[row];
  slot.connection_id = batch.connection_id[row];
  slot.length = batch.length[row];
  slot.channel = batch.channel[row];
  slot.flags = batch.flags[row];
  std::memcpy(slot.bytes.data(), batch.data[row], batch.length[row]);
}

void append(wire::Batch& batch, HandedDatagram& slot) noexcept {
  const unsigned row = batch.append(slot.bytes.data(), slot.length, nullptr, slot.path);
  batch.sequence[row] = slot.sequence;
  batch.connection_id[row] = slot.connection_id;
  batch.channel[row] = slot.channel;
  batch.flags[row] = slot.flags;
}

void refuse(IoState& state, wire::Batch& batch, std::span<const std::uint8_t> rows, Drop reason) noexcept {
  for (const std::uint8_t row : rows) batch.verdict[row] = reason;
  state.counters.drops.add(reason, rows.size());
}

void send_to(IoState& state, wire::Batch& batch, std::uint32_t lane, std::span<const std::uint8_t> rows) noexcept {
  const auto& rings = state.handover.links.to;
  if (lane >= rings.size()) return refuse(state, batch, rows, Drop::unknown_session);
  HandoverRing& ring = *rings[lane];
  const HandoverRing::Places places = ring.reserve(static_cast<unsigned>(rows.size()));
  for (unsigned i = 0; i < places.count; ++i) write(places[i], batch, rows[i]);
  if (places.count != 0) ring.commit(places.count);
  state.counters.handed_over.add(places.count);
  if (places.count < rows.size()) refuse(state, batch, rows.subspan(places.count), Drop::handover_ring_full);
}

}  // namespace

void hand_over(IoState& state, wire::Batch& batch) noexcept {
  if (state.handover.links.to.empty()) return;
  std::array<std::uint8_t, burst_max> foreign, burst;
  unsigned foreign_rows = 0, kept = 0;
  for (unsigned i = 0; i < batch.live_rows; ++i) {
    const std::uint8_t row = batch.live[i];
    const bool own = session::lane_of(batch.connection_id[row]) == state.table.lane();
    batch.live[kept] = foreign[foreign_rows] = row;
    kept += own ? 1 : 0;
    foreign_rows += own ? 0 : 1;
  }
  batch.live_rows = kept;
  while (foreign_rows != 0) {
    const std::uint32_t lane = session::lane_of(batch.connection_id[foreign[0]]);
    unsigned count = 0, left = 0;
    for (unsigned i = 0; i < foreign_rows; ++i) {
      const bool same = session::lane_of(batch.connection_id[foreign[i]]) == lane;
      (same ? burst[count++] : foreign[left++]) = foreign[i];
    }
    foreign_rows = left;
    send_to(state, batch, lane, {burst.data(), count});
  }
}

namespace {

/// How many datagrams of each ring make the next burst: all, or of each an equal part, and what is left of the burst
/// from those that have more.
void deal(HandoverWork& work) noexcept {
  const auto lanes = static_cast<unsigned>(work.links.from.size());
  std::array<unsigned, session::lanes_max> waiting{};
  unsigned busy = 0, room = burst_max;
  for (unsigned lane = 0; lane < lanes; ++lane) {
    waiting[lane] = work.links.from[lane] != nullptr ? work.links.from[lane]->size() : 0;
    busy += waiting[lane] != 0 ? 1 : 0;
  }
  if (busy == 0) return;
  for (const unsigned share : {burst_max / busy, burst_max})
    for (unsigned i = 0; i < lanes && room != 0; ++i) {
      const unsigned lane = (work.first + i) % lanes;
      const unsigned more = std::min({waiting[lane] - work.taken[lane], share, room});
      work.taken[lane] = static_cast<std::uint8_t>(work.taken[lane] + more);
      room -= more;
    }
  work.first = (work.first + 1) % lanes;
}

}  // namespace

unsigned take_over(IoState& state, wire::Batch& batch) noexcept {
  HandoverWork& work = state.handover;
  batch.clear();
  if (work.links.from.empty()) return 0;
  deal(work);
  for (unsigned lane = 0; lane < work.links.from.size(); ++lane) {
    if (work.taken[lane] == 0) continue;
    const HandoverRing::Places places = work.links.from[lane]->peek(work.taken[lane]);
    // Another core has written these lines: ask for the first two of each before the first is read.
    for (unsigned k = 0; k < places.count; ++k) {
      __builtin_prefetch(&places[k], 1);
      __builtin_prefetch(reinterpret_cast<const std::uint8_t*>(&places[k]) + 64, 1);
    }
    for (unsigned k = 0; k < places.count; ++k) append(batch, places[k]);
  }
  state.counters.taken_over.add(batch.rows);
  return batch.rows;
}

void give_back(IoState& state, wire::Batch& batch) noexcept {
  HandoverWork& work = state.handover;
  for (unsigned lane = 0; lane < work.links.from.size(); ++lane) {
    if (work.taken[lane] == 0) continue;
    work.links.from[lane]->consume(work.taken[lane]);
    work.taken[lane] = 0;
  }
  batch.clear();
}

void discard_handed(IoState& state) noexcept {
  for (HandoverRing* const ring : state.handover.links.from) {
    if (ring == nullptr) continue;
    for (HandoverRing::Places places; (places = ring->peek(burst_max)).count != 0; ring->consume(places.count)) {
      state.counters.taken_over.add(places.count);
      state.counters.drops.add(Drop::session_ending, places.count);
    }
  }
}

SERRIED_SETUP HandoverMesh::HandoverMesh(unsigned lanes, unsigned waiting, const MakeFor& make_for)
    : lanes_(lanes), rings_(std::size_t{lanes} * lanes) {
  const unsigned each = lanes > 1 ? waiting / (lanes - 1) : 0;
  for (unsigned to = 0; to < lanes; ++to) {
    const auto make = [&] {
      for (unsigned from = 0; from < lanes; ++from)
        if (from != to) rings_[from * lanes + to] = std::make_unique<HandoverRing>(each);
    };
    if (make_for)
      make_for(to, make);
    else
      make();
  }
}

SERRIED_SETUP HandoverLinks HandoverMesh::links_of(unsigned lane) const {
  HandoverLinks links;
  if (lanes_ == 1) return links;
  for (unsigned other = 0; other < lanes_; ++other) {
    links.to.push_back(rings_[lane * lanes_ + other].get());
    links.from.push_back(rings_[other * lanes_ + lane].get());
  }
  return links;
}

}  // namespace serried::io
