#include "lane/handshake_lane.h"

#include "base/setup.h"

namespace serried::lane {

SERRIED_SETUP HandshakeLane::HandshakeLane(const HandshakeConfig& config, std::vector<HandshakeLink*> links)
    : config_(config),
      links_(std::move(links)),
      spent_(config.tokens_remembered),
      begun_(config.players_max),
      seats_(config.players_max) {}

}  // namespace serried::lane
