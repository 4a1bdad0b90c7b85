#pragma once
/// Twin of verify: the trailer, last thing written before the link headers.

#include "wire/verify.h"

namespace serried::wire {

/// Write the CRC32C trailer of the live rows; `length` already counts its four bytes.
/// Reads   data, length, live
/// Owner   io lane
/// Cost    bench/wire_bench.cpp
void stamp(Batch& batch, CrcSeed seed) noexcept;

/// The same for one datagram, trailer bytes included in its size.
void stamp_one(std::span<std::uint8_t> datagram, CrcSeed seed) noexcept;

}  // namespace serried::wire
