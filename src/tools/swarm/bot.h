#pragma once
/// One player of the swarm: a whole client session, a walk that its seed decides, and the times at which its inputs
/// left.

#include <array>
#include <cstdint>

#include "base/histogram.h"
#include "base/prng.h"
#include "client/session.h"
#include "message/input.h"

namespace serried::tools {

/// Walks a while in one direction, turns, sometimes rests, sometimes runs.
class Walker {
 public:
  explicit Walker(std::uint64_t seed) noexcept : dice_(seed) {}
  [[nodiscard]] message::Input step(Nanos now) noexcept;

 private:
  base::Prng dice_;
  Nanos until_ = 0;
  message::Input intention_;
};

struct Bot {
  enum class Phase : std::uint8_t { waiting, shaking, joining, playing, over };

  Bot(const client::ViewOptions& view, std::uint64_t seed) noexcept : session(view), walker(seed) {}

  /// Submit the next input of the walk.
  void play(Nanos now) noexcept;
  /// The session has processed a datagram: record the latency of every input that is now applied and left at or
  /// after `since`.
  void account(Nanos now, Nanos since, base::Histogram& latency) noexcept;

  client::Session session;
  Walker walker;
  Nanos input_at = 0;
  std::uint16_t accounted = 0;  ///< last input sequence whose latency is known
  std::uint16_t local_port = 0;
  Phase phase = Phase::waiting;

 private:
  static constexpr std::size_t remembered = 256;
  std::array<Nanos, remembered> sent_at_{};
};

}  // namespace serried::tools
