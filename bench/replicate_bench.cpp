/// Cost of the shard lane per player and tick, all in one place: `per_viewer` is CPU time of poll() a viewer and
/// tick, all phases, with inputs and acks of every player coming in each tick; `least` is that of the cheapest tick;
/// `body` is bytes a viewer and tick. The acks arrive a tick later; copying bodies nowhere, this leaves out what the io
/// lane does.
///
///     shard_tick    how long a tick takes
///     crowd         the same, and how stale what every hundredth viewer knows of any entity is: gaps between two words
///                   of the same entity, in ticks
///
/// `records` is records a viewer and tick, `encoded` those of them that were not ready to be copied. `crossings` is far
/// records a viewer and tick of entities that changed their cell and were told at once (replicate/far.h). `hash` is of
/// all bodies of the 300 ticks before those measured: it depends on the number of players alone.

#include <cstdio>
#include <ctime>
#include <memory>
#include <optional>
#include <vector>

#include <benchmark/benchmark.h>

#include "base/prng.h"
#include "games/reference/game.h"
#include "session/id.h"
#include "shard/shard_lane.h"
#include "simd/crc32c.h"
#include "simd/isa.h"
#include "staleness.h"

namespace {

using namespace serried;
using namespace serried::link;
using namespace serried::shard;

/// CPU time of this thread: others may have the core in between.
Nanos cpu_time() {
  std::timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<Nanos>(time.tv_sec) * second + static_cast<Nanos>(time.tv_nsec);
}

class Place {
 public:
  static constexpr unsigned warm_ticks = 300;

  Place(unsigned players, bool watch)
      : link_(65'536, 32'768), memory_(std::size_t{buffers} * buffer_bytes), sequence_(players) {
    if (watch) staleness_.emplace(players, 100);
    ShardSetup setup;
    setup.world.players_max = players;
    setup.world.npcs = 0;
    setup.game = game_.callbacks();
    setup.sessions_per_lane = players;
    simulation_ = std::make_unique<Simulation>(setup);
    lane_ = std::make_unique<ShardLane>(*simulation_, 0, std::vector<IoShardLink*>{&link_});
    for (unsigned i = 0; i < buffers; ++i) give_back(memory_.data() + std::size_t{i} * buffer_bytes);
    for (unsigned i = 0; i < players; ++i)
      link_.session_events.push(SessionEvent::Join{.connection_id = id_of(i), .session = i, .player_id = i + 1});
    for (unsigned warm = 0; warm < warm_ticks; ++warm) tick();
    if (staleness_) staleness_->begin();
  }

  /// One tick; returns ns of CPU spent in poll. The rings have room for a whole tick.
  Nanos tick() {
    now_ += second / 60 + 1;
    const std::uint32_t wanted = lane_->tick() + 1;
    send_inputs();
    const Nanos began = cpu_time();
    while (lane_->tick() != wanted || !lane_->idle()) lane_->poll(now_);
    const Nanos spent = cpu_time() - began;
    collect(wanted);
    return spent;
  }
  [[nodiscard]] std::uint32_t gap(double share) const { return staleness_->percentile(share, lane_->tick()); }
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
  void collect(std::uint32_t tick) {
    OutRow rows[64];
    for (unsigned count = link_.filled.pop(rows, 64); count != 0; count = link_.filled.pop(rows, 64))
      for (unsigned i = 0; i < count; ++i) {
        const OutRow::Datagram& row = rows[i].datagram();
        sequence_[row.session].plan = row.plan;
        sequence_[row.session].handed += row.charge();
        const std::span<const std::uint8_t> body{row.body, row.body_bytes};
        bytes += body.size();
        if (tick <= warm_ticks) hash += base::mix(simd::crc32c(body), row.session, tick);
        if (staleness_ && staleness_->watches(row.session)) staleness_->told(row.session, body, tick);
        give_back(static_cast<std::uint8_t*>(row.owner));
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
  games::reference::Game game_{{.player_spawn_half = 8'000.0F}};
  std::unique_ptr<Simulation> simulation_;
  std::unique_ptr<ShardLane> lane_;
  std::optional<bench::Staleness> staleness_;
  Nanos now_ = second;

 public:
  std::uint64_t bytes = 0, hash = 0;
};

void run(benchmark::State& state, bool watch) {
  const auto players = static_cast<unsigned>(state.range(0));
  Place place(players, watch);
  const std::uint64_t bytes = place.bytes, records = place.counters().plan.records.value(),
                      crossings = place.counters().plan.far_crossings.value(),
                      encoded = place.counters().plan.encoded_records.value();
  Nanos least = ~Nanos{0};
  for (auto _ : state) {
    const Nanos spent = place.tick();
    least = std::min(least, spent);
    state.SetIterationTime(static_cast<double>(spent) * 1e-9);
  }
  const double viewers = static_cast<double>(state.iterations()) * players;
  state.counters["per_viewer"] = benchmark::Counter(viewers, benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
  state.counters["least"] = static_cast<double>(least) * 1e-9 / players;
  state.counters["body"] = static_cast<double>(place.bytes - bytes) / viewers;
  state.counters["records"] = static_cast<double>(place.counters().plan.records.value() - records) / viewers;
  state.counters["encoded"] = static_cast<double>(place.counters().plan.encoded_records.value() - encoded) / viewers;
  state.counters["crossings"] = static_cast<double>(place.counters().plan.far_crossings.value() - crossings) / viewers;
  state.counters["far_turn_ticks"] = static_cast<double>(place.counters().far_staleness_ticks.value());
  if (watch) {
    state.counters["gap_p50"] = place.gap(0.5);
    state.counters["gap_p99"] = place.gap(0.99);
    state.counters["gap_max"] = place.gap(1.0);
  }
  char label[96];
  std::snprintf(label, sizeof label, "isa=%s budget=%u hash=%016llx", simd::isa_name(simd::active_isa()).data(),
                replicate::Config{}.datagram_bytes, static_cast<unsigned long long>(place.hash));
  state.SetLabel(label);
}
void bm_shard_tick(benchmark::State& state) { run(state, false); }
void bm_crowd(benchmark::State& state) { run(state, true); }

BENCHMARK(bm_shard_tick)->Name("shard_tick/players")->Arg(1'000)->Arg(10'000)->UseManualTime();
BENCHMARK(bm_crowd)->Name("crowd/players")->Arg(10'000)->Iterations(300)->UseManualTime();

}  // namespace

BENCHMARK_MAIN();
