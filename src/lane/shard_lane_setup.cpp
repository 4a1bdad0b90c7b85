#include "lane/shard_lane.h"

#include "base/check.h"

namespace serried::lane {
namespace {

unsigned npcs_of(const ShardSetup& setup, unsigned shard) {
  unsigned count = 0;
  for (std::uint64_t id = 1; id <= setup.world.npcs; ++id)
    count += world::shard_of_npc(id, setup.shards) == shard ? 1 : 0;
  return count;
}

/// Places for viewers: a row each.
std::size_t viewers_of(const Simulation& simulation, unsigned shard) {
  return simulation.rows_per_shard() - npcs_of(simulation.setup(), shard);
}

}  // namespace

ShardLane::ShardLane(Simulation& simulation, unsigned shard, std::vector<IoShardLink*> links)
    : world_(simulation),
      shard_(shard),
      first_row_(std::size_t{shard} * simulation.rows_per_shard()),
      pool_(static_cast<unsigned>(first_row_), simulation.rows_per_shard(), simulation.setup().world.slot_rest_ticks),
      resume_ticks_(simulation.setup().world.resume_s * simulation.setup().world.ticks_per_second),
      players_(viewers_of(simulation, shard)),
      newcomers_(viewers_of(simulation, shard)),
      everywhere_(simulation.setup().game.broadcasts_per_s, simulation.setup().game.broadcasts_burst) {
  const ShardSetup& setup = simulation.setup();
  SERRIED_CHECK(shard < setup.shards);
  SERRIED_CHECK(links.size() == setup.io_lanes);
  const std::size_t viewers = viewers_of(simulation, shard);
  viewers_ = world::Column<replicate::Viewer>(viewers);
  inputs_ = world::Column<world::InputQueue>(viewers);
  free_viewers_ = world::Column<std::uint32_t>(viewers);
  births_ = world::Column<std::uint32_t>(viewers);
  deaths_ = world::Column<std::uint32_t>(viewers);
  seats_ = world::Column<Seat>(viewers);
  gone_tick_ = world::Column<std::uint32_t>(viewers);
  player_column_ = world::Column<std::byte>(viewers * setup.game.player_bytes);
  session_column_ = world::Column<std::byte>(viewers * setup.game.session_bytes);
  game_players_ = {player_column_.data(), setup.game.player_bytes};
  game_sessions_ = {session_column_.data(), setup.game.session_bytes};
  for (std::size_t i = 0; i < viewers; ++i)  // lowest last: taken first
    free_viewers_[i] = static_cast<std::uint32_t>(viewers - 1 - i);
  free_viewer_count_ = static_cast<std::uint32_t>(viewers);
  const std::size_t sessions = std::size_t{setup.io_lanes} * setup.sessions_per_lane;
  viewer_of_session_ = world::Column<std::uint32_t>(sessions);
  for (std::size_t i = 0; i < sessions; ++i) viewer_of_session_[i] = no_viewer;
  links_.resize(links.size());
  for (std::size_t i = 0; i < links.size(); ++i) links_[i].rings = links[i];
  populate();
}

ShardLane::~ShardLane() = default;

/// The NPCs of this shard, in frame 0: tick 1 steps them.
void ShardLane::populate() {
  const ShardSetup& setup = world_.setup();
  std::vector<world::Birth> births;
  for (std::uint64_t id = 1; id <= setup.world.npcs; ++id)
    if (world::shard_of_npc(id, setup.shards) == shard_) births.push_back({.id = id, .type = world::Type::npc});
  setup.game.spawn_npcs(setup.game.context, {setup.world, setup.seed, births});
  for (const world::Birth& birth : births) {
    const std::uint16_t row = pool_.take(0);
    SERRIED_CHECK(row != world::no_slot);
    world::bear(world_.frame(0), world_.identity_, row, birth, 0);
  }
  world_.sums_[shard_].entities.store(pool_.used(), std::memory_order_relaxed);
}

void ShardLane::close() noexcept {
  for (Link& link : links_) {
    const unsigned returned = link.rings->empties.push(link.empties.data(), link.empty_count);
    SERRIED_CHECK(returned == link.empty_count);  // they came out of this ring, which io lanes never fill to the brim
    link.empty_count = 0;
    for (; link.mail_at < link.mail_count; ++link.mail_at) {
      const Mail& mail = link.mail[link.mail_at];
      if (mail.block != Mail::in_buffer) continue;  // the io lane's own memory
      const OutRow back{.owner = mail.owner, .body = mail.message, .kind = OutKind::buffer_back};
      const bool home =
          link.rings->filled.push(back) || link.rings->empties.push({mail.message - body_offset, mail.owner});
      SERRIED_CHECK(home);
    }
  }
}

}  // namespace serried::lane
