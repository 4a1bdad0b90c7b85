#pragma once
/// Ethernet frames: a UDP datagram seen from above (source, destination, payload), and those that the attacker sends
/// and hears.

#include <cstdint>
#include <span>

#include "tools/attack/forge.h"
#include "wire/link.h"
#include "wire/path.h"

namespace serried::tools {

struct FrameView {
  wire::Path from, to;
  std::span<const std::uint8_t> payload;
};

/// False: no whole UDP datagram. Checksums are not looked at: what is overheard on its way out often has none yet.
[[nodiscard]] bool read_frame(std::span<const std::uint8_t> frame, FrameView& view) noexcept;

/// Source and destination on the link.
struct Stations {
  wire::Mac source{}, destination{};
};
/// All headers of a frame to `server` that claims to come from `shot.from`, written before its `shot.bytes` of payload;
/// returns how long they are. Of a neighbour's message the payload is written too: from an even port a question for the
/// server's link address, from an odd one an answer that says where `shot.from` is.
std::size_t compose_claimed(std::uint8_t* payload, const Shot& shot, const wire::Path& server,
                            const Stations& stations) noexcept;
/// Bytes of a neighbour's message of the family of `address`.
[[nodiscard]] std::size_t neighbor_message_bytes(const port::Address& address) noexcept;

/// What of `server` a frame is an answer to, by its kind and the bytes that AttackTally counts.
struct Answer {
  AttackKind kind{};
  std::size_t bytes = 0;
};
/// False: it is none.
[[nodiscard]] bool read_answer(std::span<const std::uint8_t> frame, const wire::Path& server, Answer& answer) noexcept;

}  // namespace serried::tools
