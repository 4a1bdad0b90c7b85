#include <algorithm>
#include <cstring>

#include "base/serial.h"
#include "replicate/far.h"
#include "replicate/plan.h"

namespace serried::replicate {
namespace {

// Plans still unanswered after this are taken for lost; it covers a round trip of five seconds.
constexpr std::uint16_t plan_age_max_ticks = 330;

constexpr std::size_t create_bytes = message::framed_bytes(message::create_content_bytes);
constexpr std::size_t audit_message_bytes = message::framed_bytes(message::audit_bytes);

/// The full tick whose low 16 bits are `low`; never in the future.
std::uint32_t widen(std::uint32_t now, std::uint16_t low) noexcept {
  return now - static_cast<std::uint16_t>(now - low);
}

/// The mask of all that changed after `acked`, or of everything when nothing did: a refresh. A position has its section
/// with it until one was acked, because a change of section is a change like any other.
std::uint8_t mask_since(const world::VersionedEntity& entity, std::uint32_t acked) noexcept {
  unsigned mask = 0;
  for (unsigned field = 0; field < world::field_count; ++field)
    mask |= (base::is_later(entity.version[field], acked) ? 1U : 0U) << field;
  if (mask == 0) mask = message::delta::all | message::delta::section;
  if ((mask & message::delta::section) != 0) mask |= message::delta::position;
  return static_cast<std::uint8_t>(mask);
}

/// The state of an entity as this viewer is told it.
message::EntityState told_state(const Viewer& viewer, const ReplicationContext& context, std::uint16_t slot) noexcept {
  message::EntityState state = context.published->entity[slot].state;
  if (is_foe(*context.published, slot, viewer.own_slot)) context.coarse->apply(state);
  return state;
}

/// One datagram while it is being filled.
struct Composer {
  Viewer& viewer;
  const ReplicationContext& context;
  PlanCounters& counters;
  std::uint8_t* at;              ///< next free byte
  const std::uint8_t* hard_end;  ///< of the datagram; records have an `end` of their own
  RowMask rows{};                ///< what the plan carries
  bool overflowed = false;

  /// Encode the record of a row. False when `end` leaves no room.
  bool encode_record(unsigned row, const std::uint8_t* end) noexcept {
    const world::VersionedEntity& entity = context.published->entity[viewer.slot[row]];
    const std::uint8_t fields = mask_since(entity, widen(context.tick, viewer.acked[row]));
    // The encoder may store beyond the record's end, within record_bytes_max.
    if (at + 3 + message::detail::record_field_bytes[fields] > end || at + message::record_bytes_max > hard_end)
      return false;
    const auto mask = static_cast<std::uint8_t>(fields | entity.generation << message::delta::generation_shift);
    std::uint8_t* const record = at;
    at = message::write_record(at, viewer.slot[row], mask, entity.state);
    coarsen(row, record);
    viewer.sent[row] = static_cast<std::uint16_t>(context.tick);
    counters.encoded_records.add(1);
    return true;
  }

  /// Health and mana in the record of a row, exact as it was written.
  void coarsen(unsigned row, std::uint8_t* record) const noexcept {
    if (is_foe(*context.published, viewer.slot[row], viewer.own_slot)) context.coarse->apply(record);
  }

  void said(unsigned row) noexcept {
    viewer.sent[row] = static_cast<std::uint16_t>(context.tick);
    viewer.status[row] &= static_cast<std::uint8_t>(~status::unsent);
    rows.set(row);
  }

