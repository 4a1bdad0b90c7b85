#pragma once
/// Link addresses of hosts that we speak to first (next hop `arp`). One table a device: the answer to a question
/// arrives on whichever queue RSS picks, so all lanes of the device share it. None waits: a reader that meets a
/// writer takes the entry for unknown this once, a writer that meets another leaves it.

#include <atomic>
#include <cstdint>
#include <vector>

#include "port/address.h"
#include "serried/time.h"
#include "wire/link.h"

namespace serried::port {

class Neighbors {
 public:
  /// An entry is asked about again after this, and still used,
  static constexpr Nanos fresh = 30 * second;
  /// until this.
  static constexpr Nanos lifetime = 120 * second;
  /// One question a second and host, as RFC 1122 2.3.2.1 asks.
  static constexpr Nanos ask_interval = second;

  /// Room for about `entries` hosts; allocates everything.
  explicit Neighbors(unsigned entries);

  struct Answer {
    bool known = false;
    bool ask = false;  ///< the caller, and no other lane, is to send a question now
    wire::Mac mac{};
  };
  /// An unknown address gets an entry that waits for its answer.
  [[nodiscard]] Answer find(const Address& address, Nanos now) noexcept;

  /// `address` lives at `mac`. Unless `create`, only an entry that is there changes: an unasked answer adds none.
  void learn(const Address& address, const wire::Mac& mac, Nanos now, bool create) noexcept;

 private:
  /// A sequence lock: odd while a lane writes.
  struct alignas(64) Entry {
    std::atomic<std::uint32_t> sequence{0};
    std::atomic<std::uint64_t> key_high{0}, key_low{0};  ///< both 0: unused (:: is no neighbour)
    std::atomic<std::uint64_t> mac{0};                   ///< 0: not known yet
    std::atomic<std::uint64_t> confirmed_at{0};
    std::atomic<std::uint64_t> asked_at{0};  ///< claimed by compare and exchange, outside the lock
  };
  struct Key {
    std::uint64_t high, low;
  };
  static constexpr unsigned probes = 8;
  static constexpr std::uint64_t never = ~std::uint64_t{0};

  [[nodiscard]] Entry* find_entry(const Key& key) noexcept;
  [[nodiscard]] Entry& victim(const Key& key) noexcept;
  bool write(Entry& entry, const Key& key, std::uint64_t mac, Nanos confirmed_at, bool fresh_entry) noexcept;

  std::vector<Entry> entries_;
};

}  // namespace serried::port
