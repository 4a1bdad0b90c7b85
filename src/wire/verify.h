#pragma once
/// Integrity before anything costs: CRC32C (Castagnoli) over an 8-byte protocol id and all but the trailer.

#include <cstdint>
#include <span>

#include "wire/batch.h"
#include "wire/datagram.h"

namespace serried::wire {

/// The CRC state after the protocol id, from which every datagram's CRC starts. Made once per process.
class CrcSeed {
 public:
  explicit CrcSeed(std::uint64_t protocol_id) noexcept;
  [[nodiscard]] std::uint32_t state() const noexcept { return state_; }

 private:
  std::uint32_t state_;
};

/// Drop every live datagram whose CRC32C does not match its trailer.
/// Shape   live rows, lengths of at least datagram_bytes_min (parse saw to that)
/// Reads   data, length, live
/// Writes  verdict, live
/// Owner   io lane
/// Drops   bad_crc
/// Cost    bench/wire_bench.cpp
/// Source  RFC 3720 12.1 and appendix B.4; docs/wire-format.md section 1
void verify(Batch& batch, CrcSeed seed, metrics::DropCounters& drops) noexcept;

/// Whether one datagram's trailer is right; false when it is too short to have one.
[[nodiscard]] bool verify_one(std::span<const std::uint8_t> datagram, CrcSeed seed) noexcept;

}  // namespace serried::wire
