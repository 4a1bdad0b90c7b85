#include "client/inbox.h"

#include "base/bytes.h"
#include "message/game.h"

namespace serried::client {

namespace {

template <class Callback, class... Values>
void call(const Callback& callback, const Values&... values) {
  if (callback) callback(values...);
}

}  // namespace

void deliver(const InboxMessage& message, const InboxCallbacks& callbacks) {
  struct Visitor {
    const InboxCallbacks& to;
    void operator()(const OwnMessage& own) const {
      call(to.message, own.delivery, own.type, std::span<const std::uint8_t>(own.content));
    }
    void operator()(const ChatLine& line) const { call(to.chat, line); }
    void operator()(const ActionAnswer& answer) const { call(to.action, answer.request, answer.outcome); }
    void operator()(const NamedState& state) const { call(to.state, state); }
  };
  std::visit(Visitor{callbacks}, message);
}

peer::MessageReceiver Inbox::receiver(const peer::Session& session) noexcept {
  session_ = &session;
  return {[](void* self, wire::Channel channel, message::Type type, std::span<const std::uint8_t> content) {
            static_cast<Inbox*>(self)->add(channel, type, content);
          },
          this};
}

/// The session has seen that it decodes.
void Inbox::add(wire::Channel channel, message::Type type, std::span<const std::uint8_t> content) {
  message::Chat chat;
  message::ActionResult result;
  message::StateUpdate update;
  if (type >= message::Type::game_own) {
    messages_.emplace_back(
        OwnMessage{static_cast<Delivery>(channel), static_cast<std::uint8_t>(type), {content.begin(), content.end()}});
  } else if (type == message::Type::chat && message::decode(content, chat)) {
    messages_.emplace_back(
        ChatLine{static_cast<ChatScope>(chat.scope), chat.sender, std::string(base::as_text(chat.text))});
  } else if (type == message::Type::action_result && message::decode(content, result)) {
    messages_.emplace_back(ActionAnswer{result.request, static_cast<ActionOutcome>(result.result)});
  } else if (type == message::Type::state_update && message::decode(content, update)) {
    messages_.emplace_back(named(update));
  }
}

NamedState Inbox::named(const message::StateUpdate& update) const {
  NamedState out{update.timestamp_ns, update.entity, update.priority, update.sequence, {}};
  message::ComponentReader reader(update);
  for (message::Component component; reader.next(component);)
    out.components.push_back(
        {std::string(session_->resolve(component.name)), {component.bytes.begin(), component.bytes.end()}});
  return out;
}

}  // namespace serried::client
