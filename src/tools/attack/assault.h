#pragma once
/// One step of an attack: a burst of all kinds in turn, at a rate; and a look at what came back and at what others say.
/// A template over what sends, so that tests see every datagram.

#include <algorithm>
#include <optional>

#include "serried/time.h"
#include "tools/attack/forge.h"
#include "tools/attack/packet_tap.h"

namespace serried::tools {

template <class Gun>
class Assault {
 public:
  /// `rate` in datagrams a second, 0: no limit.
  Assault(Gun& gun, Forge& forge, std::vector<AttackKind> kinds, double rate, Nanos now)
      : gun_(gun), forge_(forge), kinds_(std::move(kinds)), rate_(rate), began_(now) {}

  /// Send what is due, at most a burst; returns how many datagrams were made. When not all were taken, the way to the
  /// server is full: more would only push out what others send, so there is a pause.
  unsigned strike(Nanos now) {
    if (now < resume_at_) return 0;
    unsigned due = Gun::burst;
    if (rate_ > 0) {
      const auto allowed = static_cast<std::uint64_t>(static_cast<double>(now - began_) * 1e-9 * rate_);
      due = static_cast<unsigned>(std::min<std::uint64_t>(due, allowed - std::min(allowed, made_)));
    }
    unsigned count = 0;
    for (unsigned tries = 0; count < due && tries < 2 * Gun::burst; ++tries) {
      const AttackKind kind = kinds_[turn_++ % kinds_.size()];
      count += forge_.make(kind, gun_.room(count), shots_[count]) ? 1U : 0U;
    }
    const std::uint64_t refused = tally_.refused;
    if (count != 0) gun_.fire(shots_.data(), count, tally_);
    if (tally_.refused != refused) resume_at_ = now + pause;
    made_ += count;
    return count;
  }
  void hear() { gun_.hear(tally_); }
  [[nodiscard]] const AttackTally& tally() const noexcept { return tally_; }

 private:
  static constexpr Nanos pause = millisecond;

  Gun& gun_;
  Forge& forge_;
  std::vector<AttackKind> kinds_;
  double rate_;
  Nanos began_;
  Nanos resume_at_ = 0;
  std::uint64_t made_ = 0;
  std::size_t turn_ = 0;
  std::array<Shot, Gun::burst> shots_{};
  AttackTally tally_;
};

}  // namespace serried::tools
