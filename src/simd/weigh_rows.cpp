#include "simd/weigh_rows.h"

#include <bit>

#include "base/bytes.h"
#include "simd/weigh_rows_avx2.h"

namespace serried::simd {
namespace {

void weigh_rows_portable(const std::uint8_t* places, const WeighRows& rows, unsigned count, const Eye& eye,
                         WeighedRows& out) noexcept {
  for (unsigned row = 1; row < count; ++row) {
    const std::uint8_t* const place = places + std::size_t{rows.slot[row]} * place_bytes;
    const float dx = base::load<float>(place) - eye.x, dy = base::load<float>(place + 4) - eye.y,
                dz = base::load<float>(place + 8) - eye.z;
    const float distance2 = dx * dx + dy * dy + dz * dz;
    const unsigned state = rows.status[row] & 3U;
    const bool looked_at = state == 1 || state == 2, held = looked_at && distance2 <= base::load<float>(place + 12);
    rows.status[row] =
        static_cast<std::uint8_t>((rows.status[row] & ~0x40U) | (held && distance2 < eye.near2 ? 0x40U : 0U));
    const std::uint64_t bit = std::uint64_t{1} << row % 64;
    out.gone[row / 64] |= looked_at && !held ? bit : 0;
    if (!held) continue;
    out.held[row / 64] |= bit;
    out.distance2[row] = distance2;
    rows.weight[row] = weight_at(distance2, eye.near2);
  }
}

}  // namespace

unsigned WeighedRows::furthest() const noexcept {
  // As integers, which order these floats the same: both loops become vectors.
  std::int32_t most = 0, row_of_most = 0;
  for (const float value : distance2) {
    const auto bits = std::bit_cast<std::int32_t>(value);
    most = bits > most ? bits : most;
  }
  for (std::int32_t row = 1; row < static_cast<std::int32_t>(weigh_rows_max); ++row)
    row_of_most = std::bit_cast<std::int32_t>(distance2[static_cast<unsigned>(row)]) == most ? row : row_of_most;
  return static_cast<unsigned>(row_of_most);
}

void weigh_rows(const std::uint8_t* places, const WeighRows& rows, unsigned count, const Eye& eye,
                WeighedRows& out) noexcept {
  out.held = out.gone = {};
  out.distance2.fill(-1.0F);
#if defined(__x86_64__)
  if (active_isa() >= Isa::avx2) return weigh_rows_avx2(places, rows, count, eye, out);
#endif
  weigh_rows_portable(places, rows, count, eye, out);
}

}  // namespace serried::simd
