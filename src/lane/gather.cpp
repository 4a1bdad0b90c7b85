/// What sessions have to say, as one burst: control messages first, then the shards' bodies, each with the ack block
/// that is due put before it, so that acks ride on what goes out anyway.

#include "lane/io_state.h"
#include "wire/datagram.h"

namespace serried::lane {
namespace {

using session::State;

/// Append the row to the burst, or take its buffer back when its session is gone.
void add(IoState& state, wire::Batch& batch, session::Freight& freight, const OutRow& out, Nanos now) noexcept {
  session::Admission& session = state.table.admission(out.session);
  if (session.connection_id != out.connection_id || session.state < State::half_open) {
    state.counters.drops.add(observe::Drop::session_gone);
    state.spare.push({out.body - body_offset, out.owner});
    return;
  }
  std::uint8_t* body = out.body;
  std::uint8_t flags = 0;
  channel::ReceivedDatagrams& received = state.table.outbound(out.session).received;
  if (received.pending()) {
    const channel::AckBlock block = received.report(now);
    const std::size_t bytes = channel::ack_block_bytes(block);
    body -= bytes;
    base::ByteWriter writer{{body, bytes}};
    channel::write_ack_block(writer, block);
    flags = wire::flag::acknowledgment;
  }
  const std::size_t body_bytes = static_cast<std::size_t>(out.body - body) + out.body_bytes;
  const unsigned row =
      batch.append(body - wire::header_bytes, wire::header_bytes + body_bytes + wire::tag_bytes + wire::crc_bytes,
                   out.owner, state.table.peer(out.session).path);
  batch.session[row] = out.session;
  batch.flags[row] = flags;
  freight.plan[row] = out.plan;
  freight.wants_ack[row] = out.body_bytes != 0;
}

}  // namespace

void gather(IoState& state, wire::Batch& batch, session::Freight& freight, Nanos now) noexcept {
  batch.clear();
  while (!state.replies.empty() && batch.rows < wire::Batch::capacity)
    add(state, batch, freight, state.replies.pop(), now);

  const auto shards = static_cast<unsigned>(state.shards.size());
  std::array<OutRow, wire::Batch::capacity> rows;
  for (unsigned turn = 0; turn < shards && batch.rows < wire::Batch::capacity; ++turn) {
    IoShardLink& link = *state.shards[state.gather_from];
    state.gather_from = (state.gather_from + 1) % shards;
    const unsigned count = link.filled.pop(rows.data(), wire::Batch::capacity - batch.rows);
    for (unsigned i = 0; i < count; ++i) {
      __builtin_prefetch(&state.table.admission(rows[i].session));
      __builtin_prefetch(&state.table.peer(rows[i].session));
      state.table.outbound(rows[i].session).prefetch();
    }
    for (unsigned i = 0; i < count; ++i) add(state, batch, freight, rows[i], now);
  }
}

void gather_ready(IoState& state, wire::Batch& batch) noexcept {
  batch.clear();
  while (!state.ready.empty() && batch.rows < wire::Batch::capacity) {
    const ReadyRow row = state.ready.pop();
    batch.append(row.buffer.data, row.bytes, row.buffer.owner, row.to);
  }
}

}  // namespace serried::lane
