#include "view/view.h"

#include <algorithm>

#include "crypt/replay.h"

namespace serried::view {

namespace {

constexpr std::size_t index_min = 32;
/// Memories of removals beside the live entities. A replay window is 256 datagrams; more removals than this within it
/// mean a server that creates and removes without pause.
constexpr std::size_t gone_max = 1024;

}  // namespace

void View::configure(const message::ConnectionAccepted& accepted) {
  *this = View(options_);
  geometry_.section_size_xy = static_cast<float>(accepted.section_size_xy);
  geometry_.section_size_z = static_cast<float>(accepted.section_size_z);
  geometry_.sections = {accepted.sections_x, accepted.sections_y, accepted.sections_z};
  cell_size_ = {static_cast<float>(accepted.cell_size_xy), static_cast<float>(accepted.cell_size_z)};
  const auto cells = [](std::uint64_t sections, std::uint64_t section_size, std::uint64_t cell_size) {
    const std::uint64_t size = std::max<std::uint64_t>(cell_size, 1);
    return static_cast<std::uint32_t>(
        std::clamp<std::uint64_t>((sections * section_size + size - 1) / size, 1, 1U << 16));
  };
  cells_ = {cells(accepted.sections_x, accepted.section_size_xy, accepted.cell_size_xy),
            cells(accepted.sections_y, accepted.section_size_xy, accepted.cell_size_xy),
            cells(accepted.sections_z, accepted.section_size_z, accepted.cell_size_z)};
  clock_.configure(accepted.tick_rate_hz);
  if (options_.interpolation_delay != 0) {
    scene_clock_.configure(options_.interpolation_delay, clock_);
    trails_.configure(clock_.ticks(SceneClock::delay_max(options_.interpolation_delay)));
  }
  player_entity_ = accepted.player_entity;
  // Twice tracked_max: until a removal arrives, the entity that took its place is here too.
  live_max_ = std::min<std::size_t>(2 * std::size_t{accepted.tracked_max} + 2, 32'768);
}

void View::begin(std::uint64_t sequence, Nanos now) noexcept {
  sequence_ = sequence;
  now_ = now;
  tick_ = clock_.latest();
  complete_ = true;
  largest_sequence_ = std::max(largest_sequence_, sequence);
}

metrics::Drop View::apply(const message::Framed& framed) {
  using message::Type;
  switch (framed.type) {
    case Type::delta_sync:
      return apply_delta(framed.content);
    case Type::create_entity:
      return apply_create(framed.content);
    case Type::remove_entity:
      return apply_removals(framed.content);
    case Type::update_entity_quantized:
      return apply_quantised(framed.content);
    case Type::update_entity:
      return apply_float(framed.content);
    case Type::entity_block:
      return apply_block(framed.content);
    case Type::audit:
      return apply_audits(framed.content);
    default:
      return metrics::Drop::unknown_message;
  }
}

const Tracked* View::find(std::uint16_t slot) const noexcept {
  const Tracked* known = entry(slot);
  return known != nullptr && !known->gone ? known : nullptr;
}

std::array<float, 3> View::position(const Tracked& entity) const noexcept {
  return message::position_of(geometry_, entity.state);
}

std::array<float, 3> View::position(const FarProxy& proxy) const noexcept {
  const std::uint32_t x = proxy.cell % cells_[0];
  const std::uint32_t y = proxy.cell / cells_[0] % cells_[1];
  const std::uint32_t z = proxy.cell / cells_[0] / cells_[1];
  // The middle of the step, so that the error is at most half of one.
  const auto along = [](std::uint32_t cell, unsigned step, float steps, float size) {
    return (static_cast<float>(cell) + (static_cast<float>(step) + 0.5F) / steps) * size;
  };
  return {along(x, proxy.x, 512.0F, cell_size_[0]), along(y, proxy.y, 512.0F, cell_size_[0]),
          along(z, proxy.z, 128.0F, cell_size_[1])};
}

std::size_t View::memory_bytes() const noexcept {
  return entities_.capacity() * sizeof(Tracked) + facts_.capacity() * sizeof(TrackedFacts) +
         index_.capacity() * sizeof index_[0] + trails_.memory_bytes() + far_.memory_bytes();
}

void View::ignore() noexcept {
  ++counters_.ignored;
  complete_ = false;
}

Tracked* View::add(std::uint16_t slot) {
  if (2 * (entities_.size() + 1) > index_.size()) sweep(1);
  if (entities_.size() >= live_max_ + gone_max) {
    sweep(1);
    if (entities_.size() >= live_max_ + gone_max) return nullptr;
  }
  const std::size_t place = place_of(slot);
  Tracked& added = entities_.emplace_back();
  added.slot = slot;
  added.gone = 1;
  facts_.emplace_back();
  trails_.resize(entities_.size());
  index_[place] = static_cast<std::uint32_t>(slot) << 16 | static_cast<std::uint32_t>(entities_.size());
  return &added;
}

void View::sweep(std::size_t room_wanted) {
  std::size_t kept = 0;
  for (std::size_t i = 0; i < entities_.size(); ++i) {
    const Tracked& entity = entities_[i];
    const std::uint64_t behind = (largest_sequence_ - entity.sequence) & sequence_mask;
    if (entity.gone && behind > crypt::ReplayWindow::positions) continue;
    if (own_ == i) own_ = static_cast<std::uint32_t>(kept);
    entities_[kept] = entity;
    trails_.move(i, kept);
    facts_[kept++] = facts_[i];
  }
  entities_.resize(kept);
  facts_.resize(kept);
  trails_.resize(kept);
  std::size_t size = std::max(index_min, index_.size());
  // A quarter full at most after growing: sweeps stay rare.
  while (size < 3 * (entities_.size() + room_wanted)) size *= 2;
  index_.assign(size, 0);
  for (std::size_t i = 0; i < entities_.size(); ++i)
    index_[place_of(entities_[i].slot)] = static_cast<std::uint32_t>(entities_[i].slot << 16 | (i + 1));
}

}  // namespace serried::view
