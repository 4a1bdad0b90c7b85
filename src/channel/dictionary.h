#pragma once
/// The compression dictionary that a game ships to both sides: what its bodies have in common.
/// Made by scripts/train_dictionary from recorded traffic.
///
///     file := "SERRDICT" | id u32 | size u32, 1 to 65,536 | bytes        (nothing behind)
///
/// Source  docs/wire-format.md section 2 (Compression), section 4 (ReliableHandshake)

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <lz4.h>

#include "serried/result.h"

namespace serried::channel {

/// What LZ4 can refer back to.
inline constexpr std::size_t dictionary_bytes_max = 65'536;

/// Loaded once, then shared by lanes that only read. Never moves its bytes: the prepared stream points into them.
class Dictionary {
 public:
  /// `id`: the first four bytes of the SHA-256 of `bytes`, little-endian, 1 where that is 0; taken as it is, because
  /// both sides name it and a wrong one only fails to match. Errors: id 0, or a size out of bounds.
  [[nodiscard]] static Result<Dictionary> make(std::uint32_t id, std::vector<std::uint8_t> bytes);

  [[nodiscard]] std::uint32_t id() const noexcept { return id_; }
  [[nodiscard]] std::span<const std::uint8_t> bytes() const noexcept { return bytes_; }
  /// A compressor that has just read the dictionary: copy it and go on.
  [[nodiscard]] const LZ4_stream_t& stream() const noexcept { return *stream_; }

 private:
  Dictionary(std::uint32_t id, std::vector<std::uint8_t> bytes);
  std::uint32_t id_;
  std::vector<std::uint8_t> bytes_;
  std::unique_ptr<LZ4_stream_t> stream_;
};

/// Errors name the file and what is wrong with it.
[[nodiscard]] Result<Dictionary> parse_dictionary(std::span<const std::uint8_t> file);
[[nodiscard]] Result<Dictionary> load_dictionary(const std::string& file);

}  // namespace serried::channel
