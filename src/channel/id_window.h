#pragma once
/// Which ids of a reliable channel have come: everything before `missing`, and some of the 1024 from there on.
/// Source  docs/wire-format.md section 2, Reliable channels

#include <array>
#include <cstdint>

#include "base/serial.h"

namespace serried::channel {

/// Serial order: a comes before b, modulo 2^16.
[[nodiscard]] constexpr bool id_before(std::uint16_t a, std::uint16_t b) noexcept { return base::is_later(b, a); }

class IdWindow {
 public:
  static constexpr unsigned ids = 1024;
  enum class Place : std::uint8_t { fresh, known, beyond };

  [[nodiscard]] Place look(std::uint16_t id) const noexcept {
    const auto ahead = static_cast<std::uint16_t>(id - missing_);
    if (ahead >= 0x8000) return Place::known;
    if (ahead >= ids) return Place::beyond;
    return (word(id) & bit(id)) != 0 ? Place::known : Place::fresh;
  }
  /// Precondition: look(id) is fresh.
  void take(std::uint16_t id) noexcept {
    word(id) |= bit(id);
    for (; (word(missing_) & bit(missing_)) != 0; ++missing_) word(missing_) &= ~bit(missing_);
  }
  /// The oldest id that has not come.
  [[nodiscard]] std::uint16_t missing() const noexcept { return missing_; }

 private:
  [[nodiscard]] static std::uint64_t bit(std::uint16_t id) noexcept { return std::uint64_t{1} << (id % 64); }
  [[nodiscard]] std::uint64_t& word(std::uint16_t id) noexcept { return taken_[id % ids / 64]; }
  [[nodiscard]] const std::uint64_t& word(std::uint16_t id) const noexcept { return taken_[id % ids / 64]; }

  std::array<std::uint64_t, ids / 64> taken_{};  ///< a ring: bit id % 1024
  std::uint16_t missing_ = 0;
};

}  // namespace serried::channel
