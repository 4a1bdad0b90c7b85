#pragma once
/// What an operator wants of an io lane.

#include "link/admin_link.h"

namespace serried::io {

/// The command that a lane is at: its sessions are looked through a slice a poll, so that none waits for all of them.
struct AdminWork {
  link::AdminLink* link = nullptr;  ///< none: no commands come
  link::AdminCommand command;
  std::uint32_t cursor = 0;
  std::uint32_t sessions = 0;
  bool busy = false;
};

struct IoState;

/// Take a command, go on with the one at work, report what the abuse guard found. Bounded. Returns how much there was
/// to do.
unsigned run_commands(IoState& state, Nanos now) noexcept;

}  // namespace serried::io
