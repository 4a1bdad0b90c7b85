/// SHA-256 by instruction: four rounds each, and the message schedule four words at a time.
///
///     registers      w0           w1           w2           w3
///     words          W[4g-16..]   W[4g-12..]   W[4g-8..]    W[4g-4..]     and W[4g..] takes the place of w0
///
/// Source  Arm Architecture Reference Manual for A-profile, SHA256H, SHA256H2, SHA256SU0, SHA256SU1

#include "simd/sha256_arm.h"

#include <arm_neon.h>

#include "simd/sha256_constants.h"

namespace serried::simd {

void sha256_blocks_arm(std::uint32_t* state, const std::uint8_t* blocks, std::size_t count) noexcept {
  uint32x4_t abcd = vld1q_u32(state), efgh = vld1q_u32(state + 4);
  for (; count != 0; --count, blocks += 64) {
    const uint32x4_t abcd_before = abcd, efgh_before = efgh;
    uint32x4_t w[4];
#pragma GCC unroll 16
    for (unsigned group = 0; group < 16; ++group) {
      uint32x4_t& w0 = w[group % 4];
      if (group < 4) {
        w0 = vreinterpretq_u32_u8(vrev32q_u8(vld1q_u8(blocks + 16 * group)));  // words are big-endian
      } else {
        const uint32x4_t w1 = w[(group + 1) % 4], w2 = w[(group + 2) % 4], w3 = w[(group + 3) % 4];
        w0 = vsha256su1q_u32(vsha256su0q_u32(w0, w1), w2, w3);
      }
      const uint32x4_t sum = vaddq_u32(w0, vld1q_u32(sha256_k + 4 * group)), abcd_at_first = abcd;
      abcd = vsha256hq_u32(abcd, efgh, sum);
      efgh = vsha256h2q_u32(efgh, abcd_at_first, sum);
    }
    abcd = vaddq_u32(abcd, abcd_before);
    efgh = vaddq_u32(efgh, efgh_before);
  }
  vst1q_u32(state, abcd);
  vst1q_u32(state + 4, efgh);
}

}  // namespace serried::simd
