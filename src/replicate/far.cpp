#include "replicate/far.h"

#include <algorithm>

#include "message/entity.h"

namespace serried::replicate {
namespace {

// A block of fewer records wastes its framing (5 bytes): better to leave the room empty and begin the cell next time.
constexpr unsigned records_worth_a_block = 4;

/// As many of `wanted` records from `place` on as fit into one block. Returns how many.
unsigned write_block(base::ByteWriter& out, const interest::Grid& grid, std::uint16_t cell, std::uint32_t place,
                     unsigned wanted) noexcept {
  constexpr std::size_t overhead = 2 + 1 + message::block_header_bytes;  // length of two bytes, type
  if (out.room() < overhead + message::far_record_bytes) return 0;
  const auto fit = static_cast<unsigned>((out.room() - overhead) / message::far_record_bytes);
  const unsigned records = std::min(wanted, fit);
  if (records < std::min(wanted, records_worth_a_block)) return 0;
  const std::size_t bytes = records * message::far_record_bytes;
  message::frame(out, message::Type::entity_block, message::block_header_bytes + bytes);
  out.write(cell);
  out.write_bytes({grid.far_records() + std::size_t{place} * message::far_record_bytes, bytes});
  return records;
}

/// Move `at` over cells and write until `records_max` are written, the room or `cells` are used up, or the
/// neighbourhood ends. Returns records written.
unsigned write_run(const Viewer& viewer, const Scene& scene, base::ByteWriter& out, interest::Window& at,
                   unsigned records_max, unsigned cells) noexcept {
  const interest::Grid& grid = *scene.grid;
  const unsigned reach = grid.neighbours_in_use(scene.shard);
  unsigned written = 0;
  for (unsigned visited = 0; visited < cells && at.neighbour < reach && written < records_max; ++visited) {
    const interest::Neighbour& neighbour = grid.neighbours()[at.neighbour];
    const std::int32_t cell = grid.cell_number(viewer.cell, neighbour);
    if (cell >= 0 && grid.occupied(scene.shard, static_cast<unsigned>(cell))) {
      const interest::Span places = grid.span(scene.shard, static_cast<unsigned>(cell), neighbour.classes);
      const std::uint32_t first = std::min(places.first + at.offset, places.last);
      const unsigned wanted = std::min(places.last - first, records_max - written);
      if (wanted != 0) {
        const unsigned now = write_block(out, grid, static_cast<std::uint16_t>(cell), first, wanted);
        written += now;
        at.offset += now;
        if (first + now < places.last) break;
      }
    }
    ++at.neighbour;
    at.offset = 0;
  }
  return written;
}

}  // namespace

bool far_pending(Viewer& viewer, const Scene& scene) noexcept {
  const world::Place& at = scene.published->place[viewer.own_slot];
  const interest::Cell cell = scene.grid->cell_at(at.x, at.y, at.z);
  if (!(cell == viewer.cell)) {
    viewer.cell = cell;
    ++viewer.far_epoch;
    viewer.lost_runs = 0;
  }
  if (viewer.far_resting && scene.tick - viewer.far_turn_tick >= scene.config->far_cycle_ticks) {
    viewer.far_resting = false;
    viewer.far_turn_tick = scene.tick;
    viewer.far_window = {};
  }
  return !viewer.far_resting || viewer.lost_runs != 0;
}

FarRun write_far(Viewer& viewer, const Scene& scene, base::ByteWriter& out, PlanCounters& counters) noexcept {
  const std::size_t before = out.size();
  FarRun run{.epoch = viewer.far_epoch};
  unsigned records = 0;
  if (viewer.lost_runs != 0) {
    const FarRun lost = viewer.lost_run[viewer.lost_runs - 1U];
    interest::Window at{lost.neighbour, 0, lost.offset};
    records = write_run(viewer, scene, out, at, lost.records, scene.config->far_cells);
    run.neighbour = lost.neighbour;
    run.offset = lost.offset;
    // What does not fit now will be said in the next turn anyway.
    --viewer.lost_runs;
  } else if (!viewer.far_resting) {
    run.neighbour = viewer.far_window.neighbour;
    run.offset = static_cast<std::uint16_t>(viewer.far_window.offset);
    records = write_run(viewer, scene, out, viewer.far_window, 0xFFFF, scene.config->far_cells);
    if (viewer.far_window.neighbour >= scene.grid->neighbours_in_use(scene.shard)) {
      viewer.far_resting = true;
      viewer.far_turn_ticks = scene.tick - viewer.far_turn_tick + 1;
    }
  }
  run.records = static_cast<std::uint16_t>(records);
  counters.far_records.add(records);
  counters.far_bytes.add(out.size() - before);
  return run;
}

}  // namespace serried::replicate
