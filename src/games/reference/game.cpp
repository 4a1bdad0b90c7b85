#include "games/reference/game.h"

#include <array>
#include <utility>

#include "base/setup.h"
#include "games/reference/emotes.h"
#include "games/reference/entities.h"
#include "games/reference/messages.h"

namespace serried::games::reference {
namespace {

constexpr std::uint32_t broadcasts_per_s = 5;  ///< lines to every player that a shard lets through
constexpr std::uint32_t broadcasts_burst = 10;

const Config& config_of(const void* context) noexcept { return static_cast<const Game*>(context)->config(); }

}  // namespace

SERRIED_SETUP Game::Game(Config config) : config_(std::move(config)), welcome_(welcome_message(config_.welcome)) {}

SERRIED_SETUP game::Callbacks Game::callbacks() const noexcept {
  return {
      .context = this,
      .player_bytes = sizeof(Emote),
      .session_bytes = sizeof(SymbolState),
      .broadcasts_per_s = broadcasts_per_s,
      .broadcasts_burst = broadcasts_burst,
      .welcome = welcome_,
      .spawn_players = [](const void* context,
                          const game::PlayerSpawnSlice& slice) noexcept { spawn_players(config_of(context), slice); },
      .spawn_npcs = [](const void* context,
                       const game::NpcSpawnSlice& slice) noexcept { spawn_npcs(config_of(context), slice); },
      .think = [](const void* context, const game::ThinkSlice& slice) noexcept { think(config_of(context), slice); },
      .step = [](const void*, const game::StepSlice& slice) noexcept { show_emotes(slice); },
      .on_messages = [](const void*, const game::MessageSlice& slice) noexcept { handle_messages(slice); },
      .faults = [](const void* context) { return config_of(context).validate(); }};
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
  std::array<std::uint8_t, game::answers_bytes_max> framed;
  base::ByteWriter out{framed};
  encode(out, message::Chat{message::ChatScope::server, 0, bytes});
  base::ByteReader in{out.written()};
  in.read_varint();
  const auto chat = in.read_rest();
  message.assign(chat.begin(), chat.end());
  return message;
}

}  // namespace serried::games::reference
