#pragma once
/// A UDP datagram in an Ethernet frame, seen from above: source, destination, payload.

#include <cstdint>
#include <span>

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
/// Link, IP and UDP headers of a datagram to `server` that claims to come from `from`, written before its payload of
/// `bytes`; returns how long they are.
std::size_t compose_claimed(std::uint8_t* payload, std::uint16_t bytes, const wire::Path& from,
                            const wire::Path& server, const Stations& stations) noexcept;

}  // namespace serried::tools
