#pragma once
/// Between the admin thread and an io lane: bans to keep, and what came of them.

#include <cstdint>

#include "guard/bans.h"
#include "link/spsc.h"
#include "serried/time.h"

namespace serried::link {

/// admin -> io. Every lane gets every command.
struct AdminCommand {
  enum class Kind : std::uint32_t {
    ban,        ///< by an operator: sessions from there end
    score_ban,  ///< another lane's finding, shared: strangers from there are dropped
    lift        ///< of either kind
  };
  Kind kind{};
  std::uint32_t id = 0;  ///< handed back in the report
  guard::Prefix prefix;
  Nanos until = 0;
};

/// io -> admin.
struct AdminReport {
  enum class Kind : std::uint32_t {
    done,      ///< the command was carried out; `sessions` are those found in the prefix, ended by a ban
    refused,   ///< all places for bans of this kind are taken, by such as last longer
    score_ban  ///< this lane banned a source by itself, until `until`
  };
  Kind kind{};
  std::uint32_t id = 0;
  std::uint32_t sessions = 0;
  guard::Prefix prefix;
  Nanos until = 0;
};

struct AdminLink {
  static constexpr unsigned rows = 256;
  Spsc<AdminCommand> commands{rows};
  Spsc<AdminReport> reports{rows};
};

}  // namespace serried::link
