#include "simd/within_radius.h"

#include "simd/within_radius_avx2.h"

namespace serried::simd {
namespace {

void within_radius_portable(const Positions& positions, unsigned count, float x, float y, float z, float limit2,
                            std::uint64_t* out) noexcept {
  for (unsigned first = 0; first < count; first += 64) {
    std::uint64_t bits = 0;
    for (unsigned i = first; i < count && i < first + 64; ++i) {
      const float dx = positions.x[i] - x, dy = positions.y[i] - y, dz = positions.z[i] - z;
      bits |= std::uint64_t{dx * dx + dy * dy + dz * dz < limit2} << (i - first);
    }
    out[first / 64] = bits;
  }
}

}  // namespace

void within_radius(const Positions& positions, unsigned count, float x, float y, float z, float limit2,
                   std::uint64_t* out) noexcept {
#if defined(__x86_64__)
  if (active_isa() >= Isa::avx2) return within_radius_avx2(positions, count, x, y, z, limit2, out);
#endif
  within_radius_portable(positions, count, x, y, z, limit2, out);
}

}  // namespace serried::simd
