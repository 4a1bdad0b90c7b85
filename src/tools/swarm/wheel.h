#pragma once
/// When each bot wants to be served next: a timing wheel of half-millisecond slots over indices 0 to count - 1, each in
/// at most one slot. What lies beyond the horizon waits in its last slot and is asked again there.
/// Owner   the engine

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "serried/time.h"

namespace serried::tools {

class Wheel {
 public:
  static constexpr Nanos slot_span = 500 * microsecond;
  static constexpr std::uint32_t slots = 8192;  // 4 s
  static constexpr std::uint32_t nil = ~std::uint32_t{0};

  Wheel(std::uint32_t count, Nanos now) : links_(count), turned_to_(now / slot_span) { heads_.fill(nil); }

  /// Serve `index` at `at`, or as soon as possible when that is past; replaces what was set before.
  void set(std::uint32_t index, Nanos at) noexcept {
    remove(index);
    const std::uint64_t first = turned_to_ + 1;
    const std::uint64_t slot = std::clamp<std::uint64_t>(at / slot_span, first, first + slots - 2);
    Link& link = links_[index];
    link.due = at;
    link.slot = static_cast<std::uint32_t>(slot % slots);
    link.next = heads_[link.slot];
    link.previous = nil;
    if (link.next != nil) links_[link.next].previous = index;
    heads_[link.slot] = index;
  }
  void remove(std::uint32_t index) noexcept {
    Link& link = links_[index];
    if (link.slot == nil) return;
    if (link.previous != nil)
      links_[link.previous].next = link.next;
    else
      heads_[link.slot] = link.next;
    if (link.next != nil) links_[link.next].previous = link.previous;
    link.slot = nil;
  }
  /// When `index` is to be served; ~0 when it is not set.
  [[nodiscard]] Nanos due(std::uint32_t index) const noexcept {
    return links_[index].slot == nil ? ~Nanos{0} : links_[index].due;
  }

  /// Take whatever is due up to `now` out of the wheel, and serve it: `serve(index, due)` may set it again.
  /// Returns how many were served.
  template <class Serve>
  std::uint32_t turn(Nanos now, Serve&& serve) {
    const std::uint64_t end = now / slot_span;
    // After a long pause one round meets every slot.
    if (end > turned_to_ + slots) turned_to_ = end - slots;
    std::uint32_t served = 0;
    while (turned_to_ < end) {
      ++turned_to_;
      std::uint32_t& head = heads_[turned_to_ % slots];
      while (head != nil) {
        const std::uint32_t index = head;
        const Nanos due_at = links_[index].due;
        remove(index);
        serve(index, due_at);
        ++served;
      }
    }
    return served;
  }

 private:
  struct Link {
    Nanos due = 0;
    std::uint32_t slot = nil;
    std::uint32_t previous = nil, next = nil;
  };
  std::vector<Link> links_;
  std::array<std::uint32_t, slots> heads_;
  std::uint64_t turned_to_;
};

}  // namespace serried::tools
