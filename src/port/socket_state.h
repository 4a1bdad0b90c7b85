#pragma once
/// The message headers and slabs that Socket hands to the kernel, built once. Private to socket.cpp and
/// socket_open.cpp.

#include <sys/uio.h>

#include "port/socket.h"

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef UDP_GRO
#define UDP_GRO 104
#endif

namespace serried::port {

struct SocketName {
  sockaddr_storage storage;
};

struct Socket::Receiver {
  static constexpr std::size_t spare_bytes = BufferPool::data_bytes_max;
  /// Spare, the largest message, and an odd number of cache lines so that slabs do not alias each other's sets.
  static constexpr std::size_t slab_bytes = spare_bytes + 65536 + 7 * 64;

  mmsghdr messages[burst]{};
  iovec parts[burst][2]{};
  SocketName names[burst]{};
  alignas(16) std::uint8_t controls[burst][control_bytes]{};
  wire::Buffer buffers[burst]{};          ///< armed: kept from one call to the next
  std::unique_ptr<std::uint8_t[]> slabs;  ///< null without GRO

  /// Joined messages that a batch had no room for, oldest first; they lie in their slabs.
  struct Pending {
    std::uint16_t slab = 0, segment_bytes = 0;
    std::uint32_t offset = 0, bytes = 0;
    wire::Path path{};
  };
  Pending pending[burst]{};
  unsigned pending_first = 0, pending_count = 0;

  [[nodiscard]] std::uint8_t* slab(unsigned index) const noexcept { return slabs.get() + index * slab_bytes; }
};

struct Socket::Sender {
  mmsghdr messages[burst]{};
  iovec parts[burst]{};  ///< one a row, in sending order; a message has a run of them
  SocketName names[burst]{};
  alignas(16) std::uint8_t controls[burst][control_bytes]{};
  std::uint8_t first_row[burst]{}, row_count[burst]{};  ///< into the batch's live list, one pair a message
};

}  // namespace serried::port
