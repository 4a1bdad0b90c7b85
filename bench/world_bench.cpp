/// Cost of a tick's first half: step, publish, index, and a look around. Each reports ns an entity (`per_entity`), over
/// players and NPCs that all walk in one place, so that one cell holds all.

#include <algorithm>
#include <memory>
#include <vector>

#include <benchmark/benchmark.h>

#include "base/prng.h"
#include "games/reference/game.h"
#include "interest/select.h"
#include "world/input_queue.h"
#include "world/publish.h"
#include "world/step.h"

namespace {

using namespace serried;

struct Crowd {
  explicit Crowd(std::size_t entities)
      : rows((entities + 63) / 64 * 64),
        frames{world::Frame(rows, 0), world::Frame(rows, 12)},
        identity(rows),
        published(rows),
        inputs(rows),
        players(rows * callbacks.player_bytes),
        grid(config, 1, static_cast<unsigned>(rows)) {
    base::Prng random(1);
    for (std::size_t row = 0; row < entities; ++row) {
      spawn(row);
      const motion::Intent intent{static_cast<std::int8_t>(random.next() | 1), 64,
                                  static_cast<std::int16_t>(random.next()), 0};
      identity.intent[row] = intent;
      inputs[row].push(1, intent);
    }
    count = entities;
    step();
    publish();
    index();
  }

  /// Every other one is a player.
  void spawn(std::uint64_t row) {
    const bool player = row % 2 == 0;
    world::Spawn spawn{.id = player ? world::player_entity(row) : row,
                       .type = player ? world::Type::player : world::Type::npc,
                       .owner = static_cast<std::uint32_t>(row)};
    if (player)
      callbacks.spawn_players(callbacks.context, {config, 1, {&row, 1}, {&spawn, 1}});
    else
      callbacks.spawn_npcs(callbacks.context, {config, 1, {&spawn, 1}});
    world::spawn(frames[0], identity, row, spawn, 0);
  }

  void step() {
    ++tick;
    const world::Frame& previous = frames[(tick - 1) & 1];
    world::Frame& next = frames[tick & 1];
    callbacks.think(callbacks.context, {config, 1, tick, previous, identity, 0, count});
    // Every other player has sent something.
    for (std::size_t row = (tick & 1) * 2; row < count; row += 4)
      inputs[row].push(static_cast<std::uint16_t>(tick), inputs[row].held);
    world::step_rows(config, identity, previous, next, inputs.data(), tick, 0, count);
    callbacks.step(callbacks.context, {tick, identity, next, {players.data(), callbacks.player_bytes}, 0, count});
  }
  void publish() { world::publish_rows(config, frames[tick & 1], identity, published, tick, 4, 0, count); }
  void index() {
    grid.clear(0);
    grid.count(0, frames[tick & 1], identity, 0, count);
    while (!grid.add_up(0, 4'096)) {
    }
    grid.scatter(0, frames[tick & 1], identity, 0, count);
  }

  world::Config config{};
  games::reference::Game game{{.player_spawn_half = 10'000.0F, .npc_spawn_half = 10'000.0F}};
  game::Callbacks callbacks = game.callbacks();
  std::size_t rows, count = 0;
  std::uint32_t tick = 0;
  std::array<world::Frame, 2> frames;
  world::Identity identity;
  world::Published published;
  world::Column<world::InputQueue> inputs;
  world::Column<std::byte> players;
  interest::Grid grid;
};

void per_entity(benchmark::State& state, double entities) {
  state.counters["per_entity"] = benchmark::Counter(entities * static_cast<double>(state.iterations()),
                                                    benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

void bm_step(benchmark::State& state) {
  Crowd crowd(static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) crowd.step();
  per_entity(state, static_cast<double>(crowd.count));
}

void bm_hash(benchmark::State& state) {
  Crowd crowd(static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) benchmark::DoNotOptimize(world::hash_rows(crowd.frames[0], crowd.identity, 0, crowd.count));
  per_entity(state, static_cast<double>(crowd.count));
}

/// Two frames in turn, so that every walking entity has changed.
void bm_publish(benchmark::State& state) {
  Crowd crowd(static_cast<std::size_t>(state.range(0)));
  crowd.step();
  for (auto _ : state) {
    ++crowd.tick;
    crowd.publish();
  }
  per_entity(state, static_cast<double>(crowd.count));
}

void bm_index(benchmark::State& state) {
  Crowd crowd(static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) crowd.index();
  per_entity(state, static_cast<double>(crowd.count));
}

void bm_select(benchmark::State& state) {
  Crowd crowd(static_cast<std::size_t>(state.range(0)));
  interest::Window window;
  std::array<interest::Candidate, 512> candidates;
  const auto& frame = crowd.frames[crowd.tick & 1];
  std::size_t row = 0;
  for (auto _ : state) {
    row = (row + 97) % crowd.count;
    benchmark::DoNotOptimize(interest::select(crowd.grid, 0, {frame.x[row], frame.y[row], frame.z[row]}, 250'000.0F,
                                              {512, 64}, window, candidates.data()));
  }
  per_entity(state, static_cast<double>(std::min<std::size_t>(crowd.count, 512)));
}

BENCHMARK(bm_step)->Name("step/entities")->Arg(1'000)->Arg(10'000);
BENCHMARK(bm_hash)->Name("hash/entities")->Arg(1'000)->Arg(10'000);
BENCHMARK(bm_publish)->Name("publish/entities")->Arg(1'000)->Arg(10'000);
BENCHMARK(bm_index)->Name("index/entities")->Arg(1'000)->Arg(10'000);
BENCHMARK(bm_select)->Name("select/entities")->Arg(1'000)->Arg(10'000);

}  // namespace

BENCHMARK_MAIN();
