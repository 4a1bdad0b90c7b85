#pragma once
/// The 14-byte header of a received datagram. Its twin is compose.

#include "wire/batch.h"
#include "wire/datagram.h"

namespace serried::wire {

/// Read the headers of the live rows into columns and drop what no sender makes.
/// Reads   data, length, live
/// Writes  connection_id, channel, flags, sequence, verdict, live
/// Owner   io lane
/// Drops   short_datagram, long_datagram, bad_flags, bad_channel
/// Cost    bench/wire_bench.cpp
/// Source  docs/wire-format.md section 1
void parse(Batch& batch, metrics::DropCounters& drops) noexcept;

}  // namespace serried::wire
