#include "io/sweep.h"

#include <algorithm>

#include "base/serial.h"
#include "io/integrity.h"
#include "io/rekey.h"
#include "io/reliable.h"
#include "io/reply.h"
#include "io/roam.h"
#include "io/teardown.h"
#include "message/control.h"

namespace serried::io {
namespace {

using message::DisconnectReason;
using session::Attempt;
using session::State;

constexpr Nanos sweep_period = 100 * millisecond;
constexpr Nanos drain_sweep_period = 20 * millisecond;
constexpr Nanos ping_interval = 1 * second;

void send_ping(IoState& state, std::uint32_t slot, Nanos now) noexcept {
  message::Ping ping;
  ping.id = state.secrets.next();
  ping.time_us = now / microsecond;
  if (reply(state, slot, [&](base::ByteWriter& out) { message::encode(out, ping); }))
    state.table.cold(slot).ping_at = now;
}

void sweep_session(IoState& state, std::uint32_t slot, Nanos now) noexcept {
  session::Admission& session = state.table.admission(slot);
  session::Cold& cold = state.table.cold(slot);
  const Nanos silence = now > session.heard_at ? now - session.heard_at : 0;
  // Keep the wrapping clocks of the rates within half their range of now.
  const auto now_us = static_cast<std::uint32_t>(now / microsecond);
  for (std::uint32_t* const clock : {&session.next_allowed_us, &cold.foreign_allowed_us})
    if (base::is_later(now_us, *clock)) *clock = now_us;

  switch (session.state) {
    case State::free:
      return;
    case State::closing:
      finish_session(state, slot, now);
      return;
    case State::half_open:
    case State::confirming:
      if (state.draining)
        end_session(state, slot, DisconnectReason::shutdown, true);
      else if (now - cold.opened_at >= Attempt::half_open_max)
        end_session(state, slot, DisconnectReason::timeout, false);
      return;
    case State::established:
    case State::playing:
      break;
  }
  const Nanos round_trip = state.table.outbound(slot).sent.round_trip().smoothed();
  if (state.draining) {
    end_session(state, slot, DisconnectReason::shutdown, true);
  } else if (silence >= std::max(state.config.parameters.timeout_ms * millisecond, 6 * round_trip)) {
    state.counters.timed_out.add(1);
    end_session(state, slot, DisconnectReason::timeout, true);
  } else if (silence >= state.config.parameters.idle_ping_ms * millisecond && now - cold.ping_at >= ping_interval) {
    send_ping(state, slot, now);
  }
  if (!session::opens(session.state)) return;
  sweep_reliable(state, slot, now);
  tell_room(state, slot);
  sweep_rekey(state, slot, now);
  sweep_roam(state, slot, now);
  sweep_integrity(state, slot, now);
}

}  // namespace

/// Every session once in a sweep period, spread evenly over the polls of that time.
void sweep(IoState& state, Nanos now) noexcept {
  const Nanos period = state.draining ? drain_sweep_period : sweep_period;
  const std::uint32_t end = state.table.high_water();
  const Nanos elapsed = std::min(now - state.swept_at, period);
  const auto portion = static_cast<std::uint32_t>(elapsed * std::max<std::uint64_t>(end, 64) / period);
  if (portion == 0) return;
  state.swept_at = now;
  state.attempts.sweep(elapsed * state.attempts.places() / period + 1,
                       [&](const session::AttemptKey&, const Attempt& attempt) { return attempt.expired(now); });
  for (std::uint32_t i = 0; i < std::min(portion, end); ++i) {
    state.sweep_cursor = state.sweep_cursor + 1 < end ? state.sweep_cursor + 1 : 0;
    sweep_session(state, state.sweep_cursor, now);
  }
  state.counters.sessions.set(state.table.in_use());
  state.counters.waiting_chunks.set(state.pools.chunk.in_use());
  state.counters.fragment_bytes.set(state.pools.block.in_use_bytes());
  if (const std::uint32_t evictions = state.pools.block.take_evictions(); evictions != 0)
    state.counters.drops.add(metrics::Drop::fragments_given_up, evictions);
}

}  // namespace serried::io