  [[nodiscard]] std::uint64_t copy_ready(unsigned first, std::uint64_t bits, const std::uint8_t* end) noexcept;
  [[nodiscard]] std::uint64_t records_of(unsigned half, std::uint64_t bits, const std::uint8_t* end) noexcept;
  void records(const DueSet& due_set, const std::uint8_t* end) noexcept;
  void removals(RowMask due, unsigned count) noexcept;
  void create(unsigned row, const std::uint8_t* end) noexcept;
};

/// Copy the ready records of sixty-four rows from `first` on, those set in `bits`, lowest first. Returns what is left:
/// from the first row that needs another record, or finds no room.
std::uint64_t Composer::copy_ready(unsigned first, std::uint64_t bits, const std::uint8_t* end) noexcept {
  const world::EncodedRecord* const encoded_of = context.published->encoded.data();
  const std::uint16_t *const slot = viewer.slot.data() + first, *const acked = viewer.acked.data() + first;
  std::uint16_t* const sent = viewer.sent.data() + first;
  const auto tick = static_cast<std::uint16_t>(context.tick);
  const std::uint8_t* const last = hard_end - sizeof(world::EncodedRecord);
  std::uint8_t* to = at;
  for (; bits != 0; bits &= bits - 1) {
    const auto row = static_cast<unsigned>(std::countr_zero(bits));
    const world::EncodedRecord& ready = encoded_of[slot[row]];
    if (!ready.is_for(acked[row]) || to + ready.bytes > end || to > last) [[unlikely]]
      break;
    std::memcpy(to, &ready, sizeof ready);  // two vectors; what is behind the record is overwritten by the next
    if ((ready.record[2] & message::delta::flags) != 0) coarsen(first + row, to);
    to += ready.bytes;
    sent[row] = tick;
  }
  at = to;
  return bits;
}

/// Records of the rows of a half, those set in `bits`, lowest first. Returns those that found no room.
std::uint64_t Composer::records_of(unsigned half, std::uint64_t bits, const std::uint8_t* end) noexcept {
  const std::uint64_t wanted = bits;
  for (;;) {
    bits = copy_ready(half * 64, bits, end);
    if (bits == 0 || !encode_record(half * 64 + static_cast<unsigned>(std::countr_zero(bits)), end)) break;
    bits &= bits - 1;
  }
  rows.words[half] |= wanted & ~bits;
  return bits;
}

/// Around the rows from where the last datagram stopped, first those at or above the threshold, then the rest. The
/// threshold follows the room there is, so a sort is never needed; and what waits grows older, and passes.
void Composer::records(const DueSet& due_set, const std::uint8_t* end) noexcept {
  if (due_set.due.none()) return;
  const RowMask before = RowMask::below(viewer.row_turn), light = due_set.due & ~due_set.heavy;
  const std::array<RowMask, 4> order{due_set.heavy & ~before, due_set.heavy & before, light & ~before, light & before};
  const unsigned own = rows.count();
  for (unsigned i = 0; i < 2 * order.size() && !overflowed; ++i) {
    const unsigned part = i / 2, half = i % 2;
    const std::uint64_t left = records_of(half, order[part].words[half], end);
    if (left == 0) continue;
    overflowed = true;
    viewer.row_turn = static_cast<std::uint16_t>(half * 64 + static_cast<unsigned>(std::countr_zero(left)));
    viewer.threshold =
        part < 2 ? viewer.threshold + viewer.threshold / 8 + 16 : viewer.threshold - viewer.threshold / 16;
  }
  if (!overflowed) viewer.threshold -= viewer.threshold / 8 + (viewer.threshold != 0 ? 1 : 0);
  counters.records.add(rows.count() - own);
}

void Composer::removals(RowMask due, unsigned count) noexcept {
  if (count == 0) return;
  base::ByteWriter out({at, message::framed_bytes(count * message::removal_bytes)});
  message::frame(out, message::Type::remove_entity, count * message::removal_bytes);
  at = out.position();
  for (unsigned i = 0; i < count; ++i) {
    const unsigned row = due.first();
    due.clear(row);
    at = message::write_removal(at, {viewer.slot[row], viewer.generation(row), viewer.has(row, status::left_world)});
    said(row);
  }
  counters.removals.add(count);
}

void Composer::create(unsigned row, const std::uint8_t* end) noexcept {
  const std::uint16_t slot = viewer.slot[row];
  const world::VersionedEntity& entity = context.published->entity[slot];
  base::ByteWriter out({at, end});
  message::encode(out, message::CreateEntity{.slot = slot,
                                             .generation = entity.generation,
                                             .own = row == 0,
                                             .id = context.published->id[slot],
                                             .type = static_cast<std::uint8_t>(entity.type),
                                             .faction = entity.faction,
                                             .level = entity.level,
                                             .state = told_state(viewer, context, slot)});
  at = out.position();
  said(row);
  viewer.status[row] |= status::ever_sent;
  counters.creates.add(1);
}

/// Takes the next to create out of `creates`: the nearest (heaviest), the viewer's own before all. Newcomers to a crowd
/// have a hundred that wait and room for a dozen, all others have few: no sort.
unsigned take_nearest(const Viewer& viewer, RowMask& creates) noexcept {
  unsigned best = creates.first();
  if (best != 0) creates.for_each([&](unsigned row) { best = viewer.weight[row] > viewer.weight[best] ? row : best; });
  creates.clear(best);
  return best;
}

/// A row whose last change the client has acknowledged; 0 when there is none in a few tries.
unsigned audit_row(Viewer& viewer, const ReplicationContext& context) noexcept {
  for (unsigned tries = 0; tries < 16; ++tries) {
    viewer.audit_turn =
        static_cast<std::uint16_t>(viewer.audit_turn + 1U < viewer.rows_high ? viewer.audit_turn + 1 : 1);
    const unsigned row = viewer.audit_turn;
    if (row >= viewer.rows_high || viewer.state(row) != RowState::live) continue;
    const world::ChangeSummary& summary = context.published->summary[viewer.slot[row]];
    if (!base::is_later(summary.change, viewer.acked[row])) return row;
  }
  return 0;
}

bool audit_due(const Viewer& viewer, const ReplicationContext& context) noexcept {
  const unsigned rate = context.config->audit_per_second;
  return viewer.wants_audit && rate != 0 &&
         std::uint64_t{context.tick - viewer.audit_tick} * rate >= context.world->ticks_per_second;
}

void write_audit(Viewer& viewer, const ReplicationContext& context, base::ByteWriter& out,
                 PlanCounters& counters) noexcept {
  const unsigned row = audit_row(viewer, context);
  if (row == 0 || out.room() < audit_message_bytes) return;
  viewer.audit_tick = context.tick;
  const message::EntityState state = told_state(viewer, context, viewer.slot[row]);
  message::frame(out, message::Type::audit, message::audit_bytes);
  std::uint8_t* end =
      message::write_audit(out.position(), {viewer.slot[row], viewer.generation(row), message::state_hash(state)});
  out.rewind(end);
  counters.audits.add(1);
  counters.audit_bytes.add(audit_message_bytes);
}

/// The place where this datagram's plan is kept; nullptr while the plan that is there still waits for its answer: then
/// the datagram carries nothing that must be known to have arrived.
Plan* free_plan(Viewer& viewer, std::uint16_t id, std::uint32_t tick) noexcept {
  Plan& plan = viewer.plans[id % plans_in_flight];
  const bool waiting = plan.id != 0 && static_cast<std::uint16_t>(tick - plan.tick) < plan_age_max_ticks;
  return waiting ? nullptr : &plan;
}

struct Shares {
  unsigned removals = 0, creates = 0;
  std::size_t reserved = 0;  ///< bytes behind the records
};

/// Divide the room behind the DeltaSync header and the own record. Records may use what is left.
Shares divide(const Viewer& viewer, const ReplicationContext& context, const DueSet& due_set, bool recorded, bool far,
              bool audit, std::size_t room) noexcept {
  const Config& config = *context.config;
  Shares shares;
  if (audit) shares.reserved += audit_message_bytes;
  if (recorded) {
    shares.removals = std::min(due_set.removals.count(), 24U);
    if (shares.removals != 0) shares.reserved += message::framed_bytes(shares.removals * message::removal_bytes);
    const std::size_t left = room - shares.reserved;
    const std::size_t most = due_set.due.none() ? left : left * config.create_percent / 100;
    shares.creates = std::min(due_set.creates.count(), static_cast<unsigned>(most / create_bytes));
    // The viewer's own create must not wait for anything.
    if (shares.creates == 0 && !due_set.creates.none() && viewer.state(0) == RowState::creating) shares.creates = 1;
    shares.reserved += shares.creates * create_bytes;
  }
  if (far) shares.reserved += (room - std::min(room, shares.reserved)) * config.far_percent / 100;
  return shares;
}

/// Two bytes were left for the length of DeltaSync. A length below 128 takes one byte, because a writer uses the
/// shortest form.
std::uint8_t* close_delta(std::uint8_t* body, std::uint8_t* end) noexcept {
  const auto length = static_cast<std::size_t>(end - body) - 2;  // type and content
  if (length >= 0x80) {
    body[0] = static_cast<std::uint8_t>(length | 0x80);
    body[1] = static_cast<std::uint8_t>(length >> 7);
    return end;
  }
  body[0] = static_cast<std::uint8_t>(length);
  std::memmove(body + 1, body + 2, length);
  return end - 1;
}

}  // namespace

Composed compose(Viewer& viewer, const ReplicationContext& context, const DueSet& due_set, std::uint16_t applied_input,
                 std::span<std::uint8_t> body, PlanCounters& counters) noexcept {
  const std::uint16_t id = viewer.next_plan;
  viewer.next_plan = static_cast<std::uint16_t>(id == 0xFFFF ? 1 : id + 1);
  Plan* plan = free_plan(viewer, id, context.tick);
  const bool far = far_pending(viewer, context);
  const bool audit = audit_due(viewer, context);

  std::uint8_t* const end = body.data() + std::min<std::size_t>(body.size(), context.config->datagram_bytes);
  body[2] = static_cast<std::uint8_t>(message::Type::delta_sync);
  base::store(body.data() + 3, context.tick);
  base::store(body.data() + 7, applied_input);
  Composer composer{viewer, context, counters, body.data() + 3 + message::delta_header_bytes, end};
  if (due_set.own_due) {
    const std::uint8_t* before = composer.at;
    static_cast<void>(composer.records_of(0, 1, end));
    counters.own_bytes.add(static_cast<std::uint64_t>(composer.at - before));
  }
  const Shares shares =
      divide(viewer, context, due_set, plan != nullptr, far, audit, static_cast<std::size_t>(end - composer.at));
  std::uint8_t* mark = composer.at;
  composer.records(due_set, end - shares.reserved);
  counters.record_bytes.add(static_cast<std::uint64_t>(composer.at - mark));
  composer.at = close_delta(body.data(), composer.at);

  mark = composer.at;
  composer.removals(due_set.removals, shares.removals);
  counters.removal_bytes.add(static_cast<std::uint64_t>(composer.at - mark));
  mark = composer.at;
  RowMask creates = due_set.creates;
  for (unsigned i = 0; i < shares.creates; ++i) composer.create(take_nearest(viewer, creates), end);
  counters.create_bytes.add(static_cast<std::uint64_t>(composer.at - mark));

  base::ByteWriter out({composer.at, end});
  if (audit) write_audit(viewer, context, out, counters);
  const FarRun run = far ? write_far(viewer, context, out, counters) : FarRun{};

  if (plan != nullptr) {
    *plan = {.rows = composer.rows, .far = run, .id = id, .tick = static_cast<std::uint16_t>(context.tick)};
  } else {
    counters.unrecorded_plans.add(1);
  }
  counters.plans.add(1);
  if (composer.overflowed || !creates.none()) counters.full_datagrams.add(1);
  viewer.told_tick = context.tick;
  viewer.applied_told = applied_input;
  return {static_cast<std::uint16_t>(out.position() - body.data()), id};
}

}  // namespace serried::replicate
