#pragma once
/// ChaCha20-Poly1305 over a burst of datagrams of different sessions: many at once by a vector function (simd/aead.h),
/// a single one, and all where the CPU has no such vectors, by libsodium.
/// Source  RFC 8439; docs/wire-format.md section 5

#include <cstdint>

#include "simd/aead.h"
#include "wire/batch.h"
#include "wire/datagram.h"

namespace serried::crypt {

/// What the AAD is: the datagram's header.
using AeadBatch = simd::AeadBurst;
static_assert(AeadBatch::capacity == wire::Batch::capacity && AeadBatch::header_bytes == wire::header_bytes &&
              AeadBatch::tag_bytes == wire::tag_bytes && AeadBatch::body_bytes_max >= wire::body_bytes_max);

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
