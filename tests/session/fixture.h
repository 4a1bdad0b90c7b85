#pragma once
/// Sessions with keys, and batches of datagrams for them.

#include <array>
#include <cstring>
#include <memory>
#include <vector>

#include "session/record_sent.h"
#include "session/admit.h"
#include "session/open.h"
#include "session/table.h"
#include "guard/bans.h"
#include "wire/batch.h"
#include "wire/compose.h"

namespace serried::session {

/// An IPv4 address as limits and bans hold it: mapped.
inline guard::Address v4(unsigned a, unsigned b, unsigned c, unsigned d) {
  const auto byte = [](unsigned value) { return static_cast<std::uint8_t>(value); };
  return {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, byte(a), byte(b), byte(c), byte(d)};
}

inline wire::Path path_of(std::uint8_t host, std::uint16_t port) {
  wire::Path path;
  path.address = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 10, 0, 0, host};
  path.port = port;
  return path;
}

/// A playing session whose keys are made of its slot.
inline std::uint32_t open_session(Table& table, std::uint8_t host, Nanos now = 0) {
  const std::uint32_t slot = table.allocate(host, now);
  if (slot == Table::none) return slot;
  table.admission(slot).state = State::playing;
  table.peer(slot).path = path_of(host, 1000);
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
