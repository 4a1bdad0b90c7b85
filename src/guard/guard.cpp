#include "guard/guard.h"

namespace serried::guard {
namespace {

using metrics::Drop;

constexpr std::size_t verdicts = 256;  ///< Drop::none included

/// What no sender of ours produces.
constexpr std::array<bool, verdicts> is_penalized = [] {
  std::array<bool, verdicts> found{};
  for (const Drop drop : {Drop::short_datagram, Drop::long_datagram, Drop::bad_flags, Drop::bad_channel, Drop::bad_crc,
                          Drop::clear_datagram, Drop::bad_tag, Drop::bad_connect})
    found[static_cast<std::size_t>(drop)] = true;
  return found;
}();

}  // namespace

void guard(wire::Batch& batch, AbuseGuard& abuse_guard, metrics::DropCounters& drops, Nanos now) noexcept {
  if (!abuse_guard.operator_bans.any()) [[likely]]
    return;
  batch.filter(drops, [&](unsigned row) noexcept {
    return abuse_guard.operator_bans.covers(batch.path[row].address, now) ? Drop::banned : Drop::none;
  });
}

void penalize(const wire::Batch& batch, AbuseGuard& abuse_guard, Nanos now) noexcept {
  if (batch.live_rows == batch.rows) [[likely]]
    return;
  std::array<std::uint8_t, wire::Batch::capacity> bad;
  unsigned count = 0;
  for (unsigned row = 0; row < batch.rows; ++row) {
    bad[count] = static_cast<std::uint8_t>(row);
    count += is_penalized[static_cast<std::size_t>(batch.verdict[row])] ? 1U : 0U;
  }
  if (count == 0) return;
  abuse_guard.penalize(batch.path[bad[abuse_guard.choose(count)]].address, count, now);
}

}  // namespace serried::guard
