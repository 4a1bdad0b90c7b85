#include "view/far.h"

#include <utility>

namespace serried::view {

namespace {
constexpr std::size_t entries_min = 64;
/// The turn is believed to be shorter by this part of the difference for every entity that is told of sooner: a
/// crossing hardly counts, and a turn that has become shorter shows within some dozens of records.
constexpr float shorter_part = 1.0F / 64;
/// How much of a record's word the last one is; and when most are of known entities.
constexpr float known_gain = 1.0F / 16, known_least = 0.25F;
}  // namespace

void FarTurn::note_known(std::uint32_t interval_ms, std::uint32_t now_ms) noexcept {
  known_part_ += (1 - known_part_) * known_gain;
  if (known_part_ >= known_least) settled_ms_ = now_ms;
  told_ms_ = now_ms;
  const auto interval = static_cast<float>(interval_ms);
  turn_ms_ = interval > turn_ms_ ? interval : turn_ms_ + (interval - turn_ms_) * shorter_part;
}

void FarTurn::note_new(std::uint32_t now_ms, std::uint32_t kept_ms) noexcept {
  known_part_ -= known_part_ * known_gain;
  if (!begun_ || known_part_ >= known_least || now_ms - told_ms_ > kept_ms) settled_ms_ = now_ms;
  begun_ = true;
  told_ms_ = now_ms;
  turn_ms_ = std::max(turn_ms_, static_cast<float>(now_ms - settled_ms_));
}

std::size_t FarStore::place_of(std::uint16_t slot) const noexcept {
  const std::size_t mask = entries_.size() - 1;
  // Slots are dense small numbers; the multiplier spreads runs of them without a division.
  std::size_t at = (static_cast<std::uint32_t>(slot) * 0x9E3779B1U >> 12) & mask;
  while (entries_[at].used && entries_[at].slot != slot) at = (at + 1) & mask;
  return at;
}

void FarStore::grow(Nanos now) {
  std::vector<FarProxy> old = std::move(entries_);
  std::size_t kept = 0;
  for (const FarProxy& proxy : old) kept += proxy.used && fresh(proxy, now);
  // Half full at most after growing, so that it does not grow again at once.
  std::size_t size = entries_min;
  while (size < 2 * (kept + 1)) size *= 2;
  entries_.assign(size, FarProxy{});
  used_ = 0;
  for (const FarProxy& proxy : old) {
    if (!proxy.used || !fresh(proxy, now)) continue;
    entries_[place_of(proxy.slot)] = proxy;
    ++used_;
  }
}

void FarStore::note(const message::FarRecord& record, std::uint16_t cell, std::uint64_t sequence, Nanos now) {
  if (4 * (std::size_t{used_} + 1) > 3 * entries_.size()) grow(now);
  FarProxy& proxy = entries_[place_of(record.slot)];
  if (proxy.used && proxy.sequence > sequence) return;
  if (proxy.used && proxy.generation == record.generation && fresh(proxy, now))
    turn_.note_known(milliseconds(now) - proxy.seen_ms, milliseconds(now));
  else
    turn_.note_new(milliseconds(now), timeout_ms_);
  const float kept_ms = std::min(turns_kept * turn_.turn_ms(), static_cast<float>(most_ms_));
  timeout_ms_ = std::max(least_ms_, static_cast<std::uint32_t>(kept_ms));
  used_ += !proxy.used;
  proxy.sequence = sequence;
  proxy.seen_ms = milliseconds(now);
  proxy.slot = record.slot;
  proxy.cell = cell;
  proxy.x = record.x;
  proxy.y = record.y;
  proxy.z = record.z;
  proxy.yaw = record.yaw;
  proxy.generation = record.generation;
  proxy.used = true;
}

void FarStore::forget(std::uint16_t slot, std::uint8_t generation) noexcept {
  if (entries_.empty()) return;
  FarProxy& proxy = entries_[place_of(slot)];
  // Emptying the entry would break probe chains: it is aged beyond any time-out instead.
  if (proxy.used && proxy.generation == generation) proxy.seen_ms -= most_ms_ + 1;
}

const FarProxy* FarStore::find(std::uint16_t slot, Nanos now) const noexcept {
  if (entries_.empty()) return nullptr;
  const FarProxy& proxy = entries_[place_of(slot)];
  return proxy.used && fresh(proxy, now) ? &proxy : nullptr;
}

std::size_t FarStore::count(Nanos now) const noexcept {
  std::size_t total = 0;
  for_each(now, [&total](const FarProxy&) { ++total; });
  return total;
}

}  // namespace serried::view
