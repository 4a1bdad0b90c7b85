#include "games/reference/messages.h"

#include <algorithm>

#include "base/setup.h"
#include "kernel/crc32c.h"
#include "world/entity.h"

namespace serried::game {
namespace {

using message::ActionOutcome;
using message::ChatScope;
using message::Type;

// In this order also the numbers that SymbolTable gives them.
enum Command : std::uint16_t { command_checksum, command_describe };
constexpr std::array<std::string_view, 2> commands{"checksum", "describe"};
static_assert(message::strictly_rising(commands));

/// Components of answers; the id that a name is bound to is one more than its place.
enum Part : std::uint8_t { part_position, part_health, part_inputs, part_crc32c, part_size, part_error };
constexpr std::array<std::string_view, 6> parts{"position", "health", "inputs", "crc32c", "size", "error"};
static_assert(parts.size() <= 8 * sizeof(Vocabulary::told) && parts.size() <= message::symbols_min);

/// The StateUpdate that answers a command, about the sender's own entity.
class Answer {
 public:
  Answer(const Sender& sender, std::uint32_t sequence, Vocabulary& vocabulary, base::ByteWriter& answers) noexcept
      : vocabulary_(vocabulary),
        answers_(answers),
        update_(out_,
                {.timestamp_ns = sender.now, .entity = world::player_entity(sender.player_id), .sequence = sequence}) {}

  /// What is written to the result is the component's value. The first time the client is told the name before.
  base::ByteWriter& add(Part part) noexcept {
    const auto id = static_cast<std::uint16_t>(part + 1);
    if ((vocabulary_.told >> part & 1) == 0) {
      encode(answers_, message::Symbol{id, parts[part]});
      vocabulary_.told |= static_cast<std::uint8_t>(1U << part);
    }
    update_.begin({id, {}});
    return out_;
  }
  void end() noexcept {
    const auto content = update_.end();
    message::frame(answers_, Type::state_update, content.size());
    answers_.write_bytes(content);
  }

 private:
  Vocabulary& vocabulary_;
  base::ByteWriter& answers_;
  std::array<std::uint8_t, 256> bytes_;
  base::ByteWriter out_{bytes_};
  message::StateUpdateWriter update_;
};

Handled on_action(std::span<const std::uint8_t> content, base::ByteWriter& answers, Effects& effects) noexcept {
  message::Action action;
  if (!decode(content, action)) return Handled::malformed;
  message::ActionResult result{action.request, ActionOutcome::unknown_action};
  if (action.action == action_emote) {
    const auto gesture = static_cast<std::uint8_t>(action.target);
    const bool known = gesture != 0 && gesture <= gesture_last;
    result.result = known ? ActionOutcome::done : ActionOutcome::refused;
    if (known) effects.gesture = gesture;
  }
  encode(answers, result);
  return Handled::yes;
}

Handled on_chat(const Sender& sender, std::span<const std::uint8_t> content, Effects& effects) noexcept {
  message::Chat chat;
  if (!decode(content, chat) || !may_come_from_client(chat)) return Handled::malformed;
  chat.sender = world::player_entity(sender.player_id);
  std::array<std::uint8_t, answers_bytes_max> framed;
  base::ByteWriter out{framed};
  encode(out, chat);
  base::ByteReader in{out.written()};
  in.read_varint();
  const auto message = in.read_rest();
  Announcement& announcement = effects.announcement;
  std::copy(message.begin(), message.end(), announcement.message.begin());
  announcement.bytes = static_cast<std::uint16_t>(message.size());
  announcement.position = sender.position;
  announcement.everybody = chat.scope == ChatScope::everybody;
  effects.announces = true;
  return Handled::yes;
}
static_assert(1 + 1 + 8 + message::chat_text_bytes_max <= sizeof(Announcement::message));

Handled on_symbol(std::span<const std::uint8_t> content, Vocabulary& vocabulary) noexcept {
  message::Symbol symbol;
  if (!decode(content, symbol)) return Handled::malformed;
  switch (vocabulary.commands.bind(commands, symbol)) {
    case message::Bound::fresh:
    case message::Bound::same:
      return Handled::yes;
    case message::Bound::full:
      return Handled::unexpected;
    case message::Bound::malformed:
      break;
  }
  return Handled::malformed;
}

Handled on_command(const Sender& sender, std::span<const std::uint8_t> content, Vocabulary& vocabulary,
                   base::ByteWriter& answers) noexcept {
  message::InputCommand command;
  if (!decode(content, command)) return Handled::malformed;
  const std::uint16_t which = vocabulary.commands.resolve(commands, command.command);
  if (which == message::SymbolTable::unbound) return Handled::malformed;
  if (command.player != sender.player_id) return Handled::unexpected;
  Answer answer{sender, command.sequence, vocabulary, answers};
  switch (which) {
    case command_describe: {
      base::ByteWriter& out = answer.add(part_position);
      for (const float axis : sender.position) out.write(axis);
      answer.add(part_health).write(sender.health);
      answer.add(part_inputs).write(sender.inputs);
      break;
    }
    case command_checksum:
      answer.add(part_crc32c).write(kernel::crc32c(command.bytes));
      answer.add(part_size).write(static_cast<std::uint32_t>(command.bytes.size()));
      break;
    default:
      answer.add(part_error).write_bytes(base::as_bytes("there is no such command"));
  }
  answer.end();
  return Handled::yes;
}

}  // namespace

bool hears(const Announcement& announcement, const std::array<float, 3>& position) noexcept {
  if (announcement.everybody) return true;
  float distance2 = 0;
  for (unsigned axis = 0; axis < 3; ++axis) {
    const float apart = position[axis] - announcement.position[axis];
    distance2 += apart * apart;
  }
  return distance2 <= near_chat_units * near_chat_units;
}

Handled handle(const Sender& sender, std::span<const std::uint8_t> message, Vocabulary& vocabulary,
               base::ByteWriter& answers, Effects& effects) noexcept {
  const auto content = message.subspan(1);
  switch (static_cast<Type>(message[0])) {
    case Type::action:
      return on_action(content, answers, effects);
    case Type::chat:
      return on_chat(sender, content, effects);
    case Type::symbol:
      return on_symbol(content, vocabulary);
    case Type::input_command:
      return on_command(sender, content, vocabulary, answers);
    default:
      return Handled::unknown;
  }
}

SERRIED_SETUP std::vector<std::uint8_t> welcome_message(std::string_view text) {
  if (text.empty()) return {};
  const auto bytes = base::as_bytes(text);
  std::vector<std::uint8_t> message;
  if (text.size() > message::chat_text_bytes_max) {
    message.push_back(static_cast<std::uint8_t>(type_welcome));
    message.insert(message.end(), bytes.begin(), bytes.end());
    return message;
  }
  std::array<std::uint8_t, answers_bytes_max> framed;
  base::ByteWriter out{framed};
  encode(out, message::Chat{message::ChatScope::server, 0, bytes});
  base::ByteReader in{out.written()};
  in.read_varint();
  const auto chat = in.read_rest();
  message.assign(chat.begin(), chat.end());
  return message;
}

}  // namespace serried::game
