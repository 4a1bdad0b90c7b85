/// Out: last stage of ours; behind it only the port writes, in front of the payload. Twin of verify.

#include "wire/stamp.h"

#include "base/bytes.h"
#include "simd/crc32c.h"
#include "wire/trailer.h"

namespace serried::wire {

void stamp(Batch& batch, CrcSeed seed) noexcept {
  const Trailers trailers{batch, seed};
  for (unsigned i = 0; i < batch.live_rows; ++i) base::store(trailers.at[i], trailers.crc(i));
}

void stamp_one(std::span<std::uint8_t> datagram, CrcSeed seed) noexcept {
  if (datagram.size() < crc_bytes) return;
  const auto covered = datagram.first(datagram.size() - crc_bytes);
  base::store(datagram.data() + covered.size(), ~simd::crc32c_update(seed.state(), covered));
}

}  // namespace serried::wire
