/// Incoming by the reliable channels and in fragments, and all messages of the game: what the server asks, what it
/// binds, and what goes to the owner of the session. Beside it, what the session answers.

#include <algorithm>

#include "channel/dictionary.h"
#include "message/game.h"
#include "peer/session.h"

namespace serried::peer {

using message::Type;
using metrics::Drop;

Drop Session::accept_reliable_handshake(std::span<const std::uint8_t> content, std::uint8_t flags) {
  message::ReliableHandshake theirs;
  if (!message::decode(content, theirs)) return Drop::bad_message;
  if ((flags & wire::flag::reliable_handshake) == 0 || !outbox_.exists()) return Drop::unexpected_message;
  if (outbox_.is_open()) return Drop::none;  // only the first one counts
  outbox_.open(theirs.message_bytes_max);
  dictionary_agreed_ = dictionary_ != nullptr && theirs.dictionary == dictionary_->id();
  return Drop::none;
}

Drop Session::accept_post(const wire::Header& header, base::ByteReader in, Nanos now, metrics::DropCounters& drops) {
  const auto channel = static_cast<wire::Channel>(header.channel);
  const bool reliable = channel != wire::Channel::unreliable;
  if (!outbox_.is_open()) return Drop::reliable_closed;
  Delivery delivery{*this, header.sequence, now, drops};
  const channel::Receiver receiver{&Session::take, &Session::take_block, &delivery};
  const channel::Accepted accepted = (header.flags & wire::flag::fragment) != 0
                                         ? outbox_.accept_fragment(channel, in, message_bytes_max_, receiver, now)
                                         : outbox_.accept(channel, in, receiver, now);
  if (accepted == channel::Accepted::yes) {
    received_.note(header.sequence, reliable ? channel::AckPolicy::reliable : channel::AckPolicy::soon, now);
    note_acks();
    return Drop::none;
  }
  if (!reliable) return Drop::bad_fragment;
  if (accepted == channel::Accepted::no_room) return Drop::reliable_no_room;
  report(Fault::bad_reliable, now, header.sequence, header.channel);
  fail(End::protocol_error, message::DisconnectReason::protocol_error, now, header.sequence);
  return Drop::bad_reliable;
}

/// Never refuses: what is of no use any more is as good as taken.
bool Session::take(void* context, wire::Channel channel, Type type, std::span<const std::uint8_t> content) {
  const Delivery& delivery = *static_cast<Delivery*>(context);
  Session& self = delivery.session;
  if (self.state_ == State::closing || self.state_ == State::closed) return true;
  const message::Framed framed{type, content};
  const Drop verdict = type >= Type::game_first ? self.accept_game(channel, framed)
                                                : self.accept_control(channel, framed, delivery.sequence, delivery.now);
  self.count(verdict, type, delivery.sequence, delivery.now, delivery.drops);
  return true;
}

bool Session::take_block(void* context, wire::Channel channel, std::uint16_t block, std::uint32_t bytes) {
  Outbox& outbox = static_cast<Delivery*>(context)->session.outbox_;
  const std::span<const std::uint8_t> message = outbox.block(block, bytes);
  static_cast<void>(take(context, channel, static_cast<Type>(message[0]), message.subspan(1)));
  outbox.release(block);
  return true;
}

Drop Session::accept_control(wire::Channel channel, const message::Framed& framed, std::uint64_t sequence, Nanos now) {
  const bool ordered = channel == wire::Channel::reliable_ordered;
  switch (framed.type) {
    case Type::rekey_request:
    case Type::server_rekey_request:
      return ordered ? accept_rekey(framed.content, sequence, now) : Drop::unexpected_message;
    case Type::check_integrity:
      return ordered ? accept_check(framed.content) : Drop::unexpected_message;
    case Type::disconnect:
      return accept_disconnect(framed.content, sequence, now);
    default:
      return Drop::unknown_message;
  }
}

Drop Session::accept_rekey(std::span<const std::uint8_t> content, std::uint64_t sequence, Nanos now) {
  message::Rekey request, response;
  if (!message::decode(content, request)) return Drop::bad_message;
  if (!keys_.answer(request, connection_id_, entropy_, response)) {
    report(Fault::bad_rekey, now, sequence, request.epoch);
    fail(End::protocol_error, message::DisconnectReason::protocol_error, now, sequence);
    return Drop::unexpected_message;
  }
  rekey_answer_ = response;
  answers_wait_ = true;
  return Drop::none;
}

Drop Session::accept_check(std::span<const std::uint8_t> content) {
  message::CheckIntegrity check;
  if (!message::decode(content, check)) return Drop::bad_message;
  if (integrity_ == nullptr || check.version != integrity_->version || check.index >= integrity_->entries.size())
    return Drop::unexpected_message;
  integrity_answer_ = {check.version, check.index,
                       crypt::integrity_answer(integrity_->entries[check.index], check.nonce, keys_.exporter())};
  answers_wait_ = true;
  return Drop::none;
}

/// Into the queue of channel 1, as soon as it has room: these must not be lost because the game talks much.
void Session::send_answers(Nanos now) noexcept {
  const auto send = [&](auto& answer, auto&&... type) {
    std::array<std::uint8_t, 64> framed;
    base::ByteWriter out(framed);
    message::encode(out, type..., *answer);
    base::ByteReader in(out.written());
    message::Framed message;
    if (!message::next(in, message) || outbox_.send(wire::Channel::reliable_ordered, message.type, message.content,
                                                    channel::Urgency::immediate, now) == channel::Queued::yes)
      answer.reset();
  };
  if (rekey_answer_) send(rekey_answer_, Type::rekey_response);
  if (integrity_answer_) send(integrity_answer_);
  answers_wait_ = rekey_answer_ || integrity_answer_;
}

Drop Session::accept_game(wire::Channel channel, const message::Framed& framed) {
  if (state_ == State::closing) return Drop::none;
  if (framed.type == Type::symbol) return accept_symbol(channel, framed.content);
  if (const Drop verdict = judge_game(framed); verdict != Drop::none) return verdict;
  ++counters_.messages_received;
  if (on_message_.take != nullptr) on_message_.take(on_message_.context, channel, framed.type, framed.content);
  return Drop::none;
}

Drop Session::accept_symbol(wire::Channel channel, std::span<const std::uint8_t> content) {
  if (channel != wire::Channel::reliable_ordered) return Drop::unexpected_message;
  message::Symbol symbol;
  if (!message::decode(content, symbol)) return Drop::bad_message;
  if (!symbols_) symbols_.emplace();
  switch (symbols_->bind(symbol)) {
    case message::Bound::malformed:
      return Drop::bad_message;
    case message::Bound::full:
      return Drop::unexpected_message;
    default:
      return Drop::none;
  }
}

std::string_view Session::resolve(const message::SymbolRef& symbol) const noexcept {
  if (symbols_) return symbols_->resolve(symbol);
  return symbol.id == 0 ? symbol.name : std::string_view{};
}

/// Whether a message of the game may come from a server, and makes sense.
Drop Session::judge_game(const message::Framed& framed) {
  const auto when = [](bool good) { return good ? Drop::none : Drop::bad_message; };
  switch (framed.type) {
    case Type::action_result: {
      message::ActionResult result;
      return when(message::decode(framed.content, result));
    }
    case Type::chat: {
      message::Chat chat;
      return when(message::decode(framed.content, chat));
    }
    case Type::state_update: {
      message::StateUpdate update;
      if (!message::decode(framed.content, update)) return Drop::bad_message;
      message::ComponentReader reader(update);
      for (message::Component component; reader.next(component);)
        if (resolve(component.name).empty()) return Drop::bad_message;
      return Drop::none;
    }
    default:
      return framed.type >= Type::game_own ? Drop::none : Drop::unknown_message;
  }
}

channel::Queued Session::send_message(wire::Channel channel, Type type, std::span<const std::uint8_t> content,
                                      channel::Urgency urgency, Nanos now) noexcept {
  if (state_ != State::playing) return channel::Queued::full;
  const channel::Queued queued = outbox_.send(channel, type, content, urgency, now);
  counters_.messages_sent += queued == channel::Queued::yes;
  return queued;
}

}  // namespace serried::peer
