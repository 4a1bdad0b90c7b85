/// CRC32C by instruction; what is done with it is in crc32c_streams.h.
/// Source  Intel SDM, CRC32

#include "simd/crc32c_sse42.h"

#include <immintrin.h>

#include "simd/crc32c_streams.h"

namespace serried::simd {
namespace {

struct Crc {
  using State = std::uint64_t;
  static State word(State crc, std::uint64_t bytes) noexcept { return _mm_crc32_u64(crc, bytes); }
  static State half(State crc, std::uint32_t bytes) noexcept {
    return _mm_crc32_u32(static_cast<std::uint32_t>(crc), bytes);
  }
  static State quarter(State crc, std::uint16_t bytes) noexcept {
    return _mm_crc32_u16(static_cast<std::uint32_t>(crc), bytes);
  }
  static State byte(State crc, std::uint8_t byte) noexcept {
    return _mm_crc32_u8(static_cast<std::uint32_t>(crc), byte);
  }
};

}  // namespace

std::uint32_t crc32c_update_sse42(std::uint32_t state, const std::uint8_t* at, std::size_t count) noexcept {
  return Crc32cStreams<Crc>::update(state, at, count);
}

void crc32c_batch_sse42(std::uint32_t seed, const std::uint8_t* const* data, const std::uint16_t* length,
                        std::uint32_t* out, std::size_t count) noexcept {
  Crc32cStreams<Crc>::batch(seed, data, length, out, count);
}

}  // namespace serried::simd
