#pragma once
/// Shard lanes on one thread, polled in turn, with the bench in the place of the io lane: every viewer sends an input a
/// tick and acks what it was told two ticks before. What a viewer costs as shards and viewers grow together, each with
/// as many others in view.

#include <cmath>
#include <memory>
#include <numbers>
#include <string>
#include <vector>

#include "base/prng.h"
#include "cost.h"
#include "games/reference/game.h"
#include "session/id.h"
#include "shard/shard_lane.h"

namespace serried::bench {

class ShardLanes {
 public:
  ShardLanes(unsigned shards, unsigned viewers_per_shard, unsigned in_view)
      : viewers_(shards * viewers_per_shard),
        game_(config_of(viewers_, in_view)),
        simulation_(setup_of(shards, viewers_, game_)) {
    const unsigned buffers = 4 * viewers_per_shard;
    memory_.reset(new std::uint8_t[std::size_t{shards} * buffers * buffer_bytes]);
    for (unsigned shard = 0; shard < shards; ++shard) {
      links_.push_back(std::make_unique<link::IoShardLink>(4 * viewers_per_shard, buffers));
      lanes_.push_back(
          std::make_unique<shard::ShardLane>(simulation_, shard, std::vector<link::IoShardLink*>{links_.back().get()}));
      for (unsigned i = 0; i < buffers; ++i) {
        std::uint8_t* const at = memory_.get() + (std::size_t{shard} * buffers + i) * buffer_bytes;
        links_.back()->empties.push({at, at});
      }
    }
    for (std::uint32_t session = 0; session < viewers_; ++session) {
      join(session);
      // In portions: a tick begins though not all rows that wait for it have been read.
      if (session % joins_per_tick == joins_per_tick - 1) {
        step(ignored_);
        listen();
      }
    }
  }

  /// One tick of the world: what viewers say, all shards in turn until nothing is left to do, what they were told.
  void tick(Stopwatch& watch) {
    speak();
    step(watch);
    listen();
  }

  void check(const std::string& what, std::vector<std::string>& problems) const {
    const auto complain = [&](const std::string& text) { problems.push_back(what + ": " + text); };
    std::uint64_t viewers = 0;
    for (const auto& lane : lanes_) {
      viewers += lane->counters().players.value();
      for (std::size_t i = 0; i < metrics::drop_count; ++i)
        if (const auto drop = static_cast<metrics::Drop>(i); lane->counters().drops.value(drop) != 0)
          complain("drops " + std::string(metrics::drop_name(drop)));
    }
    if (viewers != viewers_)
      complain("of " + std::to_string(viewers_) + " viewers " + std::to_string(viewers) + " play");
    if (told_ < std::uint64_t{ticks_ - 4} * viewers_)
      complain("only " + std::to_string(told_) + " datagrams for " + std::to_string(viewers_) + " viewers in " +
               std::to_string(ticks_) + " ticks");
  }
  [[nodiscard]] std::uint64_t hash() const { return hash_.value(); }
  [[nodiscard]] unsigned viewers() const { return viewers_; }

 private:
  static constexpr std::size_t buffer_bytes = 1'280 + 64;
  static constexpr unsigned ack_after = 2;  ///< ticks
  static constexpr unsigned joins_per_tick = 1'000;

  struct Viewer {
    std::uint32_t connection_id = 0;
    unsigned shard = 0;
    std::uint16_t input = 0;
    std::uint32_t charged = 0;
    std::uint16_t plan[ack_after] = {};  ///< by tick: what was told then; 0: nothing
  };

  /// As many in view whatever the number of viewers: the square that they appear in grows with them.
  static games::reference::Config config_of(unsigned viewers, unsigned in_view) {
    const double radius = world::Config{}.radius[0];
    return {.player_spawn_half = static_cast<float>(radius * std::sqrt(std::numbers::pi * viewers / in_view) / 2.0)};
  }
  static shard::ShardSetup setup_of(unsigned shards, unsigned viewers, const games::reference::Game& game) {
    shard::ShardSetup setup;
    setup.shards = shards;
    setup.sessions_per_lane = viewers;
    setup.world.players_max = viewers;
    setup.world.npcs = 0;
    setup.game = game.callbacks();
    return setup;
  }

  void join(std::uint32_t session) {
    Viewer viewer;
    const std::uint64_t player_id = session + 1;
    viewer.connection_id = session::make_id(0, session, session + 1);
    viewer.shard = static_cast<unsigned>(base::mix(player_id) % lanes_.size());
    viewers_of_.push_back(viewer);
    links_[viewer.shard]->session_events.push(
        link::SessionEvent::Join{.connection_id = viewer.connection_id, .session = session, .player_id = player_id});
  }

  void step(Stopwatch& watch) {
    now_ += second / 60 + 1;
    const std::uint32_t wanted = lanes_.front()->tick() + 1;
    watch.start();
    for (bool done = false; !done;) {
      done = true;
      for (auto& lane : lanes_) {
        lane->poll(now_);
        done = done && lane->idle() && lane->tick() == wanted;
      }
    }
    watch.stop();
  }

  void speak() {
    ++ticks_;
    for (std::uint32_t session = 0; session < viewers_; ++session) {
      Viewer& viewer = viewers_of_[session];
      const std::uint64_t rng = base::mix(session, viewer.input / 30);
      link::InputRow row;
      row.connection_id = viewer.connection_id;
      row.send_limit = viewer.charged + (1U << 20);
      row.has_input = 1;
      row.input_sequence = ++viewer.input;
      row.move_x = static_cast<std::int8_t>(rng % 255 - 127);
      row.move_y = static_cast<std::int8_t>((rng >> 8) % 255 - 127);
      row.yaw = static_cast<std::int16_t>(rng >> 16);
      std::uint16_t& plan = viewer.plan[ticks_ % ack_after];
      if (plan != 0) {
        row.plan_acked = plan;
        row.plan_acked_mask = 1;
        plan = 0;
      }
      links_[viewer.shard]->inputs.push(row);
    }
  }

  void listen() {
    for (auto& link : links_) {
      link::OutRow row;
      while (link->filled.pop(&row, 1) == 1) {
        if (row.kind() == link::OutRow::Kind::datagram) {
          const link::OutRow::Datagram& out = row.datagram();
          Viewer& viewer = viewers_of_[out.session];
          viewer.charged += out.charge();
          viewer.plan[ticks_ % ack_after] = out.plan;
          hash_.add(out.session, base::mix(out.plan, out.body_bytes));
          ++told_;
        }
        if (const wire::Buffer buffer = row.buffer(); buffer.data != nullptr) link->empties.push(buffer);
      }
    }
  }

  unsigned viewers_;
  games::reference::Game game_;
  shard::Simulation simulation_;
  std::unique_ptr<std::uint8_t[]> memory_;
  std::vector<std::unique_ptr<link::IoShardLink>> links_;
  std::vector<std::unique_ptr<shard::ShardLane>> lanes_;
  std::vector<Viewer> viewers_of_;
  Nanos now_ = second;
  Stopwatch ignored_;
  std::uint32_t ticks_ = 0;
  std::uint64_t told_ = 0;
  ResultHash hash_;
};

}  // namespace serried::bench
