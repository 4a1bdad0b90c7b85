#pragma once
/// The list of drop reasons (drop.def) as an enum, with names and texts, and one counter each.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/counter.h"

namespace serried::metrics {

enum class Drop : std::uint8_t {
#define SERRIED_DROP(name, unit, text) name,
#include "metrics/drop.def"
#undef SERRIED_DROP
  count_,
  none = 0xFF,
};

inline constexpr std::size_t drop_count = static_cast<std::size_t>(Drop::count_);

enum class DropUnit : std::uint8_t { frame, datagram, message, out };

[[nodiscard]] std::string_view drop_name(Drop drop) noexcept;
[[nodiscard]] std::string_view drop_text(Drop drop) noexcept;
[[nodiscard]] DropUnit drop_unit(Drop drop) noexcept;

/// One counter a reason.
/// Owner   one lane; readable from any thread
class DropCounters {
 public:
  void add(Drop drop, std::uint64_t amount = 1) noexcept { counters_[static_cast<std::size_t>(drop)].add(amount); }
  void set(Drop drop, std::uint64_t amount) noexcept { counters_[static_cast<std::size_t>(drop)].set(amount); }
  [[nodiscard]] std::uint64_t value(Drop drop) const noexcept {
    return counters_[static_cast<std::size_t>(drop)].value();
  }
  [[nodiscard]] std::uint64_t total(DropUnit unit) const noexcept;
  void merge(const DropCounters& other) noexcept;

 private:
  std::array<base::Counter, drop_count> counters_{};
};

}  // namespace serried::metrics
