#pragma once
/// The 14-byte header, the flags and the sizes of a datagram.
/// Source  docs/wire-format.md section 1
///
///     0               4       5       6               14
///     +---------------+-------+-------+---------------+-- - - --+--------+--------+
///     | connection_id |channel| flags | sequence      | body    | tag    | crc32c |
///     | u32           | u8    | u8    | u64           | n       | 16     | u32    |
///     +---------------+-------+-------+---------------+-- - - --+--------+--------+

#include <cstddef>
#include <cstdint>

namespace serried::wire {

inline constexpr std::size_t header_bytes = 14;
inline constexpr std::size_t tag_bytes = 16;
inline constexpr std::size_t crc_bytes = 4;
inline constexpr std::size_t datagram_bytes_max = 1200;
inline constexpr std::size_t datagram_bytes_min = header_bytes + crc_bytes;
/// Plaintext body of a sealed datagram.
inline constexpr std::size_t body_bytes_max = datagram_bytes_max - header_bytes - tag_bytes - crc_bytes;
static_assert(body_bytes_max == 1166);

/// largest varint (up to 10) | delay u16 | mask u64
inline constexpr std::size_t ack_block_bytes_max = 20;

enum class Channel : std::uint8_t { unreliable = 0, reliable_ordered = 1, reliable_unordered = 2 };
inline constexpr std::uint8_t channel_count = 3;

namespace flag {
inline constexpr std::uint8_t encrypted = 0x01;
inline constexpr std::uint8_t chacha20_poly1305 = 0x02;
inline constexpr std::uint8_t rekey = 0x04;  ///< reserved, 0
inline constexpr std::uint8_t fragment = 0x08;
inline constexpr std::uint8_t compressed = 0x10;
inline constexpr std::uint8_t acknowledgment = 0x20;
inline constexpr std::uint8_t reliable_handshake = 0x40;
inline constexpr std::uint8_t key_phase = 0x80;
inline constexpr std::uint8_t sealed = encrypted | chacha20_poly1305;
}  // namespace flag

/// No datagram of a session carries this id.
inline constexpr std::uint32_t no_connection = 0;

struct Header {
  std::uint32_t connection_id;
  std::uint8_t channel;
  std::uint8_t flags;
  std::uint64_t sequence;
};

}  // namespace serried::wire
