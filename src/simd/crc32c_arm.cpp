/// CRC32C by instruction; what is done with it is in crc32c_streams.h.
/// Source  Arm Architecture Reference Manual for A-profile, CRC32C

#include "simd/crc32c_arm.h"

#include <arm_acle.h>

#include "simd/crc32c_streams.h"

namespace serried::simd {
namespace {

struct Crc {
  using State = std::uint32_t;
  static State word(State crc, std::uint64_t bytes) noexcept { return __crc32cd(crc, bytes); }
  static State half(State crc, std::uint32_t bytes) noexcept { return __crc32cw(crc, bytes); }
  static State quarter(State crc, std::uint16_t bytes) noexcept { return __crc32ch(crc, bytes); }
  static State byte(State crc, std::uint8_t byte) noexcept { return __crc32cb(crc, byte); }
};

}  // namespace

std::uint32_t crc32c_update_arm(std::uint32_t state, const std::uint8_t* at, std::size_t count) noexcept {
  return Crc32cStreams<Crc>::update(state, at, count);
}

void crc32c_batch_arm(std::uint32_t seed, const std::uint8_t* const* data, const std::uint16_t* length,
                      std::uint32_t* out, std::size_t count) noexcept {
  Crc32cStreams<Crc>::batch(seed, data, length, out, count);
}

}  // namespace serried::simd
