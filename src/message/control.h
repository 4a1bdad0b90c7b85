#pragma once
/// Control messages: handshake, liveness, new keys, end. Structs and their codecs; no state.
/// Every decode returns false when the content is not exactly what docs/wire-format.md section 3 allows; then the
/// struct is unspecified. Every encode writes framing and content, or sets the writer's error state.

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/bytes.h"
#include "message/type.h"

namespace serried::message {

inline constexpr std::uint32_t protocol_version = 1;

/// version u32 | client_ephemeral 32 | cookie 48 | proof 16 | token_size u16 | token | zero padding, so that the
/// datagram has exactly 1200 bytes. The spans view the datagram.
struct Connect {
  std::uint32_t version = protocol_version;
  std::array<std::uint8_t, 32> client_ephemeral{};
  std::array<std::uint8_t, 48> cookie{};  ///< zeros: has none yet
  std::array<std::uint8_t, 16> proof{};
  std::span<const std::uint8_t> token;
};
/// Content bytes of the padded Connect: fills a 1200-byte clear datagram (length 2 + type 1 + content).
inline constexpr std::size_t connect_content_bytes = 1200 - 14 - 4 - 3;
void encode(base::ByteWriter& out, const Connect& message) noexcept;
[[nodiscard]] bool decode(std::span<const std::uint8_t> content, Connect& message) noexcept;

/// echo 8 (of client_ephemeral) | cookie 48
struct Cookie {
  std::array<std::uint8_t, 8> echo{};
  std::array<std::uint8_t, 48> cookie{};
};
void encode(base::ByteWriter& out, const Cookie& message) noexcept;
[[nodiscard]] bool decode(std::span<const std::uint8_t> content, Cookie& message) noexcept;

/// The sealed part of ConnectionAccepted: what a client must know about server and world.
struct ConnectionAccepted {
  std::uint16_t tick_rate_hz = 60;
  std::uint16_t input_rate_max_hz = 0;  ///< datagrams a second that a client may send
  std::uint32_t idle_ping_ms = 5'000;   ///< Ping when nothing was heard for so long
  std::uint32_t timeout_ms = 15'000;    ///< silence that ends the connection
  std::uint32_t ack_delay_us = 25'000;  ///< longest delay of an ack
  std::uint16_t tracked_max = 128;
  std::uint64_t player_entity = 0;  ///< id of the player's own entity
  std::uint64_t server_time_us = 0;
  // World geometry, units (100 a metre)
  std::uint32_t section_size_xy = 25'600;
  std::uint32_t section_size_z = 6'400;
  std::uint16_t sections_x = 32, sections_y = 32, sections_z = 4;
  std::uint32_t cell_size_xy = 25'600;  ///< of an EntityBlock; divides, or is a multiple of, the section
  std::uint32_t cell_size_z = 6'400;
};
void encode(base::ByteWriter& out, const ConnectionAccepted& message) noexcept;
[[nodiscard]] bool decode(std::span<const std::uint8_t> content, ConnectionAccepted& message) noexcept;

enum class DenyReason : std::uint8_t {
  full = 1,
  version,
  token_invalid,
  token_expired,
  token_used,
  wrong_server,
  banned,
  shutting_down
};
[[nodiscard]] std::string_view deny_text(DenyReason reason) noexcept;
/// reason u8 | retry_after u32, ms | echo 8
struct ConnectionDenied {
  DenyReason reason{};
  std::uint32_t retry_after_ms = 0;
  std::array<std::uint8_t, 8> echo{};
};
void encode(base::ByteWriter& out, const ConnectionDenied& message) noexcept;
[[nodiscard]] bool decode(std::span<const std::uint8_t> content, ConnectionDenied& message) noexcept;

/// id u64, random | time u64, us
struct Ping {
  std::uint64_t id = 0;
  std::uint64_t time_us = 0;
};
void encode(base::ByteWriter& out, const Ping& message) noexcept;
[[nodiscard]] bool decode(std::span<const std::uint8_t> content, Ping& message) noexcept;

/// id | time | delay u32, us
struct Pong {
  std::uint64_t id = 0;
  std::uint64_t time_us = 0;
  std::uint32_t delay_us = 0;
};
void encode(base::ByteWriter& out, const Pong& message) noexcept;
[[nodiscard]] bool decode(std::span<const std::uint8_t> content, Pong& message) noexcept;

enum class DisconnectReason : std::uint8_t {
  user = 1,
  shutdown,
  timeout,
  superseded,
  kicked,
  protocol_error,
  token_used,
  overload
};
[[nodiscard]] std::string_view disconnect_text(DisconnectReason reason) noexcept;
inline constexpr std::size_t disconnect_text_bytes_max = 64;
/// reason u8 | text <= 64. The span views the datagram.
struct Disconnect {
  DisconnectReason reason{};
  std::span<const std::uint8_t> text;
};
void encode(base::ByteWriter& out, const Disconnect& message) noexcept;
[[nodiscard]] bool decode(std::span<const std::uint8_t> content, Disconnect& message) noexcept;

/// 32 random bytes, and back
struct CryptoTest {
  std::array<std::uint8_t, 32> bytes{};
};
void encode(base::ByteWriter& out, Type type, const CryptoTest& message) noexcept;  ///< crypto_test or crypto_test_ack
[[nodiscard]] bool decode(std::span<const std::uint8_t> content, CryptoTest& message) noexcept;

/// flags u8: bit 0, the client wants audits
struct EnterToWorld {
  bool audit = false;
};
void encode(base::ByteWriter& out, const EnterToWorld& message) noexcept;
[[nodiscard]] bool decode(std::span<const std::uint8_t> content, EnterToWorld& message) noexcept;

/// message_bytes_max u32 | dictionary u32 | build u32. Opens the reliable channels.
struct ReliableHandshake {
  std::uint32_t message_bytes_max = 0;  ///< taken in fragments, at most message::message_bytes_max; 0: none
  std::uint32_t dictionary = 0;         ///< id of the compression dictionary; 0: has none
  std::uint32_t build = 0;              ///< of the client; 0: does not say, or is a server
};
void encode(base::ByteWriter& out, const ReliableHandshake& message) noexcept;
[[nodiscard]] bool decode(std::span<const std::uint8_t> content, ReliableHandshake& message) noexcept;

/// version u32 | index u16 | nonce 16
struct CheckIntegrity {
  std::uint32_t version = 0;
  std::uint16_t index = 0;
  std::array<std::uint8_t, 16> nonce{};
};
void encode(base::ByteWriter& out, const CheckIntegrity& message) noexcept;
[[nodiscard]] bool decode(std::span<const std::uint8_t> content, CheckIntegrity& message) noexcept;

/// version u32 | index u16 | answer 16, under the type of the question
struct IntegrityAnswer {
  std::uint32_t version = 0;
  std::uint16_t index = 0;
  std::array<std::uint8_t, 16> answer{};
};
void encode(base::ByteWriter& out, const IntegrityAnswer& message) noexcept;
[[nodiscard]] bool decode(std::span<const std::uint8_t> content, IntegrityAnswer& message) noexcept;

/// epoch u8 | ephemeral 32: a request of the server, or a client's response
struct Rekey {
  std::uint8_t epoch = 0;
  std::array<std::uint8_t, 32> ephemeral{};
};
/// rekey_request or rekey_response; the types that mean the same, server_rekey_request and client_rekey_response, too.
void encode(base::ByteWriter& out, Type type, const Rekey& message) noexcept;
[[nodiscard]] bool decode(std::span<const std::uint8_t> content, Rekey& message) noexcept;

}  // namespace serried::message
