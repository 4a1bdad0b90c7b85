#pragma once
/// The stateless cookie: proof that a client receives at the address it claims, before the server keeps anything.
/// Source  docs/wire-format.md section 4
///
///     nonce 8 | time u64, s | HMAC-SHA256 32 over nonce, time, address, port, client_ephemeral, token hash
///
/// The nonce is a short keyed hash itself (SipHash-2-4), over all but the token: who has not received a cookie at that
/// address does not have it, and is told apart for a fraction of what the hashes of the token and of the whole cost.

#include <array>
#include <cstdint>
#include <span>

#include "crypt/keys.h"
#include "serried/time.h"
#include "wire/path.h"

namespace serried::crypt {

inline constexpr std::size_t cookie_bytes = 48;
using Cookie = std::array<std::uint8_t, cookie_bytes>;

/// Makes and checks cookies.
/// Owner   one io lane; all lanes share the secret by being given the same seed key
class CookieJar {
 public:
  static constexpr Nanos lifetime = 10 * second;
  static constexpr Nanos rotation = 60 * second;

  /// Secrets of successive rotations are derived from `root`, so lanes that share it accept each other's cookies.
  explicit CookieJar(const Secret& root) noexcept : root_(root) {}

  [[nodiscard]] Cookie make(const wire::Path& source, const PublicKey& client_ephemeral, const Hash& token_hash,
                            Nanos now) noexcept {
    return make(nonce_of(now / second, source, client_ephemeral), source, client_ephemeral, token_hash, now);
  }
  /// With any nonce: the layout by itself.
  [[nodiscard]] Cookie make(std::uint64_t nonce, const wire::Path& source, const PublicKey& client_ephemeral,
                            const Hash& token_hash, Nanos now) noexcept;
  /// Whether such a cookie was given to this address and port within its lifetime, as far as the nonce tells: what
  /// is left to be found wrong can only be so by the doing of a host that receives there.
  [[nodiscard]] bool knows(const Cookie& cookie, const wire::Path& source, const PublicKey& client_ephemeral,
                           Nanos now) noexcept;
  /// Valid for 10 s, never from the future; of the current secret or the one before.
  [[nodiscard]] bool check(const Cookie& cookie, const wire::Path& source, const PublicKey& client_ephemeral,
                           const Hash& token_hash, Nanos now) noexcept;

 private:
  struct Keys {
    std::uint64_t epoch = ~std::uint64_t{0};
    HmacKey mac;
    std::array<std::uint8_t, 16> nonce{};
  };
  [[nodiscard]] const Keys& keys_of(std::uint64_t epoch) noexcept;
  [[nodiscard]] std::uint64_t nonce_of(std::uint64_t time_s, const wire::Path& source,
                                       const PublicKey& client_ephemeral) noexcept;

  Secret root_;
  Keys cached_[2];
};

/// What a Connect proves with the token's secret: HMAC-SHA256(secret, "proof" | version | client_ephemeral | cookie
/// | token), first 16 bytes.
using Proof = std::array<std::uint8_t, 16>;
[[nodiscard]] Proof make_proof(const Secret& token_secret, std::uint32_t version, const PublicKey& client_ephemeral,
                               const Cookie& cookie, std::span<const std::uint8_t> token) noexcept;

}  // namespace serried::crypt
