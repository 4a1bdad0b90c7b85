#include "simd/raise_acked.h"

#include "base/serial.h"
#include "simd/raise_acked_avx2.h"

namespace serried::simd {
namespace {

void raise_acked_portable(std::uint16_t* acked, const std::uint8_t* status, const std::uint64_t rows[2],
                          std::uint16_t tick, std::uint64_t others[2]) noexcept {
  for (unsigned word = 0; word < 2; ++word) {
    others[word] = 0;
    for (std::uint64_t bits = rows[word]; bits != 0; bits &= bits - 1) {
      const unsigned row = word * 64 + static_cast<unsigned>(__builtin_ctzll(bits));
      const bool live = (status[row] & 3) == 2;
      others[word] |= live ? 0 : bits & -bits;
      const bool newer = base::is_later(tick, acked[row]);
      acked[row] = live && newer ? tick : acked[row];
    }
  }
}

}  // namespace

void raise_acked(std::uint16_t* acked, const std::uint8_t* status, const std::uint64_t rows[2], std::uint16_t tick,
                 std::uint64_t others[2]) noexcept {
#if defined(__x86_64__)
  if (active_isa() >= Isa::avx2) return raise_acked_avx2(acked, status, rows, tick, others);
#endif
  raise_acked_portable(acked, status, rows, tick, others);
}

}  // namespace serried::simd
