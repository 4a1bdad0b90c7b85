/// Cost of the shard lane per player and tick, everybody in one place: `per_viewer` is ns of poll() a viewer and tick,
/// all phases, with inputs and acks of every player coming in each tick; `body` is bytes a viewer and tick. The acks
/// arrive a tick later; copying bodies nowhere, this leaves out what the io lane does.

#include <chrono>
#include <memory>
#include <vector>

#include <benchmark/benchmark.h>

#include "base/prng.h"
#include "lane/shard_lane.h"
#include "session/id.h"

namespace {

using namespace serried;
using namespace serried::lane;

Nanos steady() {
  return static_cast<Nanos>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
          .count());
}

class Place {
 public:
  explicit Place(unsigned players)
      : link_(65'536, 32'768), memory_(std::size_t{buffers} * buffer_bytes), sequence_(players) {
    ShardSetup setup;
    setup.world.players_max = players;
    setup.world.npcs = 0;
    setup.world.player_spawn_half = 8'000.0F;
    setup.sessions_per_lane = players;
    simulation_ = std::make_unique<Simulation>(setup);
    lane_ = std::make_unique<ShardLane>(*simulation_, 0, std::vector<IoShardLink*>{&link_});
    for (unsigned i = 0; i < buffers; ++i) give_back(memory_.data() + std::size_t{i} * buffer_bytes);
    for (unsigned i = 0; i < players; ++i)
      link_.commands.push({.kind = Command::Kind::join, .connection_id = id_of(i), .session = i, .player_id = i + 1});
    for (unsigned warm = 0; warm < 300; ++warm) tick();
  }

  /// One tick; returns ns spent in poll.
  Nanos tick() {
    now_ += second / 60 + 1;
    const std::uint32_t wanted = lane_->tick() + 1;
    send_inputs();
    Nanos spent = 0;
    while (lane_->tick() != wanted || !lane_->idle()) {
      const Nanos began = steady();
      lane_->poll(now_);
      spent += steady() - began;
      collect();
    }
    return spent;
  }
  [[nodiscard]] const ShardCounters& counters() const { return lane_->counters(); }

 private:
  static constexpr unsigned buffers = 16'384;
  static constexpr std::size_t buffer_bytes = 1'280;

  static std::uint32_t id_of(std::uint32_t player) { return session::make_id(0, player, 0); }
  void give_back(std::uint8_t* data) { link_.empties.push({data, data}); }

  void send_inputs() {
    for (std::uint32_t i = 0; i < sequence_.size(); ++i) {
      InputRow row{
          .connection_id = id_of(i), .send_limit = sequence_[i].handed + (1U << 30), .plan_acked = sequence_[i].plan};
      row.plan_acked_mask = row.plan_acked != 0 ? 1 : 0;
      row.input_sequence = ++sequence_[i].input;
      if (random_.chance(0.02)) sequence_[i].heading = random_.next();
      row.move_x = static_cast<std::int8_t>(sequence_[i].heading);
      row.move_y = static_cast<std::int8_t>(sequence_[i].heading >> 8);
      row.yaw = static_cast<std::int16_t>(sequence_[i].heading >> 16);
      row.has_input = 1;
      link_.inputs.push(row);
    }
  }
  void collect() {
    OutRow rows[64];
    for (unsigned count = link_.filled.pop(rows, 64); count != 0; count = link_.filled.pop(rows, 64))
      for (unsigned i = 0; i < count; ++i) {
        sequence_[rows[i].session].plan = rows[i].tag;
        sequence_[rows[i].session].handed += rows[i].charge();
        bytes += rows[i].body_bytes;
        ++bodies;
        give_back(static_cast<std::uint8_t*>(rows[i].owner));
      }
  }

  struct Sent {
    std::uint16_t plan = 0, input = 0;
    std::uint32_t handed = 0;
    std::uint64_t heading = 0;
  };
  IoShardLink link_;
  std::vector<std::uint8_t> memory_;
  std::vector<Sent> sequence_;
  base::Prng random_{7};
  std::unique_ptr<Simulation> simulation_;
  std::unique_ptr<ShardLane> lane_;
  Nanos now_ = second;

 public:
  std::uint64_t bytes = 0, bodies = 0;
};

void bm_shard_tick(benchmark::State& state) {
  const auto players = static_cast<unsigned>(state.range(0));
  Place place(players);
  place.bytes = place.bodies = 0;
  for (auto _ : state) state.SetIterationTime(static_cast<double>(place.tick()) * 1e-9);
  const auto ticks = static_cast<double>(state.iterations());
  state.counters["per_viewer"] =
      benchmark::Counter(ticks * players, benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
  state.counters["body"] = static_cast<double>(place.bytes) / ticks / players;
  state.counters["records"] = static_cast<double>(place.counters().plan.records.value()) /
                              static_cast<double>(place.counters().ticks.value()) / players;
  state.counters["far_turn_ticks"] = static_cast<double>(place.counters().far_staleness_ticks.value());
}

BENCHMARK(bm_shard_tick)->Name("shard_tick/players")->Arg(1'000)->Arg(10'000)->UseManualTime();

}  // namespace

BENCHMARK_MAIN();
