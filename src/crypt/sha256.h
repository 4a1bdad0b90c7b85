#pragma once
/// SHA-256 and HMAC-SHA256, whole and in pieces.
/// Source  FIPS 180-4 (SHA-256), RFC 2104 (HMAC)

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "simd/sha256.h"

namespace serried::crypt {

using Hash = std::array<std::uint8_t, 32>;

[[nodiscard]] Hash sha256(std::span<const std::uint8_t> bytes) noexcept;
[[nodiscard]] Hash hmac_sha256(std::span<const std::uint8_t> key, std::span<const std::uint8_t> bytes) noexcept;

/// SHA-256 of what update() was given. Wiped when destroyed: it may stand for a key.
class Sha256 {
 public:
  Sha256() = default;
  Sha256(const Sha256&) = default;
  Sha256& operator=(const Sha256&) = default;
  ~Sha256();

  void update(std::span<const std::uint8_t> bytes) noexcept;
  /// The end: nothing but the destructor may follow.
  void finish(std::span<std::uint8_t, 32> to) noexcept;

 private:
  simd::Sha256State state_ = simd::sha256_initial;
  std::uint64_t bytes_ = 0;
  std::array<std::uint8_t, simd::sha256_block_bytes> pending_{};  ///< its first bytes_ % 64
};

/// A key, ready for HMAC: both of its blocks are hashed already.
class HmacKey {
 public:
  HmacKey() = default;
  explicit HmacKey(std::span<const std::uint8_t> key) noexcept;

 private:
  friend class Hmac;
  Sha256 inner_, outer_;
};

/// HMAC-SHA256 of what update() was given.
class Hmac {
 public:
  explicit Hmac(const HmacKey& key) noexcept : inner_(key.inner_), outer_(key.outer_) {}
  explicit Hmac(std::span<const std::uint8_t> key) noexcept : Hmac(HmacKey(key)) {}

  void update(std::span<const std::uint8_t> bytes) noexcept { inner_.update(bytes); }
  /// The end: nothing but the destructor may follow.
  void finish(std::span<std::uint8_t, 32> to) noexcept;

 private:
  Sha256 inner_, outer_;
};

}  // namespace serried::crypt
