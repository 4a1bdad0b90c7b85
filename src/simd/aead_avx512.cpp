#include "simd/aead_avx512.h"

#include <immintrin.h>

#include "simd/aead_lanes.h"
#include "simd/wide512.h"

namespace serried::simd {
namespace {

struct Avx512 : Wide512 {
  using Field = Limbs44<Avx512>;
  static constexpr unsigned powers = 4;

  template <unsigned Bits>
  [[gnu::always_inline]] static U32 rotate(const U32& words) noexcept {
    return (words << Bits) | (words >> (32 - Bits));  // compiled to one instruction
  }
  [[gnu::always_inline]] static U64 low(const U64& sum, const U64& a, const U64& b) noexcept {
    return reinterpret_cast<U64>(_mm512_madd52lo_epu64(reinterpret_cast<__m512i>(sum), reinterpret_cast<__m512i>(a),
                                                       reinterpret_cast<__m512i>(b)));
  }
  [[gnu::always_inline]] static U64 high(const U64& sum, const U64& a, const U64& b) noexcept {
    return reinterpret_cast<U64>(_mm512_madd52hi_epu64(reinterpret_cast<__m512i>(sum), reinterpret_cast<__m512i>(a),
                                                       reinterpret_cast<__m512i>(b)));
  }
  [[gnu::always_inline]] static void mix(std::uint8_t* at, const std::uint8_t* stream, unsigned bytes) noexcept {
    const __mmask64 mask = ~__mmask64{0} >> (64 - bytes);
    const __m512i text = _mm512_maskz_loadu_epi8(mask, at);
    _mm512_mask_storeu_epi8(at, mask, _mm512_xor_si512(text, _mm512_load_si512(stream)));
  }
  static std::uint64_t publish(std::uint64_t mask) noexcept { return mask; }
};

}  // namespace

std::uint64_t aead_open_avx512(const AeadBurst& burst) noexcept { return AeadLanes<Avx512>::open(burst); }
void aead_seal_avx512(const AeadBurst& burst) noexcept { AeadLanes<Avx512>::seal(burst); }

}  // namespace serried::simd
