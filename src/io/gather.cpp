/// What sessions have to say, as one burst: control messages first, then the shards' bodies, each with the ack block
/// that is due put before it, so that acks ride on what goes out anyway. What shards hand over besides bodies (mail,
/// memory that comes home) is dealt with on the way.

#include "io/gather.h"

#include "io/reliable.h"
#include "wire/datagram.h"

namespace serried::io {
namespace {

using session::State;

void take_back(IoState& state, const link::OutRow& out) noexcept {
  state.spare.push({out.body - link::body_offset, out.owner});
}

/// Append the row to the burst.
void add_datagram(IoState& state, wire::Batch& batch, session::SendBatchInfo& info, const link::OutRow& out,
                  Nanos now) noexcept {
  session::Outbound& outbound = state.table.outbound(out.session);
  std::uint8_t* body = out.body;
  std::uint8_t flags = out.flags;
  if (outbound.received.pending()) {
    const channel::AckBlock block = outbound.received.report(now);
    const std::size_t bytes = channel::ack_block_bytes(block);
    body -= bytes;
    base::ByteWriter writer{{body, bytes}};
    channel::write_ack_block(writer, block);
    flags |= wire::flag::acknowledgment;
  }
  const bool probe = out.kind == link::OutKind::probe;
  const std::size_t body_bytes = static_cast<std::size_t>(out.body - body) + out.body_bytes;
  const unsigned row = batch.append(
      body - wire::header_bytes, wire::header_bytes + body_bytes + wire::tag_bytes + wire::crc_bytes, out.owner,
      probe ? state.table.cold(out.session).roam.candidate : state.table.peer(out.session).path);
  batch.session[row] = out.session;
  batch.flags[row] = flags;
  info.packet[row] = {out.payload, out.count, out.tag};
  info.ack_eliciting[row] = out.body_bytes != 0;
  if (out.payload != channel::PayloadKind::plan) return;
  outbound.taken_bytes += out.charge();
  // The tick ends for this session: what has waited for a bundle goes too.
  if (!state.table.admission(out.session).send_wanted) return;
  state.table.reliable(out.session).flush();
  note_sendable(state, out.session, now);
}

/// An ack that went with something else meanwhile, or a probe of an address that is no candidate any more.
bool is_void(IoState& state, const link::OutRow& out) noexcept {
  if (out.kind == link::OutKind::probe) return state.table.cold(out.session).roam.probe_id == 0;
  return out.body_bytes == 0 && !state.table.outbound(out.session).received.pending();
}

/// A game message for a session.
void post(IoState& state, const link::OutRow& out, Nanos now) noexcept {
  state.counters.game_messages_out.add(1);
  const bool may_drop = (out.flags & link::message_flag::may_drop) != 0;
  const auto channel = static_cast<wire::Channel>(out.count);
  if (out.kind == link::OutKind::shared) {
    const auto& shared = *reinterpret_cast<const link::SharedMessage*>(out.body);
    post_shared(state, out.session, channel, shared.message, now);
    return;
  }
  const auto urgency =
      (out.flags & link::message_flag::immediate) != 0 ? channel::Urgency::immediate : channel::Urgency::bundled;
  send_message(state, out.session, channel, static_cast<message::Type>(out.body[0]),
               {out.body + 1, std::size_t{out.body_bytes} - 1}, urgency, may_drop, now);
}

/// Deal with one row. Its buffer goes into the burst, or home.
void add(IoState& state, wire::Batch& batch, session::SendBatchInfo& info, const link::OutRow& out,
         Nanos now) noexcept {
  if (out.kind == link::OutKind::block_back) return state.pools.block.release(out.tag);
  if (out.kind == link::OutKind::buffer_back) return take_back(state, out);
  const session::Admission& session = state.table.admission(out.session);
  const bool gone = session.connection_id != out.connection_id || session.state < State::half_open;
  const bool carried = out.kind == link::OutKind::datagram || out.kind == link::OutKind::probe;
  if (gone) {
    state.counters.drops.add(metrics::Drop::session_gone);
  } else if (carried) {
    if (!is_void(state, out)) return add_datagram(state, batch, info, out, now);
  } else if (session.state == State::playing) {
    post(state, out, now);
  }
  if (out.kind != link::OutKind::shared) take_back(state, out);
}

}  // namespace

void gather(IoState& state, wire::Batch& batch, session::SendBatchInfo& info, Nanos now) noexcept {
  batch.clear();
  while (!state.replies.empty() && batch.rows < wire::Batch::capacity)
    add(state, batch, info, state.replies.pop(), now);

  const auto shards = static_cast<unsigned>(state.shards.size());
  std::array<link::OutRow, wire::Batch::capacity> rows;
  for (unsigned turn = 0; turn < shards && batch.rows < wire::Batch::capacity; ++turn) {
    link::IoShardLink& link = *state.shards[state.gather_from];
    state.gather_from = (state.gather_from + 1) % shards;
    const unsigned count = link.filled.pop(rows.data(), wire::Batch::capacity - batch.rows);
    for (unsigned i = 0; i < count; ++i) {
      __builtin_prefetch(&state.table.admission(rows[i].session));
      __builtin_prefetch(&state.table.peer(rows[i].session));
      state.table.outbound(rows[i].session).prefetch();
    }
    for (unsigned i = 0; i < count; ++i) add(state, batch, info, rows[i], now);
  }
}

void gather_ready(IoState& state, wire::Batch& batch) noexcept {
  batch.clear();
  while (!state.ready.empty() && batch.rows < wire::Batch::capacity) {
    const ReadyRow row = state.ready.pop();
    batch.append(row.buffer.data, row.bytes, row.buffer.owner, row.to);
  }
}

}  // namespace serried::io
