#pragma once
/// Sessions by the time at which they next have something to send. Each stands here at most once. A turn touches only
/// those that are due, however many wait.
///
///     put -> [slot of a millisecond] x 64 -> turn -> due, in the order of their times -> next
///
/// Lists are linked through the sessions' places, so that one moves from anywhere to anywhere at once.

#include <algorithm>
#include <cstdint>
#include <vector>

#include "serried/time.h"

namespace serried::io {

/// All memory at construction.
/// Owner   one io lane
class SendQueue {
 public:
  static constexpr Nanos slot_time = millisecond;
  static constexpr std::uint32_t slots = 64;  ///< beyond them a session is found early, and put again

  explicit SendQueue(std::uint32_t sessions) : links_(sessions + lists), first_list_(sessions) {
    for (std::uint32_t place = 0; place < links_.size(); ++place) links_[place] = {place, place};
  }

  /// Due at `at`: found by the first turn() of that time, at most slot_time later. Moves it when it stands here.
  void put(std::uint32_t session, Nanos at, Nanos now) noexcept {
    remove(session);
    const Nanos slot = std::min((at + slot_time - 1) / slot_time, turned_ + slots);
    append(at <= now || slot <= turned_ ? list(due) : list(slot % slots), session);
  }
  void remove(std::uint32_t session) noexcept {
    auto& [before, after] = links_[session];
    links_[before].after = after;
    links_[after].before = before;
    before = after = session;
  }

  /// Time passes: what is due by now is what next() gives, behind what it has not given yet. What is put from here on
  /// waits for the next turn.
  void turn(Nanos now) noexcept {
    const Nanos slot = now / slot_time;
    for (Nanos i = 0; i < slots && turned_ < slot; ++i) {
      // A lane that was away for longer has turned past every slot once it has turned past all of them.
      turned_ = std::max(turned_ + 1, slot >= slots ? slot - slots + 1 : Nanos{0});
      move_all(list(turned_ % slots), list(due));
    }
    move_all(list(due), list(round));
  }
  /// False: there is none.
  [[nodiscard]] bool next(std::uint32_t& session) noexcept {
    session = links_[list(round)].after;
    if (session == list(round)) return false;
    remove(session);
    return true;
  }

 private:
  struct Link {
    std::uint32_t before, after;  ///< places; of a session that stands nowhere, and of an empty list: its own
  };
  static constexpr std::uint32_t due = slots, round = slots + 1, lists = slots + 2;

  [[nodiscard]] std::uint32_t list(std::uint64_t number) const noexcept {
    return first_list_ + static_cast<std::uint32_t>(number);
  }
  void append(std::uint32_t to, std::uint32_t session) noexcept {
    const std::uint32_t last = links_[to].before;
    links_[session] = {last, to};
    links_[last].after = links_[to].before = session;
  }
  void move_all(std::uint32_t from, std::uint32_t to) noexcept {
    const auto [last, first] = links_[from];
    if (first == from) return;
    const std::uint32_t end = links_[to].before;
    links_[end].after = first;
    links_[first].before = end;
    links_[last].after = to;
    links_[to].before = last;
    links_[from] = {from, from};
  }

  std::vector<Link> links_;  ///< sessions, then the heads of the lists
  std::uint32_t first_list_;
  Nanos turned_ = 0;  ///< the slot up to which all is due
};

}  // namespace serried::io
