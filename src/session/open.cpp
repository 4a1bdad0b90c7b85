#include "session/open.h"

#include "crypt/aead.h"
#include "wire/datagram.h"

namespace serried::session {
namespace {

void add_row(crypt::AeadBatch& aead, const wire::Batch& batch, unsigned row, const crypt::Secret& key) noexcept {
  const unsigned i = aead.rows++;
  aead.key[i] = key.data();
  aead.connection_id[i] = batch.connection_id[row];
  aead.sequence[i] = batch.sequence[row];
  aead.data[i] = batch.data[row];
  aead.clear_bytes[i] = 0;
  aead.body_bytes[i] =
      static_cast<std::uint16_t>(batch.length[row] - wire::header_bytes - wire::tag_bytes - wire::crc_bytes);
}

}  // namespace

void open(wire::Batch& batch, Table& table, observe::DropCounters& drops) noexcept {
  crypt::AeadBatch aead;
  for (unsigned i = 0; i < batch.live_rows; ++i) {
    const unsigned row = batch.live[i];
    add_row(aead, batch, row, table.peer(batch.session[row]).receive_key);
  }
  const std::uint64_t authentic = crypt::open_batch(aead);

  unsigned column = 0;
  batch.filter(drops, [&](unsigned row) noexcept {
    if ((authentic >> column++ & 1) == 0) return observe::Drop::bad_tag;
    return table.admission(batch.session[row]).replay.commit(batch.sequence[row]);
  });
}

void seal(wire::Batch& batch, Table& table) noexcept {
  crypt::AeadBatch aead;
  for (unsigned i = 0; i < batch.live_rows; ++i) {
    const unsigned row = batch.live[i];
    add_row(aead, batch, row, table.outbound(batch.session[row]).send_key);
  }
  crypt::seal_batch(aead);
}

}  // namespace serried::session
