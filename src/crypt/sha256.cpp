#include "crypt/sha256.h"

#include <algorithm>

#include <sodium.h>

#include "base/bytes.h"
#include "crypt/keys.h"

namespace serried::crypt {
namespace {

constexpr std::size_t block_bytes = simd::sha256_block_bytes;

}  // namespace

Sha256::~Sha256() { sodium_memzero(this, sizeof *this); }

void Sha256::update(std::span<const std::uint8_t> bytes) noexcept {
  const std::size_t held = bytes_ % block_bytes;
  bytes_ += bytes.size();
  if (held != 0) {
    const std::size_t more = std::min(bytes.size(), block_bytes - held);
    std::copy_n(bytes.begin(), more, pending_.begin() + held);
    bytes = bytes.subspan(more);
    if (held + more < block_bytes) return;
    simd::sha256_blocks(state_, pending_.data(), 1);
  }
  const std::size_t whole = bytes.size() / block_bytes;
  if (whole != 0) simd::sha256_blocks(state_, bytes.data(), whole);
  std::ranges::copy(bytes.subspan(whole * block_bytes), pending_.begin());
}

void Sha256::finish(std::span<std::uint8_t, 32> to) noexcept {
  // One bit, zeros, and the number of bits in the last eight bytes of a block.
  std::size_t held = bytes_ % block_bytes;
  pending_[held++] = 0x80;
  if (held > block_bytes - 8) {
    std::fill(pending_.begin() + held, pending_.end(), 0);
    simd::sha256_blocks(state_, pending_.data(), 1);
    held = 0;
  }
  std::fill(pending_.begin() + held, pending_.end() - 8, 0);
  base::store(pending_.data() + block_bytes - 8, base::byte_swapped(8 * bytes_));
  simd::sha256_blocks(state_, pending_.data(), 1);
  for (std::size_t i = 0; i < state_.size(); ++i) base::store(to.data() + 4 * i, base::byte_swapped(state_[i]));
}

HmacKey::HmacKey(std::span<const std::uint8_t> key) noexcept {
  std::array<std::uint8_t, block_bytes> block{};
  if (key.size() > block_bytes) {
    Sha256 shorter;
    shorter.update(key);
    shorter.finish(std::span(block).first<32>());
  } else {
    std::ranges::copy(key, block.begin());
  }
  for (auto& byte : block) byte ^= 0x36;
  inner_.update(block);
  for (auto& byte : block) byte ^= 0x36 ^ 0x5C;
  outer_.update(block);
  wipe(block);
}

void Hmac::finish(std::span<std::uint8_t, 32> to) noexcept {
  Hash inner;
  inner_.finish(inner);
  outer_.update(inner);
  outer_.finish(to);
  wipe(inner);
}

Hash sha256(std::span<const std::uint8_t> bytes) noexcept {
  Hash hash;
  Sha256 hashing;
  hashing.update(bytes);
  hashing.finish(hash);
  return hash;
}

Hash hmac_sha256(std::span<const std::uint8_t> key, std::span<const std::uint8_t> bytes) noexcept {
  Hash hash;
  Hmac hmac(key);
  hmac.update(bytes);
  hmac.finish(hash);
  return hash;
}

}  // namespace serried::crypt
