#pragma once
/// Messages of the game on their way to the callbacks of the public client: copied while the session is locked, given
/// out when it is not. Names are resolved on the way in, when the session knows what their ids mean.

#include <cstdint>
#include <span>
#include <utility>
#include <variant>
#include <vector>

#include "peer/session.h"
#include "serried/client.h"

namespace serried::client {

/// A message of the game's own.
struct OwnMessage {
  Delivery delivery{};
  std::uint8_t type = 0;
  std::vector<std::uint8_t> content;
};
struct ActionAnswer {
  std::uint32_t request = 0;
  ActionOutcome outcome{};
};
using InboxMessage = std::variant<OwnMessage, ChatLine, ActionAnswer, NamedState>;

struct InboxCallbacks {
  Client::MessageCallback message;
  Client::ChatCallback chat;
  Client::ActionCallback action;
  Client::NamedStateCallback state;
};
void deliver(const InboxMessage& message, const InboxCallbacks& callbacks);

/// Bounded by what one poll receives.
/// Owner   the client, under its lock
class Inbox {
 public:
  /// For the options of `session`, which stays where it is.
  [[nodiscard]] peer::MessageReceiver receiver(const peer::Session& session) noexcept;
  [[nodiscard]] std::vector<InboxMessage> empty_out() noexcept { return std::exchange(messages_, {}); }

 private:
  void add(wire::Channel channel, message::Type type, std::span<const std::uint8_t> content);
  [[nodiscard]] NamedState named(const message::StateUpdate& update) const;

  const peer::Session* session_ = nullptr;
  std::vector<InboxMessage> messages_;
};

}  // namespace serried::client
