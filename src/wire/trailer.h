#pragma once
/// What verify and stamp, the twins, both need: where the trailers of a burst are, and what they ought to say.

#include <cstdint>

#include "simd/crc32c.h"
#include "wire/batch.h"
#include "wire/datagram.h"
#include "wire/verify.h"

namespace serried::wire {

/// Column i belongs to the i-th live row.
/// Shape   live rows, lengths of at least crc_bytes
struct Trailers {
  Trailers(const Batch& batch, CrcSeed seed) noexcept {
    std::uint16_t covered[Batch::capacity];
    const std::uint8_t* data[Batch::capacity];
    for (unsigned i = 0; i < batch.live_rows; ++i) {
      const unsigned row = batch.live[i];
      data[i] = batch.data[row];
      covered[i] = static_cast<std::uint16_t>(batch.length[row] - crc_bytes);
      at[i] = batch.data[row] + covered[i];
    }
    simd::crc32c_batch(seed.state(), data, covered, state, batch.live_rows);
  }
  [[nodiscard]] std::uint32_t crc(unsigned i) const noexcept { return ~state[i]; }

  std::uint8_t* at[Batch::capacity];
  std::uint32_t state[Batch::capacity];
};

}  // namespace serried::wire
