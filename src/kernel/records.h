#pragma once
/// Records of a DeltaSync, out of the lines that entities publish: what changed after the tick that the viewer has
/// acknowledged, and no branch that depends on what that is.
///
///     line, 64 bytes   0         6          12    14         20     21      25       32         56           59
///                      | section | position | yaw | velocity | anim | flags | (zero) | version x6 | generation | mod4
///
///     record           slot 2 | mask 1 | [mod4 1, position 6] | [yaw 2] | [anim 1] | [flags 4] | [velocity 6]
///
/// version: ticks of the last change of position, yaw, anim, flags, velocity, section: in the order of the mask's bits.
/// Source  docs/wire-format.md section 6; message/entity.h says the same, and is the reference

#include <cstddef>
#include <cstdint>

#include "kernel/isa.h"

namespace serried::kernel {

inline constexpr unsigned record_line_bytes = 64;
inline constexpr std::size_t record_room = 29;  ///< what a record's writing may touch from its begin on

struct RecordSource {
  const std::uint8_t* lines;   ///< by slot, aligned to their size
  const std::uint16_t* slot;   ///< by row
  const std::uint16_t* acked;  ///< by row; ticks, low 16 bits, none in the future
  std::uint16_t* sent;         ///< by row; becomes `tick` of the rows written
  std::uint32_t tick;
};

/// Write records of the rows set in `rows`, from the lowest on, and clear their bits, until one does not fit before
/// `end`, cannot be touched before `hard_end`, or is none of the usual: a section has changed, or nothing has. So what
/// is left begins with a row that the caller must look at. A CPU without the instructions leaves all rows to the
/// caller. Returns the end of the last record; what lies behind it, up to record_room, is overwritten.
/// Shape   rows: 128 bits     Cost    bench/replicate_bench.cpp
[[nodiscard]] std::uint8_t* write_records(const RecordSource& source, std::uint64_t rows[2], std::uint8_t* at,
                                          const std::uint8_t* end, const std::uint8_t* hard_end) noexcept;

}  // namespace serried::kernel
