#pragma once
/// Between control and an io lane: bans to keep, and what came of them.

#include <cstdint>

#include "link/spsc.h"
#include "guard/abuse_guard.h"

namespace serried::io {

/// control -> io. Every lane gets every order.
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

/// io -> control.
struct AdminReport {
  enum class Kind : std::uint32_t {
    done,      ///< the order was carried out; `sessions` are those found in the prefix, ended by a ban
    refused,   ///< the lane's table of bans is full
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
  link::Spsc<AdminCommand> orders{rows};
  link::Spsc<AdminReport> reports{rows};
};

/// The order that a lane is at: its sessions are looked through a slice a poll, so that none waits for all of them.
struct AdminWork {
  AdminLink* link = nullptr;  ///< none: no orders come
  AdminCommand order;
  std::uint32_t cursor = 0;
  std::uint32_t sessions = 0;
  bool busy = false;
};

struct IoState;

/// Take an order, go on with the one at work, report what the abuse guard found. Bounded. Returns how much there was to do.
unsigned run_commands(IoState& state, Nanos now) noexcept;

}  // namespace serried::io
