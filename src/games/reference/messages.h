#pragma once
/// What the reference game does with the messages that players send it. Pure: a message and what is known of its sender
/// go in; what the shard lane is to do comes out. Another game replaces these functions.
/// Source  docs/wire-format.md section 7, Game messages

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "message/game.h"
#include "message/symbol_pool.h"
#include "serried/time.h"

namespace serried::game {

inline constexpr float near_chat_units = 5'000.0F;        ///< how far a line to those near is heard
inline constexpr std::uint32_t everybody_per_second = 5;  ///< lines to all viewers that a shard lets through
inline constexpr std::uint32_t everybody_burst = 10;
inline constexpr std::uint16_t action_emote = 1;  ///< the low byte of its target: an animation, 1 to gesture_last
inline constexpr std::uint8_t gesture_last = 31;
inline constexpr unsigned gesture_seconds = 2;
inline constexpr auto type_welcome = message::Type::game_own;  ///< text: what the operator has to say

/// The sender of a message.
struct Sender {
  std::uint64_t player_id = 0;
  std::array<float, 3> position{};
  float health = 0;
  std::uint32_t inputs = 0;  ///< sequence of the newest input that was applied
  Nanos now = 0;
};

/// What both sides call things in the session of one player. All zero at first.
struct Vocabulary {
  message::SymbolTable commands;
  std::uint8_t told = 0;  ///< bit i: the client knows the name of component i
};

/// A line of chat on its way to the viewers of all shards.
struct Announcement {
  std::array<float, 3> position{};  ///< of the speaker
  std::uint16_t bytes = 0;
  bool everybody = false;
  std::uint8_t reserved = 0;
  std::array<std::uint8_t, 268> message;  ///< a Chat, type first

  [[nodiscard]] std::span<const std::uint8_t> content() const noexcept { return {message.data(), bytes}; }
};
static_assert(sizeof(Announcement) == 284);
[[nodiscard]] bool hears(const Announcement& announcement, const std::array<float, 3>& position) noexcept;

/// What a message makes the engine do besides answering it.
struct Effects {
  bool announces = false;
  std::uint8_t gesture = 0;  ///< show this animation for gesture_seconds from the next tick on; 0: none
  Announcement announcement;
};

enum class Handled : std::uint8_t {
  yes,
  malformed,
  unexpected,  ///< well-formed, but for another player, or beyond what is kept
  unknown,     ///< no handler of this type is registered, or it is not a client's to send
};

/// One message makes at most so many answers, of so many bytes with their lengths.
inline constexpr unsigned answers_max = 4;
inline constexpr std::size_t answers_bytes_max = 512;

/// Deal with one message, type first, of at least one byte. Answers are written to `answers`, framed, in the order in
/// which they are to be sent on channel 1.
/// Writes  vocabulary, answers, effects
/// Cost    a checksum command: 0.1 ns a byte with SSE4.2
[[nodiscard]] Handled handle(const Sender& sender, std::span<const std::uint8_t> message, Vocabulary& vocabulary,
                             base::ByteWriter& answers, Effects& effects) noexcept;

/// The message, type first, that greets a player that joins: a Chat of the server when `text` is short enough, else
/// Welcome. Empty: no text.
[[nodiscard]] std::vector<std::uint8_t> welcome_message(std::string_view text);

}  // namespace serried::game
