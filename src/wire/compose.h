#pragma once
/// Twin of parse: write the 14-byte headers.

#include "wire/batch.h"
#include "wire/datagram.h"

namespace serried::wire {

/// Write one header to `to`, 14 bytes.
void compose_header(std::uint8_t* to, const Header& header) noexcept;

/// Read one header; `from` holds 14 bytes.
[[nodiscard]] Header read_header(const std::uint8_t* from) noexcept;

/// Write the headers of the live rows from their columns.
/// Reads   data, connection_id, channel, flags, sequence, live      Owner  io lane
/// Cost    bench/wire_bench.cpp
void compose(Batch& batch) noexcept;

}  // namespace serried::wire
