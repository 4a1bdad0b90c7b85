#pragma once
/// The port concept: where datagrams enter and leave. A lane is a template over its port, so there is no virtual call
/// per packet. Each port object belongs to one io lane (a queue of each device).

#include <concepts>
#include <span>

#include "metrics/drop.h"
#include "serried/time.h"
#include "wire/batch.h"

namespace serried::port {

/// `rx_frames` = `rx_packets` + `rx_host_frames` + drops of unit frame.
/// Owner   the io lane; readable from any thread
struct PortCounters {
#define SERRIED_PORT_COUNTER(group, name, ...) base::Counter name;
#include "metrics/counter.def"
  metrics::DropCounters drops;
};

// clang-format off: version 14 does not know requires-expressions
template <class P>
concept Port = requires(P& port, const P& constant, wire::Batch& batch, std::span<wire::Buffer> buffers, Nanos now) {
  /// Clear `batch` and fill it with up to Batch::capacity datagrams, all live, with data, length, owner, path.
  { port.receive(batch, now) }
  noexcept;
  /// Send the live rows to their paths. Takes over the buffers of all rows, live or not, sent or dropped
  /// (transmit_full, no_next_hop), and clears the batch.
  { port.transmit(batch, now) }
  noexcept;
  /// Empty buffers, up to buffers.size(); returns how many.
  { port.acquire(buffers) }
  noexcept->std::same_as<unsigned>;
  /// Give back the buffers of all rows whose owner is not null, and clear the batch.
  { port.release(batch) }
  noexcept;
  /// Give back one buffer.
  { port.release(buffers[0]) }
  noexcept;
  { constant.counters() }
  noexcept->std::same_as<const PortCounters&>;
};
// clang-format on

}  // namespace serried::port
