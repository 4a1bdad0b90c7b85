#pragma once
/// Who is at the other end of a lane's sessions. A parameter of the lane's type, so that it costs no datagram anything.

#include <cstdint>

namespace serried::session {

enum class Peers : std::uint8_t {
  live,      ///< clients: what repeats is refused, and what they are sent they acknowledge
  recorded,  ///< a file that is played again and again (measurement.h): what repeats is taken, and no ack comes
};

}  // namespace serried::session
