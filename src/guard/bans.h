#pragma once
/// What is banned: addresses and networks of any length, each until a moment. One table a kind of ban and lane.

#include <array>
#include <cstdint>

#include "base/fixed_map.h"
#include "base/prng.h"
#include "serried/time.h"
#include "wire/path.h"

namespace serried::guard {

using Address = std::array<std::uint8_t, 16>;

/// A network: the first `bits` of an address, the rest zeros. IPv4 is mapped, so that its /24 has 120 bits.
struct Prefix {
  Address address{};
  std::uint8_t bits = 128;
  bool operator==(const Prefix&) const noexcept = default;
};
inline constexpr unsigned mapped_bits = 96;  ///< that stand before an IPv4 address

/// Precondition: bits <= 128.
[[nodiscard]] Prefix prefix_of(const Address& address, unsigned bits) noexcept;
[[nodiscard]] inline bool contains(const Prefix& prefix, const Address& address) noexcept {
  return prefix_of(address, prefix.bits) == prefix;
}
/// Whether `inner` is `outer` or a part of it.
[[nodiscard]] inline bool contains(const Prefix& outer, const Prefix& inner) noexcept {
  return outer.bits <= inner.bits && contains(outer, inner.address);
}

/// Keyed: without the salt a sender cannot choose where an address falls.
struct AddressHash {
  std::uint64_t salt = 0;
  [[nodiscard]] std::uint64_t operator()(const Address& address, std::uint64_t kind) const noexcept;
  [[nodiscard]] std::size_t operator()(const Prefix& prefix) const noexcept {
    return (*this)(prefix.address, prefix.bits);
  }
};

/// A look-up costs one hash for each length of prefix that is in use, and nothing when there is no ban.
/// Owner   one lane
class BanTable {
 public:
  static constexpr Nanos for_ever = ~Nanos{0};

  BanTable(unsigned capacity, std::uint64_t salt);

  [[nodiscard]] bool any() const noexcept { return bans_.size() != 0; }
  [[nodiscard]] std::size_t size() const noexcept { return bans_.size(); }
  [[nodiscard]] std::size_t places() const noexcept { return bans_.places(); }
  /// Ban until `until`; a ban that is there gets the new end. False when the table is full.
  bool add(const Prefix& prefix, Nanos until) noexcept;
  /// The same, but what lies within it gives up its place to it, and when the table is full the ban with the least time
  /// left does. False when that is the new one. Looks at all of the table when it is full, or when others lie within.
  bool press_in(const Prefix& prefix, Nanos until) noexcept;
  /// False when there was none.
  bool lift(const Prefix& prefix) noexcept;
  [[nodiscard]] bool covers(const Address& address, Nanos now) noexcept;
  /// Forget bans that are over, a few places at a time.
  void sweep(std::size_t places, Nanos now) noexcept;

 private:
  void leave(unsigned bits) noexcept;
  [[nodiscard]] bool has_longer(unsigned bits) const noexcept;

  base::FixedMap<Prefix, Nanos, AddressHash> bans_;
  std::array<std::uint32_t, 129> of_length_{};  ///< bans of each number of bits
  std::array<std::uint8_t, 129> lengths_{};     ///< those that are in use
  unsigned length_count_ = 0;
};

}  // namespace serried::guard
