#pragma once
/// Frames and sealed datagrams for the tests of serried-attack.

#include <algorithm>
#include <span>
#include <vector>

#include "port/address.h"
#include "wire/compose.h"
#include "wire/link.h"
#include "wire/stamp.h"

namespace serried {

inline const wire::Path server = port::endpoint(port::ipv4_address(10, 77, 0, 1), 40'000);
inline const wire::Path player = port::endpoint(port::ipv4_address(10, 77, 0, 2), 20'001);

inline std::vector<std::uint8_t> make_frame(const wire::Path& from, const wire::Path& to,
                                            std::span<const std::uint8_t> payload) {
  std::vector<std::uint8_t> room(wire::headroom_bytes + payload.size());
  std::copy(payload.begin(), payload.end(), room.begin() + wire::headroom_bytes);
  wire::UdpFrame frame;
  frame.source = from.address;
  frame.destination = to.address;
  frame.source_port = from.port;
  frame.destination_port = to.port;
  frame.payload_bytes = static_cast<std::uint16_t>(payload.size());
  const std::size_t headers = wire::compose_udp(room.data() + wire::headroom_bytes, frame);
  room.erase(room.begin(), room.begin() + static_cast<std::ptrdiff_t>(wire::headroom_bytes - headers));
  return room;
}

/// To the eye of whoever has no key: header, bytes, CRC.
inline std::vector<std::uint8_t> make_sealed(std::uint32_t connection_id, std::uint64_t sequence, std::size_t bytes,
                                             std::uint64_t protocol_id) {
  std::vector<std::uint8_t> datagram(bytes, 0x5A);
  wire::compose_header(datagram.data(), {connection_id, 0, wire::flag::sealed, sequence});
  wire::stamp_one(datagram, wire::CrcSeed(protocol_id));
  return datagram;
}

}  // namespace serried
