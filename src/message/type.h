#pragma once
/// Message types and framing. A message is  length varint | type u8 | content,  length counting type and content.
/// Source  docs/wire-format.md sections 2 and 3

#include <cstdint>
#include <span>

#include "base/bytes.h"

namespace serried::message {

/// class << 6 | number. Class 0 control, 1 server to client, 2 client to server, 3 game.
enum class Type : std::uint8_t {
  connect = 0x00,
  cookie = 0x01,
  connection_accepted = 0x02,
  connection_denied = 0x03,
  ping = 0x04,
  pong = 0x05,
  disconnect = 0x06,
  ack = 0x07,       ///< reserved: an ack-only datagram is the flag and an empty body
  fragment = 0x08,  ///< reserved: the flag is used
  reliable_handshake = 0x09,
  crypto_test = 0x0A,
  crypto_test_ack = 0x0B,
  check_integrity = 0x0C,
  rekey_request = 0x0D,
  rekey_response = 0x0E,

  audit = 0x40,  ///< Benchmark on the page: hashes of what the server knows that the client holds
  create_entity = 0x41,
  update_entity = 0x42,
  remove_entity = 0x43,
  update_entity_quantized = 0x44,
  server_rekey_request = 0x45,
  delta_sync = 0x46,
  entity_block = 0x47,

  sync_entity = 0x80,
  sync_entity_quantized = 0x81,
  client_pong = 0x82,
  enter_to_world = 0x83,
  client_rekey_response = 0x84,

  game_first = 0xC0,
  action = game_first,
  action_result = 0xC1,
  state_update = 0xC2,
  input_command = 0xC3,
  symbol = 0xC4,
  chat = 0xC5,
  game_own = 0xD0,  ///< and all above: registered by the game
};

/// Type and content of the largest message, which travels in fragments.
inline constexpr std::uint32_t message_bytes_max = 512 * 1024;

/// One framed message inside a body.
struct Framed {
  Type type{};
  std::span<const std::uint8_t> content;
};

/// Take the next message off `body`. False at the clean end, and when the framing is broken: then `body.ok()` is false.
[[nodiscard]] inline bool next(base::ByteReader& body, Framed& out) noexcept {
  if (!body.ok() || body.remaining() == 0) return false;
  const std::uint64_t length = body.read_varint();
  if (!body.ok() || length == 0 || length > body.remaining()) {
    body.fail();
    return false;
  }
  out.type = body.read<Type>();
  out.content = body.read_bytes(static_cast<std::size_t>(length) - 1);
  return true;
}

/// Bytes of a message with `content_bytes` of content, framing included.
[[nodiscard]] constexpr std::size_t framed_bytes(std::size_t content_bytes) noexcept {
  return base::varint_bytes(content_bytes + 1) + 1 + content_bytes;
}

/// Write length and type of a message whose content has a size known beforehand.
inline void frame(base::ByteWriter& out, Type type, std::size_t content_bytes) noexcept {
  out.write_varint(content_bytes + 1);
  out.write(type);
}

}  // namespace serried::message
