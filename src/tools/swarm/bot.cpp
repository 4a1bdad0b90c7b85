#include "tools/swarm/bot.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace serried::tools {

message::Input Walker::step(Nanos now) noexcept {
  if (now < until_) return intention_;
  until_ = now + 500 * millisecond + rng_.below(3'500) * millisecond;
  intention_ = {};
  const double heading = rng_.unit() * 2.0 * std::numbers::pi;
  intention_.yaw = message::quantise_angle(static_cast<float>(heading));
  if (rng_.chance(0.15)) return intention_;
  intention_.move_x = static_cast<std::int8_t>(std::lround(126.0 * std::cos(heading)));
  intention_.move_y = static_cast<std::int8_t>(std::lround(126.0 * std::sin(heading)));
  if (rng_.chance(0.3)) intention_.buttons = message::button::run;
  return intention_;
}

Habit::Habit(double per_minute) noexcept
    : interval_(per_minute > 0 ? static_cast<Nanos>(60.0 * static_cast<double>(second) / per_minute) : 0) {}

bool Habit::due(Nanos now, base::Prng& rng) noexcept {
  if (interval_ == 0 || now < at_) return false;
  const bool first = at_ == 0;
  at_ = now + (first ? 0 : interval_ / 2) + rng.below(interval_);
  return !first;
}

void Bot::prefetch() const noexcept {
  const auto* const at = reinterpret_cast<const std::uint8_t*>(this);
  const auto* const end = reinterpret_cast<const std::uint8_t*>(&session);
  for (std::size_t line = 0; at + line < end; line += 64) __builtin_prefetch(at + line, 1);
  session.prefetch();
}

void Bot::prefetch_more() const noexcept {
  session.view().prefetch_own();
  pacer.prefetch(accounted, session.last_input());
}

void Bot::talk(Nanos now) {
  if (habits.chat.due(now, rng))
    chats += requests.chat(session, message::ChatScope::near, "hello from a bot", now) == channel::Queued::yes;
  std::uint32_t sequence = 0;
  if (habits.command.due(now, rng))
    commands += requests.command(session, "describe", {}, sequence, now) == channel::Queued::yes;
}

void Bot::play(Nanos now) noexcept {
  message::Input input = walker.step(now);
  input.client_tick = session.view().clock().number_at(now);
  pacer.left(session.submit(input), now);
}

void Bot::account(Nanos now, Nanos since, base::Histogram& latency) noexcept {
  const std::uint16_t applied = session.applied_input();
  if (accounted == applied) return;
  const auto newest = session.last_input();
  pacer.applied(applied, newest, now);
  while (accounted != applied) {
    ++accounted;
    const std::optional<Nanos> left = pacer.left_at(accounted, newest);
    if (left && *left >= since) latency.record(now - *left);
  }
}

}  // namespace serried::tools
