#pragma once
/// Twin of parse: write the 14-byte headers.

#include "base/bytes.h"
#include "wire/batch.h"
#include "wire/datagram.h"

namespace serried::wire {

/// Write one header to `to`, 14 bytes.
inline void compose_header(std::uint8_t* to, const Header& header) noexcept {
  base::store(to, header.connection_id);
  base::store(to + 4, header.channel);
  base::store(to + 5, header.flags);
  base::store(to + 6, header.sequence);
}

/// Read one header; `from` holds 14 bytes.
[[nodiscard]] inline Header read_header(const std::uint8_t* from) noexcept {
  return Header{.connection_id = base::load<std::uint32_t>(from),
                .channel = from[4],
                .flags = from[5],
                .sequence = base::load<std::uint64_t>(from + 6)};
}

/// Write the headers of the live rows from their columns.
/// Reads   data, connection_id, channel, flags, sequence, live
/// Owner   io lane
/// Cost    bench/wire_bench.cpp
void compose(Batch& batch) noexcept;

}  // namespace serried::wire
