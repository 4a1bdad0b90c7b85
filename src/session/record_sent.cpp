#include "session/record_sent.h"

#include "base/prng.h"
#include "wire/datagram.h"

namespace serried::session {
namespace {

[[nodiscard]] constexpr wire::Channel channel_of(channel::PayloadKind payload) noexcept {
  if (payload == channel::PayloadKind::ordered) return wire::Channel::reliable_ordered;
  if (payload == channel::PayloadKind::unordered) return wire::Channel::reliable_unordered;
  return wire::Channel::unreliable;
}

}  // namespace

template <Peers peers>
void record_sent(wire::Batch& batch, Table& table, SendBatchInfo& info, std::uint64_t random, Nanos now) noexcept {
  info.lost_count = 0;
  for (unsigned i = 0; i < batch.live_rows; ++i) table.outbound(batch.session[batch.live[i]]).sent.prefetch();
  for (unsigned i = 0; i < batch.live_rows; ++i) {
    const unsigned row = batch.live[i];
    const std::uint32_t slot = batch.session[row];
    Outbound& outbound = table.outbound(slot);
    const bool skip = (base::mix(random, row) & 0xFF) == 0;
    const std::uint64_t sequence = outbound.sent.next_sequence(skip);
    const std::uint16_t in_flight =
        peers == Peers::live && info.ack_eliciting[row] ? batch.length[row] : std::uint16_t{0};
    const channel::SentPacket evicted = outbound.sent.note(sequence, info.packet[row], in_flight, now);
    if (evicted.payload != channel::PayloadKind::none) [[unlikely]]
      info.lost[info.lost_count++] = {slot, evicted};
    outbound.sealed_bytes += batch.length[row];
    batch.connection_id[row] = table.admission(slot).connection_id;
    batch.channel[row] = static_cast<std::uint8_t>(channel_of(info.packet[row].payload));
    batch.flags[row] |= static_cast<std::uint8_t>(wire::flag::sealed | outbound.key_phase_flag);
    batch.sequence[row] = sequence;
  }
}
template void record_sent<Peers::live>(wire::Batch&, Table&, SendBatchInfo&, std::uint64_t, Nanos) noexcept;
template void record_sent<Peers::recorded>(wire::Batch&, Table&, SendBatchInfo&, std::uint64_t, Nanos) noexcept;

}  // namespace serried::session
