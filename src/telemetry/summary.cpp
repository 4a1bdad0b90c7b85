#include "telemetry/summary.h"

#include <algorithm>

#include "base/clock.h"
#include "base/json.h"
#include "base/text.h"
#include "telemetry/allocations.h"

namespace serried::telemetry {
namespace {

using base::Json;
using metrics::CounterId;

/// Quotient, or 0 when there is nothing to divide by: JSON has no other word for it.
double ratio(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

/// All counters of the server: an object for each group.
void add_counters(Json& json, const metrics::CounterValues& values) {
  metrics::for_each_counter([&](CounterId id, const metrics::CounterInfo& info) {
    if (!info.listed()) json[info.group][info.name] = values[id];
  });
}

/// Those of one group, of one lane or core.
void add_group(Json& json, std::string_view group, const metrics::CounterValues& values) {
  metrics::for_each_counter([&](CounterId id, const metrics::CounterInfo& info) {
    if (info.group == group) json[info.name] = values[id];
  });
}

Json lanes(const Snapshot& snapshot) {
  Json list = Json::array();
  for (const LaneFigures& lane : snapshot.lanes) {
    const std::uint64_t busy_ns = lane.counters[CounterId::lanes_busy_ns], packets = lane.packets();
    Json row{{"name", lane.name},
             {"core", lane.lcore},
             {"cpu", lane.cpu},
             {"node", lane.node},
             {"busy", ratio(busy_ns, snapshot.run_ns(lane))}};
    add_group(row, "lanes", lane.counters);
    if (packets != 0) {
      row["packets"] = packets;
      row["ns_per_packet"] = ratio(busy_ns, packets);
    }
    list.push_back(std::move(row));
  }
  return list;
}

/// `cpu` is the part of its waking time that the core's thread had the CPU: what a lane's busy time is to be scaled by.
Json cores(const Snapshot& snapshot) {
  Json list = Json::array();
  for (const CoreFigures& core : snapshot.cores) {
    Json row{{"core", core.lcore}};
    add_group(row, "cores", core.counters);
    row["cpu"] = std::min(ratio(core.counters[CounterId::cores_cpu_ns], core.counters[CounterId::cores_awake_ns]), 1.0);
    list.push_back(std::move(row));
  }
  return list;
}

Json drops(const Snapshot& snapshot) {
  Json object = Json::object();
  for (std::size_t i = 0; i < metrics::drop_count; ++i)
    if (snapshot.drops[i] != 0) object[metrics::drop_name(static_cast<metrics::Drop>(i))] = snapshot.drops[i];
  return object;
}

Json placed(const Snapshot& snapshot) {
  Json list = Json::array();
  for (const PlacedMemory& memory : snapshot.placed)
    list.push_back({{"lane", memory.lane},
                    {"part", memory.part},
                    {"node", memory.node},
                    {"pages_there", memory.pages_there},
                    {"pages_elsewhere", memory.pages_elsewhere}});
  return list;
}

Json rules(const Snapshot& snapshot) {
  Json list = Json::array();
  for (const PortRules& rules : snapshot.rules)
    list.push_back({{"port", rules.port},
                    {"lanes", rules.lanes},
                    {"lanes_steered", rules.steered},
                    {"not_steered", rules.not_steered},
                    {"bans", rules.bans},
                    {"not_banned", rules.not_banned},
                    {"ban_rules", rules.ban_rules}});
  return list;
}

Json memory(const Snapshot& snapshot) {
  return {{"rss_bytes", snapshot.rss_bytes},
          {"heap_bytes", snapshot.heap_bytes},
          {"lane_allocations", snapshot.counters[CounterId::lanes_allocations]},
          {"lane_allocations_counted", allocations_counted()},
          {"placed", placed(snapshot)}};
}

}  // namespace

std::string summary_json(const Snapshot& snapshot, const Meter& meter, const StatusFacts& facts,
                         const config::ServerConfig& config) {
  const ActiveTotals& active = meter.active();
  const base::Histogram& ticks = meter.active_ticks();
  const auto rate = [&](std::uint64_t count) {
    return active.seconds > 0 ? static_cast<double>(count) / active.seconds : 0.0;
  };
  Json json;
  json["version"] = SERRIED_VERSION;
  json["measurement"] = facts.measurement;
  json["seconds"] = meter.elapsed_s();
  json["active_seconds"] = active.seconds;
  json["players_peak"] = meter.players_peak();
  json["rx_pps"] = rate(active.rx_packets);
  json["tx_pps"] = rate(active.tx_packets);
  json["tick_ms"] = {{"p50", base::to_ms(ticks.quantile(0.5))},
                     {"p99", base::to_ms(ticks.quantile(0.99))},
                     {"p999", base::to_ms(ticks.quantile(0.999))},
                     {"max", base::to_ms(ticks.max())},
                     {"budget", facts.tick_budget_ms}};
  json["ticks"] = active.ticks;
  json["ticks_late"] = active.ticks_late;
  add_counters(json, snapshot.counters);
  json["lanes"] = lanes(snapshot);
  json["cores"] = cores(snapshot);
  json["drops"] = drops(snapshot);
  json["rules"] = rules(snapshot);
  json["accounting"] = {{"received", snapshot.received()},
                        {"delivered", snapshot.delivered()},
                        {"host", snapshot.host()},
                        {"dropped", snapshot.dropped()},
                        {"balanced", snapshot.balanced()}};
  // Text: a reader that keeps numbers as doubles would lose bits.
  json["world_hash"] = base::formatted("%016llx", static_cast<unsigned long long>(snapshot.world_hash));
  json["world_tick"] = snapshot.world_tick;
  json["memory"] = memory(snapshot);
  json["config"] = Json::object();
  for (const auto& [key, value] : config_values(config)) json["config"][key] = value;
  return json.text(2) + "\n";
}

}  // namespace serried::telemetry
