#pragma once
/// Token keys as text (field_text.h), and the text rule of names. Set-up and tools only.
///
///     key_id      = 1
///     protocol_id = 0x3164656972726573
///     server_id   = 1
///     secret      = "64 hexadecimal digits"

#include <string>
#include <string_view>

#include "crypt/token.h"

namespace serried::crypt {

/// All faults of the text in one message. The text is untrusted.
[[nodiscard]] Result<TokenKey> parse_token_key(std::string_view text);
/// Twin of parse_token_key. The result holds the secret: the caller wipes it.
[[nodiscard]] std::string format_token_key(const TokenKey& key);

/// Well-formed UTF-8 (RFC 3629) without control characters, so that it can be logged and shown.
[[nodiscard]] bool is_plain_utf8(std::string_view text) noexcept;

}  // namespace serried::crypt
