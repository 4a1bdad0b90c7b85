#include "games/reference/messages.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "base/setup.h"
#include "simd/crc32c.h"
#include "world/entity.h"

namespace serried::games::reference {
namespace {

using game::Handled;
using message::ActionOutcome;
using message::ChatScope;
using message::Type;

/// What a message may change of its sender.
struct SenderState {
  Emote& emote;
  SymbolState& symbols;
};

// In this order also the numbers that SymbolTable gives them.
enum Command : std::uint16_t { command_checksum, command_describe };
constexpr std::array<std::string_view, 2> commands{"checksum", "describe"};
static_assert(message::strictly_rising(commands));

/// Components of answers; the id that a name is bound to is one more than its place.
enum Part : std::uint8_t { part_position, part_health, part_inputs, part_crc32c, part_size, part_error };
constexpr std::array<std::string_view, 6> parts{"position", "health", "inputs", "crc32c", "size", "error"};
static_assert(parts.size() <= 8 * sizeof(SymbolState::announced) && parts.size() <= message::symbols_min);

/// The StateUpdate that answers a command, about the sender's own entity.
class Answer {
 public:
  Answer(const game::Sender& sender, Nanos now, std::uint32_t sequence, SymbolState& symbols,
         base::ByteWriter& answers) noexcept
      : symbols_(symbols),
        answers_(answers),
        update_(out_, {.timestamp_ns = now, .entity = world::player_entity(sender.player_id), .sequence = sequence}) {}

  /// What is written to the result is the component's value. The first time the client is told the name before.
  base::ByteWriter& add(Part part) noexcept {
    const auto id = static_cast<std::uint16_t>(part + 1);
    if ((symbols_.announced >> part & 1) == 0) {
      encode(answers_, message::Symbol{id, parts[part]});
      symbols_.announced |= static_cast<std::uint8_t>(1U << part);
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
  SymbolState& symbols_;
  base::ByteWriter& answers_;
  std::array<std::uint8_t, 256> bytes_;
  base::ByteWriter out_{bytes_};
  message::StateUpdateWriter update_;
};

Handled on_action(const game::MessageSlice& slice, std::span<const std::uint8_t> content, Emote& emote,
                  base::ByteWriter& answers) noexcept {
  message::Action action;
  if (!decode(content, action)) return Handled::malformed;
  message::ActionResult result{action.request, ActionOutcome::unknown_action};
  if (action.action == action_emote) {
    const auto anim = static_cast<std::uint8_t>(action.target);
    const bool known = anim != 0 && anim <= emote_last;
    result.result = known ? ActionOutcome::done : ActionOutcome::refused;
    if (known)
      emote = {.anim = anim, .ticks = static_cast<std::uint16_t>(emote_seconds * slice.world.ticks_per_second)};
  }
  encode(answers, result);
  return Handled::yes;
}

Handled on_chat(const game::Sender& sender, std::span<const std::uint8_t> content, game::Outcome& outcome) noexcept {
  message::Chat chat;
  if (!decode(content, chat) || !may_come_from_client(chat)) return Handled::malformed;
  chat.sender = world::player_entity(sender.player_id);
  std::array<std::uint8_t, game::answers_bytes_max> framed;
  base::ByteWriter out{framed};
  encode(out, chat);
  base::ByteReader in{out.written()};
  in.read_varint();
  const auto message = in.read_rest();
  game::Broadcast& broadcast = outcome.broadcast;
  std::copy(message.begin(), message.end(), broadcast.message.begin());
  broadcast.bytes = static_cast<std::uint16_t>(message.size());
  broadcast.position = sender.position;
  broadcast.radius_units = chat.scope == ChatScope::everybody ? game::Broadcast::everywhere : near_chat_units;
  outcome.broadcasts = true;
  return Handled::yes;
}
static_assert(1 + 1 + 8 + message::chat_text_bytes_max <= game::Broadcast::bytes_max);

Handled on_symbol(std::span<const std::uint8_t> content, SymbolState& symbols) noexcept {
  message::Symbol symbol;
  if (!decode(content, symbol)) return Handled::malformed;
  switch (symbols.commands.bind(commands, symbol)) {
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

Handled on_command(const game::Sender& sender, Nanos now, std::span<const std::uint8_t> content, SymbolState& symbols,
                   base::ByteWriter& answers) noexcept {
  message::InputCommand command;
  if (!decode(content, command)) return Handled::malformed;
  const std::uint16_t which = symbols.commands.resolve(commands, command.command);
  if (which == message::SymbolTable::unbound) return Handled::malformed;
  if (command.player != sender.player_id) return Handled::unexpected;
  Answer answer{sender, now, command.sequence, symbols, answers};
  switch (which) {
    case command_describe: {
      base::ByteWriter& out = answer.add(part_position);
      for (const float axis : sender.position) out.write(axis);
      answer.add(part_health).write(static_cast<float>(sender.health));
      answer.add(part_inputs).write(std::uint32_t{sender.input});
      break;
    }
    case command_checksum:
      answer.add(part_crc32c).write(simd::crc32c(command.bytes));
      answer.add(part_size).write(static_cast<std::uint32_t>(command.bytes.size()));
      break;
    default:
      answer.add(part_error).write_bytes(base::as_bytes("there is no such command"));
  }
  answer.end();
  return Handled::yes;
}

Handled dispatch(const game::MessageSlice& slice, const game::Message& message, SenderState state,
                 game::Outcome& outcome) noexcept {
  const auto content = message.bytes.subspan(1);
  switch (static_cast<Type>(message.bytes[0])) {
    case Type::action:
      return on_action(slice, content, state.emote, outcome.answers);
    case Type::chat:
      return on_chat(message.sender, content, outcome);
    case Type::symbol:
      return on_symbol(content, state.symbols);
    case Type::input_command:
      return on_command(message.sender, slice.now, content, state.symbols, outcome.answers);
    default:
      return Handled::unknown;
  }
}

}  // namespace

void handle_messages(const game::MessageSlice& slice) noexcept {
  for (std::size_t i = 0; i < slice.messages.size(); ++i) {
    const game::Message& message = slice.messages[i];
    const std::uint32_t player = message.sender.player;
    slice.outcomes[i].handled = dispatch(
        slice, message, {slice.players.at<Emote>(player), slice.sessions.at<SymbolState>(player)}, slice.outcomes[i]);
  }
}

}  // namespace serried::games::reference
