#include "simd/find_due.h"

#include "base/bytes.h"
#include "simd/find_due_avx2.h"

namespace serried::simd {
namespace {

using base::load;

std::uint16_t age(std::uint16_t now, std::uint16_t then) noexcept { return static_cast<std::uint16_t>(now - then); }

bool newer(std::uint16_t a, std::uint16_t b) noexcept { return static_cast<std::int16_t>(age(a, b)) > 0; }

void find_due_portable(const std::uint8_t* summaries, const DueRows& rows, unsigned count, const DueRules& rules,
                       DueMasks& out) noexcept {
  for (unsigned row = 0; row < count; ++row) {
    const std::uint8_t* const summary = summaries + std::size_t{rows.slot[row]} * summary_bytes;
    const unsigned status = rows.status[row], state = status & 3;
    const std::uint64_t bit = std::uint64_t{1} << row % 64;
    const bool plain = state == 2 && summary[4] == ((status >> 2 & 3) | 4) && (summary[5] & 2) == 0 &&
                       age(rules.tick, rows.acked[row]) <= rules.age_max;
    if (!plain) {
      out.odd[row / 64] |= state != 0 ? bit : 0;
      continue;
    }
    const std::uint32_t priority = due_priority(summaries, rows, row, rules);
    if (priority == 0) continue;
    out.due[row / 64] |= bit;
    out.heavy[row / 64] |= priority >= rules.threshold ? bit : 0;
  }
}

}  // namespace

std::uint32_t due_priority(const std::uint8_t* summaries, const DueRows& rows, unsigned row,
                           const DueRules& rules) noexcept {
  const std::uint8_t* const summary = summaries + std::size_t{rows.slot[row]} * summary_bytes;
  const std::uint16_t sent = rows.sent[row], change = load<std::uint16_t>(summary);
  const bool unsent = newer(change, sent);
  const bool urgent = unsent && newer(load<std::uint16_t>(summary + 2), sent);
  const std::uint16_t moving = (rows.status[row] & 0x40) != 0 ? rules.near : rules.distant;
  const std::uint16_t told = newer(change, rows.acked[row]) ? rules.unanswered : rules.refresh;
  const std::uint16_t wait = !unsent ? told : (summary[5] & 1) != 0 ? moving : rules.resting;
  const std::uint16_t untold_for = age(rules.tick, sent);
  if (!urgent && untold_for < wait) return 0;
  return (untold_for + 1U) * rows.weight[row] + (urgent ? due_urgent : 0);
}

void find_due(const std::uint8_t* summaries, const DueRows& rows, unsigned count, const DueRules& rules,
              DueMasks& out) noexcept {
  out = {};
#if defined(__x86_64__)
  if (active_isa() >= Isa::avx2) return find_due_avx2(summaries, rows, count, rules, out);
#endif
  find_due_portable(summaries, rows, count, rules, out);
}

}  // namespace serried::simd
