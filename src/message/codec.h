#pragma once
/// What the codecs of this module share, and no other module needs.

#include <array>
#include <bit>
#include <cstdint>

#include "base/bytes.h"
#include "message/type.h"

namespace serried::message::detail {

/// Write the framing when the whole message fits; else set the error state and write nothing, so that a full body
/// never ends in half a message.
[[nodiscard]] inline bool begin(base::ByteWriter& out, Type type, std::size_t content_bytes) noexcept {
  if (!out.ok() || out.room() < framed_bytes(content_bytes)) [[unlikely]] {
    out.fail();
    return false;
  }
  frame(out, type, content_bytes);
  return true;
}

template <base::Plain T, std::size_t count>
inline void write_each(base::ByteWriter& out, const std::array<T, count>& values) noexcept {
  for (const T value : values) out.write(value);
}
template <base::Plain T, std::size_t count>
inline void read_each(base::ByteReader& in, std::array<T, count>& values) noexcept {
  for (T& value : values) value = in.read<T>();
}

/// By its bits, so that no compiler option can decide that NaN does not exist.
[[nodiscard]] inline bool finite(float value) noexcept {
  return (std::bit_cast<std::uint32_t>(value) & 0x7F80'0000U) != 0x7F80'0000U;
}
template <std::size_t count>
[[nodiscard]] inline bool finite(const std::array<float, count>& values) noexcept {
  bool all = true;
  for (const float value : values) all &= finite(value);
  return all;
}

}  // namespace serried::message::detail
