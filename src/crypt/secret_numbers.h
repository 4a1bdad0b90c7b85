#pragma once
/// Numbers that no outsider may guess, whatever others of them have been seen: ids of probes and Pings, nonces, the
/// random part of connection ids, which sequences are left out. base::Prng is for what may be known.
/// Source  ChaCha20 (RFC 8439); D. J. Bernstein, "Fast-key-erasure random-number generators" (2017)

#include <array>
#include <cstdint>

#include "crypt/keys.h"

namespace serried::crypt {

/// A keystream, made 512 bytes at a time. Of each such block the first 32 bytes are the key of the next, so that
/// nothing of what was given out can be computed again from this memory later.
/// Owner   one lane, one session of a client
/// Cost    bench/crypt_bench.cpp
class SecretNumbers {
 public:
  /// Under a key of this entropy.
  explicit SecretNumbers(const Entropy& entropy) noexcept { entropy.fill(key_.bytes()); }

  [[nodiscard]] std::uint64_t next() noexcept {
    if (left_ == 0) [[unlikely]]
      refill();
    return numbers_[--left_];
  }
  /// Uniform in [0, bound); bound 0 gives 0. The bias is below bound / 2^64.
  [[nodiscard]] std::uint64_t below(std::uint64_t bound) noexcept {
    __extension__ using Wide = unsigned __int128;
    return static_cast<std::uint64_t>((static_cast<Wide>(next()) * bound) >> 64);
  }

 private:
  static constexpr std::size_t block_bytes = 512;
  static constexpr unsigned block_numbers = (block_bytes - key_bytes) / 8;

  void refill() noexcept;

  unsigned left_ = 0;
  Secret key_;
  std::array<std::uint64_t, block_numbers> numbers_{};
};

}  // namespace serried::crypt
