/// Tokens: opened on the handshake lane, of bytes of unknown origin; issued in the login service
/// (serried-token) and in tests, never in a lane.

#include "crypt/token.h"

#include <sodium.h>

#include "base/setup.h"
#include "crypt/token_layout.h"
#include "crypt/token_text.h"

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
  if (claims.player_id > player_id_max) return TokenFault::bad_player;
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
    case TokenFault::bad_player:
      return "of a player id above 9223372036854775807";
    case TokenFault::not_yet:
      return "not valid yet";
    case TokenFault::expired:
      return "expired";
    case TokenFault::wrong_server:
      return "issued for another server";
  }
  return "unknown";
}

SERRIED_SETUP Result<std::vector<std::uint8_t>> issue_token(const TokenKey& key, const TokenClaims& claims,
                                                            const Entropy& entropy) {
  if (claims.player_id > player_id_max)
    return Error{"player id " + std::to_string(claims.player_id) + " is too large: at most " +
                 std::to_string(player_id_max)};
  if (claims.name.cut())
    return Error{"player name '" + claims.name.string() + "...' is too long: at most " +
                 std::to_string(token_name_bytes_max) + " bytes of UTF-8"};
  if (!is_plain_utf8(claims.name)) return Error{"player name is not UTF-8, or holds control characters"};
  if (claims.expiry <= claims.not_before)
    return Error{"token would expire (" + std::to_string(claims.expiry) + ") before it becomes valid (" +
                 std::to_string(claims.not_before) + ")"};

  std::array<std::uint8_t, claims_bytes_max> plain;
  base::ByteWriter writer(plain);
  writer.write_bytes(claims.id);
  writer.write_bytes(claims.secret.bytes());
  writer.write(claims.player_id);
  writer.write(claims.issued);
  writer.write(claims.not_before);
  writer.write(claims.expiry);
  writer.write(claims.audience);
  writer.write(claims.permissions);
  writer.write(static_cast<std::uint8_t>(claims.name.size()));
  writer.write_bytes({reinterpret_cast<const std::uint8_t*>(claims.name.data()), claims.name.size()});

  std::vector<std::uint8_t> token(prefix_bytes + writer.size() + seal_tag_bytes);
  base::store(token.data(), key.key_id);
  // 192 random bits: drawn at random they never repeat in practice, so issuers need no counter between them.
  entropy.fill(std::span(token).subspan(4, nonce_bytes));
  const Associated associated = associated_data(key);
  crypto_aead_xchacha20poly1305_ietf_encrypt(token.data() + prefix_bytes, nullptr, plain.data(), writer.size(),
                                             associated.data(), associated.size(), nullptr, token.data() + 4,
                                             key.secret.data());
  wipe(plain);
  return token;
}

}  // namespace serried::crypt
