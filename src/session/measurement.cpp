#include "session/measurement.h"

#include "base/bytes.h"
#include "session/id.h"

namespace serried::session {
namespace {

/// Bytes that nothing else gets: `what` is a letter, `number` of a player.
template <std::size_t size>
std::array<std::uint8_t, size> derive(const crypt::Secret& root, char what, std::uint64_t number = 0) noexcept {
  std::array<std::uint8_t, 9> info{static_cast<std::uint8_t>(what)};
  base::store(info.data() + 1, number);
  std::array<std::uint8_t, size> out{};
  crypt::hkdf_expand(root, info, out);
  return out;
}

std::uint64_t derive_number(const crypt::Secret& root, char what, std::uint64_t number = 0) noexcept {
  return base::load<std::uint64_t>(derive<8>(root, what, number).data());
}

wire::IpAddress address_of(std::uint32_t number, bool ipv6) noexcept {
  const std::uint32_t host = number + 1;
  const auto byte = [host](unsigned shift) { return static_cast<std::uint8_t>(host >> shift); };
  if (!ipv6) return wire::mapped({198, static_cast<std::uint8_t>(18 + byte(16)), byte(8), byte(0)});
  return {0x20, 0x01, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, byte(16), byte(8), byte(0)};
}

}  // namespace

Measurement::Measurement(const MeasurementConfig& config) noexcept : config_(config) {
  std::array<std::uint8_t, 8> seed;
  base::store(seed.data(), config.seed);
  root_ = crypt::hkdf_extract(base::as_bytes("serried measurement"), seed);
}

crypt::TokenKey Measurement::token_key() const noexcept {
  crypt::TokenKey key;
  key.key_id = 1;
  key.protocol_id = derive_number(root_, 'p');
  key.server_id = derive_number(root_, 's');
  key.secret = crypt::Secret{derive<crypt::key_bytes>(root_, 't')};
  return key;
}

Measurement::Player Measurement::player(std::uint32_t number) const noexcept {
  Player player;
  player.id = std::uint64_t{number} + 1;
  player.lane = number % config_.lanes;
  player.slot = number / config_.lanes;
  player.random = derive_number(root_, 'i', number);
  player.connection_id = make_id(player.lane, player.slot, player.random);
  player.keys.client_to_server = crypt::Secret{derive<crypt::key_bytes>(root_, 'c', number)};
  player.keys.server_to_client = crypt::Secret{derive<crypt::key_bytes>(root_, 'd', number)};
  player.keys.next = crypt::Secret{derive<crypt::key_bytes>(root_, 'n', number)};
  player.keys.exporter = crypt::Secret{derive<crypt::key_bytes>(root_, 'e', number)};
  player.path.address = address_of(number, config_.ipv6);
  player.path.port = client_port;
  player.path.link = client_mac;
  return player;
}

}  // namespace serried::session
