#pragma once
/// A hash map of fixed capacity: all memory at construction, linear probing, no tombstones (a removal shifts the run
/// behind it back). For tables that an attacker may try to fill: `insert` refuses when full, and the caller's hash
/// must be keyed or come from data that an attacker cannot choose freely.

#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

namespace serried::base {

template <class Key, class Value, class Hash>
class FixedMap {
 public:
  struct Entry {
    Key key{};
    Value value{};
  };

  /// Room for `capacity` entries at a load of at most one half.
  explicit FixedMap(std::size_t capacity, Hash hash = {})
      : tags_(std::bit_ceil(2 * capacity + 1)),
        slots_(tags_.size()),
        mask_(tags_.size() - 1),
        capacity_(capacity),
        hash_(hash) {}

  [[nodiscard]] Value* find(const Key& key) noexcept {
    const std::size_t at = place_of(key, hash_(key));
    return tags_[at] != free_tag ? &slots_[at].value : nullptr;
  }
  /// The value of `key`, new or already there; nullptr when a new one finds no room.
  Value* insert(const Key& key, const Value& value) noexcept {
    const std::size_t hash = hash_(key), at = place_of(key, hash);
    if (tags_[at] != free_tag) return &slots_[at].value;
    if (size_ == capacity_) return nullptr;
    tags_[at] = tag_of(hash);
    slots_[at] = {key, value};
    ++size_;
    return &slots_[at].value;
  }
  bool erase(const Key& key) noexcept {
    const std::size_t at = place_of(key, hash_(key));
    if (tags_[at] == free_tag) return false;
    erase_at(at);
    return true;
  }
  /// Look at `count` places, from where the last sweep stopped, and remove what `expired(key, value)` says. The
  /// table is swept bit by bit, so that no poll pays for all of it.
  template <class Expired>
  void sweep(std::size_t count, Expired&& expired) noexcept {
    for (std::size_t n = 0; n < count; ++n) {
      cursor_ = (cursor_ + 1) & mask_;
      while (tags_[cursor_] != free_tag && expired(slots_[cursor_].key, slots_[cursor_].value)) erase_at(cursor_);
    }
  }
  /// All entries: `each(key, value)`, in no order. Looks at every place.
  template <class Each>
  void for_each(Each&& each) const noexcept {
    for (std::size_t i = 0; i < tags_.size(); ++i)
      if (tags_[i] != free_tag) each(slots_[i].key, slots_[i].value);
  }

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }
  [[nodiscard]] std::size_t places() const noexcept { return slots_.size(); }

 private:
  /// A byte of the hash for each place: a key that is not there is found missing without a look at the entries, which
  /// are many times as large as this and seldom in a cache.
  static constexpr std::uint8_t free_tag = 0;
  [[nodiscard]] static std::uint8_t tag_of(std::size_t hash) noexcept {
    return static_cast<std::uint8_t>(hash >> (std::numeric_limits<std::size_t>::digits - 8) | 1);
  }

  /// Where `key` is, or else the free place where it would be.
  [[nodiscard]] std::size_t place_of(const Key& key, std::size_t hash) const noexcept {
    const std::uint8_t tag = tag_of(hash);
    std::size_t i = hash & mask_;
    while (tags_[i] != free_tag && !(tags_[i] == tag && slots_[i].key == key)) i = (i + 1) & mask_;
    return i;
  }

  void erase_at(std::size_t hole) noexcept {
    for (std::size_t i = (hole + 1) & mask_; tags_[i] != free_tag; i = (i + 1) & mask_) {
      // Does the entry at i still belong at or before the hole, seen round the ring?
      if (((i - hash_(slots_[i].key)) & mask_) >= ((i - hole) & mask_)) {
        tags_[hole] = tags_[i];
        slots_[hole] = slots_[i];
        hole = i;
      }
    }
    tags_[hole] = free_tag;
    slots_[hole] = {};
    --size_;
  }

  std::vector<std::uint8_t> tags_;
  std::vector<Entry> slots_;  ///< as new where the tag is free
  std::size_t mask_;
  std::size_t capacity_;
  std::size_t size_ = 0;
  std::size_t cursor_ = 0;
  Hash hash_;
};

}  // namespace serried::base
