#include "world/config.h"

#include <algorithm>
#include <cmath>

#include "base/prng.h"
#include "base/setup.h"

namespace serried::world {
namespace {

using Faults = std::vector<std::string>;

void require(Faults& faults, bool holds, std::string sentence) {
  if (!holds) faults.push_back(std::move(sentence));
}

/// The most NPCs that any of the shards gets: the hash does not deal them out evenly.
unsigned npcs_of_shard_max(unsigned npcs, unsigned shards) {
  std::vector<unsigned> counts(shards);
  for (std::uint64_t id = 1; id <= npcs; ++id) ++counts[shard_of_npc(id, shards)];
  return *std::max_element(counts.begin(), counts.end());
}

/// Clients are told both sizes in whole units, and refuse those of which neither is a multiple of the other.
bool commensurable(float a, float b) {
  return std::trunc(a) == a && std::trunc(b) == b && (std::fmod(a, b) == 0.0F || std::fmod(b, a) == 0.0F);
}

/// The most cells that can be in view of one cell: a box around the largest radius, as the grid lists them.
std::uint64_t neighbours_max(const Config& config, const std::array<unsigned, 3>& cells) {
  const float reach = *std::max_element(config.radius.begin(), config.radius.end());
  const auto edge = [reach](float size, unsigned count) {
    const double steps = std::min<double>(count - 1, std::ceil(reach / size) + 1);  // in this order for a NaN, too
    return 2 * static_cast<std::uint64_t>(std::max(steps, 0.0)) + 1;
  };
  const std::uint64_t across = edge(config.cell_size_xy, std::max(cells[0], cells[1]));
  return across * across * edge(config.cell_size_z, cells[2]);
}

void check_cells(const Config& config, Faults& faults) {
  const auto cells = config.cells();
  const std::uint64_t count = std::uint64_t{cells[0]} * cells[1] * cells[2];
  if (count > 65'536) {
    faults.push_back("the grid has " + std::to_string(count) +
                     " cells, and a cell number has 16 bits: raise world.cell_size or use fewer sections");
    return;
  }
  require(faults,
          commensurable(config.cell_size_xy, config.geometry.section_size_xy) &&
              commensurable(config.cell_size_z, config.geometry.section_size_z),
          "world.cell_size and world.section_size must be whole units, one a multiple of the other");
  require(faults, cells[2] <= 128,
          "the grid has " + std::to_string(cells[2]) + " layers, at most 128 can be: raise world.cell_size_z");
  require(faults, neighbours_max(config, cells) < 65'535,
          "up to " + std::to_string(neighbours_max(config, cells)) +
              " cells are in view of one, at most 65,534 can be: raise world.cell_size or lower world.radius");
}

void check_geometry(const Config& config, Faults& faults) {
  const auto& geometry = config.geometry;
  require(faults, geometry.section_size_xy >= 256.0F && geometry.section_size_z >= 256.0F,
          "world.section_size must be at least 256 units");
  require(faults, std::all_of(geometry.sections.begin(), geometry.sections.end(), [](auto n) { return n >= 1; }),
          "world.sections must be at least 1 on each axis");
  require(faults, config.cell_size_xy >= 64.0F && config.cell_size_z >= 64.0F,
          "world.cell_size must be at least 64 units");
  if (config.cell_size_xy < 64.0F || config.cell_size_z < 64.0F) return;
  check_cells(config, faults);
  const auto extent = config.extent();
  for (unsigned axis = 0; axis < 3; ++axis)
    require(faults,
            config.limits.min[axis] >= 0.0F && config.limits.min[axis] <= config.limits.max[axis] &&
                config.limits.max[axis] < extent[axis],
            "world.limits on axis " + std::to_string(axis) + " must lie inside the sections (0 to " +
                std::to_string(extent[axis]) + ")");
  require(faults, config.limits.ground_z >= config.limits.min[2] && config.limits.ground_z <= config.limits.max[2],
          "world.ground_z must lie inside world.limits");
}

void check_motion(const Config& config, Faults& faults) {
  const auto positive = [&](float value, const char* name) {
    require(faults, std::isfinite(value) && value > 0.0F, std::string(name) + " must be above 0");
  };
  positive(config.limits.walk_speed, "world.walk_speed");
  positive(config.limits.run_speed, "world.run_speed");
  positive(config.limits.crouch_speed, "world.crouch_speed");
  positive(config.limits.acceleration, "world.acceleration");
  require(faults,
          std::max({config.limits.walk_speed, config.limits.run_speed, config.limits.crouch_speed}) <= 32'000.0F,
          "speeds above 32,000 units a second do not fit the wire");
  for (std::size_t type = 0; type < type_count; ++type)
    require(faults, std::isfinite(config.radius[type]) && config.radius[type] > 0.0F,
            "world.radius of type " + std::to_string(type) + " must be above 0");
  require(faults, config.enter_share >= 0.5F && config.enter_share <= 1.0F,
          "world.enter_share must be between 0.5 and 1");
}

}  // namespace

std::array<float, 3> Config::extent() const noexcept {
  return {geometry.section_size_xy * static_cast<float>(geometry.sections[0]),
          geometry.section_size_xy * static_cast<float>(geometry.sections[1]),
          geometry.section_size_z * static_cast<float>(geometry.sections[2])};
}

std::array<unsigned, 3> Config::cells() const noexcept {
  const auto size = extent();
  const auto along = [](float whole, float cell) { return static_cast<unsigned>(std::ceil(whole / cell)); };
  return {along(size[0], cell_size_xy), along(size[1], cell_size_xy), along(size[2], cell_size_z)};
}

SERRIED_SETUP unsigned Config::rows_of_shard(unsigned shards) const {
  if (rows_per_shard != 0) return rows_per_shard;
  // An eighth more than an even share of the players: sessions are not dealt out evenly, and freed slots rest.
  const unsigned share = (players_max + shards - 1) / shards;
  const unsigned wanted = npcs_of_shard_max(npcs, shards) + share + share / 8 + row_block;
  const unsigned rounded = (wanted + row_block - 1) / row_block * row_block;
  const unsigned most = rows_max / shards / row_block * row_block;
  // Without the extra it may still fit; validate() speaks when not even that does.
  return rounded > most && wanted - share / 8 - row_block <= most ? most : rounded;
}

SERRIED_SETUP std::vector<std::string> Config::validate(unsigned shards) const {
  Faults faults;
  require(faults, shards >= 1 && shards <= shards_max,
          "there can be 1 to 16 shard lanes, not " + std::to_string(shards));
  require(faults, ticks_per_second >= 1 && ticks_per_second <= 1'000, "world.ticks_per_second must be 1 to 1,000");
  require(faults, rows_per_shard % row_block == 0, "world.rows_per_shard must be a multiple of 64");
  require(faults, resume_s <= 86'400, "world.resume_s must be at most 86,400");
  require(faults, slot_rest_ticks <= 16'000, "world.slot_rest_ticks must be at most 16,000");
  require(faults, players_max <= rows_max && npcs <= rows_max && players_max + npcs <= rows_max,
          "players and NPCs together are " + std::to_string(std::uint64_t{players_max} + npcs) +
              ", and this version has slots for " + std::to_string(rows_max) +
              ": lower world.players_max or world.npcs");
  check_geometry(*this, faults);
  check_motion(*this, faults);
  if (!faults.empty()) return faults;
  const std::uint64_t rows = std::uint64_t{rows_of_shard(shards)} * shards;
  require(faults, rows <= rows_max,
          std::to_string(shards) + " shards of " + std::to_string(rows_of_shard(shards)) + " rows are " +
              std::to_string(rows) + " slots, and this version has " + std::to_string(rows_max) +
              ": lower world.players_max, world.npcs or world.rows_per_shard");
  require(faults, npcs_of_shard_max(npcs, shards) <= rows_of_shard(shards),
          "world.rows_per_shard is too small for the NPCs of a shard");
  return faults;
}

unsigned shard_of_npc(std::uint64_t id, unsigned shards) noexcept {
  return static_cast<unsigned>(base::mix(id) % shards);
}

}  // namespace serried::world
