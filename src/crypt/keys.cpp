/// Key material. Every intermediate that a key could be computed from is wiped before its function returns.

#include "crypt/keys.h"

#include <cstring>

#include <sodium.h>

#include "base/bytes.h"
#include "base/check.h"

namespace serried::crypt {
namespace {

static_assert(key_bytes == crypto_scalarmult_curve25519_BYTES && key_bytes == crypto_scalarmult_curve25519_SCALARBYTES);

[[nodiscard]] std::span<const std::uint8_t> label(const char* text) noexcept {
  return {reinterpret_cast<const std::uint8_t*>(text), std::strlen(text)};
}

/// HKDF-Extract(SHA-256(salted), first | second).
[[nodiscard]] Secret extract_both(std::span<const std::uint8_t> salted, const Secret& first,
                                  const Secret& second) noexcept {
  std::array<std::uint8_t, 2 * key_bytes> input;
  std::memcpy(input.data(), first.data(), key_bytes);
  std::memcpy(input.data() + key_bytes, second.data(), key_bytes);
  const Secret prk = hkdf_extract(sha256(salted), input);
  wipe(input);
  return prk;
}

void expand_epoch(const Secret& prk, SessionKeys& keys) noexcept {
  hkdf_expand(prk, label("c2s"), keys.client_to_server.bytes());
  hkdf_expand(prk, label("s2c"), keys.server_to_client.bytes());
  hkdf_expand(prk, label("next"), keys.next.bytes());
}

}  // namespace

Secret::Secret(std::span<const std::uint8_t, key_bytes> bytes) noexcept {
  std::memcpy(bytes_.data(), bytes.data(), key_bytes);
}

void Secret::wipe() noexcept { sodium_memzero(bytes_.data(), bytes_.size()); }

bool Secret::operator==(const Secret& other) const noexcept {
  return sodium_memcmp(bytes_.data(), other.bytes_.data(), key_bytes) == 0;
}

bool initialise() noexcept { return sodium_init() >= 0; }

void system_entropy(std::span<std::uint8_t> to) noexcept { randombytes_buf(to.data(), to.size()); }

bool equal(std::span<const std::uint8_t> a, std::span<const std::uint8_t> b) noexcept {
  return a.size() == b.size() && sodium_memcmp(a.data(), b.data(), a.size()) == 0;
}

void wipe(std::span<std::uint8_t> bytes) noexcept { sodium_memzero(bytes.data(), bytes.size()); }

KeyPair make_key_pair(const Entropy& entropy) noexcept {
  KeyPair pair;
  entropy.fill(pair.secret.bytes());
  // Cannot fail: clamping makes every 32 bytes a valid scalar, and the base point is fixed.
  crypto_scalarmult_curve25519_base(pair.public_key.data(), pair.secret.data());
  return pair;
}

bool shared_secret(const Secret& own, const PublicKey& peer, Secret& out) noexcept {
  if (crypto_scalarmult_curve25519(out.bytes().data(), own.data(), peer.data()) == 0) return true;
  out.wipe();
  return false;
}

Secret hkdf_extract(std::span<const std::uint8_t> salt, std::span<const std::uint8_t> input) noexcept {
  Secret prk;
  Hmac hmac(salt);
  hmac.update(input);
  hmac.finish(prk.bytes());
  return prk;
}

void hkdf_expand(const Secret& prk, std::span<const std::uint8_t> info, std::span<std::uint8_t> out) noexcept {
  SERRIED_CHECK(out.size() <= 255 * sizeof(Hash));
  // T(n) = HMAC(prk, T(n-1) | info | n), T(0) empty
  Hash block{};
  std::uint8_t number = 0;
  for (std::size_t done = 0; done < out.size(); done += block.size()) {
    Hmac hmac(prk.bytes());
    if (number != 0) hmac.update(block);
    ++number;
    hmac.update(info);
    hmac.update({&number, 1});
    hmac.finish(block);
    const std::size_t rest = out.size() - done;
    std::memcpy(out.data() + done, block.data(), rest < block.size() ? rest : block.size());
  }
  wipe(block);
}

// To the byte, integers little-endian, labels ASCII without a terminator:
//
//   salt = SHA-256( "serried" 7 | version u32 | protocol_id u64 | server_id u64 | connection_id u32
//                   | client_ephemeral 32 | server_ephemeral 32 | server_random 16 | token_hash 32 )    143 bytes
//   prk  = HKDF-Extract(salt, token_secret 32 | ee 32)
//   client_to_server = HKDF-Expand(prk, "c2s",    32)
//   server_to_client = HKDF-Expand(prk, "s2c",    32)
//   next             = HKDF-Expand(prk, "next",   32)
//   exporter         = HKDF-Expand(prk, "export", 32)
SessionKeys derive_session_keys(const KeyContext& context, const Secret& token_secret, const Secret& ee) noexcept {
  std::array<std::uint8_t, 7 + 4 + 8 + 8 + 4 + 32 + 32 + 16 + 32> salted;
  base::ByteWriter writer(salted);
  writer.write_bytes(label("serried"));
  writer.write(context.version);
  writer.write(context.protocol_id);
  writer.write(context.server_id);
  writer.write(context.connection_id);
  writer.write_bytes(context.client_ephemeral);
  writer.write_bytes(context.server_ephemeral);
  writer.write_bytes(context.server_random);
  writer.write_bytes(context.token_hash);
  SERRIED_CHECK(writer.ok() && writer.room() == 0);

  const Secret prk = extract_both(salted, token_secret, ee);
  SessionKeys keys;
  expand_epoch(prk, keys);
  hkdf_expand(prk, label("export"), keys.exporter.bytes());
  return keys;
}

//   salt = SHA-256( "serried rekey" 13 | connection_id u32 | epoch u8 | server_ephemeral 32
//                   | client_ephemeral 32 )                                                             82 bytes
//   prk  = HKDF-Extract(salt, next 32 | ee 32)
//   then client_to_server, server_to_client and next as above
SessionKeys derive_next_keys(const EpochContext& context, const SessionKeys& current, const Secret& ee) noexcept {
  std::array<std::uint8_t, 13 + 4 + 1 + 32 + 32> salted;
  base::ByteWriter writer(salted);
  writer.write_bytes(label("serried rekey"));
  writer.write(context.connection_id);
  writer.write(context.epoch);
  writer.write_bytes(context.server_ephemeral);
  writer.write_bytes(context.client_ephemeral);
  SERRIED_CHECK(writer.ok() && writer.room() == 0);

  SessionKeys keys;
  expand_epoch(extract_both(salted, current.next, ee), keys);
  keys.exporter = current.exporter;
  return keys;
}

}  // namespace serried::crypt
