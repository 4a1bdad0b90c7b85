#include "simd/aead.h"

#include "simd/isa.h"

#if defined(__x86_64__)
#include "simd/aead_avx2.h"
#include "simd/aead_avx512.h"
#endif

namespace serried::simd {

// A vector is paid for whole, however many of its lanes are used; from two datagrams on that is less than one after
// the other (aead_bench --burst 2).
unsigned aead_rows_min() noexcept {
#if defined(__x86_64__)
  if (active_isa() >= Isa::avx2) return 2;
#endif
  return AeadBurst::capacity + 1;
}

std::uint64_t aead_open([[maybe_unused]] const AeadBurst& burst) noexcept {
#if defined(__x86_64__)
  return active_isa() >= Isa::avx512 ? aead_open_avx512(burst) : aead_open_avx2(burst);
#else
  return 0;
#endif
}

void aead_seal([[maybe_unused]] const AeadBurst& burst) noexcept {
#if defined(__x86_64__)
  active_isa() >= Isa::avx512 ? aead_seal_avx512(burst) : aead_seal_avx2(burst);
#endif
}

}  // namespace serried::simd
