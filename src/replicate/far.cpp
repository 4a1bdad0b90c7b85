#include "replicate/far.h"

#include <algorithm>
#include <array>
#include <bit>

#include "message/entity.h"
#include "simd/within_radius.h"

namespace serried::replicate {
namespace {

using interest::class_count;

// A block of fewer records wastes its framing (5 bytes): better to leave the room empty and begin the cell next time.
constexpr unsigned records_worth_a_block = 4;
constexpr std::size_t block_overhead = 2 + 1 + message::block_header_bytes;  // length of two bytes, type
constexpr std::size_t lone_record_bytes = block_overhead + message::far_record_bytes;
// An entity that moved ahead by less than one in so many of a turn is reached again soon enough.
constexpr std::uint32_t turn_part = 8;

/// Records of a block: as many as the largest datagram has room for.
constexpr unsigned records_max = 192;

/// Who of a cell is in view: places in runs, in their order.
struct Sight {
  struct Run {
    std::uint32_t first, last;
  };
  std::array<Run, records_max> runs;  ///< not cleared: the first `run_count`
  unsigned run_count = 0, records = 0;

  void add(std::uint32_t place, std::uint32_t count) noexcept {
    records += count;
    if (run_count != 0 && runs[run_count - 1].last == place) {
      runs[run_count - 1].last += count;
    } else {
      runs[run_count++] = {place, place + count};
    }
  }
};

/// One viewer's look at the grid.
struct Looker {
  const ReplicationContext& context;
  std::array<float, 3> eye;
  interest::Cell home;  ///< of the eye

  Looker(const Viewer& viewer, const ReplicationContext& all) noexcept : context(all) {
    const world::Place& place = all.published->place[viewer.own_slot];
    eye = {place.x, place.y, place.z};
    home = all.grid->cell_at(place.x, place.y, place.z);
  }
  /// The squared radius of the entity at a place.
  [[nodiscard]] float radius2(std::uint32_t place) const noexcept {
    const world::Type type = context.published->summary[context.grid->slots()[place]].type;
    const float radius = context.world->radius[static_cast<std::size_t>(type)];
    return radius * radius;
  }
  [[nodiscard]] float distance2(std::uint32_t place) const noexcept {
    const interest::Grid& grid = *context.grid;
    const float dx = grid.x()[place] - eye[0], dy = grid.y()[place] - eye[1], dz = grid.z()[place] - eye[2];
    return dx * dx + dy * dy + dz * dz;
  }
  [[nodiscard]] bool sees(std::uint32_t place) const noexcept { return distance2(place) < radius2(place); }

