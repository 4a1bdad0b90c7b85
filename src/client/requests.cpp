#include "client/requests.h"

#include <array>

#include "base/utf8.h"

namespace serried::client {

namespace {

using channel::Queued;

/// What every server takes. Of chat fewer lines at once than a server does: what leaves one by one may arrive together,
/// and what is then too much would be lost.
constexpr guard::TypeRates rates = [] {
  guard::TypeRates of = guard::TypeRates::usual();
  of.set(guard::MessageClass::chat, 2, 5);
  return of;
}();

}  // namespace

template <class Send>
Queued Requests::paced(message::Type type, Nanos now, Send&& send) noexcept {
  guard::TypeLimits after = limits_;
  if (!after.take(guard::class_of(type), rates, now)) return Queued::full;
  const Queued queued = send();
  if (queued == Queued::yes) limits_ = after;
  return queued;
}

/// On channel 1: what `encode` writes, without its framing. Too long: it is no message that can be sent.
template <class Encode>
Queued Requests::send(peer::Session& session, Nanos now, Encode&& encode) noexcept {
  std::array<std::uint8_t, channel::Reliable::whole_message_bytes_max + 2> framed;
  base::ByteWriter out(framed);
  encode(out);
  base::ByteReader in(out.written());
  message::Framed message;
  if (!out.ok() || !message::next(in, message)) return Queued::too_long;
  return paced(message.type, now, [&] {
    return session.send_message(wire::Channel::reliable_ordered, message.type, message.content,
                                channel::Urgency::immediate, now);
  });
}

Queued Requests::chat(peer::Session& session, message::ChatScope scope, std::string_view text, Nanos now) noexcept {
  const auto bytes = base::as_bytes(text);
  if (bytes.empty() || bytes.size() > message::chat_text_bytes_max || !base::is_utf8(text)) return Queued::too_long;
  return send(session, now, [&](base::ByteWriter& out) { message::encode(out, message::Chat{scope, 0, bytes}); });
}

Queued Requests::action(peer::Session& session, std::uint16_t action, std::uint64_t target, std::uint32_t& request,
                        Nanos now) noexcept {
  request = request_ + 1;
  const Queued queued = send(session, now, [&](base::ByteWriter& out) {
    message::encode(out, message::Action{request, action, target});
  });
  if (queued == Queued::yes) request_ = request;
  return queued;
}

Queued Requests::command(peer::Session& session, std::string_view name, std::span<const std::uint8_t> bytes,
                         std::uint32_t& sequence, Nanos now) {
  if (name.empty() || name.size() > message::symbol_name_bytes_max || !base::is_utf8(name) ||
      bytes.size() > command_bytes_max)
    return Queued::too_long;
  if (!names_) names_.emplace();
  if (const message::Symbol offer = names_->offer(name); offer.id != 0) {
    const Queued queued = send(session, now, [&](base::ByteWriter& out) { message::encode(out, offer); });
    if (queued != Queued::yes) return queued;
    names_->bind(offer);
  }
  sequence = sequence_ + 1;
  const message::InputCommand command{player_, now, sequence, names_->refer(name), bytes};
  const Queued queued = send(session, now, [&](base::ByteWriter& out) { message::encode(out, command); });
  if (queued == Queued::yes) sequence_ = sequence;
  return queued;
}

Queued Requests::own(peer::Session& session, wire::Channel channel, message::Type type,
                     std::span<const std::uint8_t> content, Nanos now) noexcept {
  return paced(type, now, [&] { return session.send_message(channel, type, content, channel::Urgency::bundled, now); });
}

}  // namespace serried::client
