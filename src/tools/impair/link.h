#pragma once
/// A link with faults, without a socket or a clock: what becomes of each datagram, and when it arrives. One seed gives
/// one history: what happens to the n-th datagram of a link depends on the seed, the link and n alone, but for the
/// rate, which depends on when datagrams come.
///
///     datagram -> queue, at `rate` -> lost? -> delay, jitter -> arrives
///                   \ longer than queue_max: overflowed

#include <array>
#include <cstdint>

#include "serried/time.h"

namespace serried::tools {

/// Of one direction. Probabilities are of one datagram.
struct LinkProfile {
  double loss = 0;
  double duplicate = 0;  ///< a second copy arrives right behind the first
  double reorder = 0;    ///< it comes later by reorder_by, and others overtake it
  Nanos delay = 0;       ///< one way
  Nanos jitter = 0;      ///< uniform in [-jitter, jitter], at most the delay; nothing is overtaken by it
  Nanos reorder_by = 20 * millisecond;
  std::uint64_t rate = 0;               ///< bits a second, IP and UDP headers (28 bytes) included; 0: no limit
  Nanos queue_max = 200 * millisecond;  ///< what would wait longer for the rate is dropped
};

enum class LinkLoss : std::uint8_t { none, lost, overflowed };

struct LinkFate {
  LinkLoss loss = LinkLoss::none;
  bool reordered = false;
  unsigned copies = 0;  ///< that arrive
  Nanos due = 0;        ///< when they do
};

class ImpairedLink {
 public:
  static constexpr std::uint64_t header_bytes = 28;

  /// `number` tells the links of one seed apart.
  ImpairedLink(const LinkProfile& profile, std::uint64_t seed, std::uint64_t number) noexcept
      : profile_(profile), seed_(seed), number_(number) {}

  /// The next datagram, of `bytes` of UDP payload. `now` never falls.
  [[nodiscard]] LinkFate send(std::uint64_t bytes, Nanos now) noexcept;

 private:
  LinkProfile profile_;
  std::uint64_t seed_, number_;
  std::uint64_t sent_ = 0;
  Nanos free_at_ = 0;   ///< when the queue has nothing more to send
  Nanos last_due_ = 0;  ///< of those that were not reordered
};

}  // namespace serried::tools
