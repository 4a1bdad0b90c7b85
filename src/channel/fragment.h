#pragma once
/// The header of a fragment, and the size that ours have.
/// Source  docs/wire-format.md section 2, Fragments
///
///     fragment header := fragment_id u16 | offset u16, in units of 8 bytes | total_size u32

#include <cstdint>

#include "base/bytes.h"
#include "channel/block_pool.h"
#include "wire/datagram.h"

namespace serried::channel {

struct FragmentHeader {
  std::uint16_t fragment_id = 0;
  std::uint16_t offset_units = 0;
  std::uint32_t total_bytes = 0;
};
inline constexpr std::size_t fragment_header_bytes = 8;

/// All of our fragments but the last of a message have this size: with the longest ack block the datagram is full.
inline constexpr std::uint32_t fragment_bytes_max =
    (wire::body_bytes_max - wire::ack_block_bytes_max - sizeof(std::uint16_t) - fragment_header_bytes) /
    BlockPool::unit_bytes * BlockPool::unit_bytes;

[[nodiscard]] inline FragmentHeader read_fragment_header(base::ByteReader& in) noexcept {
  FragmentHeader header;
  header.fragment_id = in.read<std::uint16_t>();
  header.offset_units = in.read<std::uint16_t>();
  header.total_bytes = in.read<std::uint32_t>();
  return header;
}

inline void write_fragment_header(base::ByteWriter& out, const FragmentHeader& header) noexcept {
  out.write(header.fragment_id);
  out.write(header.offset_units);
  out.write(header.total_bytes);
}

/// Whether a fragment of `bytes` may have this header: all that can be said without the others.
[[nodiscard]] constexpr bool is_fragment(const FragmentHeader& header, std::size_t bytes) noexcept {
  if (bytes == 0 || header.total_bytes < 2 || header.total_bytes > message_bytes_max) return false;
  const std::size_t end = std::size_t{header.offset_units} * BlockPool::unit_bytes + bytes;
  return end == header.total_bytes || (end < header.total_bytes && bytes % BlockPool::unit_bytes == 0);
}

}  // namespace serried::channel
