#include "shard/simulation.h"

#include "base/check.h"
#include "base/setup.h"

namespace serried::shard {

SERRIED_SETUP std::vector<std::string> ShardSetup::validate() const {
  std::vector<std::string> faults = world.validate(shards);
  for (auto& fault : replicate.validate()) faults.push_back(std::move(fault));
  if (io_lanes < 1 || io_lanes > 64)
    faults.emplace_back("there can be 1 to 64 io lanes, not " + std::to_string(io_lanes));
  if (!nodes.empty() && nodes.size() != shards)
    faults.emplace_back("there are " + std::to_string(shards) + " shards, and nodes of " +
                        std::to_string(nodes.size()));
  if (sessions_per_lane < 1 || sessions_per_lane > 1U << 20)
    faults.emplace_back("an io lane can have 1 to 1,048,576 sessions, not " + std::to_string(sessions_per_lane));
  if (replicate.datagram_bytes > link::out_body_bytes_max)
    faults.emplace_back("replicate.datagram_bytes must be at most " + std::to_string(link::out_body_bytes_max));
  if (!game.complete()) {
    faults.emplace_back("there is no game: fill ShardSetup::game, all of its functions");
    return faults;
  }
  for (auto& fault : game.faults(game.context)) faults.push_back(std::move(fault));
  if (game.broadcasts_per_s == 0 || game.broadcasts_burst == 0)
    faults.emplace_back("the game's broadcasts_per_s and broadcasts_burst must be at least 1");
  if (game.welcome.size() > message::message_bytes_max)
    faults.emplace_back("the game's welcome has " + std::to_string(game.welcome.size()) + " bytes, at most " +
                        std::to_string(message::message_bytes_max) + " can be sent");
  return faults;
}

SERRIED_SETUP Simulation::Simulation(const ShardSetup& setup)
    : setup_(setup),
      rows_per_shard_(setup.world.rows_of_shard(setup.shards)),
      frames_{world::Frame(std::size_t{setup.shards} * rows_per_shard_, 0, {setup_.nodes, rows_per_shard_}),
              world::Frame(std::size_t{setup.shards} * rows_per_shard_, 12, {setup_.nodes, rows_per_shard_})},
      identity_(std::size_t{setup.shards} * rows_per_shard_, {setup_.nodes, rows_per_shard_}),
      published_(std::size_t{setup.shards} * rows_per_shard_, {setup_.nodes, rows_per_shard_}),
      grid_(setup.world, setup.shards, rows_per_shard_, setup_.nodes),
      coarse_(setup.replicate.foe_steps),
      barrier_(setup.shards),
      welcome_{setup.game.welcome} {
  SERRIED_CHECK(setup.validate().empty());
  for (auto* const number : {&started_, &catching_up_until_, &hashed_}) number->store(setup.first_tick);
  for (unsigned pair = 0; pair < setup.shards * setup.shards; ++pair)
    broadcasts_.push_back(std::make_unique<Broadcasts>(broadcasts_waiting));
}

std::uint64_t Simulation::entity_count() const noexcept {
  std::uint64_t sum = 0;
  for (unsigned shard = 0; shard < setup_.shards; ++shard) sum += sums_[shard].entities.load(std::memory_order_relaxed);
  return sum;
}

bool Simulation::world_hash(std::uint32_t tick, std::uint64_t& out) const noexcept {
  const HashEntry& entry = history_[tick % history_ticks];
  if (entry.known.load(std::memory_order_acquire) != known_as(tick)) return false;
  out = entry.hash.load(std::memory_order_acquire);
  return entry.known.load(std::memory_order_relaxed) == known_as(tick);  // not overwritten meanwhile
}

SERRIED_SETUP void Simulation::each_memory(unsigned shard,
                                           const std::function<void(std::span<const std::byte>)>& visit) const {
  const std::size_t first = std::size_t{shard} * rows_per_shard_, last = first + rows_per_shard_;
  const auto rows = [&](const auto& column) { visit(column.memory(first, last)); };
  for (const world::Frame& frame : frames_) frame.each_column(rows);
  identity_.each_column(rows);
  published_.each_column(rows);
  grid_.each_memory(shard, visit);
}

SERRIED_SETUP void Simulation::for_each_entity(const std::function<void(const Living&)>& visit) const {
  const world::Frame& now = frame(started_.load(std::memory_order_acquire));
  for (std::size_t row = 0; row < identity_.living.size(); ++row) {
    if (identity_.living[row] == 0) continue;
    visit({.id = identity_.id[row],
           .slot = static_cast<std::uint16_t>(row),
           .generation = identity_.generation[row],
           .type = identity_.type[row],
           .faction = identity_.faction[row],
           .level = identity_.level[row],
           .position = {now.x[row], now.y[row], now.z[row]},
           .state = world::quantised(setup_.world, now, identity_, row)});
  }
}

}  // namespace serried::shard
