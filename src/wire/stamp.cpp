/// Out: last stage of ours; behind it only the port writes, in front of the payload. Twin of verify.

#include "wire/stamp.h"

#include "base/bytes.h"
#include "kernel/crc32c.h"

namespace serried::wire {

void stamp(Batch& batch, CrcSeed seed) noexcept {
  const std::uint8_t* data[Batch::capacity];
  std::uint16_t covered[Batch::capacity];
  std::uint32_t state[Batch::capacity];
  for (unsigned i = 0; i < batch.live_rows; ++i) {
    const unsigned row = batch.live[i];
    data[i] = batch.data[row];
    covered[i] = static_cast<std::uint16_t>(batch.length[row] - crc_bytes);
  }
  kernel::crc32c_batch(seed.state(), data, covered, state, batch.live_rows);
  for (unsigned i = 0; i < batch.live_rows; ++i) base::store(batch.data[batch.live[i]] + covered[i], ~state[i]);
}

void stamp_one(std::span<std::uint8_t> datagram, CrcSeed seed) noexcept {
  if (datagram.size() < crc_bytes) return;
  const auto covered = datagram.first(datagram.size() - crc_bytes);
  base::store(datagram.data() + covered.size(), ~kernel::crc32c_update(seed.state(), covered));
}

}  // namespace serried::wire
