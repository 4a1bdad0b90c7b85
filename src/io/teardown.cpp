#include "io/teardown.h"

#include "io/reply.h"
#include "message/control.h"

namespace serried::io {
namespace {

using message::DisconnectReason;
using session::State;

constexpr Nanos linger = 150 * millisecond;  ///< a client says Disconnect three times, 20 ms apart

/// Whether the player may be expected back, so that the entity stays in the world for a while.
constexpr bool may_resume(DisconnectReason reason) noexcept {
  return reason == DisconnectReason::timeout || reason == DisconnectReason::superseded;
}

/// Tell shard and handshake lane that the session is over, and send Disconnect as often as is due. Called again by the
/// sweep until both lanes and the client have been told and nothing of the session stands in a queue: then it returns
/// true.
bool close_session(IoState& state, std::uint32_t slot) noexcept {
  session::Admission& session = state.table.admission(slot);
  session::Cold& cold = state.table.cold(slot);
  bool disconnect_queued = false;
  if (cold.disconnects_left != 0) {
    disconnect_queued = reply(state, slot, [&](base::ByteWriter& out) {
      message::encode(out, message::Disconnect{cold.reason, {}});
    });
    if (disconnect_queued) --cold.disconnects_left;
  }
  if (cold.in_world) {
    const link::SessionEvent::Leave leave{
        .connection_id = session.connection_id, .session = slot, .linger = may_resume(cold.reason)};
    if (state.session_events.push({session.shard, leave})) cold.in_world = false;
  }
  if (cold.spent && state.handshake.ended.push({cold.player_id, session.connection_id, 0})) cold.spent = false;
  // A Disconnect of this visit still stands in the queue, and needs the session to be sealed.
  return !disconnect_queued && cold.disconnects_left == 0 && !cold.in_world && !cold.spent;
}

}  // namespace

void finish_session(IoState& state, std::uint32_t slot, Nanos now) noexcept {
  // What its client still had on the way arrives for a session that is known to be ending.
  if (!close_session(state, slot) || (!state.draining && now < state.table.admission(slot).heard_at + linger)) return;
  state.table.release(slot, state.pools);
  state.counters.ended.add(1);
}

void end_session(IoState& state, std::uint32_t slot, message::DisconnectReason reason, bool tell) noexcept {
  session::Admission& session = state.table.admission(slot);
  if (session.state == State::closing || session.state == State::free) return;
  session::Cold& cold = state.table.cold(slot);
  cold.reason = reason;
  cold.disconnects_left = tell ? 3 : 0;
  session.state = State::closing;
  // Now what needs no waiting. The sweep does the rest: our caller may still be at work on the session's memory.
  static_cast<void>(close_session(state, slot));
}

}  // namespace serried::io
