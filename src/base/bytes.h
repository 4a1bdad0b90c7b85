#pragma once
/// Reading and writing little-endian bytes. `load` and `store` are for places whose bounds are already
/// proved; `ByteReader` and `ByteWriter` check every access, keep one error state and never throw.
/// A reader that failed returns zeros and stays failed, so a codec checks once, at its end. Bits: base/bits.h.

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <type_traits>

namespace serried::base {

static_assert(std::endian::native == std::endian::little, "the wire is little-endian and so are we");

template <class T>
concept Plain = std::is_arithmetic_v<T> || std::is_enum_v<T>;

template <Plain T>
[[nodiscard]] inline T load(const std::uint8_t* from) noexcept {
  T value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

template <Plain T>
inline void store(std::uint8_t* to, T value) noexcept {
  std::memcpy(to, &value, sizeof value);
}

/// Network order, for the headers below ours.
template <std::unsigned_integral T>
[[nodiscard]] constexpr T byte_swapped(T value) noexcept {
  if constexpr (sizeof(T) == 2) return static_cast<T>(__builtin_bswap16(value));
  if constexpr (sizeof(T) == 4) return static_cast<T>(__builtin_bswap32(value));
  if constexpr (sizeof(T) == 8) return static_cast<T>(__builtin_bswap64(value));
  return value;
}

[[nodiscard]] constexpr std::uint64_t zigzag(std::int64_t value) noexcept {
  return (static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63);
}
[[nodiscard]] constexpr std::int64_t unzigzag(std::uint64_t value) noexcept {
  return static_cast<std::int64_t>(value >> 1) ^ -static_cast<std::int64_t>(value & 1);
}

/// The same memory, seen as text or as bytes.
[[nodiscard]] inline std::string_view as_text(std::span<const std::uint8_t> bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
[[nodiscard]] inline std::span<const std::uint8_t> as_bytes(std::string_view text) noexcept {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

inline constexpr std::size_t varint_bytes_max = 10;

/// Bytes that `value` takes as an unsigned LEB128.
[[nodiscard]] constexpr std::size_t varint_bytes(std::uint64_t value) noexcept {
  return static_cast<std::size_t>((std::bit_width(value | 1) + 6) / 7);
}

/// Bounds-checked reading of one span. Errors: reading past the end, or a varint of more than 64 bits,
/// sets the error state; nothing beyond the span is ever touched.
class ByteReader {
 public:
  ByteReader() = default;
  explicit ByteReader(std::span<const std::uint8_t> bytes) noexcept
      : at_(bytes.data()), end_(bytes.data() + bytes.size()) {}

  template <Plain T>
  T read() noexcept {
    if (remaining() < sizeof(T)) [[unlikely]] {
      fail();
      return T{};
    }
    const T value = load<T>(at_);
    at_ += sizeof(T);
    return value;
  }

  std::uint64_t read_varint() noexcept {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 70; shift += 7) {
      const auto byte = read<std::uint8_t>();
      if (failed_ || (shift == 63 && byte > 1)) break;
      value |= static_cast<std::uint64_t>(byte & 0x7F) << shift;
      if (byte < 0x80) return value;
    }
    fail();
    return 0;
  }
  std::int64_t read_zigzag() noexcept { return unzigzag(read_varint()); }

  /// `count` bytes in place, or an empty span and the error state.
  std::span<const std::uint8_t> read_bytes(std::size_t count) noexcept {
    if (remaining() < count) [[unlikely]] {
      fail();
      return {};
    }
    const std::span<const std::uint8_t> bytes{at_, count};
    at_ += count;
    return bytes;
  }
  void read_into(std::span<std::uint8_t> to) noexcept {
    const auto bytes = read_bytes(to.size());
    if (!bytes.empty()) std::memcpy(to.data(), bytes.data(), bytes.size());
  }
  void skip(std::size_t count) noexcept { static_cast<void>(read_bytes(count)); }

  /// Everything that is left, in place.
  std::span<const std::uint8_t> read_rest() noexcept { return read_bytes(remaining()); }

  [[nodiscard]] std::size_t remaining() const noexcept { return static_cast<std::size_t>(end_ - at_); }
  /// The place of the next byte; `rewind` comes back to one, and clears the error state.
  [[nodiscard]] const std::uint8_t* position() const noexcept { return at_; }
  void rewind(const std::uint8_t* to) noexcept {
    at_ = to;
    failed_ = false;
  }
  [[nodiscard]] bool ok() const noexcept { return !failed_; }
  /// Nothing failed and nothing is left over: what a message codec demands at its end.
  [[nodiscard]] bool complete() const noexcept { return !failed_ && at_ == end_; }
  void fail() noexcept {
    failed_ = true;
    at_ = end_;
  }

 private:
  const std::uint8_t* at_ = nullptr;
  const std::uint8_t* end_ = nullptr;
  bool failed_ = false;
};

/// Bounds-checked writing into one span. Errors: a write that does not fit writes nothing and sets the
/// error state.
class ByteWriter {
 public:
  ByteWriter() = default;
  explicit ByteWriter(std::span<std::uint8_t> bytes) noexcept
      : begin_(bytes.data()), at_(bytes.data()), end_(bytes.data() + bytes.size()) {}

  template <Plain T>
  void write(T value) noexcept {
    if (room() < sizeof(T)) [[unlikely]] {
      fail();
      return;
    }
    store(at_, value);
    at_ += sizeof(T);
  }
  void write_varint(std::uint64_t value) noexcept {
    if (room() < varint_bytes(value)) [[unlikely]] {
      fail();
      return;
    }
    while (value >= 0x80) {
      *at_++ = static_cast<std::uint8_t>(value | 0x80);
      value >>= 7;
    }
    *at_++ = static_cast<std::uint8_t>(value);
  }
  void write_zigzag(std::int64_t value) noexcept { write_varint(zigzag(value)); }
  void write_bytes(std::span<const std::uint8_t> bytes) noexcept {
    if (room() < bytes.size()) [[unlikely]] {
      fail();
      return;
    }
    if (!bytes.empty()) std::memcpy(at_, bytes.data(), bytes.size());
    at_ += bytes.size();
  }
  void write_zeros(std::size_t count) noexcept {
    if (room() < count) [[unlikely]] {
      fail();
      return;
    }
    if (count != 0) std::memset(at_, 0, count);
    at_ += count;
  }

  [[nodiscard]] std::size_t room() const noexcept { return static_cast<std::size_t>(end_ - at_); }
  [[nodiscard]] std::size_t size() const noexcept { return static_cast<std::size_t>(at_ - begin_); }
  [[nodiscard]] std::span<const std::uint8_t> written() const noexcept { return {begin_, size()}; }
  /// The place of the next byte; `rewind` comes back to one, and clears the error state.
  [[nodiscard]] std::uint8_t* position() const noexcept { return at_; }
  void rewind(std::uint8_t* to) noexcept {
    at_ = to;
    failed_ = false;
  }
  [[nodiscard]] bool ok() const noexcept { return !failed_; }
  void fail() noexcept { failed_ = true; }

 private:
  std::uint8_t* begin_ = nullptr;
  std::uint8_t* at_ = nullptr;
  std::uint8_t* end_ = nullptr;
  bool failed_ = false;
};

}  // namespace serried::base
