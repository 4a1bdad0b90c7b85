#include "tools/attack/forge.h"

#include <algorithm>
#include <cstring>

#include "message/control.h"
#include "tools/attack/frame.h"
#include "tools/attack/target.h"
#include "wire/compose.h"
#include "wire/stamp.h"

namespace serried::tools {

namespace {

constexpr std::size_t around_body = wire::header_bytes + wire::tag_bytes + wire::crc_bytes;
constexpr std::size_t token_bytes = 198;                  ///< one with a name, as a real one
constexpr std::uint64_t body_least = 16, body_most = 96;  ///< of a client's datagrams
constexpr std::size_t ping_least = 8, ping_most = 64;     ///< bytes of data, as of a host's own ping
/// Beyond any replay window, and never so far that the sequence ends.
constexpr std::uint64_t ahead_least = 1'000, ahead_span = 100'000;

}  // namespace

Forge::Forge(const Config& config, const Samples& samples) noexcept
    : config_(config), samples_(samples), crc_(config.protocol_id), random_(config.seed) {}

bool Forge::make(AttackKind kind, std::uint8_t* to, Shot& shot) noexcept {
  const bool overheard = needs_sample(kind);
  if (overheard && samples_.empty()) return false;
  const Sample* const sample = overheard ? &samples_.pick(random_) : nullptr;
  shot.kind = kind;
  shot.bytes = make_bytes(kind, to, sample);
  // Of replays every other one comes from where the original did.
  const bool players_name = kind == AttackKind::spoofed || (kind == AttackKind::replay && random_.below(2) == 0);
  if (players_name) {
    shot.from = sample->from;
  } else {
    shot.from.address = draw_address(config_.sources, random_);
    shot.from.port = static_cast<std::uint16_t>(first_port(kind) + random_.below(ports_of_kind));
  }
  return true;
}

std::uint16_t Forge::make_bytes(AttackKind kind, std::uint8_t* to, const Sample* sample) noexcept {
  const auto between = [this](std::size_t least, std::size_t most) { return least + random_.below(most - least + 1); };
  const auto random_bytes = [&](std::size_t bytes) {
    fill(to, bytes);
    return static_cast<std::uint16_t>(bytes);
  };
  const auto ahead = [&] {
    return wire::read_header(sample->data.data()).sequence + ahead_least + random_.below(ahead_span);
  };
  switch (kind) {
    case AttackKind::garbage:
      return random_bytes(between(1, wire::datagram_bytes_max));
    case AttackKind::too_short:
      return random_bytes(between(1, wire::datagram_bytes_min - 1));
    case AttackKind::too_long:
      return random_bytes(between(wire::datagram_bytes_max + 1, attack_bytes_max));
    case AttackKind::bad_crc: {
      const std::uint16_t bytes =
          sealed(to, static_cast<std::uint32_t>(random_.next()) | 1, 1 + random_.below(1 << 20));
      to[bytes - 1] ^= 1;
      return bytes;
    }
    case AttackKind::connect:
    case AttackKind::connect_cookie:
      return connect(to, kind == AttackKind::connect_cookie);
    case AttackKind::unknown_session: {
      // The upper four bits name an io lane, of which few servers have more than four: every other one names one of
      // those.
      const std::uint32_t lanes = random_.below(2) == 0 ? 0xFFFF'FFFFU : 0x3FFF'FFFFU;
      return sealed(to, (static_cast<std::uint32_t>(random_.next()) & lanes) | 1, 1 + random_.below(1 << 20));
    }
    case AttackKind::replay:
      std::copy_n(sample->data.begin(), sample->bytes, to);
      return sample->bytes;
    case AttackKind::ping:
      return random_bytes(between(ping_least, ping_most));
    case AttackKind::neighbor:
      return static_cast<std::uint16_t>(neighbor_message_bytes(config_.sources.address));
    case AttackKind::bad_tag:
    case AttackKind::spoofed:
      break;
  }
  return sealed(to, wire::read_header(sample->data.data()).connection_id, ahead());
}

std::uint16_t Forge::sealed(std::uint8_t* to, std::uint32_t connection_id, std::uint64_t sequence) noexcept {
  const std::size_t bytes = around_body + body_least + random_.below(body_most - body_least + 1);
  wire::compose_header(to, {connection_id, 0, wire::flag::sealed | wire::flag::acknowledgment, sequence});
  fill(to + wire::header_bytes, bytes - wire::header_bytes - wire::crc_bytes);
  wire::stamp_one({to, bytes}, crc_);
  return static_cast<std::uint16_t>(bytes);
}

std::uint16_t Forge::connect(std::uint8_t* to, bool cookie) noexcept {
  std::array<std::uint8_t, token_bytes> token;
  fill(token.data(), token.size());
  message::Connect connect;
  fill(connect.client_ephemeral.data(), connect.client_ephemeral.size());
  if (cookie) {
    fill(connect.cookie.data(), connect.cookie.size());
    fill(connect.proof.data(), connect.proof.size());
  }
  connect.token = token;
  wire::compose_header(to, {wire::no_connection, 0, 0, 0});
  base::ByteWriter out{{to + wire::header_bytes, wire::datagram_bytes_max - wire::header_bytes}};
  message::encode(out, connect);
  wire::stamp_one({to, wire::datagram_bytes_max}, crc_);
  return static_cast<std::uint16_t>(wire::datagram_bytes_max);
}

void Forge::fill(std::uint8_t* to, std::size_t bytes) noexcept {
  while (bytes != 0) {
    const std::uint64_t word = random_.next();
    const std::size_t count = std::min(bytes, sizeof word);
    std::memcpy(to, &word, count);
    to += count;
    bytes -= count;
  }
}

}  // namespace serried::tools
