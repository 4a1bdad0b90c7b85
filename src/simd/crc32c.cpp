/// The way into CRC32C: the portable version, and the choice between it and the instruction.
/// Source  RFC 3720 12.1; slicing-by-8 from M. Kounavis, F. Berry, "A Systematic Approach to Building High
///         Performance, Software-based, CRC Generators" (2005)

#include "simd/crc32c.h"

#include <array>
#include <cstring>

#if defined(__x86_64__)
#include "simd/crc32c_sse42.h"
#elif defined(__aarch64__)
#include "simd/crc32c_arm.h"
#endif

namespace serried::simd {
namespace {

constexpr std::uint32_t polynomial_reflected = 0x82F63B78;
using Tables = std::array<std::array<std::uint32_t, 256>, 8>;

// tables[n][b]: the effect of byte b followed by n zero bytes. 8 KiB: a quarter of a first-level cache, which is
// the price of not having the instruction.
constexpr Tables make_tables() {
  Tables tables{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? polynomial_reflected : 0);
    tables[0][byte] = crc;
  }
  for (std::size_t n = 1; n < 8; ++n)
    for (std::size_t byte = 0; byte < 256; ++byte)
      tables[n][byte] = (tables[n - 1][byte] >> 8) ^ tables[0][tables[n - 1][byte] & 0xFF];
  return tables;
}
constexpr Tables tables = make_tables();

std::uint32_t update_portable(std::uint32_t state, const std::uint8_t* at, std::size_t count) noexcept {
  for (; count >= 8; count -= 8, at += 8) {
    std::uint32_t low, high;
    std::memcpy(&low, at, sizeof low);
    std::memcpy(&high, at + 4, sizeof high);
    low ^= state;
    state = tables[7][low & 0xFF] ^ tables[6][low >> 8 & 0xFF] ^ tables[5][low >> 16 & 0xFF] ^ tables[4][low >> 24] ^
            tables[3][high & 0xFF] ^ tables[2][high >> 8 & 0xFF] ^ tables[1][high >> 16 & 0xFF] ^ tables[0][high >> 24];
  }
  for (; count != 0; --count, ++at) state = (state >> 8) ^ tables[0][(state ^ *at) & 0xFF];
  return state;
}

}  // namespace

std::uint32_t crc32c_update(std::uint32_t state, std::span<const std::uint8_t> bytes) noexcept {
#if defined(__x86_64__)
  if (active_isa() >= Isa::sse42) return crc32c_update_sse42(state, bytes.data(), bytes.size());
#elif defined(__aarch64__)
  if (active_isa() == Isa::arm) return crc32c_update_arm(state, bytes.data(), bytes.size());
#endif
  return update_portable(state, bytes.data(), bytes.size());
}

void crc32c_batch(std::uint32_t seed, const std::uint8_t* const* data, const std::uint16_t* length, std::uint32_t* out,
                  std::size_t count) noexcept {
#if defined(__x86_64__)
  if (active_isa() >= Isa::sse42) return crc32c_batch_sse42(seed, data, length, out, count);
#elif defined(__aarch64__)
  if (active_isa() == Isa::arm) return crc32c_batch_arm(seed, data, length, out, count);
#endif
  for (std::size_t i = 0; i < count; ++i) out[i] = update_portable(seed, data[i], length[i]);
}

std::uint32_t crc32c(std::span<const std::uint8_t> bytes) noexcept { return ~crc32c_update(0xFFFFFFFF, bytes); }

}  // namespace serried::simd
