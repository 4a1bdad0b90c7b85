#pragma once
/// The addresses of this machine that datagrams have come to, where a socket takes all of them: a path names one by its
/// number (wire::Path::local_address), so that an answer leaves from the address that was asked.

#include <array>
#include <atomic>
#include <cstdint>

#include "port/address.h"

namespace serried::port {

/// Shared by the sockets of all lanes: a datagram that one of them received may be answered by another. Any thread. An
/// address that was given a number keeps it.
class LocalAddresses {
 public:
  static constexpr unsigned max = 255;

  /// 0: there is no room for another one, or it is a group's. The system then chooses where answers come from.
  [[nodiscard]] std::uint8_t number_of(const Address& address) noexcept;
  /// Precondition: `number` is not 0, and number_of gave it.
  [[nodiscard]] const Address& at(std::uint8_t number) const noexcept { return places_[number - 1U].address; }

 private:
  struct Place {
    std::atomic<bool> ready{false};
    Address address{};
  };
  std::array<Place, max> places_;
  std::atomic<unsigned> claimed_{0};
};

}  // namespace serried::port
