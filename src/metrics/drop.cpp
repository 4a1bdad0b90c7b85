#include "metrics/drop.h"

namespace serried::metrics {
namespace {

struct Entry {
  std::string_view name;
  DropUnit unit;
  std::string_view text;
};

constexpr std::array<Entry, drop_count> entries{{
#define SERRIED_DROP(name, unit, text) {#name, DropUnit::unit, text},
#include "metrics/drop.def"
#undef SERRIED_DROP
}};

}  // namespace

std::string_view drop_name(Drop drop) noexcept {
  return drop == Drop::none ? "none" : entries[static_cast<std::size_t>(drop)].name;
}

std::string_view drop_text(Drop drop) noexcept {
  return drop == Drop::none ? "delivered" : entries[static_cast<std::size_t>(drop)].text;
}

DropUnit drop_unit(Drop drop) noexcept { return entries[static_cast<std::size_t>(drop)].unit; }

std::uint64_t DropCounters::total(DropUnit unit) const noexcept {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < drop_count; ++i)
    if (entries[i].unit == unit) sum += counters_[i].value();
  return sum;
}

void DropCounters::merge(const DropCounters& other) noexcept {
  for (std::size_t i = 0; i < drop_count; ++i) counters_[i].add(other.counters_[i].value());
}

}  // namespace serried::metrics
