#include "guard/bans.h"

#include <algorithm>
#include <cstring>

#include "base/bytes.h"
#include "base/setup.h"

namespace serried::guard {

Prefix prefix_of(const Address& address, unsigned bits) noexcept {
  Prefix prefix{address, static_cast<std::uint8_t>(bits)};
  for (unsigned word = 0; word < 2; ++word) {
    const unsigned kept = std::clamp(static_cast<int>(bits) - static_cast<int>(64 * word), 0, 64);
    const std::uint64_t mask = kept == 0 ? 0 : base::byte_swapped(~std::uint64_t{0} << (64 - kept));
    std::uint8_t* const at = prefix.address.data() + 8 * word;
    base::store(at, base::load<std::uint64_t>(at) & mask);
  }
  return prefix;
}

std::uint64_t AddressHash::operator()(const Address& address, std::uint64_t kind) const noexcept {
  return base::mix(salt ^ base::load<std::uint64_t>(address.data()), base::load<std::uint64_t>(address.data() + 8),
                   kind);
}

SERRIED_SETUP BanTable::BanTable(unsigned capacity, std::uint64_t salt) : bans_(capacity, AddressHash{salt}) {}

bool BanTable::add(const Prefix& prefix, Nanos until) noexcept {
  const std::size_t before = bans_.size();
  Nanos* const end = bans_.insert(prefix, until);
  if (end == nullptr) return false;
  *end = until;
  if (bans_.size() != before && of_length_[prefix.bits]++ == 0) lengths_[length_count_++] = prefix.bits;
  return true;
}

bool BanTable::press_in(const Prefix& prefix, Nanos until) noexcept {
  if (has_longer(prefix.bits))
    bans_.sweep(bans_.places(), [&](const Prefix& other, Nanos) noexcept {
      if (other.bits <= prefix.bits || !contains(prefix, other)) return false;
      leave(other.bits);
      return true;
    });
  if (add(prefix, until)) return true;
  Prefix least;
  Nanos least_until = until;
  bans_.for_each([&](const Prefix& other, Nanos end) noexcept {
    if (end >= least_until) return;
    least = other;
    least_until = end;
  });
  return least_until < until && lift(least) && add(prefix, until);
}

bool BanTable::has_longer(unsigned bits) const noexcept {
  return std::any_of(lengths_.begin(), lengths_.begin() + length_count_,
                     [&](unsigned length) { return length > bits; });
}

bool BanTable::lift(const Prefix& prefix) noexcept {
  if (!bans_.erase(prefix)) return false;
  leave(prefix.bits);
  return true;
}

bool BanTable::covers(const Address& address, Nanos now) noexcept {
  for (unsigned i = 0; i < length_count_; ++i) {
    const Nanos* const until = bans_.find(prefix_of(address, lengths_[i]));
    if (until != nullptr && now < *until) return true;
  }
  return false;
}

void BanTable::sweep(std::size_t places, Nanos now) noexcept {
  if (!any()) return;
  bans_.sweep(places, [&](const Prefix& prefix, Nanos until) noexcept {
    if (now < until) return false;
    leave(prefix.bits);
    return true;
  });
}

void BanTable::leave(unsigned bits) noexcept {
  if (--of_length_[bits] != 0) return;
  const auto end = lengths_.begin() + length_count_--;
  *std::find(lengths_.begin(), end, bits) = *(end - 1);
}

}  // namespace serried::guard
