#include "io/housekeeping.h"

#include "io/handshake_results.h"
#include "io/reliable.h"
#include "io/reply.h"
#include "io/sweep.h"
#include "io/teardown.h"
#include "io/to_shard.h"

namespace serried::io {
namespace {

using message::DisconnectReason;

unsigned shard_traffic(IoState& state) noexcept {
  unsigned done = 0;
  while (!state.session_events.empty()) {
    const WaitingSessionEvent& next = state.session_events.front();
    if (!state.shards[next.shard]->session_events.push(next.event)) break;
    const link::SessionEvent& event = next.event;
    const bool joined = event.kind() == link::SessionEvent::Kind::join;
    if (joined && state.table.find(event.connection_id()) == event.session())
      state.table.cold(event.session()).join_waits = false;
    static_cast<void>(state.session_events.pop());
    ++done;
  }
  for (link::IoShardLink* link : state.shards) {
    link::Notice notice;
    for (unsigned i = 0; i < 64 && link->notices.pop(&notice, 1) == 1; ++i, ++done) {
      if (state.table.find(notice.connection_id) != notice.session) continue;
      state.table.cold(notice.session).in_world = false;
      end_session(state, notice.session, DisconnectReason::overload, true);
    }
  }
  return done;
}

unsigned send_due_acks(IoState& state, Nanos now) noexcept {
  const Nanos delay_max = state.config.parameters.ack_delay_us * microsecond;
  unsigned done = 0;
  while (done < 256 && !state.due_acks.empty() && state.due_acks.front().at <= now) {
    const Due due = state.due_acks.pop();
    ++done;
    session::Admission& session = state.table.admission(due.session);
    if (session.connection_id != due.connection_id || !session::opens(session.state)) continue;
    session.ack_queued = false;
    channel::ReceivedDatagrams& received = state.table.outbound(due.session).received;
    const Nanos due_at = received.due_at(delay_max);
    if (due_at == ~Nanos{0}) continue;
    // Empty: gather puts the ack block before it.
    const bool ready = due_at <= now;
    if (ready && reply(state, due.session, [](base::ByteWriter&) {})) continue;
    session.ack_queued = state.due_acks.push({due.session, due.connection_id, due_at});
    if (ready) break;  // no buffer: the others would not find one either
  }
  return done;
}

}  // namespace

unsigned housekeeping(IoState& state, Nanos now) noexcept {
  const unsigned done =
      handshake_results(state, now) + shard_traffic(state) + send_due_acks(state, now) + send_reliable(state, now);
  sweep(state, now);
  steer(state);  // what timeouts found, for shards whose clients have fallen silent
  return done;
}

}  // namespace serried::io
