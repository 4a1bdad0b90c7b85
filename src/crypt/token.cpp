/// Opening tokens: on the handshake lane, of bytes of unknown origin. Twin of issue_token (token_setup.cpp).

#include "crypt/token.h"

#include <sodium.h>

#include "crypt/token_layout.h"

namespace serried::crypt {
namespace {

using namespace token_layout;

static_assert(nonce_bytes == crypto_aead_xchacha20poly1305_ietf_NPUBBYTES);
static_assert(seal_tag_bytes == crypto_aead_xchacha20poly1305_ietf_ABYTES);

[[nodiscard]] bool read_claims(std::span<const std::uint8_t> bytes, TokenClaims& out) noexcept {
  base::ByteReader reader(bytes);
  reader.read_into(out.id);
  reader.read_into(out.secret.bytes());
  out.player_id = reader.read<std::uint64_t>();
  out.issued = reader.read<std::int64_t>();
  out.not_before = reader.read<std::int64_t>();
  out.expiry = reader.read<std::int64_t>();
  out.audience = reader.read<std::uint64_t>();
  out.permissions = reader.read<std::uint32_t>();
  const std::size_t name_bytes = reader.read<std::uint8_t>();
  if (name_bytes > token_name_bytes_max) return false;
  const auto name = reader.read_bytes(name_bytes);
  if (!reader.complete()) return false;
  out.name = std::string_view(reinterpret_cast<const char*>(name.data()), name.size());
  return true;
}

[[nodiscard]] TokenFault judge(const TokenKey& key, const TokenClaims& claims, std::int64_t unix_now) noexcept {
  if (claims.audience != key.server_id) return TokenFault::wrong_server;
  if (claims.not_before > unix_now + token_clock_skew_s) return TokenFault::not_yet;
  if (claims.expiry <= unix_now - token_clock_skew_s) return TokenFault::expired;
  return TokenFault::none;
}

}  // namespace

TokenFault open_token(const TokenKey& key, std::span<const std::uint8_t> token, std::int64_t unix_now,
                      TokenClaims& out) noexcept {
  if (token.size() < token_bytes_min || token.size() > token_bytes_max) return TokenFault::malformed;
  if (base::load<std::uint32_t>(token.data()) != key.key_id) return TokenFault::unknown_key;
  const Associated associated = associated_data(key);
  std::array<std::uint8_t, token_bytes_max> claims;
  unsigned long long claims_bytes = 0;
  if (crypto_aead_xchacha20poly1305_ietf_decrypt(claims.data(), &claims_bytes, nullptr, token.data() + prefix_bytes,
                                                 token.size() - prefix_bytes, associated.data(), associated.size(),
                                                 token.data() + 4, key.secret.data()) != 0)
    return TokenFault::forged;
  const bool well_formed = read_claims(std::span(claims).first(claims_bytes), out);
  wipe(claims);
  return well_formed ? judge(key, out, unix_now) : TokenFault::malformed;
}

std::string_view token_fault_text(TokenFault fault) noexcept {
  switch (fault) {
    case TokenFault::none:
      return "valid";
    case TokenFault::malformed:
      return "malformed";
    case TokenFault::unknown_key:
      return "sealed under another key id";
    case TokenFault::forged:
      return "does not verify under this key and protocol id";
    case TokenFault::not_yet:
      return "not valid yet";
    case TokenFault::expired:
      return "expired";
    case TokenFault::wrong_server:
      return "issued for another server";
  }
  return "unknown";
}

}  // namespace serried::crypt
