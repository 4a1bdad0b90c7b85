/// What a datagram and a viewer cost as lanes are added and the load grows with them. Two cores cannot show the
/// throughput of eight lanes; one thread can show that no lane's work grows with the number of the others.

#include <array>

#include "io_scaling.h"
#include "shard_scaling.h"
#include "wires.h"

namespace serried::bench {
namespace {

constexpr std::array<unsigned, 3> io_lanes{1, 2, 4}, shards{1, 2, 4};
constexpr unsigned body_bytes = 1'100, in_view = 50;
constexpr unsigned viewers_part = 5;  ///< of the sessions of an io lane: viewers of a shard
constexpr unsigned warm_up_ticks = 30, ticks_per_repeat = 20;

std::string named(const char* what, unsigned lanes, const char* kind) {
  return what + (", " + std::to_string(lanes)) + " " + kind + (lanes == 1 ? "" : "s");
}

void add(Row& row, const Stopwatch& watch, std::uint64_t items) {
  row.cpu_ns.add(static_cast<double>(watch.cpu_ns) / static_cast<double>(items));
  row.wall_ns.add(static_cast<double>(watch.wall_ns) / static_cast<double>(items));
  row.packets += items;
}

/// Rows of in, out and handed over, for each number of lanes. In turns, a repeat of each, so that what else the machine
/// does meets all of them alike.
Result<Done> measure_io(const Options& options, Report& report) {
  std::vector<std::unique_ptr<IoLanes>> servers;
  std::vector<Row> rows;
  for (const unsigned lanes : io_lanes) {
    servers.push_back(std::make_unique<IoLanes>(lanes, options.sessions));
    if (const auto done = servers.back()->let_in(); !done) return done.error();
    rows.push_back({.name = named("in", lanes, "io lane")});
    rows.push_back({.name = named("out", lanes, "io lane")});
    rows.push_back({.name = named("handed over", lanes, "io lane")});
  }
  for (unsigned repeat = 0; repeat <= options.repeats; ++repeat)
    for (std::size_t i = 0; i < servers.size(); ++i) {
      Piece in, out, handed, ignored;
      while (in.packets < std::uint64_t{options.packets} * io_lanes[i]) servers[i]->direct(body_bytes, in, out);
      while (io_lanes[i] > 1 && handed.packets < std::uint64_t{options.packets} * io_lanes[i])
        servers[i]->handed_over(body_bytes, handed, ignored);
      if (repeat == 0) continue;  // caches, windows and timers as in the middle of a game
      add(rows[3 * i], in.watch, in.packets);
      add(rows[3 * i + 1], out.watch, out.packets);
      if (handed.packets != 0) add(rows[3 * i + 2], handed.watch, handed.packets);
    }
  for (Row& row : rows)
    if (row.packets != 0) report.rows.push_back(std::move(row));
  for (std::size_t i = 0; i < servers.size(); ++i) {
    servers[i]->check(named("io", io_lanes[i], "lane"), report.problems);
    if ((servers[i]->handed() != 0) != (io_lanes[i] > 1)) report.problems.emplace_back("nothing was handed over");
    report.hash += servers[i]->hash();
  }
  return Done{};
}

void measure_shards(const Options& options, Report& report) {
  std::vector<std::unique_ptr<ShardLanes>> worlds;
  std::vector<Row> rows;
  Stopwatch ignored;
  for (const unsigned count : shards) {
    worlds.push_back(std::make_unique<ShardLanes>(count, options.sessions / viewers_part, in_view));
    rows.push_back({.name = named("viewer", count, "shard")});
    for (unsigned tick = 0; tick < warm_up_ticks; ++tick) worlds.back()->tick(ignored);
  }
  for (unsigned repeat = 0; repeat < options.repeats; ++repeat)
    for (std::size_t i = 0; i < worlds.size(); ++i) {
      Stopwatch watch;
      for (unsigned tick = 0; tick < ticks_per_repeat; ++tick) worlds[i]->tick(watch);
      add(rows[i], watch, std::uint64_t{ticks_per_repeat} * worlds[i]->viewers());
    }
  for (std::size_t i = 0; i < worlds.size(); ++i) {
    worlds[i]->check(named("world", shards[i], "shard"), report.problems);
    report.hash += worlds[i]->hash();
    report.rows.push_back(std::move(rows[i]));
  }
}

}  // namespace

Outcome run_scaling(const Options& options, Report& report) {
  if (const auto done = measure_io(options, report); !done) return {false, done.error().message};
  measure_shards(options, report);
  return {};
}

}  // namespace serried::bench
