/// What the messages of a datagram say. They are isolated by their lengths: a bad one costs itself alone.

#include "io/dispatch.h"

#include "base/serial.h"
#include "channel/pack.h"
#include "io/integrity.h"
#include "io/record_received.h"
#include "io/rekey.h"
#include "io/reliable.h"
#include "io/session_messages.h"
#include "io/teardown.h"
#include "message/input.h"

namespace serried::io {
namespace {

using message::Type;
using metrics::Drop;
using session::State;

/// What waits on channel 1 for its rate: the most that a session's chunks hold, and what its client may send behind it.
/// The answers of a client that stand behind such messages are waited for longer than these can take.
constexpr unsigned held_max = channel::Reliable::waiting_chunks_max + channel::Reliable::unacked_messages_max;
constexpr bool soon_through(guard::MessageClass message_class) {
  const guard::TypeRates rates = guard::TypeRates::usual();
  return Nanos{held_max} * rates[message_class].interval << 16 < 15 * second;
}
static_assert(soon_through(guard::MessageClass::action) && soon_through(guard::MessageClass::command) &&
              soon_through(guard::MessageClass::symbol) && soon_through(guard::MessageClass::game));

/// A datagram holds the newest inputs that are not applied yet.
/// Source  docs/wire-format.md section 7
constexpr unsigned inputs_per_datagram = 3;

/// Inputs travel in several datagrams against loss: only what is newer than the newest is handed on.
Drop on_input(DatagramContext& context, const message::Framed& framed) noexcept {
  message::Input input;
  const bool whole = framed.type == Type::sync_entity ? message::decode_sync_entity(framed.content, input)
                                                      : message::decode_sync_entity_quantized(framed.content, input);
  if (!whole) return Drop::bad_message;
  session::Admission& session = context.session;
  if (session.state != State::playing || ++context.inputs > inputs_per_datagram) return Drop::unexpected_message;
  if (session.has_input && !base::is_later(input.sequence, session.last_input)) {
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
  steer_row(context.state, session.shard, row);
  return Drop::none;
}

/// Class 3 on channel 0: the shard's, if it has room.
Drop on_game(DatagramContext& context, const message::Framed& framed) noexcept {
  if (context.session.state != State::playing || !context.state.table.reliable(context.slot).is_open() ||
      framed.type == Type::symbol)
    return Drop::unexpected_message;
  return hand_game_message(context.state, context.slot, wire::Channel::unreliable, framed.type, framed.content,
                           context.now)
             ? Drop::none
             : Drop::shard_messages_full;
}

Drop on_message(DatagramContext& context, const message::Framed& framed) noexcept {
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

void on_messages(DatagramContext& context, base::ByteReader body) noexcept {
  message::Framed framed;
  for (; session::opens(context.session.state) && message::next(body, framed); ++context.messages)
    if (const Drop result = on_message(context, framed); result != Drop::none) context.state.counters.drops.add(result);
  if (!body.ok()) context.state.counters.drops.add(Drop::bad_framing);
}

/// A datagram that is packed, or a fragment, or on a reliable channel: whether it is acked depends on whether what it
/// holds can be kept.
Drop on_special(DatagramContext& context, const wire::Batch& batch, unsigned row, base::ByteReader body) noexcept {
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

/// All others. Inputs are repeated in the next datagrams, and every DeltaSync says which were applied: a datagram of
/// inputs alone is not worth an ack of its own.
void on_plain(DatagramContext& context, std::uint64_t sequence, base::ByteReader body) noexcept {
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

bool leaves_out(IoState& state, std::uint32_t slot, Type type, Nanos now) noexcept {
  if (!is_spoken(type) ||
      state.table.cold(slot).type_limits.allows(guard::class_of(type), state.config.type_rates, now))
    return false;
  state.counters.drops.add(Drop::message_rate);
  return true;
}

void count_taken(IoState& state, std::uint32_t slot, Type type, Nanos now) noexcept {
  if (is_spoken(type)) static_cast<void>(within_rate(state, slot, type, now));
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
    return has_message_room(state, slot) && (is_spoken(type) || within_rate(state, slot, type, now)) &&
           hand_game_message(state, slot, channel, type, content, now);
  }
  if (const Drop result = on_reliable_control(state, slot, channel, type, content, now); result != Drop::none)
    state.counters.drops.add(result);
  return true;
}

void dispatch(IoState& state, wire::Batch& batch, Nanos now) noexcept {
  for (unsigned i = 0; i < batch.live_rows; ++i) {
    const unsigned row = batch.live[i];
    const std::uint32_t slot = batch.session[row];
    DatagramContext context{
        state, slot, state.table.admission(slot), batch.path[row], batch.flags[row], now, state.plan_acks[row]};
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

}  // namespace serried::io
