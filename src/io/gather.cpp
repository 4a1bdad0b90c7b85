/// What sessions have to say, as one burst: control messages first, then the shards' bodies, each with the ack block
/// that is due put before it, so that acks ride on what goes out anyway. What shards hand over besides bodies (game
/// messages, memory that comes home) is dealt with on the way.

#include "io/gather.h"

#include "io/reliable.h"
#include "io/to_shard.h"
#include "wire/datagram.h"

namespace serried::io {
namespace {

using session::State;

/// Append a datagram of a session to the burst, with the ack block that is due. `Row` has its session, buffer and body.
template <class Row>
void append(IoState& state, wire::Batch& batch, session::SendBatchInfo& info, const Row& out, std::uint8_t flags,
            channel::SentPacket packet, const wire::Path& to, Nanos now) noexcept {
  session::Outbound& outbound = state.table.outbound(out.session);
  std::uint8_t* body = out.body;
  if (outbound.received.pending()) {
    const channel::AckBlock block = outbound.received.report(now);
    const std::size_t bytes = channel::ack_block_bytes(block);
    body -= bytes;
    base::ByteWriter writer{{body, bytes}};
    channel::write_ack_block(writer, block);
    flags |= wire::flag::acknowledgment;
  }
  const std::size_t body_bytes = static_cast<std::size_t>(out.body - body) + out.body_bytes;
  const unsigned row = batch.append(body - wire::header_bytes,
                                    wire::header_bytes + body_bytes + wire::tag_bytes + wire::crc_bytes, out.owner, to);
  batch.session[row] = out.session;
  batch.flags[row] = flags;
  info.packet[row] = packet;
  info.ack_eliciting[row] = out.body_bytes != 0;
}

bool is_gone(const session::Admission& session, std::uint32_t connection_id) noexcept {
  return session.connection_id != connection_id || session.state < State::half_open;
}

/// An ack that went with something else meanwhile, or a probe of an address that is no candidate any more.
bool is_void(IoState& state, const ReplyRow& reply) noexcept {
  if (reply.is_probe) return state.table.cold(reply.session).roam.probe_id == 0;
  return reply.body_bytes == 0 && !state.table.outbound(reply.session).received.pending();
}

/// What the lane itself says. Its buffer goes into the burst, or home.
void add_reply(IoState& state, wire::Batch& batch, session::SendBatchInfo& info, const ReplyRow& reply,
               Nanos now) noexcept {
  const bool gone = is_gone(state.table.admission(reply.session), reply.connection_id);
  if (gone) state.counters.drops.add(metrics::Drop::session_gone);
  if (gone || is_void(state, reply)) {
    state.spare.push(reply.buffer());
    return;
  }
  const wire::Path& to =
      reply.is_probe ? state.table.cold(reply.session).roam.candidate : state.table.peer(reply.session).path;
  append(state, batch, info, reply, reply.flags, reply.packet, to, now);
}

/// The body of a datagram. Its buffer goes into the burst.
void add_datagram(IoState& state, wire::Batch& batch, session::SendBatchInfo& info, const link::OutRow::Datagram& out,
                  Nanos now) noexcept {
  append(state, batch, info, out, 0, {.payload = channel::PayloadKind::plan, .tag = out.plan},
         state.table.peer(out.session).path, now);
  state.table.outbound(out.session).taken_bytes += out.charge();
  // The tick ends for this session: what has waited for a bundle goes too.
  if (!state.table.admission(out.session).send_wanted) return;
  state.table.reliable(out.session).flush();
  note_sendable(state, out.session, now);
}

/// A game message for a session.
void send_game_message(IoState& state, const link::OutRow::Message& out, Nanos now) noexcept {
  state.counters.game_messages_out.add(1);
  const bool may_drop = (out.flags & link::message_flag::may_drop) != 0;
  const auto urgency =
      (out.flags & link::message_flag::immediate) != 0 ? channel::Urgency::immediate : channel::Urgency::bundled;
  send_message(state, out.session, out.channel, static_cast<message::Type>(out.body[0]),
               {out.body + 1, std::size_t{out.body_bytes} - 1}, urgency, may_drop, now);
}

void send_game_message(IoState& state, const link::OutRow::Shared& out, Nanos now) noexcept {
  state.counters.game_messages_out.add(1);
  send_shared(state, out.session, out.channel, out.message->message, now);
}

/// Something for a session. Its buffer, if it has one, goes into the burst, or home.
void add_for_session(IoState& state, wire::Batch& batch, session::SendBatchInfo& info, const link::OutRow& out,
                     Nanos now) noexcept {
  const session::Admission& session = state.table.admission(out.session());
  if (is_gone(session, out.connection_id())) {
    state.counters.drops.add(metrics::Drop::session_gone);
  } else if (out.kind() == link::OutRow::Kind::datagram) {
    return add_datagram(state, batch, info, out.datagram(), now);
  } else if (session.state == State::playing) {
    if (out.kind() == link::OutRow::Kind::message)
      send_game_message(state, out.message(), now);
    else
      send_game_message(state, out.shared(), now);
  }
  if (const wire::Buffer buffer = out.buffer(); buffer.data != nullptr) state.spare.push(buffer);
}

/// Deal with one row of a shard.
void add(IoState& state, wire::Batch& batch, session::SendBatchInfo& info, const link::OutRow& out,
         Nanos now) noexcept {
  if (out.has_session()) return add_for_session(state, batch, info, out, now);
  const bool in_block = out.kind() == link::OutRow::Kind::block_back;
  if (in_block)
    state.pools.block.release(out.block_back().block);
  else
    state.spare.push(out.buffer_back().buffer);
  on_game_message_read(state, in_block ? out.block_back().sender : out.buffer_back().sender, now);
}

}  // namespace

void gather(IoState& state, wire::Batch& batch, session::SendBatchInfo& info, Nanos now) noexcept {
  batch.clear();
  while (!state.replies.empty() && batch.rows < wire::Batch::capacity)
    add_reply(state, batch, info, state.replies.pop(), now);

  const auto shards = static_cast<unsigned>(state.shards.size());
  std::array<link::OutRow, wire::Batch::capacity> rows;
  for (unsigned turn = 0; turn < shards && batch.rows < wire::Batch::capacity; ++turn) {
    link::IoShardLink& link = *state.shards[state.gather_from];
    state.gather_from = (state.gather_from + 1) % shards;
    const unsigned count = link.filled.pop(rows.data(), wire::Batch::capacity - batch.rows);
    for (unsigned i = 0; i < count; ++i) {
      if (!rows[i].has_session()) continue;
      __builtin_prefetch(&state.table.admission(rows[i].session()));
      __builtin_prefetch(&state.table.peer(rows[i].session()));
      state.table.outbound(rows[i].session()).prefetch();
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
