#pragma once
/// What the reference game does with the messages that players send it: actions, chat, symbols, commands. A message and
/// what is known of its sender go in; what the engine is to do comes out.
/// Source  docs/wire-format.md section 7, Game messages

#include <cstdint>

#include "game/host.h"
#include "games/reference/emotes.h"
#include "message/game.h"
#include "message/symbol_pool.h"

namespace serried::games::reference {

inline constexpr float near_chat_units = 5'000.0F;  ///< how far a line to those near is heard
inline constexpr std::uint16_t action_emote = 1;    ///< the low byte of its target: an animation, 1 to emote_last
inline constexpr auto type_welcome = message::Type::game_own;  ///< text: what the operator has to say

/// What both sides call things in one session (Callbacks::session_bytes). All zero at first.
struct SymbolState {
  message::SymbolTable commands;
  std::uint8_t announced = 0;  ///< bit i: the client knows the name of component i
};

/// Deal with the messages of a slice, in their order.
/// Writes  slice.outcomes, players, sessions
/// Cost    a checksum command: 0.1 ns a byte with SSE4.2
void handle_messages(const game::MessageSlice& slice) noexcept;

}  // namespace serried::games::reference
