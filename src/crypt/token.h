#pragma once
/// Login tokens: what lets a player in. Issued by the game's login service for one server.
/// Source  docs/wire-format.md section 4; XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha-03)

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "crypt/keys.h"
#include "serried/result.h"

namespace serried::crypt {

inline constexpr std::size_t token_bytes_max = 256;
inline constexpr std::size_t token_name_bytes_max = 32;
inline constexpr std::int64_t token_clock_skew_s = 30;
using TokenId = std::array<std::uint8_t, 16>;

/// The key that the login service and one server share.
struct TokenKey {
  std::uint32_t key_id = 0;
  std::uint64_t protocol_id = 0;
  std::uint64_t server_id = 0;  ///< the audience
  Secret secret;
};

/// What is sealed in a token. Times in unix seconds.
struct TokenClaims {
  TokenId id{};
  Secret secret;
  std::uint64_t player_id = 0;
  std::int64_t issued = 0;
  std::int64_t not_before = 0;
  std::int64_t expiry = 0;
  std::uint64_t audience = 0;
  std::uint32_t permissions = 0;
  std::string name;  ///< at most 32 bytes of UTF-8
};

enum class TokenFault : std::uint8_t { none, malformed, unknown_key, forged, not_yet, expired, wrong_server };

/// Seal `claims`; a name that is too long is an error.
[[nodiscard]] Result<std::vector<std::uint8_t>> issue_token(const TokenKey& key, const TokenClaims& claims,
                                                            const Entropy& entropy);
/// Open and check times (30 s tolerance) and audience. `out` is valid only when the result is none.
[[nodiscard]] TokenFault open_token(const TokenKey& key, std::span<const std::uint8_t> token, std::int64_t unix_now,
                                    TokenClaims& out);

/// Key files: TOML-like text with key_id, protocol_id, server_id, secret (hex); created with mode 0600.
[[nodiscard]] Result<TokenKey> load_token_key(const std::string& file);
[[nodiscard]] Result<Done> save_token_key(const TokenKey& key, const std::string& file);

}  // namespace serried::crypt
