/// What the messages of a datagram say. They are isolated by their lengths: a bad one costs itself alone.

#include <algorithm>
#include <utility>

#include "io/io_state.h"
#include "message/input.h"
#include "message/type.h"

namespace serried::io {
namespace {

using message::Type;
using metrics::Drop;
using session::State;

/// A datagram holds the newest inputs that are not applied yet.
/// Source  docs/wire-format.md section 7
constexpr unsigned inputs_per_datagram = 3;

/// One datagram's worth of decoding: the session, and the row that its inputs and plan plan_acks leave in. The rate of a
/// session counts datagrams, so what one datagram can cause is bounded here: a body has room for 64 Pings, whose
/// answers would be 64 datagrams of ours.
struct Context {
  IoState& state;
  std::uint32_t slot;
  session::Admission& session;
  const wire::Path& from;
  std::uint8_t flags;
  Nanos now;
  PlanAcks plan_acks;  ///< goes with the first input, or alone
  unsigned messages = 0, inputs = 0;
  bool ponged = false, tested = false, met = false;

  link::InputRow take_plan_acks() noexcept { return plan_acks_row(state, slot, std::exchange(plan_acks, {})); }
};

/// Inputs travel in several datagrams against loss: only what is newer than the newest is handed on.
Drop on_input(Context& context, const message::Framed& framed) noexcept {
  message::Input input;
  const bool whole = framed.type == Type::sync_entity ? message::decode_sync_entity(framed.content, input)
                                                      : message::decode_sync_entity_quantized(framed.content, input);
  if (!whole) return Drop::bad_message;
  session::Admission& session = context.session;
  if (session.state != State::playing || ++context.inputs > inputs_per_datagram) return Drop::unexpected_message;
  if (session.has_input && static_cast<std::int16_t>(input.sequence - session.last_input) <= 0) {
    context.state.counters.input_copies.add(1);
    return Drop::none;
  }
  session.has_input = true;
  session.last_input = input.sequence;

  link::InputRow row = context.take_plan_acks();
  row.has_input = 1;
  row.input_sequence = input.sequence;
  row.yaw = input.yaw;
  row.move_x = input.move_x;
  row.move_y = input.move_y;
  row.buttons = input.buttons;
  row.client_tick = input.client_tick;
  steer_row(context.state, session.shard, row);
  return Drop::none;
}

/// The client has the keys. Spend its token before it learns that it is in.
Drop on_crypto_test(Context& context, const message::Framed& framed) noexcept {
  message::CryptoTest test;
  if (!message::decode(framed.content, test)) return Drop::bad_message;
  IoState& state = context.state;
  session::Cold& cold = state.table.cold(context.slot);
  switch (context.session.state) {
    case State::half_open: {
      if (state.handshake.free.empty()) return Drop::confirm_deferred;
      cold.test = test;
      const std::uint32_t index = state.handshake.free.pop();
      link::HandshakeJob& job = state.handshake.jobs[index];
      job.kind = link::HandshakeJob::Kind::confirm;
      job.session = context.slot;
      job.connection_id = context.session.connection_id;
      job.player_id = cold.player_id;
      job.token_id = cold.token_id;
      job.token_expiry = cold.token_expiry;
      state.handshake.requests.push(index);
      context.session.state = State::confirming;
      return Drop::none;
    }
    case State::confirming:
      cold.test = test;
      return Drop::none;
    default:
      if (std::exchange(context.tested, true)) return Drop::unexpected_message;
      reply(state, context.slot, [&](base::ByteWriter& out) { message::encode(out, Type::crypto_test_ack, test); });
      return Drop::none;
  }
}

Drop on_enter(Context& context, const message::Framed& framed) noexcept {
  message::EnterToWorld enter;
  if (!message::decode(framed.content, enter)) return Drop::bad_message;
  if (context.session.state == State::playing) return Drop::none;  // said again because our answer is on its way
  if (context.session.state != State::established) return Drop::unexpected_message;
  IoState& state = context.state;
  session::Cold& cold = state.table.cold(context.slot);
  link::SessionEvent join;
  join.kind = link::SessionEvent::Kind::join;
  join.connection_id = context.session.connection_id;
  join.session = context.slot;
  join.audit = enter.audit ? 1 : 0;
  join.player_id = cold.player_id;
  join.round_trip = state.table.outbound(context.slot).sent.round_trip().smoothed();
  if (!state.session_events.push({context.session.shard, join})) return Drop::unexpected_message;
  context.session.state = State::playing;
  cold.in_world = cold.join_waits = true;
  state.counters.joined.add(1);
  return Drop::none;
}

Drop on_ping(Context& context, const message::Framed& framed) noexcept {
  message::Ping ping;
  if (!message::decode(framed.content, ping)) return Drop::bad_message;
  if (std::exchange(context.ponged, true)) return Drop::unexpected_message;
  message::Pong pong;
  pong.id = ping.id;
  pong.time_us = ping.time_us;
  reply(context.state, context.slot, [&](base::ByteWriter& out) { message::encode(out, pong); });
  return Drop::none;
}

Drop on_pong(Context& context, const message::Framed& framed) noexcept {
  message::Pong pong;
  if (!message::decode(framed.content, pong)) return Drop::bad_message;
  on_probe_pong(context.state, context.slot, pong.id, context.from);
  return Drop::none;
}

Drop on_disconnect(IoState& state, std::uint32_t slot, std::span<const std::uint8_t> content) noexcept {
  message::Disconnect disconnect;
  if (!message::decode(content, disconnect)) return Drop::bad_message;
  end_session(state, slot, disconnect.reason, false);
  return Drop::none;
}

/// Opens the reliable channels. Only the first one counts; each is answered, because an answer may be lost.
Drop on_reliable_handshake(Context& context, const message::Framed& framed) noexcept {
  message::ReliableHandshake theirs;
  if (!message::decode(framed.content, theirs)) return Drop::bad_message;
  if ((context.flags & wire::flag::reliable_handshake) == 0 || context.session.state < State::established ||
      std::exchange(context.met, true))
    return Drop::unexpected_message;
  IoState& state = context.state;
  session::Cold& cold = state.table.cold(context.slot);
  if (!std::exchange(cold.reliable_met, true)) {
    state.table.reliable(context.slot).open(theirs.message_bytes_max);
    cold.integrity.build = theirs.build;
    cold.integrity.at = context.now + state.config.integrity_period;
    if (theirs.dictionary == state.dictionary_id()) cold.dictionary = theirs.dictionary;
  }
  message::ReliableHandshake ours;
  ours.message_bytes_max = state.config.message_bytes_max;
  ours.dictionary = state.dictionary_id();
  reply(
      state, context.slot, [&](base::ByteWriter& out) { message::encode(out, ours); }, wire::flag::reliable_handshake);
  return Drop::none;
}

/// Class 3 on channel 0: the shard's, if it has room.
Drop on_game(Context& context, const message::Framed& framed) noexcept {
  if (context.session.state != State::playing || !context.state.table.reliable(context.slot).is_open() ||
      framed.type == Type::symbol)
    return Drop::unexpected_message;
  return hand_game_message(context.state, context.slot, wire::Channel::unreliable, framed.type, framed.content)
             ? Drop::none
             : Drop::shard_messages_full;
}

Drop on_message(Context& context, const message::Framed& framed) noexcept {
  if (!within_rate(context.state, context.slot, framed.type, context.now)) return Drop::message_rate;
  switch (framed.type) {
    case Type::sync_entity:
    case Type::sync_entity_quantized:
      return on_input(context, framed);
    case Type::crypto_test:
      return on_crypto_test(context, framed);
    case Type::enter_to_world:
      return on_enter(context, framed);
    case Type::ping:
      return on_ping(context, framed);
    case Type::pong:
    case Type::client_pong:
      return on_pong(context, framed);
    case Type::disconnect:
      return on_disconnect(context.state, context.slot, framed.content);
    case Type::reliable_handshake:
      return on_reliable_handshake(context, framed);
    default:
      return framed.type >= Type::game_first ? on_game(context, framed) : Drop::unknown_message;
  }
}

/// Control messages of a reliable channel.
Drop on_reliable_control(IoState& state, std::uint32_t slot, wire::Channel channel, Type type,
                         std::span<const std::uint8_t> content, Nanos now) noexcept {
  const bool ordered = channel == wire::Channel::reliable_ordered;
  switch (type) {
    case Type::rekey_response:
    case Type::client_rekey_response:
      return ordered ? on_rekey_response(state, slot, content, now) : Drop::unexpected_message;
    case Type::check_integrity:
      return ordered ? on_integrity_answer(state, slot, content, now) : Drop::unexpected_message;
    case Type::disconnect:
      return on_disconnect(state, slot, content);
    default:
      return Drop::unknown_message;
  }
}

void on_messages(Context& context, base::ByteReader body) noexcept {
  message::Framed framed;
  for (; session::opens(context.session.state) && message::next(body, framed); ++context.messages)
    if (const Drop result = on_message(context, framed); result != Drop::none) context.state.counters.drops.add(result);
  if (!body.ok()) context.state.counters.drops.add(Drop::bad_framing);
}

/// A datagram that is packed, or a fragment, or on a reliable channel: whether it is acked depends on whether what it
/// holds can be kept.
Drop on_special(Context& context, const wire::Batch& batch, unsigned row, base::ByteReader body) noexcept {
  IoState& state = context.state;
  const auto channel = static_cast<wire::Channel>(batch.channel[row]);
  const bool reliable = channel != wire::Channel::unreliable;
  if ((context.flags & wire::flag::compressed) != 0) {
    const std::size_t bytes = channel::unpack(body.read_rest(), state.unpacked, state.dictionary_of(context.slot));
    if (bytes == 0) {
      if (reliable) end_session(state, context.slot, message::DisconnectReason::protocol_error, true);
      return Drop::bad_packed;
    }
    body = base::ByteReader{{state.unpacked.data(), bytes}};
  }
  const bool fragment = (context.flags & wire::flag::fragment) != 0;
  if (reliable || fragment) {
    const Drop result = accept_reliable(state, context.slot, channel, fragment, body, context.now);
    if (result != Drop::none) return result;
  }
  note_received(state, context.slot, batch.sequence[row],
                reliable ? channel::AckPolicy::reliable : channel::AckPolicy::soon, context.now);
  if (!reliable && !fragment) on_messages(context, body);
  return Drop::none;
}

/// All others. Inputs come again with the next ones, and what became of them every DeltaSync says: none of them is
/// worth an ack of its own.
void on_plain(Context& context, std::uint64_t sequence, base::ByteReader body) noexcept {
  const bool empty = body.remaining() == 0;
  on_messages(context, body);
  if (!session::opens(context.session.state)) return;
  const bool only_inputs = context.messages != 0 && context.messages == context.inputs;
  note_received(context.state, context.slot, sequence,
                empty         ? channel::AckPolicy::none
                : only_inputs ? channel::AckPolicy::whenever
                              : channel::AckPolicy::soon,
                context.now);
}

}  // namespace

bool within_rate(IoState& state, std::uint32_t slot, Type type, Nanos now) noexcept {
  const guard::MessageClass message_class = guard::class_of(type);
  return message_class == guard::MessageClass::free ||
         state.table.cold(slot).type_limits.take(message_class, state.config.type_rates, now);
}

bool has_message_room(IoState& state, std::uint32_t slot) noexcept {
  return !state.table.reliable(slot).nearly_full() && !state.table.cold(slot).join_waits &&
         state.shards[state.table.admission(slot).shard]->game_messages.free() != 0 && !state.spare.empty();
}

bool hand_game_message(IoState& state, std::uint32_t slot, wire::Channel channel, Type type,
               std::span<const std::uint8_t> content) noexcept {
  if (!has_message_room(state, slot)) return false;
  link::GameMessage mail;
  mail.bytes = static_cast<std::uint32_t>(content.size() + 1);
  if (mail.bytes <= link::GameMessage::buffer_bytes_max) {
    const wire::Buffer buffer = state.spare.pop();
    mail.owner = buffer.owner;
    mail.message = buffer.data + link::body_offset;
  } else {
    // It came packed, and what a datagram unpacks to is longer than a datagram.
    mail.block = state.pools.block.acquire(mail.bytes);
    if (mail.block == channel::BlockPool::none) return false;
    mail.message = state.pools.block.bytes(mail.block).data();
  }
  mail.message[0] = static_cast<std::uint8_t>(type);
  std::copy(content.begin(), content.end(), mail.message + 1);
  lend_game_message(state, slot, channel, mail);
  return true;
}

void lend_game_message(IoState& state, std::uint32_t slot, wire::Channel channel, link::GameMessage mail) noexcept {
  const session::Admission& session = state.table.admission(slot);
  mail.connection_id = session.connection_id;
  mail.channel = static_cast<std::uint8_t>(channel);
  static_cast<void>(state.shards[session.shard]->game_messages.push(mail));
  state.counters.game_messages_in.add(1);
}

bool on_reliable_message(IoState& state, std::uint32_t slot, wire::Channel channel, Type type,
                         std::span<const std::uint8_t> content, Nanos now) noexcept {
  const session::Admission& session = state.table.admission(slot);
  if (!session::opens(session.state)) return true;  // ended by a message before this one
  if (type >= Type::game_first) {
    if (session.state != State::playing) return false;  // EnterToWorld is on its way, on another channel
    if (type == Type::symbol && channel != wire::Channel::reliable_ordered) {
      state.counters.drops.add(Drop::unexpected_message);
      return true;
    }
    return has_message_room(state, slot) && within_rate(state, slot, type, now) &&
           hand_game_message(state, slot, channel, type, content);
  }
  if (const Drop result = on_reliable_control(state, slot, channel, type, content, now); result != Drop::none)
    state.counters.drops.add(result);
  return true;
}

void dispatch(IoState& state, wire::Batch& batch, Nanos now) noexcept {
  for (unsigned i = 0; i < batch.live_rows; ++i) {
    const unsigned row = batch.live[i];
    const std::uint32_t slot = batch.session[row];
    Context context{state, slot, state.table.admission(slot), batch.path[row], batch.flags[row], now, state.plan_acks[row]};
    const std::size_t before = wire::header_bytes + state.ack_bytes[row];
    const base::ByteReader body{
        {batch.data[row] + before, batch.length[row] - before - wire::tag_bytes - wire::crc_bytes}};
    Drop verdict = Drop::none;
    if (is_plain(batch, row)) [[likely]]
      on_plain(context, batch.sequence[row], body);
    else
      verdict = on_special(context, batch, row, body);
    if (context.plan_acks.any()) steer_row(state, context.session.shard, context.take_plan_acks());
    batch.verdict[row] = verdict;
    if (verdict == Drop::none)
      state.counters.delivered.add(1);
    else
      state.counters.drops.add(verdict);
  }
}

namespace {

void hand_over(IoState& state, unsigned shard) noexcept {
  IoState::Steering& steering = state.steering[shard];
  if (steering.rows == 0) return;
  const unsigned taken = state.shards[shard]->inputs.push(steering.row.data(), steering.rows);
  if (taken < steering.rows) state.counters.drops.add(Drop::shard_ring_full, steering.rows - taken);
  for (unsigned i = taken; i < steering.rows; ++i)
    state.table.outbound(session::slot_of(steering.row[i].connection_id)).held_back = true;
  for (unsigned i = 0; i < taken; ++i) state.counters.inputs.add(steering.row[i].has_input);
  steering.rows = 0;
}

}  // namespace

void steer_row(IoState& state, unsigned shard, const link::InputRow& row) noexcept {
  IoState::Steering& steering = state.steering[shard];
  steering.row[steering.rows++] = row;
  if (steering.rows == steering.row.size()) hand_over(state, shard);
}

void steer(IoState& state) noexcept {
  for (unsigned shard = 0; shard < state.steering.size(); ++shard) hand_over(state, shard);
}

}  // namespace serried::io
