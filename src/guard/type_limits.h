#pragma once
/// How often messages of a class are taken from a session, whatever its datagrams' rate allows: a broadcast
/// costs every viewer near something, an action the shard.

#include <array>
#include <cstdint>

#include "guard/sources.h"
#include "message/type.h"

namespace serried::guard {

enum class MessageClass : std::uint8_t { chat, action, command, ping, symbol, game, count_, free = 0xFF };
inline constexpr std::size_t message_classes = static_cast<std::size_t>(MessageClass::count_);

/// The class of what a client may send; `free` is what other limits hold (inputs, acks, the handshake).
[[nodiscard]] constexpr MessageClass class_of(message::Type type) noexcept {
  const auto number = static_cast<unsigned>(type);
  constexpr auto game_first = static_cast<unsigned>(message::Type::game_first);
  if (type == message::Type::ping) return MessageClass::ping;
  if (number < game_first) return MessageClass::free;
  switch (number - game_first) {
    case 0:
      return MessageClass::action;
    case 3:
      return MessageClass::command;
    case 4:
      return MessageClass::symbol;
    case 5:
      return MessageClass::chat;
    default:
      return MessageClass::game;
  }
}

/// Ticks of 2^16 ns: GCRA in 32 bits, one lap in 78 hours.
class TypeRates {
 public:
  struct Rate {
    std::uint32_t interval = 0;   ///< ticks between two messages, on average; 0: no limit
    std::uint32_t tolerance = 0;  ///< ticks
  };
  /// `burst` at once, then `per_second`; 0 a second: no limit. Precondition: at most 2^20 s of burst.
  constexpr void set(MessageClass message_class, std::uint32_t per_second, std::uint32_t burst) noexcept {
    const std::uint32_t interval = ticks(RateLimit::of(per_second, burst).interval);
    rate_[static_cast<std::size_t>(message_class)] = {interval, interval * (burst > 1 ? burst - 1 : 0)};
  }
  [[nodiscard]] constexpr const Rate& operator[](MessageClass message_class) const noexcept {
    return rate_[static_cast<std::size_t>(message_class)];
  }
  [[nodiscard]] static constexpr std::uint32_t ticks(Nanos time) noexcept {
    return static_cast<std::uint32_t>((time + 0xFFFF) >> 16);
  }
  /// A person's pace, with room: what the server limits by unless it is told otherwise.
  [[nodiscard]] static constexpr TypeRates usual() noexcept {
    TypeRates rates;
    rates.set(MessageClass::chat, 2, 8);
    rates.set(MessageClass::action, 20, 40);
    rates.set(MessageClass::command, 128, 128);
    rates.set(MessageClass::ping, 10, 20);
    rates.set(MessageClass::symbol, 50, 500);
    rates.set(MessageClass::game, 50, 100);
    return rates;
  }

 private:
  std::array<Rate, message_classes> rate_{};
};

/// One session's, 24 bytes. A new one is full, but for the seconds before each lap of the clock.
/// Owner   the session's lane
struct TypeLimits {
  /// Whether take() would say so now.
  [[nodiscard]] bool allows(MessageClass message_class, const TypeRates& rates, Nanos now) const noexcept {
    TypeLimits copy = *this;
    return copy.take(message_class, rates, now);
  }
  /// False: not now.
  [[nodiscard]] bool take(MessageClass message_class, const TypeRates& rates, Nanos now) noexcept {
    if (message_class == MessageClass::free) return true;
    const TypeRates::Rate& rate = rates[message_class];
    if (rate.interval == 0) return true;
    std::uint32_t& next = next_[static_cast<std::size_t>(message_class)];
    const auto tick = static_cast<std::uint32_t>(now >> 16);
    std::uint32_t ahead = next - tick;
    // More than can be owed: a time that has passed, however long ago. No sweep has to keep it near.
    if (ahead > rate.tolerance + rate.interval) ahead = 0;
    if (ahead > rate.tolerance) return false;
    next = tick + ahead + rate.interval;
    return true;
  }

 private:
  std::array<std::uint32_t, message_classes> next_{};
};
static_assert(sizeof(TypeLimits) <= 32);

}  // namespace serried::guard
