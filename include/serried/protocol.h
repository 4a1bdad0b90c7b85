#pragma once
/// The few numbers that a server, a client and a login service agree on unless they are configured otherwise.

#include <cstdint>

namespace serried {

/// Names the game: covered by every datagram's CRC and by every token. ASCII "serried1", read as a little-endian u64.
inline constexpr std::uint64_t default_protocol_id = 0x3164656972726573;
inline constexpr std::uint16_t default_udp_port = 40000;

}  // namespace serried
