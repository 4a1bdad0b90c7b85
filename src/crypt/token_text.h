#pragma once
/// Key files as text, and the small text rules of tokens. Set-up and tools only.
///
///     # comment
///     key_id      = 1
///     protocol_id = 0x3164656972726573
///     server_id   = 1
///     secret      = "64 hexadecimal digits"
///
/// Numbers are decimal or 0x hexadecimal; quotes are optional; each name exactly once.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "crypt/token.h"

namespace serried::crypt {

/// All faults of the text in one message. The text is untrusted.
[[nodiscard]] Result<TokenKey> parse_token_key(std::string_view text);
/// Twin of parse_token_key. The result holds the secret: whoever asked for it wipes it.
[[nodiscard]] std::string format_token_key(const TokenKey& key);

[[nodiscard]] std::string to_hex(std::span<const std::uint8_t> bytes);
/// Fills `to` exactly; false: another length, or not hexadecimal. In constant time for a given length.
[[nodiscard]] bool from_hex(std::string_view text, std::span<std::uint8_t> to) noexcept;

/// Decimal, or hexadecimal behind 0x; nothing around it.
[[nodiscard]] std::optional<std::uint64_t> parse_number(std::string_view text) noexcept;

/// Well-formed UTF-8 (RFC 3629) without control characters, so that it can be logged and shown.
[[nodiscard]] bool is_plain_utf8(std::string_view text) noexcept;

}  // namespace serried::crypt
