#pragma once
/// One player of the swarm: a whole client session, a walk that its seed decides, and when its inputs leave.

#include <cstdint>
#include <memory>

#include "base/histogram.h"
#include "base/prng.h"
#include "client/requests.h"
#include "message/input.h"
#include "peer/input_pacer.h"
#include "peer/session.h"
#include "tools/swarm/watcher.h"

namespace serried::tools {

/// Walks a while in one direction, turns, sometimes rests, sometimes runs.
class Walker {
 public:
  explicit Walker(std::uint64_t seed) noexcept : rng_(seed) {}
  [[nodiscard]] message::Input step(Nanos now) noexcept;

 private:
  base::Prng rng_;
  Nanos until_ = 0;
  message::Input intention_;
};

/// Something that is done so often a minute, at random times: between half and one and a half intervals apart.
class Habit {
 public:
  Habit() = default;
  /// 0: never.
  explicit Habit(double per_minute) noexcept;
  [[nodiscard]] bool due(Nanos now, base::Prng& rng) noexcept;

 private:
  Nanos interval_ = 0;
  Nanos at_ = 0;
};

struct Habits {
  Habit chat, command, roam;
};

/// What every turn touches comes first, before the session and its first lines.
struct alignas(64) Bot {
  enum class Phase : std::uint8_t { waiting, shaking, joining, playing, over };

  explicit Bot(const view::ViewOptions& view, std::uint64_t seed, std::uint64_t player = 0,
               const Habits& own_habits = {}) noexcept
      : walker(seed), habits(own_habits), rng(base::mix(seed, 1)), session(view), requests(player) {}

  /// Ask for the memory that its next turn touches, some turns before; then, a little later, for what that memory says
  /// where it is.
  void prefetch() const noexcept;
  void prefetch_more() const noexcept;

  /// Submit the next input of the walk.
  void play(Nanos now) noexcept;
  /// Chat and send commands when it is time to.
  void talk(Nanos now);
  /// The session has processed a datagram: record the latency of every input that is now applied and left at or
  /// after `since`.
  void account(Nanos now, Nanos since, base::Histogram& latency) noexcept;

  Nanos input_at = 0;
  std::uint16_t accounted = 0;  ///< last input sequence whose latency is known
  std::uint16_t local_port = 0;
  Phase phase = Phase::waiting;
  Walker walker;
  Habits habits;
  base::Prng rng;  ///< of the habits
  peer::Session session;
  client::Requests requests;
  peer::InputPacer pacer;
  std::uint32_t chats = 0, commands = 0;
  std::unique_ptr<Watcher> watcher;  ///< of a bot that draws
};

}  // namespace serried::tools
