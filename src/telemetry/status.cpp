#include "telemetry/status.h"

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

#include <spdlog/fmt/fmt.h>

#include "base/clock.h"

namespace serried::telemetry {

using metrics::CounterId;

namespace {

struct DropRow {
  metrics::Drop reason;
  std::uint64_t count;
};

/// Reasons that happened, the most frequent first.
std::vector<DropRow> drop_rows(const Snapshot& snapshot) {
  std::vector<DropRow> rows;
  for (std::size_t i = 0; i < metrics::drop_count; ++i)
    if (snapshot.drops[i] != 0) rows.push_back({static_cast<metrics::Drop>(i), snapshot.drops[i]});
  std::stable_sort(rows.begin(), rows.end(), [](const DropRow& a, const DropRow& b) { return a.count > b.count; });
  return rows;
}

std::string drop_text(const Snapshot& snapshot, std::size_t most) {
  const auto rows = drop_rows(snapshot);
  if (rows.empty()) return "none";
  std::string text;
  for (std::size_t i = 0; i < rows.size() && i < most; ++i)
    text += fmt::format("{}{} {}", i == 0 ? "" : ", ", metrics::drop_name(rows[i].reason),
                        short_number(static_cast<double>(rows[i].count)));
  if (rows.size() > most) text += fmt::format(", {} more reasons", rows.size() - most);
  return text;
}

/// Nothing while every viewer is told something every tick.
std::string pace_text(std::uint64_t interval_ticks) {
  return interval_ticks > 1 ? fmt::format(", viewers every {} ticks", interval_ticks) : std::string{};
}

std::string tick_text(const base::Histogram& ticks, double budget_ms) {
  if (ticks.count() == 0) return "none yet";
  return fmt::format("p50 {:.2f} p99 {:.2f} max {:.2f} of {:.2f} ms", base::to_ms(ticks.quantile(0.5)),
                     base::to_ms(ticks.quantile(0.99)), base::to_ms(ticks.max()), budget_ms);
}

std::string clock_text(double seconds) {
  const auto whole = static_cast<unsigned long>(seconds);
  return fmt::format("{:02}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
}

std::string row(std::string_view name, const std::string& text) { return fmt::format("  {:<11} {}\n", name, text); }

/// In front of what a server in measurement mode shows.
std::string_view mode_text(const StatusFacts& facts) { return facts.measurement ? "MEASUREMENT MODE " : ""; }

/// A row for each group of counters: those that are not 0.
std::string counter_rows(const Snapshot& snapshot) {
  std::vector<std::pair<std::string_view, std::string>> groups;
  metrics::for_each_counter([&](CounterId id, const metrics::CounterInfo& info) {
    if (info.listed()) return;
    auto at = std::find_if(groups.begin(), groups.end(), [&](const auto& group) { return group.first == info.group; });
    if (at == groups.end()) at = groups.insert(at, {info.group, {}});
    if (snapshot.counters[id] != 0)
      at->second += fmt::format("{}{} {}", at->second.empty() ? "" : ", ", info.name, snapshot.counters[id]);
  });
  std::string text;
  for (const auto& [group, counts] : groups) text += row(group, counts.empty() ? "none" : counts);
  return text;
}

}  // namespace

std::string short_number(double value) {
  struct Step {
    double unit;
    const char* suffix;
  };
  static constexpr Step steps[] = {{1e12, "T"}, {1e9, "G"}, {1e6, "M"}, {1e3, "k"}};
  // Half a unit of the last digit below each step already rounds up to it: 999.96k is 1.00M.
  for (const Step& step : steps) {
    if (value < step.unit * 0.9995) continue;
    const double scaled = value / step.unit;
    return fmt::format("{:.{}f}{}", scaled, scaled < 9.995 ? 2 : scaled < 99.95 ? 1 : 0, step.suffix);
  }
  return fmt::format("{:.0f}", value);
}

std::string status_line(const Snapshot& snapshot, const Meter& meter, const StatusFacts& facts) {
  const metrics::CounterValues& counters = snapshot.counters;
  const Rates& rates = meter.rates();
  std::string text = fmt::format("{}{} players {} sessions {} | in {}/s {}bit/s | out {}/s {}bit/s | tick {} |",
                                 mode_text(facts), clock_text(meter.elapsed_s()), counters[CounterId::world_players],
                                 counters[CounterId::sessions_sessions], short_number(rates.rx_pps),
                                 short_number(rates.rx_bits), short_number(rates.tx_pps), short_number(rates.tx_bits),
                                 tick_text(meter.recent_ticks(), facts.tick_budget_ms) +
                                     pace_text(counters[CounterId::replication_interval_ticks]));
  for (const LaneShare& lane : rates.lanes) text += fmt::format(" {} {:.0f}%", lane.name, 100 * lane.busy);
  return text + fmt::format(" | {:.0f} handshakes/s | drops {}/s: {}", rates.handshakes, short_number(rates.drops),
                            drop_text(snapshot, 3));
}

std::string status_table(const Snapshot& snapshot, const Meter& meter, const StatusFacts& facts) {
  const metrics::CounterValues& counters = snapshot.counters;
  const Rates& rates = meter.rates();
  std::string text = fmt::format("serried-server  {}{}\n", mode_text(facts), clock_text(meter.elapsed_s()));
  text += row("players", fmt::format("{} of {}, {} sessions, {:.0f} handshakes/s", counters[CounterId::world_players],
                                     facts.players_max, counters[CounterId::sessions_sessions], rates.handshakes));
  text += row("in", fmt::format("{} packets/s, {}bit/s", short_number(rates.rx_pps), short_number(rates.rx_bits)));
  text += row("out", fmt::format("{} packets/s, {}bit/s", short_number(rates.tx_pps), short_number(rates.tx_bits)));
  text += row("tick", tick_text(meter.recent_ticks(), facts.tick_budget_ms) +
                          fmt::format(", {} late of {}", counters[CounterId::world_ticks_late],
                                      counters[CounterId::world_ticks]) +
                          pace_text(counters[CounterId::replication_interval_ticks]));
  std::string lanes;
  for (const LaneShare& lane : rates.lanes)
    lanes += fmt::format("{}{} {:.0f}%", lanes.empty() ? "" : ", ", lane.name, 100 * lane.busy);
  text += row("busy", lanes.empty() ? "not measured yet" : lanes);
  text += row("drops", fmt::format("{}/s now; in all {}", short_number(rates.drops), drop_text(snapshot, 4)));
  text +=
      row("memory", fmt::format("{} MiB resident, {} MiB heap", snapshot.rss_bytes >> 20, snapshot.heap_bytes >> 20));
  return text;
}

std::string final_table(const Snapshot& snapshot, const Meter& meter, const StatusFacts& facts) {
  const metrics::CounterValues& counters = snapshot.counters;
  const ActiveTotals& active = meter.active();
  const double seconds = active.seconds > 0 ? active.seconds : 1;
  std::string text = fmt::format("serried-server: {}{:.1f} s, of which {:.1f} s with players (at most {})\n",
                                 mode_text(facts), meter.elapsed_s(), active.seconds, meter.players_peak());
  text += row("in", fmt::format("{} packets, {} bytes; {}/s with players", counters[CounterId::port_rx_packets],
                                counters[CounterId::port_rx_bytes],
                                short_number(static_cast<double>(active.rx_packets) / seconds)));
  text += row("out", fmt::format("{} packets, {} bytes; {}/s with players", counters[CounterId::port_tx_packets],
                                 counters[CounterId::port_tx_bytes],
                                 short_number(static_cast<double>(active.tx_packets) / seconds)));
  const std::uint64_t interval_max = counters[CounterId::replication_interval_ticks_max];
  text += row("tick", tick_text(meter.active_ticks(), facts.tick_budget_ms) +
                          fmt::format(", {} late of {}", active.ticks_late, active.ticks) +
                          (interval_max > 1 ? ", at times" + pace_text(interval_max).substr(1) : std::string{}));
  text += counter_rows(snapshot);
  text += row("accounting", fmt::format("{} received = {} delivered + {} host + {} dropped{}", snapshot.received(),
                                        snapshot.delivered(), snapshot.host(), snapshot.dropped(),
                                        snapshot.balanced() ? "" : ": DOES NOT BALANCE"));
  for (const DropRow& drop : drop_rows(snapshot))
    text += row("drop", fmt::format("{:<20} {:>12}  {}", metrics::drop_name(drop.reason), drop.count,
                                    metrics::drop_text(drop.reason)));
  for (const LaneFigures& lane : snapshot.lanes) {
    const std::uint64_t run_ns = snapshot.run_ns(lane), busy_ns = lane.counters[CounterId::lanes_busy_ns];
    const double busy = run_ns == 0 ? 0 : static_cast<double>(busy_ns) / static_cast<double>(run_ns);
    std::string figures = fmt::format(
        "{:<10} core {}, busy {:.1f}%, longest poll {:.2f} ms, {} allocations", lane.name, lane.lcore, 100 * busy,
        base::to_ms(lane.counters[CounterId::lanes_longest_poll_ns]), lane.counters[CounterId::lanes_allocations]);
    if (const std::uint64_t packets = lane.packets(); packets != 0)
      figures += fmt::format(", {:.0f} ns a packet", static_cast<double>(busy_ns) / static_cast<double>(packets));
    text += row("lane", figures);
  }
  return text;
}

std::string over(unsigned lines) { return lines == 0 ? std::string{} : fmt::format("\x1b[{}F\x1b[J", lines); }

}  // namespace serried::telemetry
