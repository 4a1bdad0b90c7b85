/// Codecs of the control messages. All of them are small and rare; what matters here is that nothing but the documented
/// content decodes, for these are what a stranger may send.

#include "message/control.h"

#include <cstring>

#include "message/codec.h"

namespace serried::message {

namespace {

constexpr std::size_t token_bytes_max = 256;
constexpr std::size_t connect_head_bytes = 4 + 32 + 48 + 16 + 2;
static_assert(connect_head_bytes + token_bytes_max <= connect_content_bytes);
static_assert(framed_bytes(connect_content_bytes) == 1200 - 14 - 4);

constexpr std::size_t cookie_content_bytes = 8 + 48;
constexpr std::size_t accepted_content_bytes = 2 + 2 + 4 + 4 + 4 + 2 + 8 + 8 + 4 + 4 + 3 * 2 + 4 + 4;
constexpr std::size_t denied_content_bytes = 1 + 4 + 8;
constexpr std::size_t ping_content_bytes = 8 + 8;
constexpr std::size_t pong_content_bytes = 8 + 8 + 4;
constexpr std::size_t crypto_test_content_bytes = 32;
constexpr std::size_t enter_content_bytes = 1;
constexpr std::uint8_t audit_bit = 0x01;
constexpr std::size_t reliable_handshake_content_bytes = 4 + 4 + 4;
constexpr std::size_t integrity_content_bytes = 4 + 2 + 16;
constexpr std::size_t rekey_content_bytes = 1 + 32;

constexpr std::string_view deny_texts[] = {
    "",
    "the server is full",
    "the server does not speak this protocol version",
    "the login token is not valid",
    "the login token has expired",
    "the login token was used before",
    "the login token is for another server",
    "this player is banned",
    "the server is shutting down",
};
constexpr std::string_view disconnect_texts[] = {
    "",
    "the user left",
    "the server is shutting down",
    "nothing was heard for too long",
    "the player connected again",
    "kicked",
    "the peer broke the protocol",
    "the login token was used before",
    "the server is overloaded",
};

/// True for the values that have a name: 1 to the last of `texts`.
template <class Reason, std::size_t count>
[[nodiscard]] constexpr bool named(Reason reason, const std::string_view (&)[count]) noexcept {
  const auto value = static_cast<std::uint8_t>(reason);
  return value != 0 && value < count;
}

/// Whether one of two edges is a whole multiple of the other.
[[nodiscard]] constexpr bool commensurable(std::uint32_t a, std::uint32_t b) noexcept {
  return a != 0 && b != 0 && (a % b == 0 || b % a == 0);
}

}  // namespace

std::string_view deny_text(DenyReason reason) noexcept {
  return named(reason, deny_texts) ? deny_texts[static_cast<std::uint8_t>(reason)] : "unknown reason";
}

std::string_view disconnect_text(DisconnectReason reason) noexcept {
  return named(reason, disconnect_texts) ? disconnect_texts[static_cast<std::uint8_t>(reason)] : "unknown reason";
}

void encode(base::ByteWriter& out, const Connect& message) noexcept {
  if (message.token.size() > token_bytes_max) {
    out.fail();
    return;
  }
  if (!detail::begin(out, Type::connect, connect_content_bytes)) return;
  out.write(message.version);
  out.write_bytes(message.client_ephemeral);
  out.write_bytes(message.cookie);
  out.write_bytes(message.proof);
  out.write(static_cast<std::uint16_t>(message.token.size()));
  out.write_bytes(message.token);
  out.write_zeros(connect_content_bytes - connect_head_bytes - message.token.size());
}

bool decode(std::span<const std::uint8_t> content, Connect& message) noexcept {
  if (content.size() != connect_content_bytes) return false;
  base::ByteReader in(content);
  message.version = in.read<std::uint32_t>();
  in.read_into(message.client_ephemeral);
  in.read_into(message.cookie);
  in.read_into(message.proof);
  const std::size_t token_bytes = in.read<std::uint16_t>();
  if (token_bytes > token_bytes_max) return false;
  message.token = in.read_bytes(token_bytes);
  const auto padding = in.read_rest();
  // All zero: the first is, and each equals the one before it. Nine hundred bytes, and strangers send them.
  return in.complete() && (padding.empty() || (padding[0] == 0 && std::memcmp(padding.data(), padding.data() + 1,
                                                                              padding.size() - 1) == 0));
}

void encode(base::ByteWriter& out, const Cookie& message) noexcept {
  if (!detail::begin(out, Type::cookie, cookie_content_bytes)) return;
  out.write_bytes(message.echo);
  out.write_bytes(message.cookie);
}

bool decode(std::span<const std::uint8_t> content, Cookie& message) noexcept {
  base::ByteReader in(content);
  in.read_into(message.echo);
  in.read_into(message.cookie);
  return in.complete();
}

void encode(base::ByteWriter& out, const ConnectionAccepted& message) noexcept {
  if (!detail::begin(out, Type::connection_accepted, accepted_content_bytes)) return;
  out.write(message.tick_rate_hz);
  out.write(message.input_rate_max_hz);
  out.write(message.idle_ping_ms);
  out.write(message.timeout_ms);
  out.write(message.ack_delay_us);
  out.write(message.tracked_max);
  out.write(message.player_entity);
  out.write(message.server_time_us);
  out.write(message.section_size_xy);
  out.write(message.section_size_z);
  out.write(message.sections_x);
  out.write(message.sections_y);
  out.write(message.sections_z);
  out.write(message.cell_size_xy);
  out.write(message.cell_size_z);
}

bool decode(std::span<const std::uint8_t> content, ConnectionAccepted& message) noexcept {
  base::ByteReader in(content);
  message.tick_rate_hz = in.read<std::uint16_t>();
  message.input_rate_max_hz = in.read<std::uint16_t>();
  message.idle_ping_ms = in.read<std::uint32_t>();
  message.timeout_ms = in.read<std::uint32_t>();
  message.ack_delay_us = in.read<std::uint32_t>();
  message.tracked_max = in.read<std::uint16_t>();
  message.player_entity = in.read<std::uint64_t>();
  message.server_time_us = in.read<std::uint64_t>();
  message.section_size_xy = in.read<std::uint32_t>();
  message.section_size_z = in.read<std::uint32_t>();
  message.sections_x = in.read<std::uint16_t>();
  message.sections_y = in.read<std::uint16_t>();
  message.sections_z = in.read<std::uint16_t>();
  message.cell_size_xy = in.read<std::uint32_t>();
  message.cell_size_z = in.read<std::uint32_t>();
  // A client divides by these: what has no meaning is refused here, once.
  return in.complete() && message.tick_rate_hz != 0 && message.sections_x != 0 && message.sections_y != 0 &&
         message.sections_z != 0 && commensurable(message.cell_size_xy, message.section_size_xy) &&
         commensurable(message.cell_size_z, message.section_size_z);
}

void encode(base::ByteWriter& out, const ConnectionDenied& message) noexcept {
  if (!detail::begin(out, Type::connection_denied, denied_content_bytes)) return;
  out.write(message.reason);
  out.write(message.retry_after_ms);
  out.write_bytes(message.echo);
}

bool decode(std::span<const std::uint8_t> content, ConnectionDenied& message) noexcept {
  base::ByteReader in(content);
  message.reason = in.read<DenyReason>();
  message.retry_after_ms = in.read<std::uint32_t>();
  in.read_into(message.echo);
  return in.complete() && named(message.reason, deny_texts);
}

void encode(base::ByteWriter& out, const Ping& message) noexcept {
  if (!detail::begin(out, Type::ping, ping_content_bytes)) return;
  out.write(message.id);
  out.write(message.time_us);
}

bool decode(std::span<const std::uint8_t> content, Ping& message) noexcept {
  base::ByteReader in(content);
  message.id = in.read<std::uint64_t>();
  message.time_us = in.read<std::uint64_t>();
  return in.complete();
}

void encode(base::ByteWriter& out, const Pong& message) noexcept {
  if (!detail::begin(out, Type::pong, pong_content_bytes)) return;
  out.write(message.id);
  out.write(message.time_us);
  out.write(message.delay_us);
}

bool decode(std::span<const std::uint8_t> content, Pong& message) noexcept {
  base::ByteReader in(content);
  message.id = in.read<std::uint64_t>();
  message.time_us = in.read<std::uint64_t>();
  message.delay_us = in.read<std::uint32_t>();
  return in.complete();
}

void encode(base::ByteWriter& out, const Disconnect& message) noexcept {
  if (message.text.size() > disconnect_text_bytes_max) {
    out.fail();
    return;
  }
  if (!detail::begin(out, Type::disconnect, 1 + message.text.size())) return;
  out.write(message.reason);
  out.write_bytes(message.text);
}

bool decode(std::span<const std::uint8_t> content, Disconnect& message) noexcept {
  base::ByteReader in(content);
  message.reason = in.read<DisconnectReason>();
  message.text = in.read_rest();
  return in.complete() && named(message.reason, disconnect_texts) && message.text.size() <= disconnect_text_bytes_max;
}

void encode(base::ByteWriter& out, Type type, const CryptoTest& message) noexcept {
  if (!detail::begin(out, type, crypto_test_content_bytes)) return;
  out.write_bytes(message.bytes);
}

bool decode(std::span<const std::uint8_t> content, CryptoTest& message) noexcept {
  base::ByteReader in(content);
  in.read_into(message.bytes);
  return in.complete();
}

void encode(base::ByteWriter& out, const EnterToWorld& message) noexcept {
  if (!detail::begin(out, Type::enter_to_world, enter_content_bytes)) return;
  out.write<std::uint8_t>(message.audit ? audit_bit : 0);
}

bool decode(std::span<const std::uint8_t> content, EnterToWorld& message) noexcept {
  base::ByteReader in(content);
  const auto flags = in.read<std::uint8_t>();
  message.audit = (flags & audit_bit) != 0;
  return in.complete() && (flags & ~audit_bit) == 0;
}

void encode(base::ByteWriter& out, const ReliableHandshake& message) noexcept {
  if (!detail::begin(out, Type::reliable_handshake, reliable_handshake_content_bytes)) return;
  out.write(message.message_bytes_max);
  out.write(message.dictionary);
  out.write(message.build);
}

bool decode(std::span<const std::uint8_t> content, ReliableHandshake& message) noexcept {
  base::ByteReader in(content);
  message.message_bytes_max = in.read<std::uint32_t>();
  message.dictionary = in.read<std::uint32_t>();
  message.build = in.read<std::uint32_t>();
  return in.complete() && message.message_bytes_max <= message_bytes_max;
}

void encode(base::ByteWriter& out, const CheckIntegrity& message) noexcept {
  if (!detail::begin(out, Type::check_integrity, integrity_content_bytes)) return;
  out.write(message.version);
  out.write(message.index);
  out.write_bytes(message.nonce);
}

bool decode(std::span<const std::uint8_t> content, CheckIntegrity& message) noexcept {
  base::ByteReader in(content);
  message.version = in.read<std::uint32_t>();
  message.index = in.read<std::uint16_t>();
  in.read_into(message.nonce);
  return in.complete();
}

void encode(base::ByteWriter& out, const IntegrityAnswer& message) noexcept {
  if (!detail::begin(out, Type::check_integrity, integrity_content_bytes)) return;
  out.write(message.version);
  out.write(message.index);
  out.write_bytes(message.answer);
}

bool decode(std::span<const std::uint8_t> content, IntegrityAnswer& message) noexcept {
  base::ByteReader in(content);
  message.version = in.read<std::uint32_t>();
  message.index = in.read<std::uint16_t>();
  in.read_into(message.answer);
  return in.complete();
}

void encode(base::ByteWriter& out, Type type, const Rekey& message) noexcept {
  if (!detail::begin(out, type, rekey_content_bytes)) return;
  out.write(message.epoch);
  out.write_bytes(message.ephemeral);
}

bool decode(std::span<const std::uint8_t> content, Rekey& message) noexcept {
  base::ByteReader in(content);
  message.epoch = in.read<std::uint8_t>();
  in.read_into(message.ephemeral);
  return in.complete();
}

}  // namespace serried::message
