/// What a datagram and a viewer cost as lanes are added and the load grows with them, and what they cost one lane that
/// has all of that load. Two cores cannot show the
/// throughput of eight lanes; one thread can show that no lane's work grows with the number of the others.

#include <array>

#include "io_scaling.h"
#include "shard_scaling.h"
#include "wires.h"

namespace serried::bench {
namespace {

/// So many lanes for a load that is so many times that of one lane. What grows with the load (the sessions of all lanes
/// together fit into no cache) grows for one lane too: each number of lanes has the same load on one lane beside it.
struct Shape {
  unsigned lanes, load;
  /// "2 io lanes, 2 loads"
  [[nodiscard]] std::string text(const char* kind) const {
    const auto counted = [](unsigned number, const std::string& what) {
      return std::to_string(number) + " " + what + (number == 1 ? "" : "s");
    };
    return counted(lanes, kind) + ", " + counted(load, "load");
  }
};
constexpr std::array<Shape, 5> shapes{{{1, 1}, {1, 2}, {2, 2}, {1, 4}, {4, 4}}};
constexpr unsigned body_bytes = 1'100, in_view = 50;
constexpr unsigned viewers_part = 5;  ///< of the sessions of an io lane: viewers of a shard
constexpr unsigned warm_up_ticks = 30, ticks_per_repeat = 20;

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
  for (const Shape& shape : shapes) {
    servers.push_back(std::make_unique<IoLanes>(shape.lanes, options.sessions * shape.load / shape.lanes));
    if (const auto done = servers.back()->let_in(); !done) return done.error();
    for (const char* what : {"in, ", "out, ", "handed over, "})
      rows.push_back({.name = std::string(what) + shape.text("io lane")});
  }
  for (unsigned repeat = 0; repeat <= options.repeats; ++repeat)
    for (std::size_t i = 0; i < servers.size(); ++i) {
      Piece in, out, handed, ignored;
      while (in.packets < std::uint64_t{options.packets} * shapes[i].load) servers[i]->direct(body_bytes, in, out);
      while (shapes[i].lanes > 1 && handed.packets < std::uint64_t{options.packets} * shapes[i].load)
        servers[i]->handed_over(body_bytes, handed, ignored);
      if (repeat == 0) continue;  // caches, windows and timers as in the middle of a game
      add(rows[3 * i], in.watch, in.packets);
      add(rows[3 * i + 1], out.watch, out.packets);
      if (handed.packets != 0) add(rows[3 * i + 2], handed.watch, handed.packets);
    }
  for (Row& row : rows)
    if (row.packets != 0) report.rows.push_back(std::move(row));
  for (std::size_t i = 0; i < servers.size(); ++i) {
    servers[i]->check(shapes[i].text("io lane"), report.problems);
    if ((servers[i]->handed() != 0) != (shapes[i].lanes > 1)) report.problems.emplace_back("nothing was handed over");
    report.hash += servers[i]->hash();
  }
  return Done{};
}

void measure_shards(const Options& options, Report& report) {
  std::vector<std::unique_ptr<ShardLanes>> worlds;
  std::vector<Row> rows;
  Stopwatch ignored;
  for (const Shape& shape : shapes) {
    const unsigned viewers = options.sessions / viewers_part * shape.load / shape.lanes;
    worlds.push_back(std::make_unique<ShardLanes>(shape.lanes, viewers, in_view));
    rows.push_back({.name = std::string("viewer, ") + shape.text("shard")});
    for (unsigned tick = 0; tick < warm_up_ticks; ++tick) worlds.back()->tick(ignored);
  }
  for (unsigned repeat = 0; repeat < options.repeats; ++repeat)
    for (std::size_t i = 0; i < worlds.size(); ++i) {
      Stopwatch watch;
      for (unsigned tick = 0; tick < ticks_per_repeat; ++tick) worlds[i]->tick(watch);
      add(rows[i], watch, std::uint64_t{ticks_per_repeat} * worlds[i]->viewers());
    }
  for (std::size_t i = 0; i < worlds.size(); ++i) {
    worlds[i]->check(shapes[i].text("shard"), report.problems);
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
