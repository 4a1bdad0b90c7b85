#pragma once
/// Questions to a client about its build.

#include "io/io_state.h"

namespace serried::io {

/// The answer to a CheckIntegrity came on channel 1.
[[nodiscard]] metrics::Drop on_integrity_answer(IoState& state, std::uint32_t slot,
                                                std::span<const std::uint8_t> content, Nanos now) noexcept;
/// Whether a client that names this build in ReliableHandshake may play.
[[nodiscard]] bool may_play(const IoState& state, std::uint32_t build) noexcept;
void sweep_integrity(IoState& state, std::uint32_t slot, Nanos now) noexcept;

}  // namespace serried::io
