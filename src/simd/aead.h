#pragma once
/// ChaCha20-Poly1305 over a burst of datagrams, each under its own key: the way into the vector functions.
/// Source  RFC 8439; the associated data is the datagram's header, docs/wire-format.md section 5

#include <cstddef>
#include <cstdint>

namespace serried::simd {

/// One burst. Column i is one datagram: header (14 bytes, the associated data) at data[i], body behind it in place, and
/// behind the body its 16-byte tag. The nonce is connection_id u32 | sequence u64, little-endian. No two datagrams
/// overlap.
struct AeadBurst {
  static constexpr unsigned capacity = 64;
  static constexpr std::size_t header_bytes = 14;
  static constexpr std::size_t tag_bytes = 16;
  static constexpr std::size_t body_bytes_max = 2016;  ///< more is a mistake of the caller's

  unsigned rows = 0;
  const std::uint8_t* key[capacity];  ///< 32 bytes each
  std::uint32_t connection_id[capacity];
  std::uint64_t sequence[capacity];
  std::uint8_t* data[capacity];         ///< the datagram's first byte
  std::uint16_t clear_bytes[capacity];  ///< between header and sealed body, left alone (ConnectionAccepted: 48), else 0
  std::uint16_t body_bytes[capacity];   ///< of the sealed body, without the tag
};

/// How many datagrams a burst must have to be worth a vector function of the instruction set in use; more than a burst
/// can have when there is none.
[[nodiscard]] unsigned aead_rows_min() noexcept;

/// Verify every tag, then decrypt in place what verified; nothing is written to another row. Bit i of the mask is set
/// when row i is authentic. Never before aead_rows_min() has said that there is one.
[[nodiscard]] std::uint64_t aead_open(const AeadBurst& burst) noexcept;
/// Encrypt every body in place and write its tag behind it. The same condition.
void aead_seal(const AeadBurst& burst) noexcept;

}  // namespace serried::simd
