#include "telemetry/meter.h"

#include <algorithm>
#include <numeric>

namespace serried::telemetry {

using metrics::CounterId;

void Meter::sample(const Snapshot& snapshot) {
  Before after;
  after.at = snapshot.at;
  after.counters = snapshot.counters;
  after.drops = std::accumulate(snapshot.drops.begin(), snapshot.drops.end(), std::uint64_t{0});
  for (const LaneFigures& lane : snapshot.lanes)
    after.lanes.emplace_back(snapshot.run_ns(lane), lane.counters[CounterId::lanes_busy_ns]);

  players_peak_ = std::max(players_peak_, snapshot.counters[CounterId::world_players]);
  if (!begun_) {
    begun_ = true;
    begin_ = snapshot.at;
  } else if (after.at > before_.at) {
    measure(snapshot, after);
  } else {
    return;  // no time has passed: nothing to measure, and the interval goes on
  }
  before_ = std::move(after);
  ticks_before_.reset();
  ticks_before_.merge(snapshot.tick_ns);
}

void Meter::measure(const Snapshot& snapshot, const Before& after) {
  const double seconds = static_cast<double>(after.at - before_.at) / static_cast<double>(second);
  rates_.seconds = seconds;
  const auto rose = [&](CounterId id) { return after.counters[id] - before_.counters[id]; };
  const auto rate = [seconds](std::uint64_t count) { return static_cast<double>(count) / seconds; };
  rates_.rx_pps = rate(rose(CounterId::port_rx_packets));
  rates_.tx_pps = rate(rose(CounterId::port_tx_packets));
  rates_.rx_bits = 8 * rate(rose(CounterId::port_rx_bytes));
  rates_.tx_bits = 8 * rate(rose(CounterId::port_tx_bytes));
  rates_.handshakes = rate(rose(CounterId::handshakes_accepted));
  rates_.drops = rate(after.drops - before_.drops);
  rates_.lanes.clear();
  for (std::size_t i = 0; i < after.lanes.size() && i < before_.lanes.size(); ++i) {
    const auto run = static_cast<double>(after.lanes[i].first - before_.lanes[i].first);
    const auto busy = static_cast<double>(after.lanes[i].second - before_.lanes[i].second);
    rates_.lanes.push_back({snapshot.lanes[i].name, run > 0 ? std::min(busy / run, 1.0) : 0});
  }
  recent_ticks_.reset();
  recent_ticks_.merge_difference(snapshot.tick_ns, ticks_before_);

  if (before_.counters[CounterId::world_players] == 0 || after.counters[CounterId::world_players] == 0) return;
  active_.seconds += seconds;
  active_.rx_packets += rose(CounterId::port_rx_packets);
  active_.tx_packets += rose(CounterId::port_tx_packets);
  active_.ticks += rose(CounterId::world_ticks);
  active_.ticks_late += rose(CounterId::world_ticks_late);
  active_ticks_.merge_difference(snapshot.tick_ns, ticks_before_);
}

double Meter::elapsed_s() const noexcept {
  return begun_ ? static_cast<double>(before_.at - begin_) / static_cast<double>(second) : 0;
}

}  // namespace serried::telemetry
