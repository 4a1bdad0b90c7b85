#pragma once
/// What is UTF-8 and what is not: names and chat come off the wire and are shown, logged and compared.
/// Source  RFC 3629

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/bytes.h"

namespace serried::base {

/// Take the first code point off `text`. False, and `text` as it was, when it does not begin with a whole, shortest
/// encoding of one (an encoded surrogate is none), or is empty.
[[nodiscard]] constexpr bool next_code_point(std::string_view& text, std::uint32_t& point) noexcept {
  if (text.empty()) return false;
  const auto lead = static_cast<std::uint8_t>(text[0]);
  if (lead < 0x80) {
    point = lead;
    text.remove_prefix(1);
    return true;
  }
  // 10xxxxxx never leads, and of more than three bytes that follow there is no code point.
  const std::size_t more = lead < 0xC0 ? 0 : lead < 0xE0 ? 1 : lead < 0xF0 ? 2 : lead < 0xF8 ? 3 : 0;
  if (more == 0 || text.size() <= more) return false;
  std::uint32_t value = lead & (0x3FU >> more);
  for (std::size_t i = 1; i <= more; ++i) {
    const auto byte = static_cast<std::uint8_t>(text[i]);
    if ((byte & 0xC0) != 0x80) return false;
    value = value << 6 | (byte & 0x3FU);
  }
  constexpr std::uint32_t smallest[4] = {0, 0x80, 0x800, 0x10000};
  if (value < smallest[more] || value > 0x10FFFF || (value >= 0xD800 && value < 0xE000)) return false;
  point = value;
  text.remove_prefix(more + 1);
  return true;
}

/// All of `text` is well-formed. Eight ASCII bytes cost one look.
[[nodiscard]] inline bool is_utf8(std::string_view text) noexcept {
  while (!text.empty()) {
    if (text.size() >= 8) {
      if ((load<std::uint64_t>(as_bytes(text).data()) & 0x8080808080808080U) == 0) {
        text.remove_prefix(8);
        continue;
      }
    }
    std::uint32_t point = 0;
    if (!next_code_point(text, point)) return false;
  }
  return true;
}

}  // namespace serried::base
