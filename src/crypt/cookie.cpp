/// The stateless cookie and the proof of a Connect.
/// Owner   one io lane (jar); the handshake lane and the client (proof)
///
/// To the byte, integers little-endian, labels ASCII without a terminator:
///
///   secret(epoch) = HMAC-SHA256(root, "cookie" | epoch u64), epoch = time / 60 s
///   nonce         = SipHash-2-4(first 16 of HMAC-SHA256(root, "nonce" | epoch u64),
///                               time u64, s | address 16 | port u16 | client_ephemeral 32)
///   mac           = HMAC-SHA256(secret(epoch), nonce 8 | time u64, s | address 16 | port u16 | client_ephemeral 32
///                               | token_hash 32)
///   cookie        = nonce 8 | time u64, s | mac 32
///   proof         = HMAC-SHA256(token_secret, "proof" | version u32 | client_ephemeral 32 | cookie 48 | token), first
///   16

#include "crypt/cookie.h"

#include <algorithm>

#include <sodium.h>

#include "base/bytes.h"

namespace serried::crypt {
namespace {

constexpr std::size_t stamp_bytes = 16;  // nonce and time
constexpr std::size_t covered_bytes = stamp_bytes + 16 + 2 + 32 + 32;

[[nodiscard]] Hash cookie_mac(const HmacKey& key, const std::uint8_t* stamp, const wire::Path& source,
                              const PublicKey& client_ephemeral, const Hash& token_hash) noexcept {
  std::array<std::uint8_t, covered_bytes> covered;
  base::ByteWriter writer(covered);
  writer.write_bytes({stamp, stamp_bytes});
  writer.write_bytes(source.address);
  writer.write(source.port);
  writer.write_bytes(client_ephemeral);
  writer.write_bytes(token_hash);
  Hmac hmac(key);
  hmac.update(covered);
  Hash mac;
  hmac.finish(mac);
  return mac;
}

/// HMAC-SHA256(root, label | epoch u64).
template <std::size_t size>
[[nodiscard]] Hash derived(const Secret& root, const char (&label)[size], std::uint64_t epoch) noexcept {
  std::array<std::uint8_t, size - 1 + 8> input;
  std::copy_n(label, size - 1, input.begin());
  base::store(input.data() + size - 1, epoch);
  return hmac_sha256(root.bytes(), input);
}

/// In whole seconds also because the product of a time that no clock shows would overflow.
[[nodiscard]] bool lives(std::uint64_t time_s, Nanos now) noexcept {
  return time_s <= now / second && now - time_s * second <= CookieJar::lifetime;
}

}  // namespace

Cookie CookieJar::make(std::uint64_t nonce, const wire::Path& source, const PublicKey& client_ephemeral,
                       const Hash& token_hash, Nanos now) noexcept {
  Cookie cookie;
  base::store(cookie.data(), nonce);
  base::store(cookie.data() + 8, std::uint64_t{now / second});
  const Hash mac = cookie_mac(keys_of(now / rotation).mac, cookie.data(), source, client_ephemeral, token_hash);
  std::copy(mac.begin(), mac.end(), cookie.begin() + stamp_bytes);
  return cookie;
}

bool CookieJar::check(const Cookie& cookie, const wire::Path& source, const PublicKey& client_ephemeral,
                      const Hash& token_hash, Nanos now) noexcept {
  const auto time_s = base::load<std::uint64_t>(cookie.data() + 8);
  if (!lives(time_s, now)) return false;
  const Hash mac =
      cookie_mac(keys_of(time_s * second / rotation).mac, cookie.data(), source, client_ephemeral, token_hash);
  return equal(mac, std::span(cookie).subspan(stamp_bytes));
}

bool CookieJar::knows(const Cookie& cookie, const wire::Path& source, const PublicKey& client_ephemeral,
                      Nanos now) noexcept {
  const auto time_s = base::load<std::uint64_t>(cookie.data() + 8);
  if (!lives(time_s, now)) return false;
  std::array<std::uint8_t, 8> nonce;
  base::store(nonce.data(), nonce_of(time_s, source, client_ephemeral));
  return equal(nonce, std::span(cookie).first<8>());
}

std::uint64_t CookieJar::nonce_of(std::uint64_t time_s, const wire::Path& source,
                                  const PublicKey& client_ephemeral) noexcept {
  static_assert(crypto_shorthash_BYTES == 8 && crypto_shorthash_KEYBYTES == sizeof(Keys::nonce));
  std::array<std::uint8_t, 8 + 16 + 2 + 32> covered;
  base::ByteWriter writer(covered);
  writer.write(time_s);
  writer.write_bytes(source.address);
  writer.write(source.port);
  writer.write_bytes(client_ephemeral);
  std::array<std::uint8_t, 8> hash;
  crypto_shorthash(hash.data(), covered.data(), covered.size(), keys_of(time_s * second / rotation).nonce.data());
  return base::load<std::uint64_t>(hash.data());
}

const CookieJar::Keys& CookieJar::keys_of(std::uint64_t epoch) noexcept {
  // A cookie lives shorter than a rotation, so its epoch is the current one or the one before: two places suffice.
  static_assert(lifetime < rotation);
  Keys& keys = cached_[epoch % 2];
  if (keys.epoch != epoch) {
    keys.epoch = epoch;
    Hash secret = derived(root_, "cookie", epoch);
    keys.mac = HmacKey(secret);
    secret = derived(root_, "nonce", epoch);
    std::copy_n(secret.begin(), keys.nonce.size(), keys.nonce.begin());
    wipe(secret);
  }
  return keys;
}

Proof make_proof(const Secret& token_secret, std::uint32_t version, const PublicKey& client_ephemeral,
                 const Cookie& cookie, std::span<const std::uint8_t> token) noexcept {
  std::uint8_t head[5 + 4] = {'p', 'r', 'o', 'o', 'f'};
  base::store(head + 5, version);
  Hmac hmac(token_secret.bytes());
  hmac.update(head);
  hmac.update(client_ephemeral);
  hmac.update(cookie);
  hmac.update(token);
  Hash whole;
  hmac.finish(whole);
  Proof proof;
  std::copy_n(whole.begin(), proof.size(), proof.begin());
  return proof;
}

}  // namespace serried::crypt
