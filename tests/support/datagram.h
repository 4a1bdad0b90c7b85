#pragma once
/// Single datagrams: made with a good key, put onto a port, taken off it.

#include <algorithm>
#include <span>
#include <vector>

#include "crypt/aead.h"
#include "crypt/keys.h"
#include "port/port.h"
#include "wire/compose.h"
#include "wire/stamp.h"

namespace serried::test {

/// A datagram of a session, as a peer that has its key makes it.
inline std::vector<std::uint8_t> sealed_datagram(const crypt::Secret& key, const wire::Header& header,
                                                 std::span<const std::uint8_t> body, const wire::CrcSeed& crc) {
  std::vector<std::uint8_t> bytes(wire::header_bytes + body.size() + wire::tag_bytes + wire::crc_bytes);
  wire::compose_header(bytes.data(), header);
  std::copy(body.begin(), body.end(), bytes.begin() + wire::header_bytes);
  crypt::seal_in_place(key.data(), header.connection_id, header.sequence, bytes.data(), 0, body.size());
  wire::stamp_one(bytes, crc);
  return bytes;
}

/// Send one datagram as it is. False: `from` has no buffer for it.
template <port::Port P>
bool transmit(P& from, std::span<const std::uint8_t> bytes, const wire::Path& to, Nanos now) {
  wire::Buffer buffer;
  if (from.acquire({&buffer, 1}) == 0) return false;
  std::copy(bytes.begin(), bytes.end(), buffer.data);
  wire::Batch batch;
  batch.append(buffer.data, bytes.size(), buffer.owner, to);
  from.transmit(batch, now);
  return true;
}

/// Take all that has arrived: `each(bytes, path)`.
template <port::Port P, class Each>
void receive_all(P& port, Nanos now, Each&& each) {
  wire::Batch batch;
  for (port.receive(batch, now); batch.rows != 0; port.receive(batch, now)) {
    for (unsigned row = 0; row < batch.rows; ++row)
      each(std::span<std::uint8_t>{batch.data[row], batch.length[row]}, batch.path[row]);
    port.release(batch);
  }
}

}  // namespace serried::test
