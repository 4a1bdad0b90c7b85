#pragma once
/// The messages of a datagram, each to what deals with it.

#include "io/io_state.h"
#include "message/type.h"

namespace serried::io {

/// Decode the messages of the live rows and do what they say; inputs and acks of plans go to `steer`.
/// Drops   bad_packed, and those of accept_reliable; messages: bad_framing, bad_message, unknown_message,
///         unexpected_message, message_rate, confirm_deferred, shard_messages_full
void dispatch(IoState& state, wire::Batch& batch, Nanos now) noexcept;

/// Whether a datagram holds plain messages of channel 0, as nearly all do.
[[nodiscard]] inline bool is_plain(const wire::Batch& batch, unsigned row) noexcept {
  constexpr std::uint8_t special = wire::flag::fragment | wire::flag::compressed;
  return batch.channel[row] == static_cast<std::uint8_t>(wire::Channel::unreliable) &&
         (batch.flags[row] & special) == 0;
}
/// Whether one more message of this type is within the session's rate. Beyond it a message of channel 0 is dropped, and
/// so is one of channel 1 or 2 if it `is_spoken`. All others of these channels wait, or are not acked: their answers
/// are counted on, and messages that came slowly may be handed on in a burst, after an outage or once there is room
/// for their answers. A client that sends too fast only delays itself.
[[nodiscard]] bool within_rate(IoState& state, std::uint32_t slot, message::Type type, Nanos now) noexcept;
/// No client waits for an answer to it, and late it is worth nothing: beyond its rate it is dropped on every channel. A
/// line of chat may take half a second of its session's rate, so that lines which waited would hold up what stands
/// behind them, as the answers that decide whether the session lives, for longer than these are waited for.
[[nodiscard]] constexpr bool is_spoken(message::Type type) noexcept {
  return guard::class_of(type) == guard::MessageClass::chat;
}
/// A message that came on channel 1 or 2 is beyond its rate, and counted as dropped. Asking takes nothing of the rate:
/// what finds no room comes again.
[[nodiscard]] bool leaves_out(IoState& state, std::uint32_t slot, message::Type type, Nanos now) noexcept;
/// A message that came on channel 1 or 2 is received for good. If it `is_spoken`, this is where its rate pays for it.
void count_taken(IoState& state, std::uint32_t slot, message::Type type, Nanos now) noexcept;

/// A message that came on channel 1 or 2. False: there is no room for it now.
[[nodiscard]] bool on_reliable_message(IoState& state, std::uint32_t slot, wire::Channel channel, message::Type type,
                                       std::span<const std::uint8_t> content, Nanos now) noexcept;

}  // namespace serried::io
