#pragma once
/// A hash map of fixed capacity: all memory at construction, linear probing, no tombstones (a removal shifts the run
/// behind it back). For tables that an attacker may try to fill: `insert` refuses when full, and the caller's hash
/// must be keyed or come from data that he cannot choose freely.

#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace serried::base {

template <class Key, class Value, class Hash>
class FixedMap {
 public:
  struct Entry {
    Key key;
    Value value;
  };

  /// Room for `capacity` entries at a load of at most one half.
  explicit FixedMap(std::size_t capacity, Hash hash = {})
      : slots_(std::bit_ceil(2 * capacity + 1)), mask_(slots_.size() - 1), capacity_(capacity), hash_(hash) {}

  [[nodiscard]] Value* find(const Key& key) noexcept {
    for (std::size_t i = home(key); slots_[i]; i = (i + 1) & mask_)
      if (slots_[i]->key == key) return &slots_[i]->value;
    return nullptr;
  }
  /// The value of `key`, new or already there; nullptr when a new one finds no room.
  Value* insert(const Key& key, const Value& value) noexcept {
    std::size_t i = home(key);
    for (; slots_[i]; i = (i + 1) & mask_)
      if (slots_[i]->key == key) return &slots_[i]->value;
    if (size_ == capacity_) return nullptr;
    slots_[i].emplace(Entry{key, value});
    ++size_;
    return &slots_[i]->value;
  }
  bool erase(const Key& key) noexcept {
    for (std::size_t i = home(key); slots_[i]; i = (i + 1) & mask_) {
      if (!(slots_[i]->key == key)) continue;
      erase_at(i);
      return true;
    }
    return false;
  }
  /// Look at `count` places, from where the last sweep stopped, and remove what `expired(key, value)` says. The
  /// table is swept bit by bit, so that no poll pays for all of it.
  template <class Expired>
  void sweep(std::size_t count, Expired&& expired) noexcept {
    for (std::size_t n = 0; n < count; ++n) {
      cursor_ = (cursor_ + 1) & mask_;
      while (slots_[cursor_] && expired(slots_[cursor_]->key, slots_[cursor_]->value)) erase_at(cursor_);
    }
  }

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }
  [[nodiscard]] std::size_t places() const noexcept { return slots_.size(); }

 private:
  [[nodiscard]] std::size_t home(const Key& key) const noexcept { return hash_(key) & mask_; }

  void erase_at(std::size_t hole) noexcept {
    for (std::size_t i = (hole + 1) & mask_; slots_[i]; i = (i + 1) & mask_) {
      // Does the entry at i still belong at or before the hole, seen round the ring?
      if (((i - home(slots_[i]->key)) & mask_) >= ((i - hole) & mask_)) {
        slots_[hole] = slots_[i];
        hole = i;
      }
    }
    slots_[hole].reset();
    --size_;
  }

  std::vector<std::optional<Entry>> slots_;
  std::size_t mask_;
  std::size_t capacity_;
  std::size_t size_ = 0;
  std::size_t cursor_ = 0;
  Hash hash_;
};

}  // namespace serried::base
