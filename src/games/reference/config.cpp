#include "games/reference/config.h"

#include "base/setup.h"
#include "base/utf8.h"
#include "message/type.h"

namespace serried::games::reference {

SERRIED_SETUP std::vector<std::string> Config::validate() const {
  std::vector<std::string> faults;
  const auto require = [&](bool holds, std::string sentence) {
    if (!holds) faults.push_back(std::move(sentence));
  };
  require(player_spawn_half >= 0.0F && npc_spawn_half >= 0.0F && npc_wander_radius >= 0.0F,
          "spawn squares and the wander radius must not be negative");
  require(npc_decision_ticks >= 1, "npc_decision_ticks must be at least 1");
  require(player_health >= 1 && npc_health >= 1, "health must be at least 1");
  require(welcome.size() <= message::message_bytes_max - 1,
          "the welcome text has " + std::to_string(welcome.size()) + " bytes, at most " +
              std::to_string(message::message_bytes_max - 1) + " can be sent");
  require(base::is_utf8(welcome), "the welcome text is no UTF-8; save it as such");
  return faults;
}

}  // namespace serried::games::reference
