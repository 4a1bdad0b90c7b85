/// What the messages of a datagram say. They are isolated by their lengths: a bad one costs itself alone.

#include <utility>

#include "lane/io_state.h"
#include "message/input.h"
#include "message/type.h"

namespace serried::lane {
namespace {

using message::Type;
using observe::Drop;
using session::State;

/// A datagram holds the newest inputs that are not applied yet. Source  docs/wire-format.md section 7
constexpr unsigned inputs_per_datagram = 3;

/// One datagram's worth of decoding: the session, and the row that its inputs and plan news leave in. The rate of a
/// session counts datagrams, so what one datagram can cause is bounded here: a body has room for 64 Pings, whose
/// answers would be 64 datagrams of ours.
struct Context {
  IoState& state;
  std::uint32_t slot;
  session::Admission& session;
  Nanos now;
  PlanNews news;  ///< goes with the first input, or alone
  unsigned inputs = 0;
  bool ponged = false, tested = false;

  InputRow take_news() noexcept {
    InputRow row;
    row.connection_id = session.connection_id;
    row.session = slot;
    row.plan_acked = news.acked;
    row.plan_acked_mask = news.acked_mask;
    row.plan_lost = news.lost;
    row.plan_lost_mask = news.lost_mask;
    news = {};
    return row;
  }
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

  InputRow row = context.take_news();
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
      HandshakeJob& job = state.handshake.jobs[index];
      job.kind = HandshakeJob::Kind::confirm;
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
  Command join;
  join.kind = Command::Kind::join;
  join.connection_id = context.session.connection_id;
  join.session = context.slot;
  join.audit = enter.audit ? 1 : 0;
  join.player_id = cold.player_id;
  join.round_trip = state.table.outbound(context.slot).sent.round_trip().smoothed();
  if (!state.commands.push({context.session.shard, join})) return Drop::unexpected_message;
  context.session.state = State::playing;
  cold.in_world = true;
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

/// Its arrival says all there is to say today: the session is alive.
Drop on_pong(const message::Framed& framed) noexcept {
  message::Pong pong;
  return message::decode(framed.content, pong) ? Drop::none : Drop::bad_message;
}

Drop on_disconnect(Context& context, const message::Framed& framed) noexcept {
  message::Disconnect disconnect;
  if (!message::decode(framed.content, disconnect)) return Drop::bad_message;
  end_session(context.state, context.slot, disconnect.reason, false);
  return Drop::none;
}

Drop on_message(Context& context, const message::Framed& framed) noexcept {
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
      return on_pong(framed);
    case Type::disconnect:
      return on_disconnect(context, framed);
    default:
      return Drop::unknown_message;
  }
}

}  // namespace

void decode(IoState& state, wire::Batch& batch, Nanos now) noexcept {
  for (unsigned i = 0; i < batch.live_rows; ++i) {
    const unsigned row = batch.live[i];
    const std::uint32_t slot = batch.session[row];
    Context context{state, slot, state.table.admission(slot), now, state.news[row]};
    const std::size_t before = wire::header_bytes + state.ack_bytes[row];
    base::ByteReader body{{batch.data[row] + before, batch.length[row] - before - wire::tag_bytes - wire::crc_bytes}};
    message::Framed framed;
    while (session::opens(context.session.state) && message::next(body, framed))
      if (const Drop result = on_message(context, framed); result != Drop::none) state.counters.drops.add(result);
    if (!body.ok()) state.counters.drops.add(Drop::bad_framing);
    if (context.news.any()) steer_row(state, context.session.shard, context.take_news());
    state.counters.delivered.add(1);
  }
}

namespace {

void hand_over(IoState& state, unsigned shard) noexcept {
  IoState::Steering& steering = state.steering[shard];
  if (steering.rows == 0) return;
  const unsigned taken = state.shards[shard]->inputs.push(steering.row.data(), steering.rows);
  if (taken < steering.rows) state.counters.drops.add(Drop::shard_ring_full, steering.rows - taken);
  for (unsigned i = 0; i < taken; ++i) state.counters.inputs.add(steering.row[i].has_input);
  steering.rows = 0;
}

}  // namespace

void steer_row(IoState& state, unsigned shard, const InputRow& row) noexcept {
  IoState::Steering& steering = state.steering[shard];
  steering.row[steering.rows++] = row;
  if (steering.rows == steering.row.size()) hand_over(state, shard);
}

void steer(IoState& state) noexcept {
  for (unsigned shard = 0; shard < state.steering.size(); ++shard) hand_over(state, shard);
}

}  // namespace serried::lane
