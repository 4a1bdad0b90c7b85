#include "session/open.h"

#include "crypt/aead.h"
#include "wire/datagram.h"

namespace serried::session {
namespace {

void add_row(crypt::AeadBatch& aead, const wire::Batch& batch, unsigned row, const std::uint8_t* key) noexcept {
  const unsigned i = aead.rows++;
  aead.key[i] = key;
  aead.connection_id[i] = batch.connection_id[row];
  aead.sequence[i] = batch.sequence[row];
  aead.data[i] = batch.data[row];
  aead.clear_bytes[i] = 0;
  aead.body_bytes[i] =
      static_cast<std::uint16_t>(batch.length[row] - wire::header_bytes - wire::tag_bytes - wire::crc_bytes);
}

}  // namespace

template <Peers peers>
void open(wire::Batch& batch, Table& table, guard::AbuseGuard& abuse_guard, metrics::DropCounters& drops,
          Nanos now) noexcept {
  crypt::AeadBatch aead;
  std::uint64_t keyless = 0;
  for (unsigned i = 0; i < batch.live_rows; ++i) {
    const unsigned row = batch.live[i];
    const std::uint32_t slot = batch.session[row];
    const std::uint8_t* key = table.receive_key(slot, batch.flags[row]);
    if (key == nullptr) [[unlikely]] {
      // A phase without a key: take the trouble of opening it all the same, so that its time does not tell which
      // phases there are, and refuse it.
      keyless |= std::uint64_t{1} << i;
      key = table.peer(slot).receive_key.data();
    }
    add_row(aead, batch, row, key);
    table.outbound(slot).prefetch();  // for record_received: cryptography takes longer than memory does
  }
  const std::uint64_t authentic = crypt::open_batch(aead) & ~keyless;

  unsigned column = 0;
  batch.filter(drops, [&](unsigned row) noexcept {
    if ((authentic >> column++ & 1) == 0) [[unlikely]] {
      if (!wire::same_endpoint(batch.path[row], table.peer(batch.session[row]).path))
        abuse_guard.foreign_failed(batch.path[row].address, now);
      return metrics::Drop::bad_tag;
    }
    if constexpr (peers == Peers::recorded) return metrics::Drop::none;
    return table.admission(batch.session[row]).replay.commit(batch.sequence[row]);
  });
}
template void open<Peers::live>(wire::Batch&, Table&, guard::AbuseGuard&, metrics::DropCounters&, Nanos) noexcept;
template void open<Peers::recorded>(wire::Batch&, Table&, guard::AbuseGuard&, metrics::DropCounters&, Nanos) noexcept;

void seal(wire::Batch& batch, Table& table) noexcept {
  crypt::AeadBatch aead;
  for (unsigned i = 0; i < batch.live_rows; ++i) {
    const unsigned row = batch.live[i];
    add_row(aead, batch, row, table.outbound(batch.session[row]).send_key.data());
  }
  crypt::seal_batch(aead);
}

}  // namespace serried::session
