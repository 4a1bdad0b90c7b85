#pragma once
/// Link addresses of hosts that we speak to first (next hop `arp`). One table a device: the answer to a question
/// arrives on whichever queue RSS picks, so all lanes of the device share it. None waits: a reader that meets a
/// writer takes the entry for unknown this once, a writer that meets another leaves it.
///
///     unknown -> asked about, in a table of questions -> answered: among the neighbours -> asked about again
///
/// A sender on the link, or a forger of source addresses, can make us ask, and can say anything unasked. So:
/// - Only the answer to a question that is open is believed. RFC 826 and RFC 4861 7.2.3 would also have us learn
///   from who asks about us. That saves a question, and lets every sender write here; we answer by the station of the
///   frame instead, and ask for ourselves when we have something to say.
/// - A question takes no neighbour's place. It stands in a table of its own, where the oldest gives way; its answer
///   takes the place of the neighbour that was confirmed longest ago.
/// - Routers are pinned: their entries are never another's.
/// - What we know is confirmed by the station that we know, which is asked alone, before another station may be named.
/// - Where an address stands is salted.

#include <array>
#include <atomic>
#include <cstdint>
#include <vector>

#include "port/address.h"
#include "serried/time.h"
#include "wire/link.h"

namespace serried::port {

class Neighbors {
 public:
  /// A neighbour is asked about again after this, and still used,
  static constexpr Nanos fresh = 30 * second;
  /// until this.
  static constexpr Nanos lifetime = 120 * second;
  /// One question a second and host, as RFC 1122 2.3.2.1 asks; so long a question is open.
  static constexpr Nanos ask_interval = second;
  /// A neighbour that is due is first asked alone, three times (RFC 4861 10, MAX_UNICAST_SOLICIT); then all are asked.
  static constexpr Nanos alone_until = fresh + 3 * ask_interval;
  /// Questions about hosts that are not known, at a time.
  static constexpr unsigned questions = 1024;

  /// Room for about `entries` neighbours; allocates everything. `salt` is known to this process alone.
  Neighbors(unsigned entries, std::uint64_t salt);
  /// Keep a place for `router`; not while lanes run. Room is for a few of them.
  void pin(const Address& router) noexcept;

  struct Answer {
    bool known = false;
    bool ask = false;       ///< the caller, and no other lane, is to send a question now
    bool open = false;      ///< a question is on its way, this one or an earlier one
    bool alone = false;     ///< ask `mac`, and not all
    bool stranger = false;  ///< `ask` is about a host that is neither a router nor known: there is no end of those
    wire::Mac mac{};
  };
  /// Unless `ask_strangers`, no question is about a stranger. Of routers and neighbours there are no more questions
  /// than they are, once a second.
  [[nodiscard]] Answer find(const Address& address, Nanos now, bool ask_strangers) noexcept;

  /// A host answered that `address` lives at `mac`; zeros: where we asked it. Without an open question it is said.
  void answered(const Address& address, const wire::Mac& mac, Nanos now) noexcept;
  /// A host said so unasked. Where that contradicts what is known, the neighbour is asked as if it were due: it may
  /// have moved.
  void said(const Address& address, const wire::Mac& mac, Nanos now) noexcept;

 private:
  /// A sequence lock: odd while a lane writes.
  struct alignas(64) Entry {
    std::atomic<std::uint32_t> sequence{0};
    bool pinned = false;
    std::atomic<std::uint64_t> key_high{0}, key_low{0};  ///< both 0: unused (:: is no neighbour)
    std::atomic<std::uint64_t> mac{0};                   ///< 0: not known yet
    std::atomic<std::uint64_t> confirmed_at{0};
    std::atomic<std::uint64_t> asked_at{0};  ///< claimed by compare and exchange, outside the lock
  };
  struct Key {
    std::uint64_t high, low;
  };
  using Table = std::vector<Entry>;
  static constexpr unsigned probes = 8;
  static constexpr std::uint64_t never = ~std::uint64_t{0};

  [[nodiscard]] static Key key_of(const Address& address) noexcept;
  [[nodiscard]] std::uint64_t hash(const Key& key) const noexcept;
  [[nodiscard]] Entry* find_entry(Table& table, const Key& key) const noexcept;
  [[nodiscard]] Entry& victim(Table& table, const Key& key) const noexcept;
  static bool write(Entry& entry, const Key& key, std::uint64_t mac, Nanos confirmed_at, bool fresh_entry) noexcept;
  [[nodiscard]] static bool is_open(const Entry& entry, Nanos now) noexcept;

  std::uint64_t salt_;
  Table neighbors_, questions_;
};

}  // namespace serried::port
