/// Issuing tokens: in the login service (serried-token) and in tests, never in a lane. Twin of open_token (token.cpp).

#include "crypt/token.h"

#include <sodium.h>

#include "base/setup.h"
#include "crypt/token_layout.h"
#include "crypt/token_text.h"

namespace serried::crypt {

SERRIED_SETUP Result<std::vector<std::uint8_t>> issue_token(const TokenKey& key, const TokenClaims& claims,
                                                            const Entropy& entropy) {
  using namespace token_layout;
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
