#pragma once
/// Sessions with keys, and batches of datagrams for them.

#include <array>
#include <cstring>
#include <memory>
#include <vector>

#include "guard/addresses.h"
#include "session/admit.h"
#include "session/open.h"
#include "session/record_sent.h"
#include "session/table.h"
#include "wire/batch.h"
#include "wire/compose.h"

namespace serried::session {

/// A playing session whose keys are made of its slot.
inline std::uint32_t open_session(Table& table, std::uint8_t host, Nanos now = 0) {
  const std::uint32_t slot = table.allocate(host, now);
  if (slot == Table::none) return slot;
  table.admission(slot).state = State::playing;
  table.peer(slot).path = guard::path_of(host, 1000);
  std::array<std::uint8_t, 32> key{};
  key[0] = host;
  table.peer(slot).receive_key = crypt::Secret{key};
  key[1] = 1;
  table.outbound(slot).send_key = crypt::Secret{key};
  return slot;
}

/// A batch over its own storage.
struct Burst {
  wire::Batch batch;
  std::vector<std::array<std::uint8_t, 1280>> storage{wire::Batch::capacity};

  unsigned add(std::uint32_t connection_id, std::uint64_t sequence, const wire::Path& path,
               std::size_t body_bytes = 16) {
    std::uint8_t* data = storage[batch.rows].data() + 40;
    const std::size_t bytes = wire::header_bytes + body_bytes + wire::tag_bytes + wire::crc_bytes;
    const unsigned row = batch.append(data, bytes, nullptr, path);
    batch.connection_id[row] = connection_id;
    batch.sequence[row] = sequence;
    batch.channel[row] = 0;
    batch.flags[row] = wire::flag::sealed;
    return row;
  }
};

}  // namespace serried::session
