/// What control orders and the abuse guard finds, in bounded portions. A ban is in force from the moment it is taken off the
/// ring: the guard drops what comes, so that no new session slips in behind the search for the old ones.

#include "io/run_commands.h"

#include <algorithm>

#include "io/io_state.h"

namespace serried::io {
namespace {

constexpr std::uint32_t slots_per_poll = 256;

/// Put an order in force. False: there is no room for it.
bool begin(IoState& state, const AdminCommand& order) noexcept {
  guard::AbuseGuard& abuse_guard = state.abuse_guard;
  switch (order.kind) {
    case AdminCommand::Kind::ban:
      return abuse_guard.operator_bans.add(order.prefix, order.until);
    case AdminCommand::Kind::score_ban:
      return abuse_guard.score_bans.add(order.prefix, order.until);
    case AdminCommand::Kind::lift:
      break;
  }
  abuse_guard.operator_bans.lift(order.prefix);
  abuse_guard.score_bans.lift(order.prefix);
  return true;
}

void report(AdminWork& work, AdminReport::Kind kind) noexcept {
  // As many reports as orders: control takes the one before it gives the next.
  work.link->reports.push({kind, work.order.id, work.sessions, work.order.prefix, work.order.until});
  work.busy = false;
}

void search(IoState& state, AdminWork& work) noexcept {
  const std::uint32_t end = state.table.high_water();
  const std::uint32_t stop = std::min(work.cursor + slots_per_poll, end);
  for (; work.cursor < stop; ++work.cursor) {
    const session::State phase = state.table.admission(work.cursor).state;
    if (phase == session::State::free || phase == session::State::closing) continue;
    if (!guard::contains(work.order.prefix, state.table.peer(work.cursor).path.address)) continue;
    ++work.sessions;
    if (work.order.kind == AdminCommand::Kind::ban) end_session(state, work.cursor, message::DisconnectReason::kicked, true);
  }
  if (work.cursor >= end) report(work, AdminReport::Kind::done);
}

}  // namespace

unsigned run_commands(IoState& state, Nanos now) noexcept {
  AdminWork& work = state.orders;
  state.abuse_guard.sweep(now);
  if (work.link == nullptr) return 0;
  unsigned done = 0;
  guard::ScoreBan found;
  while (work.link->reports.free() > AdminLink::rows / 2 && state.abuse_guard.next_score_ban(found)) {
    work.link->reports.push({AdminReport::Kind::score_ban, 0, 0, found.prefix, found.until});
    ++done;
  }
  if (!work.busy && work.link->reports.free() != 0 && work.link->orders.pop(&work.order, 1) == 1) {
    work.busy = true;
    work.cursor = work.sessions = 0;
    ++done;
    if (!begin(state, work.order)) report(work, AdminReport::Kind::refused);
    if (work.order.kind == AdminCommand::Kind::lift) report(work, AdminReport::Kind::done);
  }
  if (work.busy) {
    search(state, work);
    ++done;
  }
  return done;
}

}  // namespace serried::io
