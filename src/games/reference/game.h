#pragma once
/// The reference game as the engine sees it: its configuration, and the table of callbacks made of it.

#include <cstdint>
#include <string_view>
#include <vector>

#include "game/host.h"
#include "games/reference/config.h"

namespace serried::games::reference {

/// Constant once made, so all shards may use it at the same time. Outlives whatever has its callbacks.
class Game {
 public:
  explicit Game(Config config = {});
  Game(const Game&) = delete;
  Game& operator=(const Game&) = delete;

  [[nodiscard]] const Config& config() const noexcept { return config_; }
  [[nodiscard]] game::Callbacks callbacks() const noexcept;

 private:
  Config config_;
  std::vector<std::uint8_t> welcome_;
};

/// The message, type first, that a joining player is sent: a Chat of the server when `text` is short enough, else
/// Welcome.
/// Empty: no text.
[[nodiscard]] std::vector<std::uint8_t> welcome_message(std::string_view text);

}  // namespace serried::games::reference