  [[nodiscard]] std::uint32_t look(std::uint32_t cell, interest::Span places, unsigned most, unsigned& looks,
                                   Sight& sight) const noexcept;
  [[nodiscard]] std::uint32_t look_closely(interest::Span places, unsigned type_class, unsigned most, unsigned& looks,
                                           Sight& sight) const noexcept;
};

/// Of a class that the border of the view parts in this cell: each place is measured, some at a time, and each time is
/// a look. Returns the place that comes next.
std::uint32_t Looker::look_closely(interest::Span places, unsigned type_class, unsigned most, unsigned& looks,
                                   Sight& sight) const noexcept {
  const interest::Grid& grid = *context.grid;
  const float radius = grid.classes().radius[type_class];
  const bool alike = grid.classes().smallest[type_class] == radius;
  for (std::uint32_t at = places.first; at < places.last;) {
    // No more than are likely to be wanted, and no fewer than are worth it.
    const std::uint32_t count = std::min(places.last - at, std::max(most - sight.records, 64U));
    std::array<std::uint64_t, records_max / 64> inside;
    simd::within_radius({grid.x() + at, grid.y() + at, grid.z() + at}, count, eye[0], eye[1], eye[2], radius * radius,
                        inside.data());
    for (unsigned first = 0; first < count; first += 64)
      for (std::uint64_t bits = inside[first / 64]; bits != 0; bits &= bits - 1) {
        const std::uint32_t place = at + first + static_cast<unsigned>(std::countr_zero(bits));
        if (!alike && !sees(place)) continue;
        if (sight.records == most) return place;
        sight.add(place, 1);
      }
    at += count;
    if (looks != 0) --looks;
    if (looks == 0) return at;
  }
  return places.last;
}
static_assert(records_max <= simd::within_radius_max && records_max % 64 == 0);

/// Find who is in view of some places of a cell, up to `most` or until the looks are used up. Returns the place that
/// comes next. Whole classes of most cells are within their radius or beyond it: those cost nothing by the entity.
std::uint32_t Looker::look(std::uint32_t cell, interest::Span places, unsigned most, unsigned& looks,
                           Sight& sight) const noexcept {
  const interest::Grid& grid = *context.grid;
  const interest::CellDistance distance = grid.distance_to(cell, eye);
  std::uint32_t at = places.first;
  for (unsigned type_class = 0; type_class < class_count && at < places.last; ++type_class) {
    const std::uint32_t end = std::min(places.last, grid.span(context.shard, cell, type_class + 1).last);
    if (end <= at) continue;
    const float radius = grid.classes().radius[type_class], smallest = grid.classes().smallest[type_class];
    if (distance.nearest2 >= radius * radius) {
      at = end;
    } else if (distance.furthest2 < smallest * smallest) {
      const std::uint32_t count = std::min(end - at, most - sight.records);
      if (count != 0) sight.add(at, count);
      at += count;
    } else {
      at = look_closely({at, end}, type_class, most, looks, sight);
    }
    if (at < end) return at;
  }
  return at;
}

/// Write a block of those who are in view of some places of a cell, as many as there is room for, or none when those
/// would be few. `places.first` moves on to what is left. Returns records.
unsigned write_block(base::ByteWriter& out, const Looker& looker, std::uint32_t cell, interest::Span& places,
                     unsigned& looks) noexcept {
  if (out.room() < lone_record_bytes) return 0;
  const auto fit = static_cast<unsigned>(
      std::min<std::size_t>((out.room() - block_overhead) / message::far_record_bytes, records_max));
  Sight sight;
  const std::uint32_t next = looker.look(cell, places, std::max(fit, records_worth_a_block), looks, sight);
  if (sight.records > fit) return 0;
  places.first = next;
  if (sight.records == 0) return 0;
  message::frame(out, message::Type::entity_block,
                 message::block_header_bytes + sight.records * message::far_record_bytes);
  out.write(static_cast<std::uint16_t>(cell));
  const std::uint8_t* const records = looker.context.grid->far_records();
  for (unsigned i = 0; i < sight.run_count; ++i) {
    const Sight::Run run = sight.runs[i];
    out.write_bytes({records + std::size_t{run.first} * message::far_record_bytes,
                     std::size_t{run.last - run.first} * message::far_record_bytes});
  }
  return sight.records;
}

/// A block of one record. Precondition: there is room.
void write_lone_block(base::ByteWriter& out, const interest::Grid& grid, std::uint32_t cell,
                      std::uint32_t place) noexcept {
  message::frame(out, message::Type::entity_block, message::block_header_bytes + message::far_record_bytes);
  out.write(static_cast<std::uint16_t>(cell));
  out.write_bytes({grid.far_records() + std::size_t{place} * message::far_record_bytes, message::far_record_bytes});
}

unsigned class_at(const interest::Grid& grid, unsigned shard, std::uint32_t cell, std::uint32_t place) noexcept {
  unsigned type_class = 0;
  while (place >= grid.span(shard, cell, type_class + 1).last) ++type_class;
  return type_class;
}

/// The first place in its cell that is not before `point`. It is looked for around `offset` first: between two ticks
/// few come or go.
std::uint32_t place_of(const interest::Grid& grid, unsigned shard, const FarPoint& point,
                       std::uint32_t offset) noexcept {
  constexpr std::uint32_t around = 8;
  const std::uint32_t cell_first = grid.span(shard, point.cell, 0).first;
  if (point.type_class == 0 && point.slot == 0) return cell_first;
  std::uint32_t first = grid.span(shard, point.cell, point.type_class).last;
  std::uint32_t last = grid.span(shard, point.cell, point.type_class + 1U).last;
  const std::uint16_t* const slots = grid.slots();
  const std::uint32_t guess = std::clamp(cell_first + offset, first, last);
  if (guess != last && slots[guess] == point.slot) return guess;
  if (guess - first > around && slots[guess - around] < point.slot) first = guess - around;
  if (last - guess > around && slots[guess + around] >= point.slot) last = guess + around;
  return static_cast<std::uint32_t>(std::lower_bound(slots + first, slots + last, point.slot) - slots);
}

/// What is to be told, and how far that got.
struct Stretch {
  FarPoint at, until;
  bool wraps;                ///< `until` comes behind the last cell and the first
  std::uint32_t offset = 0;  ///< of `at`, as Viewer::far_offset
  bool complete = false;
};

/// Tell what is in view, until the stretch is complete, or the room or `looks` are used up. Returns records.
unsigned write_stretch(const Looker& looker, base::ByteWriter& out, Stretch& stretch, unsigned looks) noexcept {
  const ReplicationContext& context = looker.context;
  const interest::Cell& home = looker.home;
  const interest::Grid& grid = *context.grid;
  const FarPoint until = stretch.until;
  const bool until_inside = until.type_class != 0 || until.slot != 0;
  std::uint32_t cell = stretch.at.cell;
  bool inside = stretch.at.type_class != 0 || stretch.at.slot != 0;
  unsigned written = 0;
  for (;;) {
    const std::uint32_t end = stretch.wraps ? grid.cells() : until.cell + std::uint32_t{until_inside};
    if (!inside && !grid.next_in_view(context.shard, home, cell, end, looks)) {
      stretch.at = {static_cast<std::uint16_t>(cell), 0, 0};
      if (cell < end) return written;
      if (!stretch.wraps) break;
      stretch.wraps = false;
      cell = 0;
      continue;
    }
    interest::Span places = grid.span(context.shard, cell, grid.classes_in_view(home, cell));
    const std::uint32_t cell_first = places.first;
    if (inside) places.first = place_of(grid, context.shard, stretch.at, stretch.offset);
    if (!stretch.wraps && cell == until.cell)
      places.last = std::min(places.last, place_of(grid, context.shard, until, stretch.offset));
    if (places.first < places.last) {
      written += write_block(out, looker, cell, places, looks);
      if (places.first < places.last) {
        stretch.at = {static_cast<std::uint16_t>(cell),
                      static_cast<std::uint16_t>(class_at(grid, context.shard, cell, places.first)),
                      grid.slots()[places.first]};
        stretch.offset = places.first - cell_first;
        return written;
      }
    }
    ++cell;
    inside = false;
    if (looks != 0) --looks;
  }
  stretch.at = until;
  stretch.complete = true;
  return written;
}

/// Whether the turn reaches the entity later in its new cell than it would have in the old one.
bool fell_behind(const Viewer& viewer, const ReplicationContext& context, const interest::Crossing& crossing) noexcept {
  constexpr std::uint32_t round = 0x10000;
  const FarPoint& at = viewer.far_at;
  std::uint32_t from = static_cast<std::uint16_t>(crossing.from - at.cell);
  std::uint32_t to = static_cast<std::uint16_t>(crossing.to - at.cell);
  if (from == 0 || to == 0) {
    const world::Type type = context.published->summary[crossing.slot].type;
    const FarPoint point{at.cell, context.grid->classes().of_type[static_cast<std::size_t>(type)], crossing.slot};
    if (point < at) (from == 0 ? from : to) = round;
  }
  return from < to;
}

/// Crossings looked at for one datagram: players that walk to and fro over a border must not cost every viewer more.
constexpr std::uint32_t crossings_looked_at = 256;
static_assert(crossings_looked_at <= interest::Grid::crossings_kept);

/// Tell the entities that the turn would reach too late. False when there was no room for all: then the turn must wait,
/// because its place when they crossed decides which they are. It waits once. After that half of the room is for the
/// turn, and entities for which the other half is too small are passed over.
bool tell_crossings(Viewer& viewer, const Looker& looker, base::ByteWriter& out, PlanCounters& counters) noexcept {
  const ReplicationContext& context = looker.context;
  const interest::Grid& grid = *context.grid;
  const std::uint32_t end = grid.crossings_end(context.shard);
  if (viewer.far_seen == end) return true;
  if (end - viewer.far_seen > crossings_looked_at) {
    counters.far_crossings_missed.add(end - viewer.far_seen - crossings_looked_at);
    viewer.far_seen = end - crossings_looked_at;
  }
  const bool waited = viewer.far_waited;
  const std::size_t left = waited ? out.room() / 2 : 0;  // for the turn
  const std::uint32_t far_ahead = std::max(viewer.far_turn_records, viewer.far_told) / turn_part;
  const std::uint16_t here = viewer.far_at.cell;
  unsigned told = 0;
  for (; viewer.far_seen != end; ++viewer.far_seen) {
    const interest::Crossing& crossing = grid.crossing(context.shard, viewer.far_seen);
    const auto from = static_cast<std::uint16_t>(crossing.from - here);
    const auto to = static_cast<std::uint16_t>(crossing.to - here);
    if (from >= to && to != 0) continue;
    // Not so for one that crossed the origin: there may be a rest before the turn comes by.
    const bool turnwise = static_cast<std::uint16_t>(crossing.from - viewer.far_origin) <
                          static_cast<std::uint16_t>(crossing.to - viewer.far_origin);
    if (turnwise && crossing.to > crossing.from && crossing.ahead <= far_ahead) continue;
    if (!fell_behind(viewer, context, crossing)) continue;
    const std::uint32_t place = grid.place_of(crossing.slot);
    if (place == interest::Grid::nowhere) continue;
    std::uint32_t cell = crossing.to;
    const interest::Span there = grid.span(context.shard, cell, class_count);
    if (place < there.first || place >= there.last)  // since then it has crossed again
      cell = grid.number_of(grid.cell_at(grid.x()[place], grid.y()[place], grid.z()[place]));
    if (!looker.sees(place)) continue;
    if (out.room() >= left + lone_record_bytes) {
      write_lone_block(out, grid, cell, place);
      ++told;
    } else if (waited) {
      counters.far_crossings_missed.add(1);
    } else {
      break;
    }
  }
  viewer.far_waited = viewer.far_seen != end;
  counters.far_crossings.add(told);
  counters.far_records.add(told);
  return !viewer.far_waited;
}

}  // namespace

bool far_pending(Viewer& viewer, const ReplicationContext& context) noexcept {
  const interest::Grid& grid = *context.grid;
  if (!viewer.far_begun) {
    const world::Place& eye = context.published->place[viewer.own_slot];
    viewer.far_begun = true;
    viewer.far_origin = static_cast<std::uint16_t>(grid.number_of(grid.cell_at(eye.x, eye.y, eye.z)));
    viewer.far_at = {viewer.far_origin, 0, 0};
    viewer.far_wrapped = false;
    viewer.far_seen = grid.crossings_end(context.shard);
  }
  if (viewer.far_resting && context.tick - viewer.far_turn_tick >= context.config->far_cycle_ticks) {
    viewer.far_resting = false;
    viewer.far_turn_tick = context.tick;
    // After a rest: the turn that begins reaches what crossed meanwhile early enough.
    if (viewer.far_turn_ticks < context.config->far_cycle_ticks) viewer.far_seen = grid.crossings_end(context.shard);
  }
  return !viewer.far_resting || viewer.lost_runs != 0;
}

FarRun write_far(Viewer& viewer, const ReplicationContext& context, base::ByteWriter& out,
                 PlanCounters& counters) noexcept {
  const std::size_t before = out.size();
  const Looker looker(viewer, context);
  const bool turning = viewer.far_resting || tell_crossings(viewer, looker, out, counters);
  FarRun run;
  unsigned records = 0;
  if (viewer.lost_runs != 0) {
    // What does not fit now will be said in the next turn anyway.
    const FarRun lost = viewer.lost_run[--viewer.lost_runs];
    Stretch stretch{.at = lost.from, .until = lost.until, .wraps = lost.until <= lost.from};
    records = write_stretch(looker, out, stretch, context.config->far_cells);
    if (records != 0) run = {lost.from, stretch.at};
  } else if (!viewer.far_resting && turning) {
    const FarPoint from = viewer.far_at;
    Stretch stretch{
        .at = from, .until = {viewer.far_origin, 0, 0}, .wraps = !viewer.far_wrapped, .offset = viewer.far_offset};
    records = write_stretch(looker, out, stretch, context.config->far_cells);
    viewer.far_at = stretch.at;
    viewer.far_offset = stretch.offset;
    viewer.far_wrapped = !stretch.wraps;
    viewer.far_told += records;
    if (records != 0) run = {from, stretch.at};
    if (stretch.complete) {
      viewer.far_wrapped = false;
      viewer.far_resting = true;
      viewer.far_turn_ticks = context.tick - viewer.far_turn_tick + 1;
      viewer.far_turn_records = viewer.far_told;
      viewer.far_told = 0;
    }
  }
  counters.far_records.add(records);
  counters.far_bytes.add(out.size() - before);
  return run;
}

}  // namespace serried::replicate
