#pragma once
/// A burst of datagrams as columns: what every stage of a lane works on. Stages never branch around each other's
/// rejects; they walk `live`, and a row that is dropped leaves it. A port fills and empties the same type, so
/// a row's buffer has one owner from receive to release, or from acquire to transmit.

#include <cstddef>
#include <cstdint>

#include "metrics/drop.h"
#include "wire/path.h"

namespace serried::wire {

/// An empty buffer of a port's pool: room for one datagram of `datagram_bytes_max` at `data`, with at least
/// `headroom_bytes` before it for the headers below UDP's payload.
struct Buffer {
  std::uint8_t* data = nullptr;
  void* owner = nullptr;  ///< the port's own (an rte_mbuf, a pool slot); no other module looks into it
};
inline constexpr std::size_t headroom_bytes = 80;

/// Up to 64 datagrams. Rows 0 to `rows` - 1 hold buffers; `live[0 .. live_rows)` are the rows still on their way.
struct alignas(64) Batch {
  static constexpr unsigned capacity = 64;

  unsigned rows = 0;
  unsigned live_rows = 0;
  std::uint8_t live[capacity];

  // By the port, or by the stage that composes
  std::uint8_t* data[capacity];    ///< first byte of the UDP payload
  std::uint16_t length[capacity];  ///< of the UDP payload, bytes
  void* owner[capacity];           ///< the buffer, see Buffer::owner; nullptr: nothing to release
  Path path[capacity];             ///< source when received, destination when to be transmitted

  // By parse, or for compose
  std::uint32_t connection_id[capacity];
  std::uint64_t sequence[capacity];
  std::uint8_t channel[capacity];
  std::uint8_t flags[capacity];

  // By admit
  std::uint32_t session[capacity];  ///< slot in the lane's session table

  metrics::Drop verdict[capacity];  ///< why the row left `live`; none while it is there

  void clear() noexcept { rows = live_rows = 0; }

  /// Append a live row for a buffer. Precondition: rows < capacity.
  unsigned append(std::uint8_t* bytes, std::size_t byte_count, void* buffer_owner, const Path& where) noexcept {
    const unsigned row = rows++;
    data[row] = bytes;
    length[row] = static_cast<std::uint16_t>(byte_count);
    owner[row] = buffer_owner;
    path[row] = where;
    verdict[row] = metrics::Drop::none;
    live[live_rows++] = static_cast<std::uint8_t>(row);
    return row;
  }

  /// Keep the live rows for which `check(row)` is Drop::none; the others get the verdict and are counted.
  template <class Check>
  void filter(metrics::DropCounters& drops, Check&& check) noexcept {
    unsigned kept = 0;
    for (unsigned i = 0; i < live_rows; ++i) {
      const unsigned row = live[i];
      const metrics::Drop result = check(row);
      if (result == metrics::Drop::none) [[likely]] {
        live[kept++] = static_cast<std::uint8_t>(row);
      } else {
        verdict[row] = result;
        drops.add(result);
      }
    }
    live_rows = kept;
  }
};

}  // namespace serried::wire
