/// The entity messages, one function each. Every message is decoded to its end before the first of its parts is
/// applied: a malformed message changes nothing.

#include <utility>

#include "base/serial.h"
#include "channel/pack.h"
#include "view/view.h"

namespace serried::view {

using metrics::Drop;

namespace {
/// Of one datagram, which may be packed: the shortest record has four bytes.
constexpr std::size_t records_max = channel::unpacked_bytes_max / 4;
/// Trails are asked for so many records before their turn: where they are stands in the entity.
constexpr std::size_t trails_ahead = 8;
}  // namespace

metrics::Drop View::apply_delta(std::span<const std::uint8_t> content) {
  base::ByteReader in(content);
  const auto tick = in.read<std::uint32_t>();
  const auto applied_input = in.read<std::uint16_t>();
  if (!in.ok()) return Drop::bad_message;
  // A process with thousands of views finds none of them in its cache. So the first pass, which proves the message,
  // fetches index lines, and the entities are fetched before the first is touched. No record adds or moves an entity,
  // so pointers to them stay good.
  alignas(message::RecordIndex) std::array<std::byte, sizeof(message::RecordIndex) * records_max> room;
  auto* const records = reinterpret_cast<message::RecordIndex*>(room.data());
  std::array<Tracked*, records_max> known;
  std::size_t count = 0;
  while (in.remaining() != 0) {
    if (count == records_max || !message::index_record(in, records[count])) return Drop::bad_message;
    if (!index_.empty()) __builtin_prefetch(&index_[home_of(records[count].slot)]);
    ++count;
  }
  for (std::size_t i = 0; i < count; ++i) {
    known[i] = entry(records[i].slot);
    if (known[i] != nullptr) __builtin_prefetch(known[i], 1);
  }

  tick_ = tick;
  const bool overtaken = clock_.known() && !base::is_later(tick, clock_.latest());
  clock_.note(tick, now_);
  // An update that was overtaken measures nothing: whether anything moved is still the next one's to know.
  if (trails_.kept()) scene_clock_.note(clock_, tick, !overtaken && std::exchange(moving_, false), now_);
  ++counters_.updates;
  if (sequence_ > applied_input_sequence_) {
    applied_input_sequence_ = sequence_;
    applied_input_ = applied_input;
  }
  const std::uint8_t* const end = in.position();
  for (std::size_t i = 0; i < count; ++i) {
    if (trails_.kept() && i + trails_ahead < count && known[i + trails_ahead] != nullptr)
      trails_.prefetch(number_of(*known[i + trails_ahead]), known[i + trails_ahead]->trail);
    merge(known[i], records[i].generation(),
          [&](message::EntityState& state) { return message::apply_record(records[i], end, state); });
  }
  return Drop::none;
}

template <class Apply>
inline void View::merge(Tracked* known, std::uint8_t generation, Apply&& apply) noexcept {
  if (known == nullptr || known->gone || known->generation != generation) return ignore();
  if (is_newer(*known)) {
    // Too late for the state, and it will be said again; but it says where the entity was.
    message::EntityState state;
    if (trails_.kept() && trails_.before(number_of(*known), known->trail, tick_, state) && apply(state))
      trails_.insert(number_of(*known), known->trail, state, tick_);
    return ignore();
  }
  if (!apply(known->state)) {
    ++counters_.misplaced;
    complete_ = false;
    return;
  }
  touch(*known);
  ++counters_.records;
  remember(*known);
}

metrics::Drop View::apply_quantised(std::span<const std::uint8_t> content) {
  base::ByteReader in(content);
  message::Record record;
  if (!message::read_record(in, record) || !in.complete()) return Drop::bad_message;
  merge(entry(record.slot), record.generation(),
        [&](message::EntityState& state) { return message::apply_record(record, state); });
  return Drop::none;
}

metrics::Drop View::apply_float(std::span<const std::uint8_t> content) {
  message::UpdateEntity update;
  if (!message::decode(content, update)) return Drop::bad_message;
  message::Record record;
  record.slot = update.slot;
  record.mask = update.mask;
  // A float position names its place in full; as a record that is a position with its section.
  if ((update.mask & message::delta::position) != 0) record.mask |= message::delta::section;
  message::quantise_position(geometry_, update.position, record.state);
  record.section_mod4 = static_cast<std::uint8_t>((record.state.section[0] & 3) | (record.state.section[1] & 3) << 2 |
                                                  (record.state.section[2] & 3) << 4);
  record.state.yaw = message::quantise_angle(update.rotation[0]);
  for (std::size_t axis = 0; axis < 3; ++axis)
    record.state.velocity[axis] = message::quantise_speed(update.velocity[axis]);
  record.state.anim = update.anim;
  record.state.state_flags = update.state_flags;
  record.state.effect_flags = update.effect_flags;
  record.state.health = update.health;
  record.state.mana = update.mana;
  merge(entry(record.slot), record.generation(),
        [&](message::EntityState& state) { return message::apply_record(record, state); });
  return Drop::none;
}

metrics::Drop View::apply_create(std::span<const std::uint8_t> content) {
  message::CreateEntity create;
  if (!message::decode(content, create)) return Drop::bad_message;
  Tracked* known = entry(create.slot);
  if (known != nullptr && is_newer(*known)) {
    ignore();
    return Drop::none;
  }
  const bool live = known != nullptr && !known->gone;
  if ((!live && live_ >= live_max_) || (known == nullptr && (known = add(create.slot)) == nullptr)) {
    ++counters_.overflows;
    complete_ = false;
    return Drop::none;
  }
  if (!live) ++live_;
  TrackedFacts& facts = facts_[number_of(*known)];
  // One that is tracked again goes on from where it was last seen.
  if (facts.id != create.id || known->generation != create.generation) {
    known->trail = {};
    known->audited = 0;
  }
  known->state = create.state;
  touch(*known);
  remember(*known);
  known->generation = create.generation & 3;
  known->own = create.own;
  known->gone = 0;
  facts = {create.id, create.level, create.type, create.faction};
  if (create.own || (player_entity_ != 0 && create.id == player_entity_))
    own_ = static_cast<std::uint32_t>(number_of(*known));
  ++counters_.creates;
  return Drop::none;
}

metrics::Drop View::apply_removals(std::span<const std::uint8_t> content) {
  message::Removal removal;
  base::ByteReader ahead(content);
  while (ahead.remaining() != 0)
    if (!message::read_removal(ahead, removal)) return Drop::bad_message;
  base::ByteReader in(content);
  while (in.remaining() != 0 && message::read_removal(in, removal)) remove(removal);
  return Drop::none;
}

void View::remove(const message::Removal& removal) {
  if (removal.left_world && options_.far == FarMode::full) far_.forget(removal.slot, removal.generation);
  Tracked* known = entry(removal.slot);
  if (known != nullptr && is_newer(*known)) return ignore();
  // A removal of an earlier generation, repeated because its ack was lost, must not take the one that has the slot now.
  // Two bits of generation: one or two ahead is later, three ahead is one behind.
  if (known != nullptr && !known->gone && ((removal.generation - known->generation) & 3) == 3) return;
  // Remembered also when the entity was never known: its create may still be under way.
  if (known == nullptr && (known = add(removal.slot)) == nullptr) {
    ++counters_.overflows;
    complete_ = false;
    return;
  }
  if (!known->gone) {
    --live_;
    known->gone_tick = tick_;
  }
  if (own_ != none && known == &entities_[own_]) own_ = none;
  known->gone = 1;
  known->own = 0;
  known->generation = removal.generation & 3;
  touch(*known);
  ++counters_.removals;
}

metrics::Drop View::apply_block(std::span<const std::uint8_t> content) {
  if (content.size() < message::block_header_bytes ||
      (content.size() - message::block_header_bytes) % message::far_record_bytes != 0)
    return Drop::bad_message;
  const auto cell = base::load<std::uint16_t>(content.data());
  if (cell >= std::uint64_t{cells_[0]} * cells_[1] * cells_[2]) return Drop::bad_message;
  const std::uint8_t* at = content.data() + message::block_header_bytes;
  const std::uint8_t* const end = content.data() + content.size();
  counters_.far_records += static_cast<std::uint64_t>(end - at) / message::far_record_bytes;
  if (options_.far != FarMode::full) return Drop::none;
  for (; at != end; at += message::far_record_bytes) {
    const message::FarRecord record = message::read_far_record(at);
    const Tracked* known = entry(record.slot);
    // A block older than the removal it contradicts.
    if (known != nullptr && known->gone && known->generation == record.generation && is_newer(*known)) continue;
    far_.note(record, cell, sequence_, now_);
  }
  return Drop::none;
}

metrics::Drop View::apply_audits(std::span<const std::uint8_t> content) {
  message::Audit audit;
  base::ByteReader ahead(content);
  while (ahead.remaining() != 0)
    if (!message::read_audit(ahead, audit)) return Drop::bad_message;
  base::ByteReader in(content);
  while (in.remaining() != 0 && message::read_audit(in, audit)) compare(audit);
  return Drop::none;
}

void View::compare(const message::Audit& audit) noexcept {
  Tracked* known = entry(audit.slot);
  // Something newer than the audit has been applied already: the audit is of an older state.
  if (known != nullptr && is_newer(*known)) return;
  ++counters_.audits;
  const bool held = known != nullptr && !known->gone && known->generation == audit.generation;
  const std::uint32_t hash = held ? message::state_hash(known->state) : 0;
  if (held && hash == audit.hash) {
    known->audited = 1;
    return;
  }
  ++counters_.mismatches;
  const std::uint64_t applied = known != nullptr ? sequence_ - ((sequence_ - known->sequence) & sequence_mask) : 0;
  mismatch_ = {sequence_, applied, audit.hash, hash, audit.slot, audit.generation, held};
}

}  // namespace serried::view
