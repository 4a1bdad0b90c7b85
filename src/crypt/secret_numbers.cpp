#include "crypt/secret_numbers.h"

#include <cstring>

#include <sodium.h>

namespace serried::crypt {

void SecretNumbers::refill() noexcept {
  static constexpr std::uint8_t nonce[crypto_stream_chacha20_ietf_NONCEBYTES] = {};  // no key serves twice
  std::array<std::uint8_t, block_bytes> block;
  crypto_stream_chacha20_ietf(block.data(), block.size(), nonce, key_.data());
  std::memcpy(key_.bytes().data(), block.data(), key_bytes);
  std::memcpy(numbers_.data(), block.data() + key_bytes, sizeof numbers_);
  wipe(block);
  left_ = block_numbers;
}

}  // namespace serried::crypt
