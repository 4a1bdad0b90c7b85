#include "session/account.h"

#include "base/prng.h"
#include "wire/datagram.h"

namespace serried::session {

void account(wire::Batch& batch, Table& table, const Freight& freight, std::uint64_t random, Nanos now) noexcept {
  for (unsigned i = 0; i < batch.live_rows; ++i) {
    const unsigned row = batch.live[i];
    const std::uint32_t slot = batch.session[row];
    channel::SentDatagrams& sent = table.outbound(slot).sent;
    const bool skip = (base::mix(random, row) & 0xFF) == 0;
    const std::uint64_t sequence = sent.next_sequence(skip);
    sent.note(sequence, freight.plan[row], freight.wants_ack[row], now);
    batch.connection_id[row] = table.admission(slot).connection_id;
    batch.channel[row] = static_cast<std::uint8_t>(wire::Channel::unreliable);
    batch.flags[row] |= wire::flag::sealed;
    batch.sequence[row] = sequence;
  }
}

}  // namespace serried::session
