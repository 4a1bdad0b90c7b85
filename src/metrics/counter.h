#pragma once
/// The list of counters (counter.def) as an enum, with what is said of each, and their values at one moment.
///
/// Lanes do not count with these: each has a struct of counters, declared from the list, and adds to its members.
/// The control thread reads them into CounterValues, from which JSON, status and summary are made.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace serried::metrics {

enum class CounterId : std::uint8_t {
#define SERRIED_COUNTER(owner, group, name, kind, unit, help) group##_##name,
#include "metrics/counter.def"
  count_,
};

inline constexpr std::size_t counter_count = static_cast<std::size_t>(CounterId::count_);

/// What a value says, and what those of several owners are together.
enum class CounterKind : std::uint8_t {
  counter,  ///< only rises; the sum
  gauge,    ///< as it is now; the sum
  maximum,  ///< as it is now, or was at most; the largest
};

struct CounterInfo {
  std::string_view group, name, unit, help;
  CounterKind kind;
  /// Shown of each lane or each core. All others are shown of the server.
  [[nodiscard]] constexpr bool listed() const noexcept { return group == "lanes" || group == "cores"; }
};

[[nodiscard]] const CounterInfo& counter_info(CounterId id) noexcept;

/// A value for each counter of the list, of one owner or of several together. 0 for what an owner does not count.
class CounterValues {
 public:
  [[nodiscard]] std::uint64_t& operator[](CounterId id) noexcept { return values_[static_cast<std::size_t>(id)]; }
  [[nodiscard]] std::uint64_t operator[](CounterId id) const noexcept { return values_[static_cast<std::size_t>(id)]; }
  /// Take in what other owners counted, by the kind of each counter.
  void merge(const CounterValues& other) noexcept;

 private:
  std::array<std::uint64_t, counter_count> values_{};
};

/// `each(id, info)` for all, in the order of the list.
template <class Each>
void for_each_counter(Each&& each) {
  for (std::size_t i = 0; i < counter_count; ++i)
    each(static_cast<CounterId>(i), counter_info(static_cast<CounterId>(i)));
}

}  // namespace serried::metrics
