#pragma once
/// From the counters of an owner to the values of a snapshot. Control thread only: it reads what lanes write.

#include <type_traits>

#include "handshake/handshake_lane.h"
#include "io/io_state.h"
#include "metrics/counter.h"
#include "port/port.h"
#include "process/output.h"
#include "replicate/plan.h"
#include "server/lane_loop.h"
#include "shard/shard_lane.h"

namespace serried::server {

/// Set in `to` what `from`, a struct of counter.def, has counted so far.
template <class Counters>
void collect(metrics::CounterValues& to, const Counters& from) noexcept {
  using handshake::HandshakeCounters, io::IoCounters, shard::ShardCounters, port::PortCounters, process::OutputCounters,
      replicate::PlanCounters;
  constexpr bool known = false
#define SERRIED_COUNTER(owner, ...) || std::is_same_v<Counters, owner>
#include "metrics/counter.def"
      ;
  static_assert(known, "counter.def has no line of this owner");
#define SERRIED_COUNTER(owner, group, name, ...) \
  if constexpr (std::is_same_v<Counters, owner>) to[metrics::CounterId::group##_##name] = from.name.value();
#include "metrics/counter.def"
}

}  // namespace serried::server
