#include "port/local_addresses.h"

#include <algorithm>

namespace serried::port {

std::uint8_t LocalAddresses::number_of(const Address& address) noexcept {
  if (is_group(address)) return 0;
  const unsigned end = std::min(claimed_.load(std::memory_order_relaxed), max);
  for (unsigned i = 0; i < end; ++i)
    if (places_[i].ready.load(std::memory_order_acquire) && wire::same_address(places_[i].address, address))
      return static_cast<std::uint8_t>(i + 1);
  if (end == max) return 0;
  // Two lanes that see an address for the first time at once give it two numbers: each is good.
  const unsigned place = claimed_.fetch_add(1, std::memory_order_relaxed);
  if (place >= max) return 0;
  places_[place].address = address;
  places_[place].ready.store(true, std::memory_order_release);
  return static_cast<std::uint8_t>(place + 1);
}

}  // namespace serried::port
