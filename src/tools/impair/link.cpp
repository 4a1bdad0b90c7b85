#include "tools/impair/link.h"

#include <algorithm>

#include "base/prng.h"

namespace serried::tools {

LinkFate ImpairedLink::send(std::uint64_t bytes, Nanos now) noexcept {
  base::Prng rng(base::mix(seed_, number_, sent_++));
  // Always the same throws in the same order, so that a change of one option shifts nothing else.
  const bool lost = rng.chance(profile_.loss);
  const bool twice = rng.chance(profile_.duplicate);
  const bool reordered = rng.chance(profile_.reorder);
  const Nanos jitter = std::min(profile_.jitter, profile_.delay);
  const Nanos delay = profile_.delay - jitter + rng.below(2 * jitter + 1);

  LinkFate fate;
  Nanos departs = now;
  if (profile_.rate != 0) {
    const Nanos starts = std::max(now, free_at_);
    if (starts - now > profile_.queue_max) {
      fate.loss = LinkLoss::overflowed;
      return fate;
    }
    departs = free_at_ = starts + (bytes + header_bytes) * 8 * second / profile_.rate;
  }
  if (lost) {
    fate.loss = LinkLoss::lost;
    return fate;
  }
  fate.copies = twice ? 2 : 1;
  fate.reordered = reordered;
  fate.due = departs + delay;
  if (reordered) {
    fate.due += profile_.reorder_by;
  } else {
    fate.due = last_due_ = std::max(fate.due, last_due_);
  }
  return fate;
}

}  // namespace serried::tools
