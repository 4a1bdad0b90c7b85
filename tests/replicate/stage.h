#pragma once
/// A small world with one viewer, for the tests of replication: entities are put where a test wants them, and each
/// `next_tick` publishes and indexes as the shard lane does.

#include <vector>

#include <gtest/gtest.h>

#include "replicate/acks.h"
#include "replicate/far.h"
#include "replicate/plan.h"
#include "replicate/rescan.h"

namespace serried::replicate::test {

struct Stage {
  explicit Stage(Config changed = {}, const world::Config& changed_world = {})
      : world(changed_world),
        config(changed),
        frame(rows, 0),
        identity(rows),
        published(rows),
        grid(world, 1, rows),
        coarse(config.foe_steps) {
    put(0, 1'000.0F, world::Type::player, 1);
    next_tick();
    begin(viewer, 0, 0, 3, tick);
    viewer.active = true;
  }

  /// An entity `away` units east of the viewer.
  void put(std::uint16_t slot, float away, world::Type type = world::Type::npc, std::uint8_t faction = 2) {
    world::spawn(frame, identity, slot,
                 {.id = slot + 100U,
                  .type = type,
                  .faction = faction,
                  .health = 100,
                  .position = {400'000.0F + away, 400'000.0F, 1'000.0F}},
                 tick);
  }
  void take(std::uint16_t slot) {
    identity.living[slot] = 0;
    identity.generation[slot] = (identity.generation[slot] + 1) & 3;
  }
  void next_tick(unsigned count = 1) {
    for (unsigned i = 0; i < count; ++i) {
      ++tick;
      world::publish_rows(world, frame, identity, published, tick, acked_age, 0, rows);
      grid.clear(0);
      grid.count(0, frame, identity, 0, rows);
      while (!grid.add_up(0, 100'000)) {
      }
      grid.scatter(0, frame, identity, 0, rows);
    }
  }
  [[nodiscard]] ReplicationContext context() const {
    return {.world = &world,
            .config = &config,
            .grid = &grid,
            .published = &published,
            .coarse = &coarse,
            .tick = tick,
            .shard = 0};
  }
  DueSet look() {
    DueSet result{};
    find_due_rows(viewer, context(), result);
    return result;
  }
  /// DueSet and compose one datagram; returns its plan.
  std::uint16_t say(std::uint16_t applied = 0) {
    const DueSet seen = look();
    body.assign(2'048, 0xEE);
    const Composed composed = compose(viewer, context(), seen, applied, {body.data(), config.datagram_bytes}, counters);
    for (std::size_t at = config.datagram_bytes; at < body.size(); ++at) EXPECT_EQ(body[at], 0xEE) << "at " << at;
    body.resize(composed.bytes);
    return composed.plan;
  }
  /// The viewer knows `slot`, as of now.
  unsigned know(std::uint16_t slot) {
    if (row_of(viewer, slot) < 0) track(viewer, slot, identity.generation[slot], 100);
    on_acked(viewer, say(), tick);
    return static_cast<unsigned>(row_of(viewer, slot));
  }

  static constexpr unsigned rows = 4'096;
  world::Config world{};
  Config config;
  world::Frame frame;
  world::Identity identity;
  world::Published published;
  interest::Grid grid;
  CoarseFractions coarse;
  Viewer viewer{};
  PlanCounters counters;
  std::vector<std::uint8_t> body;
  std::uint32_t tick = 0;
  std::uint32_t acked_age = 4;  ///< whom records are ready for
};

}  // namespace serried::replicate::test
