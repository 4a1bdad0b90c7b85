#pragma once
/// The bytes of a token, for the two files that write and read them. Integers little-endian.
///
///     0        4                28                                                     -16
///     +--------+----------------+----------------------------------------------------+-----+
///     | key_id | nonce          | sealed claims                                      | tag |
///     | u32    | 24             |                                                    | 16  |
///     +--------+----------------+----------------------------------------------------+-----+
///
///     claims := id 16 | secret 32 | player_id u64 | issued i64 | not_before i64 | expiry i64 | audience u64
///               | permissions u32 | name_bytes u8, at most 32 | name, UTF-8                    (times in unix s)
///     AAD    := key_id u32 | protocol_id u64
///
/// Source  docs/wire-format.md section 4; XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha-03)

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/bytes.h"
#include "crypt/token.h"

namespace serried::crypt::token_layout {

inline constexpr std::size_t nonce_bytes = 24;
inline constexpr std::size_t seal_tag_bytes = 16;
inline constexpr std::size_t prefix_bytes = 4 + nonce_bytes;
inline constexpr std::size_t claims_bytes_min = 16 + 32 + 5 * 8 + 4 + 1;
inline constexpr std::size_t claims_bytes_max = claims_bytes_min + token_name_bytes_max;
inline constexpr std::size_t token_bytes_min = prefix_bytes + claims_bytes_min + seal_tag_bytes;
static_assert(prefix_bytes + claims_bytes_max + seal_tag_bytes <= token_bytes_max);

using Associated = std::array<std::uint8_t, 4 + 8>;
[[nodiscard]] inline Associated associated_data(const TokenKey& key) noexcept {
  Associated bytes;
  base::store(bytes.data(), key.key_id);
  base::store(bytes.data() + 4, key.protocol_id);
  return bytes;
}

}  // namespace serried::crypt::token_layout
