#pragma once
/// What a player says to the game beside inputs: chat, actions, named commands, and the game's own messages. Numbers
/// them, and binds the names of commands to ids before their first use, so that a name costs one byte from then on.
/// All return full for what a server would drop, or hold up with everything behind it, because it comes too fast.
/// Source  docs/wire-format.md section 7, Game messages

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "guard/type_limits.h"
#include "message/symbol_pool.h"
#include "peer/session.h"

namespace serried::client {

/// For one session: `restart` with the next.
/// Owner   one player
class Requests {
 public:
  /// `player`: the id of the player, which a server compares with that of the session.
  explicit Requests(std::uint64_t player = 0) noexcept : player_(player) {}
  void restart() noexcept { *this = Requests(player_); }

  /// `scope`: `near` or `everybody`. 1 to 256 bytes of UTF-8, else too_long.
  [[nodiscard]] channel::Queued chat(peer::Session& session, message::ChatScope scope, std::string_view text,
                                     Nanos now) noexcept;
  /// `request`: the number that comes back in the ActionResult.
  [[nodiscard]] channel::Queued action(peer::Session& session, std::uint16_t action, std::uint64_t target,
                                       std::uint32_t& request, Nanos now) noexcept;
  /// `sequence`: the number that comes back in the StateUpdate. `name` of 1 to 64 bytes of UTF-8, `bytes` at most
  /// command_bytes_max, else too_long. Allocates at its first use.
  static constexpr std::size_t command_bytes_max = 1'000;
  [[nodiscard]] channel::Queued command(peer::Session& session, std::string_view name,
                                        std::span<const std::uint8_t> bytes, std::uint32_t& sequence, Nanos now);
  /// A message of the game's own.
  [[nodiscard]] channel::Queued own(peer::Session& session, wire::Channel channel, message::Type type,
                                    std::span<const std::uint8_t> content, Nanos now) noexcept;

 private:
  /// Call `send`, when one more of this type is within the rates. What was not queued counts for nothing.
  template <class Send>
  [[nodiscard]] channel::Queued paced(message::Type type, Nanos now, Send&& send) noexcept;
  template <class Encode>
  [[nodiscard]] channel::Queued send(peer::Session& session, Nanos now, Encode&& encode) noexcept;

  std::uint64_t player_;
  guard::TypeLimits limits_;
  std::optional<message::SymbolBinder> names_;
  std::uint32_t request_ = 0;
  std::uint32_t sequence_ = 0;
};

}  // namespace serried::client
