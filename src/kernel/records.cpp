#include "kernel/records.h"

#include "kernel/records_avx2.h"

namespace serried::kernel {

std::uint8_t* write_records([[maybe_unused]] const RecordSource& source, [[maybe_unused]] std::uint64_t rows[2],
                            std::uint8_t* at, [[maybe_unused]] const std::uint8_t* end,
                            [[maybe_unused]] const std::uint8_t* hard_end) noexcept {
#if defined(__x86_64__)
  if (active_isa() >= Isa::avx2) return write_records_avx2(source, rows, at, end, hard_end);
#endif
  return at;
}

}  // namespace serried::kernel
