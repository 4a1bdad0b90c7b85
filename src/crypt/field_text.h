#pragma once
/// Small text files of named values, and their hexadecimal and numbers: key files, integrity secrets and tables. Set-up
/// and tools only.
///
///     # comment
///     name = 1
///     other = "64 hexadecimal digits"
///
/// Numbers are decimal or 0x hexadecimal; quotes are optional; each name exactly once.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "crypt/keys.h"
#include "serried/result.h"

namespace serried::crypt {

/// Takes a value; says what is wrong with it without quoting it, or nothing.
using TakeValue = std::function<std::string(std::string_view value)>;

struct Field {
  std::string_view name;
  TakeValue take;
};

/// A whole number from `least` to the largest of `to`.
template <class Number>
[[nodiscard]] Field number_field(std::string_view name, Number& to, std::uint64_t least = 0,
                                 std::uint64_t most = std::numeric_limits<Number>::max());
/// 64 hexadecimal digits.
[[nodiscard]] Field secret_field(std::string_view name, Secret& to);

/// Hand every value of `text` to its field, and every line that is no `name = value` to `bare`, where there is one. All
/// faults of the text in one message, which never quotes it: part of it is secret. The text is untrusted.
[[nodiscard]] Result<Done> read_fields(std::string_view text, std::span<const Field> fields,
                                       const TakeValue& bare = {});

[[nodiscard]] std::string to_hex(std::span<const std::uint8_t> bytes);
/// Fills `to` exactly; false: another length, or not hexadecimal. In constant time for a given length.
[[nodiscard]] bool from_hex(std::string_view text, std::span<std::uint8_t> to) noexcept;

/// Decimal, or hexadecimal behind 0x; nothing around it.
[[nodiscard]] std::optional<std::uint64_t> parse_number(std::string_view text) noexcept;
/// What is wrong with `text` as a whole number from `least` to `most`; empty: nothing, and `to` has it.
[[nodiscard]] std::string take_number(std::string_view text, std::uint64_t least, std::uint64_t most,
                                      std::uint64_t& to);

template <class Number>
Field number_field(std::string_view name, Number& to, std::uint64_t least, std::uint64_t most) {
  return {name, [&to, least, most](std::string_view value) {
            std::uint64_t number = to;
            std::string wrong = take_number(value, least, most, number);
            to = static_cast<Number>(number);
            return wrong;
          }};
}

}  // namespace serried::crypt
