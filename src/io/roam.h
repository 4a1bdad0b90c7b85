#pragma once
/// A session's change of address.

#include "io/io_state.h"

namespace serried::io {

/// An authentic datagram of `bytes` came from an address that is not the session's. `newest`: it has the highest
/// sequence so far.
void note_foreign(IoState& state, std::uint32_t slot, const wire::Path& from, std::uint32_t bytes, bool newest,
                  Nanos now) noexcept;
/// A Pong came, from wherever: moves the session when it comes from the address that is probed, while it is probed, and
/// has the probe's id.
/// Drops   messages: unexpected_message: from there, with another id
[[nodiscard]] metrics::Drop on_probe_pong(IoState& state, std::uint32_t slot, std::uint64_t id,
                                          const wire::Path& from) noexcept;
void sweep_roam(IoState& state, std::uint32_t slot, Nanos now) noexcept;

}  // namespace serried::io
