#include "simd/aead_avx2.h"

#include "simd/aead_avx2_vectors.h"
#include "simd/aead_lanes.h"

namespace serried::simd {
namespace {

struct Here {
  static std::uint64_t publish(std::uint64_t mask) noexcept { return mask; }
};

}  // namespace

std::uint64_t aead_open_avx2(const AeadBurst& burst) noexcept { return AeadLanes<Avx2<Here>>::open(burst); }
void aead_seal_avx2(const AeadBurst& burst) noexcept { AeadLanes<Avx2<Here>>::seal(burst); }

}  // namespace serried::simd
