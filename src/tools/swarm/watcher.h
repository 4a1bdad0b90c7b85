#pragma once
/// What one bot in so many does beside playing: it draws what it sees, as a game's client does, through the same code.
/// A frame at each input: of one entity that it follows, since thousands of bots share a core; once a second of
/// everything. What it sees is measured, and where it cannot be right, counted.

#include <array>
#include <bitset>
#include <cstdint>

#include "base/histogram.h"
#include "serried/client.h"
#include "view/view.h"

namespace serried::tools {

/// Of all bots that draw.
/// Owner   the fleet
struct Watched {
  std::uint64_t frames = 0;     ///< with an entity that moves
  std::uint64_t repeated = 0;   ///< that showed it where the frame before did
  std::uint64_t scenes = 0;     ///< whole ones
  std::uint64_t faults = 0;     ///< time that jumped, an entity twice or nowhere: the client is wrong
  base::Histogram speed_error;  ///< of what is shown over 100 ms against its velocity, in 1/10,000
  base::Histogram behind;       ///< how far the scene is behind the server, ns
  std::bitset<65'536> slots;    ///< of one scene
};

/// Owner   one bot
class Watcher {
 public:
  /// A frame of `view` at `now`. Once a second all of the scene is drawn.
  void frame(const view::View& view, Nanos now, Watched& watched) noexcept;

 private:
  static constexpr unsigned kept = 16;

  struct Sight {
    Nanos at = 0;
    std::array<float, 3> position{}, velocity{};
  };
  void check_time(const view::View& view, view::SceneTime time, Nanos now, Watched& watched) noexcept;
  void draw_all(const view::View& view, Nanos now, Watched& watched) noexcept;
  void follow(const view::View& view, view::SceneTime time, Nanos now, Watched& watched) noexcept;
  [[nodiscard]] Sight& sight(unsigned ago) noexcept { return sights_[(seen_ - ago) % kept]; }

  view::SceneTime time_;
  Nanos drawn_at_ = 0;      ///< the last frame
  Nanos all_drawn_ = 0;     ///< the last whole scene
  std::uint32_t seen_ = 0;  ///< frames of what is followed
  std::uint16_t slot_ = 0;
  std::uint8_t generation_ = 0;
  bool following_ = false;
  std::array<Sight, kept> sights_{};
};

}  // namespace serried::tools
