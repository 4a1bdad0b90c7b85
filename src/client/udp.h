#pragma once
/// The client's own UDP socket, non-blocking, connected to the server, so that the kernel
/// drops strangers' datagrams before they cost us anything.

#include <cstddef>
#include <cstdint>
#include <span>

#include "serried/result.h"
#include "serried/time.h"
#include "wire/path.h"

namespace serried::client {

class Udp {
 public:
  /// Error: no way to the server, no IPv6 for one that needs it, no port left for us.
  static Result<Udp> open(const wire::Path& server, int receive_bytes);
  Udp(Udp&& other) noexcept : file_(other.file_) { other.file_ = -1; }
  Udp& operator=(Udp&& other) noexcept;
  ~Udp();

  /// Bytes received, or 0: nothing there (errors of earlier sends, as ICMP brings them, count as nothing).
  [[nodiscard]] std::size_t receive(std::span<std::uint8_t> to) noexcept;
  /// False: the system did not take it, which is a lost datagram like any other.
  bool send(std::span<const std::uint8_t> datagram) noexcept;
  /// Until something can be received, or `span` is over.
  void wait(Nanos span) noexcept;

 private:
  explicit Udp(int file) noexcept : file_(file) {}
  int file_ = -1;
};

}  // namespace serried::client
