/// What an operator wants and the abuse guard finds, in bounded portions. A ban is in force from the moment it is taken
/// off the ring: the guard drops what comes, so that no new session slips in behind the search for the old ones.

#include "io/run_commands.h"

#include <algorithm>

#include "io/io_state.h"
#include "io/teardown.h"

namespace serried::io {
namespace {

constexpr std::uint32_t slots_per_poll = 256;

/// Put a command in force. False: there is no room for it.
bool begin(IoState& state, const link::AdminCommand& command, Nanos now) noexcept {
  guard::AbuseGuard& abuse_guard = state.abuse_guard;
  switch (command.kind) {
    case link::AdminCommand::Kind::ban:
      return abuse_guard.ban(command.prefix, command.until, now);
    case link::AdminCommand::Kind::score_ban:
      return abuse_guard.ban_for_score(command.prefix, command.until);
    case link::AdminCommand::Kind::lift:
      break;
  }
  abuse_guard.operator_bans.lift(command.prefix);
  abuse_guard.score_bans.lift(command.prefix);
  return true;
}

void report(AdminWork& work, link::AdminReport::Kind kind) noexcept {
  // As many reports as commands: the admin thread takes the report before it gives the next command.
  work.link->reports.push({kind, work.command.id, work.sessions, work.command.prefix, work.command.until});
  work.busy = false;
}

void search(IoState& state, AdminWork& work) noexcept {
  const std::uint32_t end = state.table.high_water();
  const std::uint32_t stop = std::min(work.cursor + slots_per_poll, end);
  for (; work.cursor < stop; ++work.cursor) {
    const session::State phase = state.table.admission(work.cursor).state;
    if (phase == session::State::free || phase == session::State::closing) continue;
    if (!guard::contains(work.command.prefix, state.table.peer(work.cursor).path.address)) continue;
    ++work.sessions;
    if (work.command.kind == link::AdminCommand::Kind::ban)
      end_session(state, work.cursor, message::DisconnectReason::kicked, true);
  }
  if (work.cursor >= end) report(work, link::AdminReport::Kind::done);
}

}  // namespace

unsigned run_commands(IoState& state, Nanos now) noexcept {
  AdminWork& work = state.admin;
  state.abuse_guard.sweep(now);
  if (work.link == nullptr) return 0;
  unsigned done = 0;
  guard::ScoreBan found;
  while (work.link->reports.free() > link::AdminLink::rows / 2 && state.abuse_guard.next_score_ban(found)) {
    work.link->reports.push({link::AdminReport::Kind::score_ban, 0, 0, found.prefix, found.until});
    ++done;
  }
  if (!work.busy && work.link->reports.free() != 0 && work.link->commands.pop(&work.command, 1) == 1) {
    work.busy = true;
    work.cursor = work.sessions = 0;
    ++done;
    if (!begin(state, work.command, now)) report(work, link::AdminReport::Kind::refused);
    if (work.command.kind == link::AdminCommand::Kind::lift) report(work, link::AdminReport::Kind::done);
  }
  if (work.busy) {
    search(state, work);
    ++done;
  }
  return done;
}

}  // namespace serried::io
