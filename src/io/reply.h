#pragma once
/// What an io lane itself says: datagrams of sessions, control messages that must not be missed, whole datagrams.

#include "io/reliable.h"

namespace serried::io {

/// Queue a datagram for a session: `write(ByteWriter&, ReplyRow&)` writes its body, and says what it is; when it
/// returns false there is none. False, too, and no_buffer, when there is no room to write it.
template <class Write>
bool reply_with(IoState& state, std::uint32_t slot, Write&& write) noexcept {
  if (state.spare.empty() || state.replies.full()) {
    state.counters.drops.add(metrics::Drop::no_buffer);
    return false;
  }
  const wire::Buffer buffer = *state.spare.newest(1);
  base::ByteWriter out{{buffer.data + link::body_offset, link::out_body_bytes_max}};
  ReplyRow row;
  if (!write(out, row) || !out.ok()) return false;
  static_cast<void>(state.spare.pop());
  row.owner = buffer.owner;
  row.body = buffer.data + link::body_offset;
  row.session = slot;
  row.connection_id = state.table.admission(slot).connection_id;
  row.body_bytes = static_cast<std::uint16_t>(out.size());
  state.replies.push(row);
  return true;
}

/// The same for control messages: `write(ByteWriter&)`.
template <class Write>
bool reply(IoState& state, std::uint32_t slot, Write&& write, std::uint8_t flags = 0) noexcept {
  return reply_with(state, slot, [&](base::ByteWriter& out, ReplyRow& row) {
    write(out);
    row.flags = flags;
    return true;
  });
}

/// Queue a control message of a session on channel 1: `write(ByteWriter&)`. It must not be missed.
template <class Write>
void send_control(IoState& state, std::uint32_t slot, Write&& write, channel::Urgency urgency, Nanos now) noexcept {
  std::array<std::uint8_t, 128> bytes;
  base::ByteWriter out{bytes};
  write(out);
  base::ByteReader body{out.written()};
  message::Framed framed;
  if (message::next(body, framed)) send_control_message(state, slot, framed, urgency, now);
}

/// Send a whole datagram as it is. False and no_buffer when there is none.
bool send_ready(IoState& state, std::span<const std::uint8_t> datagram, const wire::Path& to) noexcept;

}  // namespace serried::io
