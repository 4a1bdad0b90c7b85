/// In: behind parse, before admit. First stage that reads whole payloads, so also the one that pulls them into the
/// cache for open.

#include "wire/verify.h"

#include "base/bytes.h"
#include "kernel/crc32c.h"

namespace serried::wire {

CrcSeed::CrcSeed(std::uint64_t protocol_id) noexcept {
  std::uint8_t bytes[8];
  base::store(bytes, protocol_id);
  state_ = kernel::crc32c_update(0xFFFFFFFF, bytes);
}

void verify(Batch& batch, CrcSeed seed, observe::DropCounters& drops) noexcept {
  const std::uint8_t* data[Batch::capacity];
  std::uint16_t covered[Batch::capacity];
  std::uint32_t state[Batch::capacity];
  for (unsigned i = 0; i < batch.live_rows; ++i) {
    const unsigned row = batch.live[i];
    data[i] = batch.data[row];
    covered[i] = static_cast<std::uint16_t>(batch.length[row] - crc_bytes);
  }
  kernel::crc32c_batch(seed.state(), data, covered, state, batch.live_rows);
  // filter() visits the live rows in order, so the i-th visit is of the i-th state.
  unsigned i = 0;
  batch.filter(drops, [&](unsigned) noexcept {
    const auto trailer = base::load<std::uint32_t>(data[i] + covered[i]);
    return trailer == ~state[i++] ? observe::Drop::none : observe::Drop::bad_crc;
  });
}

bool verify_one(std::span<const std::uint8_t> datagram, CrcSeed seed) noexcept {
  if (datagram.size() < crc_bytes) return false;
  const auto covered = datagram.first(datagram.size() - crc_bytes);
  return base::load<std::uint32_t>(datagram.data() + covered.size()) == ~kernel::crc32c_update(seed.state(), covered);
}

}  // namespace serried::wire
