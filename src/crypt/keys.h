#pragma once
/// Key material: types that wipe themselves, X25519, and the schedule that turns a handshake into keys.
/// Source  RFC 7748 (X25519), RFC 5869 (HKDF, with SHA-256), docs/wire-format.md sections 4 and 5

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "crypt/sha256.h"

namespace serried::crypt {

inline constexpr std::size_t key_bytes = 32;
using PublicKey = std::array<std::uint8_t, key_bytes>;

/// 32 secret bytes, wiped when destroyed. Comparison is in constant time.
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::span<const std::uint8_t, key_bytes> bytes) noexcept;
  Secret(const Secret&) = default;
  Secret& operator=(const Secret&) = default;
  ~Secret() { wipe(); }

  void wipe() noexcept;
  [[nodiscard]] bool operator==(const Secret& other) const noexcept;
  [[nodiscard]] const std::uint8_t* data() const noexcept { return bytes_.data(); }
  [[nodiscard]] std::span<std::uint8_t, key_bytes> bytes() noexcept { return bytes_; }
  [[nodiscard]] std::span<const std::uint8_t, key_bytes> bytes() const noexcept { return bytes_; }

 private:
  std::array<std::uint8_t, key_bytes> bytes_{};
};

/// Prepare the library below (CPU dispatch, entropy). Once per process, before anything else of crypt; false: unusable.
[[nodiscard]] bool initialise() noexcept;

/// Bytes of the operating system's entropy. Tests inject their own instead (see EntropySource).
void system_entropy(std::span<std::uint8_t> to) noexcept;
/// Where secrets and ids come from: injected, so that a scenario has one seed.
using EntropySource = void (*)(void* context, std::span<std::uint8_t> to);
struct Entropy {
  EntropySource source = [](void*, std::span<std::uint8_t> to) { system_entropy(to); };
  void* context = nullptr;
  void fill(std::span<std::uint8_t> to) const { source(context, to); }
};

/// In constant time.
[[nodiscard]] bool equal(std::span<const std::uint8_t> a, std::span<const std::uint8_t> b) noexcept;
void wipe(std::span<std::uint8_t> bytes) noexcept;

struct KeyPair {
  Secret secret;
  PublicKey public_key{};
};
[[nodiscard]] KeyPair make_key_pair(const Entropy& entropy) noexcept;
/// X25519. False when the result is all zero (a small-order point): to be refused.
[[nodiscard]] bool shared_secret(const Secret& own, const PublicKey& peer, Secret& out) noexcept;

[[nodiscard]] Secret hkdf_extract(std::span<const std::uint8_t> salt, std::span<const std::uint8_t> input) noexcept;
/// At most 255 * 32 bytes.
void hkdf_expand(const Secret& prk, std::span<const std::uint8_t> info, std::span<std::uint8_t> out) noexcept;

/// Everything both sides hash into the salt of a session's keys.
struct KeyContext {
  std::uint32_t version = 0;
  std::uint64_t protocol_id = 0;
  std::uint64_t server_id = 0;
  std::uint32_t connection_id = 0;
  PublicKey client_ephemeral{};
  PublicKey server_ephemeral{};
  std::array<std::uint8_t, 16> server_random{};
  Hash token_hash{};
};

/// The keys of a session: one a direction, one to grow the next epoch from, one for exporters.
struct SessionKeys {
  Secret client_to_server, server_to_client, next, exporter;
};
/// `token_secret` authenticates both sides, `ee` = X25519 of both ephemerals gives forward secrecy.
[[nodiscard]] SessionKeys derive_session_keys(const KeyContext& context, const Secret& token_secret,
                                              const Secret& ee) noexcept;

/// Everything both sides hash into the salt of the next epoch's keys.
struct EpochContext {
  std::uint32_t connection_id = 0;
  std::uint8_t epoch = 0;  ///< the one that begins: 1 at the first rekey, modulo 256
  PublicKey server_ephemeral{};
  PublicKey client_ephemeral{};
};
/// The keys of the epoch after `current`: its `next` authenticates both sides, `ee` = X25519 of both new ephemerals
/// gives forward secrecy. The exporter stays that of the handshake.
[[nodiscard]] SessionKeys derive_next_keys(const EpochContext& context, const SessionKeys& current,
                                           const Secret& ee) noexcept;

}  // namespace serried::crypt
