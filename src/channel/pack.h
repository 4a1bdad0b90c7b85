#pragma once
/// Compression of bodies: what stands behind the ack block, packed before it is sealed.
/// Source  docs/wire-format.md section 2, Compression
///
///     packed := original_size u16 | LZ4 block        bits 0 to 13: 1 to 8192; bit 14: 0; bit 15: with the dictionary

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include <lz4.h>

#include "channel/dictionary.h"

namespace serried::channel {

inline constexpr std::size_t packed_head_bytes = 2;
/// What one datagram may unpack to.
inline constexpr std::size_t unpacked_bytes_max = 8192;
/// Shorter bodies are sent plain: what they could save is less than a datagram's own cost.
inline constexpr std::size_t pack_above_bytes = 512;

/// Whether `bytes` look as if packing would pay: how often two of a sample of its bytes are equal.
/// Cost    bench/pack_bench.cpp
[[nodiscard]] bool promises_gain(std::span<const std::uint8_t> bytes) noexcept;

/// The compressor's memory.
/// Owner   one lane, or one client
class Packer {
 public:
  Packer();

  /// Pack `rest` into `to`. Returns the bytes written, fewer than rest has; 0: it does not pay (too short, too long,
  /// promises no gain, does not shrink) or does not fit, and `to` is unspecified. `dictionary` may be null.
  [[nodiscard]] std::size_t pack(std::span<const std::uint8_t> rest, std::span<std::uint8_t> to,
                                 const Dictionary* dictionary) noexcept;

 private:
  std::unique_ptr<LZ4_stream_t> stream_;
};

/// Unpack into `to`, which has room for unpacked_bytes_max. Returns the bytes written; 0: malformed. `dictionary`: the
/// one that both sides named, null if they did not name the same.
[[nodiscard]] std::size_t unpack(std::span<const std::uint8_t> packed, std::span<std::uint8_t> to,
                                 const Dictionary* dictionary) noexcept;

}  // namespace serried::channel
