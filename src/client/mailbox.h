#pragma once
/// Messages of the game on their way to the callbacks of the public client: copied while the session is locked, given
/// out when it is not. Names are resolved on the way in, when the session knows what their ids mean.

#include <cstdint>
#include <span>
#include <utility>
#include <variant>
#include <vector>

#include "client/session.h"
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
using Mail = std::variant<OwnMessage, ChatLine, ActionAnswer, NamedState>;

struct MailCallbacks {
  Client::MessageCallback message;
  Client::ChatCallback chat;
  Client::ActionCallback action;
  Client::NamedStateCallback state;
};
void deliver(const Mail& mail, const MailCallbacks& callbacks);

/// Bounded by what one poll receives.
/// Owner   the client, under its lock
class Mailbox {
 public:
  /// For the options of `session`, which stays where it is.
  [[nodiscard]] MessageReceiver receiver(const Session& session) noexcept;
  [[nodiscard]] std::vector<Mail> empty_out() noexcept { return std::exchange(mail_, {}); }

 private:
  void add(wire::Channel channel, message::Type type, std::span<const std::uint8_t> content);
  [[nodiscard]] NamedState named(const message::StateUpdate& update) const;

  const Session* session_ = nullptr;
  std::vector<Mail> mail_;
};

}  // namespace serried::client
