#pragma once
/// Bit by bit: fields of 1 to 64 bits one behind the other, the lowest bit of the first byte first, so that fields
/// that fill whole bytes are what base/bytes.h writes. Bounds-checked in the same manner: one error state, no throw.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "base/bytes.h"

namespace serried::base {

/// Reading past the end sets the error state and gives 0 from then on.
class BitReader {
 public:
  BitReader() = default;
  explicit BitReader(std::span<const std::uint8_t> bytes) noexcept : bytes_(bytes) {}

  /// The next `bits`, at most 64; 0 reads nothing.
  std::uint64_t read(unsigned bits) noexcept {
    if (bits > remaining() || bits > 64) [[unlikely]] {
      fail();
      return 0;
    }
    if (bits == 0) return 0;
    const std::size_t first = at_ / 8;
    const unsigned shift = at_ % 8;
    at_ += bits;
    std::uint64_t value = word(first) >> shift;
    // Nine bytes, when the field begins inside its first one.
    if (shift + bits > 64) value |= static_cast<std::uint64_t>(bytes_[first + 8]) << (64 - shift);
    return bits == 64 ? value : value & ((std::uint64_t{1} << bits) - 1);
  }
  bool read_bit() noexcept { return read(1) != 0; }

  [[nodiscard]] std::size_t remaining() const noexcept { return failed_ ? 0 : bytes_.size() * 8 - at_; }
  /// Bits read so far; `rewind` comes back to such a place, and clears the error state.
  [[nodiscard]] std::size_t position() const noexcept { return at_; }
  void rewind(std::size_t to) noexcept {
    at_ = to;
    failed_ = false;
  }
  [[nodiscard]] bool ok() const noexcept { return !failed_; }
  /// Nothing failed, and nothing is left but the zeros that fill the last byte.
  [[nodiscard]] bool complete() const noexcept {
    return !failed_ && remaining() < 8 && (remaining() == 0 || bytes_.back() >> (at_ % 8) == 0);
  }
  void fail() noexcept { failed_ = true; }

 private:
  /// Eight bytes from `first` on, zeros behind the end.
  [[nodiscard]] std::uint64_t word(std::size_t first) const noexcept {
    if (first + 8 <= bytes_.size()) [[likely]]
      return load<std::uint64_t>(bytes_.data() + first);
    std::uint64_t value = 0;
    std::memcpy(&value, bytes_.data() + first, bytes_.size() - first);
    return value;
  }

  std::span<const std::uint8_t> bytes_;
  std::size_t at_ = 0;
  bool failed_ = false;
};

/// A field that does not fit is not written and sets the error state. The rest of the last byte is zeros.
class BitWriter {
 public:
  BitWriter() = default;
  explicit BitWriter(std::span<std::uint8_t> bytes) noexcept : bytes_(bytes) {}

  /// The lowest `bits` of `value`, at most 64.
  void write(std::uint64_t value, unsigned bits) noexcept {
    if (bits > room() || bits > 64) [[unlikely]] {
      fail();
      return;
    }
    while (bits != 0) {
      const unsigned shift = at_ % 8;
      const unsigned taken = bits < 8 - shift ? bits : 8 - shift;
      const auto field = static_cast<std::uint8_t>((value & ((1U << taken) - 1)) << shift);
      std::uint8_t& byte = bytes_[at_ / 8];
      // What lies above is stale: from before a rewind, or from before us.
      byte = static_cast<std::uint8_t>((byte & ((1U << shift) - 1)) | field);
      value >>= taken;
      bits -= taken;
      at_ += taken;
    }
  }
  void write_bit(bool value) noexcept { write(value ? 1 : 0, 1); }

  [[nodiscard]] std::size_t room() const noexcept { return bytes_.size() * 8 - at_; }
  /// Bits written so far; `rewind` comes back to such a place, and clears the error state.
  [[nodiscard]] std::size_t position() const noexcept { return at_; }
  void rewind(std::size_t to) noexcept {
    at_ = to;
    failed_ = false;
    // The bits behind it in its byte are written anew, or stay as padding.
    if (at_ % 8 != 0) bytes_[at_ / 8] = static_cast<std::uint8_t>(bytes_[at_ / 8] & ((1U << (at_ % 8)) - 1));
  }
  /// The bytes that hold what was written.
  [[nodiscard]] std::span<const std::uint8_t> written() const noexcept { return bytes_.first((at_ + 7) / 8); }
  [[nodiscard]] bool ok() const noexcept { return !failed_; }
  void fail() noexcept { failed_ = true; }

 private:
  std::span<std::uint8_t> bytes_;
  std::size_t at_ = 0;
  bool failed_ = false;
};

}  // namespace serried::base
