#pragma once
/// Numbers that are counted modulo the width of their type: ticks, input sequences, message ids, microseconds of 32
/// bits. Of two that are less than half the range apart it is known which is the later one, also where one has wrapped.
/// Source  RFC 1982

#include <concepts>
#include <type_traits>

namespace serried::base {

/// How far `to` is ahead of `from`; below 0: behind it.
template <std::unsigned_integral T>
[[nodiscard]] constexpr std::make_signed_t<T> serial_distance(T from, std::type_identity_t<T> to) noexcept {
  return static_cast<std::make_signed_t<T>>(static_cast<T>(to - from));
}

/// `number` comes after `other`.
template <std::unsigned_integral T>
[[nodiscard]] constexpr bool is_later(T number, std::type_identity_t<T> other) noexcept {
  return serial_distance<T>(other, number) > 0;
}

}  // namespace serried::base
