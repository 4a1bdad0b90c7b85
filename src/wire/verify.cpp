/// In: behind guard, before connect. First stage that reads whole payloads, so also the one that pulls them into the
/// cache for open.

#include "wire/verify.h"

#include "base/bytes.h"
#include "simd/crc32c.h"
#include "wire/trailer.h"

namespace serried::wire {

CrcSeed::CrcSeed(std::uint64_t protocol_id) noexcept {
  std::uint8_t bytes[8];
  base::store(bytes, protocol_id);
  state_ = simd::crc32c_update(0xFFFFFFFF, bytes);
}

void verify(Batch& batch, CrcSeed seed, metrics::DropCounters& drops) noexcept {
  const Trailers trailers{batch, seed};
  // filter() visits the live rows in order, so the i-th visit is of the i-th trailer.
  unsigned i = 0;
  batch.filter(drops, [&](unsigned) noexcept {
    const bool good = base::load<std::uint32_t>(trailers.at[i]) == trailers.crc(i);
    ++i;
    return good ? metrics::Drop::none : metrics::Drop::bad_crc;
  });
}

bool verify_one(std::span<const std::uint8_t> datagram, CrcSeed seed) noexcept {
  if (datagram.size() < crc_bytes) return false;
  const auto covered = datagram.first(datagram.size() - crc_bytes);
  return base::load<std::uint32_t>(datagram.data() + covered.size()) == ~simd::crc32c_update(seed.state(), covered);
}

}  // namespace serried::wire
