#include "port/neighbor.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "base/prng.h"
#include "base/setup.h"

namespace serried::port {
namespace {

std::uint64_t pack(const wire::Mac& mac) noexcept {
  std::uint64_t packed = 0;
  std::memcpy(&packed, mac.data(), mac.size());
  return packed;
}

wire::Mac unpack(std::uint64_t packed) noexcept {
  wire::Mac mac;
  std::memcpy(mac.data(), &packed, mac.size());
  return mac;
}

}  // namespace

SERRIED_SETUP Neighbors::Neighbors(unsigned entries) : entries_(std::bit_ceil(std::max(entries, probes))) {}

Neighbors::Entry* Neighbors::find_entry(const Key& key) noexcept {
  const std::uint64_t first = base::mix(key.high, key.low);
  for (unsigned i = 0; i < probes; ++i) {
    Entry& entry = entries_[(first + i) & (entries_.size() - 1)];
    if (entry.key_low.load(std::memory_order_relaxed) == key.low &&
        entry.key_high.load(std::memory_order_relaxed) == key.high)
      return &entry;
  }
  return nullptr;
}

/// An unused entry, or the one that has been silent longest.
Neighbors::Entry& Neighbors::victim(const Key& key) noexcept {
  const std::uint64_t first = base::mix(key.high, key.low);
  Entry* oldest = nullptr;
  Nanos oldest_at = never;
  for (unsigned i = 0; i < probes; ++i) {
    Entry& entry = entries_[(first + i) & (entries_.size() - 1)];
    if (entry.key_low.load(std::memory_order_relaxed) == 0 && entry.key_high.load(std::memory_order_relaxed) == 0)
      return entry;
    const std::uint64_t asked = entry.asked_at.load(std::memory_order_relaxed);
    const Nanos at = std::max(entry.confirmed_at.load(std::memory_order_relaxed), asked == never ? 0 : asked);
    if (oldest == nullptr || at < oldest_at) {
      oldest = &entry;
      oldest_at = at;
    }
  }
  return *oldest;
}

bool Neighbors::write(Entry& entry, const Key& key, std::uint64_t mac, Nanos confirmed_at, bool fresh_entry) noexcept {
  std::uint32_t sequence = entry.sequence.load(std::memory_order_relaxed);
  if (sequence % 2 != 0 || !entry.sequence.compare_exchange_strong(sequence, sequence + 1, std::memory_order_acquire))
    return false;
  std::atomic_thread_fence(std::memory_order_release);
  entry.key_high.store(key.high, std::memory_order_relaxed);
  entry.key_low.store(key.low, std::memory_order_relaxed);
  entry.mac.store(mac, std::memory_order_relaxed);
  entry.confirmed_at.store(confirmed_at, std::memory_order_relaxed);
  if (fresh_entry) entry.asked_at.store(never, std::memory_order_relaxed);
  entry.sequence.store(sequence + 2, std::memory_order_release);
  return true;
}

Neighbors::Answer Neighbors::find(const Address& address, Nanos now) noexcept {
  Key key;
  std::memcpy(&key.high, address.data(), 8);
  std::memcpy(&key.low, address.data() + 8, 8);
  Entry* entry = find_entry(key);
  if (entry == nullptr) {
    entry = &victim(key);
    if (!write(*entry, key, 0, 0, true)) return {};
  }
  Answer answer;
  const std::uint32_t before = entry->sequence.load(std::memory_order_acquire);
  const bool same = entry->key_low.load(std::memory_order_relaxed) == key.low &&
                    entry->key_high.load(std::memory_order_relaxed) == key.high;
  const std::uint64_t mac = entry->mac.load(std::memory_order_relaxed);
  const Nanos confirmed_at = entry->confirmed_at.load(std::memory_order_relaxed);
  std::atomic_thread_fence(std::memory_order_acquire);
  if (before % 2 != 0 || !same || entry->sequence.load(std::memory_order_relaxed) != before) return {};

  const Nanos age = now > confirmed_at ? now - confirmed_at : 0;
  answer.known = mac != 0 && age < lifetime;
  answer.mac = unpack(mac);
  if (answer.known && age < fresh) return answer;
  std::uint64_t asked_at = entry->asked_at.load(std::memory_order_relaxed);
  if (asked_at == never || (now > asked_at && now - asked_at >= ask_interval))
    answer.ask = entry->asked_at.compare_exchange_strong(asked_at, now, std::memory_order_relaxed);
  return answer;
}

void Neighbors::learn(const Address& address, const wire::Mac& mac, Nanos now, bool create) noexcept {
  if (pack(mac) == 0 || (mac[0] & 1) != 0) return;
  Key key;
  std::memcpy(&key.high, address.data(), 8);
  std::memcpy(&key.low, address.data() + 8, 8);
  Entry* entry = find_entry(key);
  if (entry == nullptr && create) entry = &victim(key);
  if (entry != nullptr) write(*entry, key, pack(mac), now, false);
}

}  // namespace serried::port
