#pragma once
/// ChaCha20-Poly1305 over a burst of datagrams of different sessions. The interface is made for vector kernels that
/// take many datagrams at once; behind it today is a loop over libsodium.
/// Source  RFC 8439; docs/wire-format.md section 5

#include <cstdint>

#include "wire/batch.h"
#include "wire/datagram.h"

namespace serried::crypt {

/// One burst. Column i is one datagram: header (14 bytes, the AAD) at data[i], body behind it in place, and behind
/// the body its 16-byte tag. The nonce is connection_id u32 | sequence u64, little-endian.
struct AeadBatch {
  static constexpr unsigned capacity = wire::Batch::capacity;

  unsigned rows = 0;
  const std::uint8_t* key[capacity];  ///< 32 bytes each
  std::uint32_t connection_id[capacity];
  std::uint64_t sequence[capacity];
  std::uint8_t* data[capacity];         ///< the datagram's first byte
  std::uint16_t clear_bytes[capacity];  ///< between header and sealed body, left alone (ConnectionAccepted: 48), else 0
  std::uint16_t body_bytes[capacity];   ///< of the sealed body, without the tag
};

/// Verify every tag, and decrypt in place what verified. Nothing else of a row that failed is touched.
/// Returns a mask: bit i is set when row i is authentic.
/// Cost    bench/crypt_bench.cpp
[[nodiscard]] std::uint64_t open_batch(const AeadBatch& batch) noexcept;

/// Encrypt every body in place and write its tag behind it.
/// Cost    bench/crypt_bench.cpp
void seal_batch(const AeadBatch& batch) noexcept;

/// The same for a single datagram.
[[nodiscard]] bool open_in_place(const std::uint8_t* key, std::uint32_t connection_id, std::uint64_t sequence,
                                 std::uint8_t* data, std::size_t clear_bytes, std::size_t body_bytes) noexcept;
void seal_in_place(const std::uint8_t* key, std::uint32_t connection_id, std::uint64_t sequence, std::uint8_t* data,
                   std::size_t clear_bytes, std::size_t body_bytes) noexcept;

}  // namespace serried::crypt
