#include "control/meter.h"

#include <algorithm>
#include <numeric>

namespace serried::control {
namespace {

std::uint64_t count_of(const std::vector<std::pair<std::string, std::uint64_t>>& counts, std::string_view name) {
  const auto found = std::find_if(counts.begin(), counts.end(), [name](const auto& row) { return row.first == name; });
  return found == counts.end() ? 0 : found->second;
}

double per_second(std::uint64_t after, std::uint64_t before, double seconds) {
  return static_cast<double>(after - before) / seconds;
}

}  // namespace

void Meter::sample(const Snapshot& snapshot) {
  Before after;
  after.at = snapshot.at;
  after.rx_packets = snapshot.rx_packets;
  after.tx_packets = snapshot.tx_packets;
  after.rx_bytes = snapshot.rx_bytes;
  after.tx_bytes = snapshot.tx_bytes;
  after.players = snapshot.players;
  after.handshakes = count_of(snapshot.handshake_counts, "accepted");
  after.drops = std::accumulate(snapshot.drops.begin(), snapshot.drops.end(), std::uint64_t{0});
  after.ticks = snapshot.ticks;
  after.ticks_late = snapshot.ticks_late;
  for (const auto& lane : snapshot.lanes) after.lanes.emplace_back(lane.run_ns, lane.busy_ns);

  players_peak_ = std::max(players_peak_, snapshot.players);
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
  rates_.rx_pps = per_second(after.rx_packets, before_.rx_packets, seconds);
  rates_.tx_pps = per_second(after.tx_packets, before_.tx_packets, seconds);
  rates_.rx_bits = 8 * per_second(after.rx_bytes, before_.rx_bytes, seconds);
  rates_.tx_bits = 8 * per_second(after.tx_bytes, before_.tx_bytes, seconds);
  rates_.handshakes = per_second(after.handshakes, before_.handshakes, seconds);
  rates_.drops = per_second(after.drops, before_.drops, seconds);
  rates_.lanes.clear();
  for (std::size_t i = 0; i < after.lanes.size() && i < before_.lanes.size(); ++i) {
    const auto run = static_cast<double>(after.lanes[i].first - before_.lanes[i].first);
    const auto busy = static_cast<double>(after.lanes[i].second - before_.lanes[i].second);
    rates_.lanes.push_back({snapshot.lanes[i].name, run > 0 ? std::min(busy / run, 1.0) : 0});
  }
  recent_ticks_.reset();
  recent_ticks_.merge_difference(snapshot.tick_ns, ticks_before_);

  if (before_.players == 0 || after.players == 0) return;
  active_.seconds += seconds;
  active_.rx_packets += after.rx_packets - before_.rx_packets;
  active_.tx_packets += after.tx_packets - before_.tx_packets;
  active_.ticks += after.ticks - before_.ticks;
  active_.ticks_late += after.ticks_late - before_.ticks_late;
  active_ticks_.merge_difference(snapshot.tick_ns, ticks_before_);
}

double Meter::elapsed_s() const noexcept {
  return begun_ ? static_cast<double>(before_.at - begin_) / static_cast<double>(second) : 0;
}

}  // namespace serried::control
