#pragma once
/// A log-linear histogram in the manner of HdrHistogram (G. Tene): 64 linear steps an octave, so a quantile is
/// at most 1.6 % above the true value; fixed size, one writer, readable from any thread.

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "base/counter.h"

namespace serried::base {

class Histogram {
 public:
  /// Record one value. Unit: the caller's (nanoseconds, nearly always). Values above 2^42 count as 2^42 - 1.
  void record(std::uint64_t value) noexcept {
    value = std::min(value, value_max);
    counts_[bucket_of(value)].add(1);
    count_.add(1);
    sum_.add(value);
    if (value > max_.value()) max_.set(value);
  }
  void merge(const Histogram& other) noexcept {
    for (std::size_t i = 0; i < buckets; ++i) counts_[i].add(other.counts_[i].value());
    count_.add(other.count_.value());
    sum_.add(other.sum_.value());
    max_.set(std::max(max_.value(), other.max_.value()));
  }
  /// Add what `later` has over `earlier`, two states of one histogram. The maximum of the values in between is known to
  /// the precision of a bucket.
  void merge_difference(const Histogram& later, const Histogram& earlier) noexcept {
    for (std::size_t i = 0; i < buckets; ++i) {
      const std::uint64_t more = later.counts_[i].value() - earlier.counts_[i].value();
      if (more == 0) continue;
      counts_[i].add(more);
      max_.set(std::max(max_.value(), std::min(upper_bound_of(i), later.max())));
    }
    count_.add(later.count_.value() - earlier.count_.value());
    sum_.add(later.sum_.value() - earlier.sum_.value());
  }
  void reset() noexcept {
    for (auto& count : counts_) count.set(0);
    count_.set(0);
    sum_.set(0);
    max_.set(0);
  }

  [[nodiscard]] std::uint64_t count() const noexcept { return count_.value(); }
  [[nodiscard]] std::uint64_t max() const noexcept { return max_.value(); }
  [[nodiscard]] double mean() const noexcept {
    return count() == 0 ? 0.0 : static_cast<double>(sum_.value()) / static_cast<double>(count());
  }
  /// The smallest bucket bound below which at least `fraction` of the values lie; 0 when there are none.
  [[nodiscard]] std::uint64_t quantile(double fraction) const noexcept {
    const std::uint64_t total = count();
    if (total == 0) return 0;
    const auto wanted =
        std::max<std::uint64_t>(1, static_cast<std::uint64_t>(fraction * static_cast<double>(total) + 0.5));
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < buckets; ++i) {
      seen += counts_[i].value();
      if (seen >= wanted) return std::min(upper_bound_of(i), max());
    }
    return max();
  }

  static constexpr std::uint64_t value_max = (std::uint64_t{1} << 42) - 1;

 private:
  static constexpr unsigned step_bits = 6;
  static constexpr std::size_t steps = std::size_t{1} << step_bits;
  static constexpr std::size_t buckets = (42 - step_bits + 1) * steps;

  static constexpr std::size_t bucket_of(std::uint64_t value) noexcept {
    if (value < steps) return static_cast<std::size_t>(value);
    const unsigned octave = static_cast<unsigned>(std::bit_width(value)) - step_bits;  // 1 and up
    return octave * steps + static_cast<std::size_t>((value >> (octave - 1)) - steps);
  }
  static constexpr std::uint64_t upper_bound_of(std::size_t bucket) noexcept {
    const std::size_t octave = bucket / steps;
    if (octave == 0) return bucket;
    return ((static_cast<std::uint64_t>(bucket % steps) + steps + 1) << (octave - 1)) - 1;
  }

  std::array<Counter, buckets> counts_{};
  Counter count_, sum_, max_;
};

}  // namespace serried::base
