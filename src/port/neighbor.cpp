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

bool is_group_mac(const wire::Mac& mac) noexcept { return (mac[0] & 1) != 0; }

Nanos age_of(Nanos then, Nanos now) noexcept { return now > then ? now - then : 0; }  // lanes' clocks differ

wire::Mac unpack(std::uint64_t packed) noexcept {
  wire::Mac mac;
  std::memcpy(mac.data(), &packed, mac.size());
  return mac;
}

}  // namespace

SERRIED_SETUP Neighbors::Neighbors(unsigned entries, std::uint64_t salt)
    : salt_(salt), neighbors_(std::bit_ceil(std::max(entries, probes))), questions_(questions) {}

Neighbors::Key Neighbors::key_of(const Address& address) noexcept {
  Key key;
  std::memcpy(&key.high, address.data(), 8);
  std::memcpy(&key.low, address.data() + 8, 8);
  return key;
}

SERRIED_SETUP void Neighbors::pin(const Address& router) noexcept {
  const Key key = key_of(router);
  Entry* entry = find_entry(neighbors_, key);
  if (entry == nullptr) {
    entry = &victim(neighbors_, key);
    write(*entry, key, 0, 0, true);
  }
  entry->pinned = true;
}

std::uint64_t Neighbors::hash(const Key& key) const noexcept { return base::mix(salt_ ^ key.high, key.low); }

Neighbors::Entry* Neighbors::find_entry(Table& table, const Key& key) const noexcept {
  const std::uint64_t first = hash(key);
  for (unsigned i = 0; i < probes; ++i) {
    Entry& entry = table[(first + i) & (table.size() - 1)];
    if (entry.key_low.load(std::memory_order_relaxed) == key.low &&
        entry.key_high.load(std::memory_order_relaxed) == key.high)
      return &entry;
  }
  return nullptr;
}

/// An unused entry, or the one that was confirmed longest ago, or, never confirmed, asked about. Never a pinned one,
/// except where all are.
Neighbors::Entry& Neighbors::victim(Table& table, const Key& key) const noexcept {
  const std::uint64_t first = hash(key);
  Entry* oldest = nullptr;
  Nanos oldest_at = never;
  for (unsigned i = 0; i < probes; ++i) {
    Entry& entry = table[(first + i) & (table.size() - 1)];
    if (entry.key_low.load(std::memory_order_relaxed) == 0 && entry.key_high.load(std::memory_order_relaxed) == 0)
      return entry;
    const bool confirmed = entry.mac.load(std::memory_order_relaxed) != 0;
    const Nanos at = (confirmed ? entry.confirmed_at : entry.asked_at).load(std::memory_order_relaxed);
    if (oldest == nullptr || (!entry.pinned && at < oldest_at)) {
      oldest = &entry;
      oldest_at = entry.pinned ? never : at;
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

/// Asked since it was confirmed, and not too long ago.
bool Neighbors::is_open(const Entry& entry, Nanos now) noexcept {
  const std::uint64_t asked_at = entry.asked_at.load(std::memory_order_relaxed);
  if (asked_at == never || age_of(asked_at, now) >= ask_interval) return false;
  return entry.mac.load(std::memory_order_relaxed) == 0 ||
         asked_at > entry.confirmed_at.load(std::memory_order_relaxed);
}

Neighbors::Answer Neighbors::find(const Address& address, Nanos now, bool ask_strangers) noexcept {
  const Key key = key_of(address);
  Entry* entry = find_entry(neighbors_, key);
  if (entry == nullptr) {
    entry = find_entry(questions_, key);
    if (entry == nullptr) {
      if (!ask_strangers) return {};
      entry = &victim(questions_, key);
      if (!write(*entry, key, 0, 0, true)) return {};
    }
  }
  Answer answer;
  const std::uint32_t before = entry->sequence.load(std::memory_order_acquire);
  const bool same = entry->key_low.load(std::memory_order_relaxed) == key.low &&
                    entry->key_high.load(std::memory_order_relaxed) == key.high;
  const std::uint64_t mac = entry->mac.load(std::memory_order_relaxed);
  const Nanos confirmed_at = entry->confirmed_at.load(std::memory_order_relaxed);
  std::atomic_thread_fence(std::memory_order_acquire);
  if (before % 2 != 0 || !same || entry->sequence.load(std::memory_order_relaxed) != before) return {};

  const Nanos age = age_of(confirmed_at, now);
  answer.known = mac != 0 && age < lifetime;
  answer.mac = unpack(mac);
  if (answer.known && age < fresh) return answer;
  answer.alone = answer.known && age < alone_until;
  answer.stranger = !answer.known && !entry->pinned;
  std::uint64_t asked_at = entry->asked_at.load(std::memory_order_relaxed);
  if ((!answer.stranger || ask_strangers) && (asked_at == never || age_of(asked_at, now) >= ask_interval))
    answer.ask = entry->asked_at.compare_exchange_strong(asked_at, now, std::memory_order_relaxed);
  answer.open = answer.ask || is_open(*entry, now);
  return answer;
}

void Neighbors::answered(const Address& address, const wire::Mac& mac, Nanos now) noexcept {
  if (is_group_mac(mac)) return;
  const Key key = key_of(address);
  if (Entry* const entry = find_entry(neighbors_, key); entry != nullptr) {
    if (!is_open(*entry, now)) return said(address, mac, now);
    const std::uint64_t known = entry->mac.load(std::memory_order_relaxed);
    const std::uint64_t given = pack(mac) != 0 ? pack(mac) : known;
    const bool alone = known != 0 && age_of(entry->confirmed_at.load(std::memory_order_relaxed), now) < alone_until;
    if (given != 0 && (!alone || given == known)) write(*entry, key, given, now, false);
    return;
  }
  Entry* const question = find_entry(questions_, key);
  if (question == nullptr || pack(mac) == 0 || !is_open(*question, now)) return;
  // The question stays if another lane writes here: the next answer tries again.
  if (write(victim(neighbors_, key), key, pack(mac), now, true)) write(*question, {0, 0}, 0, 0, true);
}

void Neighbors::said(const Address& address, const wire::Mac& mac, Nanos now) noexcept {
  if (is_group_mac(mac) || pack(mac) == 0 || now < fresh) return;
  const Key key = key_of(address);
  Entry* const entry = find_entry(neighbors_, key);
  if (entry == nullptr) return;
  const std::uint64_t known = entry->mac.load(std::memory_order_relaxed);
  if (known == 0 || known == pack(mac)) return;
  if (age_of(entry->confirmed_at.load(std::memory_order_relaxed), now) < fresh)
    write(*entry, key, known, now - fresh, false);
}

}  // namespace serried::port
