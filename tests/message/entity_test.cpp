#include "message/entity.h"

#include <bit>
#include <limits>
#include <unordered_set>

#include <gtest/gtest.h>

#include "random_bytes.h"

namespace serried::message {
namespace {

EntityState some_state(Random& random) {
  EntityState state;
  random.fill(state.section);
  random.fill(state.position);
  state.yaw = random.of<std::int16_t>();
  random.fill(state.velocity);
  state.anim = random.of<std::uint8_t>();
  state.state_flags = random.of<std::uint8_t>();
  state.effect_flags = random.of<std::uint8_t>();
  state.health = random.of<std::uint8_t>();
  state.mana = random.of<std::uint8_t>();
  return state;
}

std::vector<std::uint8_t> record_bytes(std::uint16_t slot, std::uint8_t mask, const EntityState& state) {
  std::vector<std::uint8_t> bytes(record_bytes_max);
  bytes.resize(static_cast<std::size_t>(write_record(bytes.data(), slot, mask, state) - bytes.data()));
  return bytes;
}

/// The fields that `mask` names from `fresh`, the others from `old`: apply_record spelled out.
EntityState merged(const EntityState& old, const EntityState& fresh, std::uint8_t mask) {
  EntityState state = old;
  if (mask & (delta::section | delta::position)) state.section = fresh.section;
  if (mask & delta::position) state.position = fresh.position;
  if (mask & delta::rotation) state.yaw = fresh.yaw;
  if (mask & delta::anim_state) state.anim = fresh.anim;
  if (mask & delta::velocity) state.velocity = fresh.velocity;
  if (mask & delta::flags) {
    state.state_flags = fresh.state_flags;
    state.effect_flags = fresh.effect_flags;
    state.health = fresh.health;
    state.mana = fresh.mana;
  }
  return state;
}

TEST(Record, EveryMaskRoundTripsAndMerges) {
  Random random;
  for (unsigned mask = 0; mask < 256; ++mask) {
    if ((mask & 0x3F) == 0) continue;
    for (int i = 0; i < 20; ++i) {
      const EntityState fresh = some_state(random);
      EntityState known = some_state(random);
      if ((mask & delta::section) == 0) known.section = fresh.section;
      const auto slot = random.of<std::uint16_t>();
      const auto bytes = record_bytes(slot, static_cast<std::uint8_t>(mask), fresh);
      base::ByteReader in(bytes);
      Record record;
      ASSERT_TRUE(read_record(in, record));
      EXPECT_TRUE(in.complete());
      EXPECT_EQ(record.slot, slot);
      EXPECT_EQ(record.mask, mask);
      EXPECT_EQ(record.generation(), mask >> 6);
      const EntityState expected = merged(known, fresh, static_cast<std::uint8_t>(mask));
      ASSERT_TRUE(apply_record(record, known));
      EXPECT_EQ(known, expected) << mask;
      EXPECT_EQ(state_hash(known), state_hash(expected));
    }
  }
}

TEST(Record, FieldsThatTheMaskDoesNotNameStay) {
  Random random;
  const EntityState before = some_state(random);
  const auto bytes = record_bytes(7, delta::rotation, some_state(random));
  Record record;
  record.state = before;
  base::ByteReader in(bytes);
  ASSERT_TRUE(read_record(in, record));
  record.state.yaw = before.yaw;
  EXPECT_EQ(record.state, before);
}

TEST(Record, SizesAreThoseOfTheLayout) {
  const EntityState state;
  EXPECT_EQ(record_bytes(0, delta::position, state).size(), 10U);
  EXPECT_EQ(record_bytes(0, delta::rotation, state).size(), 5U);
  EXPECT_EQ(record_bytes(0, delta::anim_state, state).size(), 4U);
  EXPECT_EQ(record_bytes(0, delta::flags, state).size(), 7U);
  EXPECT_EQ(record_bytes(0, delta::velocity, state).size(), 9U);
  EXPECT_EQ(record_bytes(0, delta::section, state).size(), 9U);
  EXPECT_EQ(record_bytes(0, 0xFF, state).size(), record_bytes_max);
}

/// Reading at once and reading in two steps are the same, whatever the bytes are, and wherever their message ends.
TEST(Record, TwoStepsComeToTheSame) {
  Random random;
  unsigned refused = 0, misplaced = 0, merged_records = 0;
  for (int i = 0; i < 20'000; ++i) {
    std::vector<std::uint8_t> bytes(random.of<std::uint8_t>() % 64);
    for (auto& byte : bytes) byte = random.of<std::uint8_t>();
    EntityState at_once = some_state(random), in_steps = at_once;
    base::ByteReader one(bytes), two(bytes);
    Record record;
    RecordIndex index;
    const bool legal = read_record(one, record);
    ASSERT_EQ(index_record(two, index), legal);
    ASSERT_EQ(one.ok(), two.ok());
    ASSERT_EQ(one.remaining(), two.remaining());
    refused += !legal;
    if (!legal) continue;
    EXPECT_EQ(index.slot, record.slot);
    EXPECT_EQ(index.mask, record.mask);
    EXPECT_EQ(index.generation(), record.generation());
    const bool near = apply_record(record, at_once);
    ASSERT_EQ(apply_record(index, bytes.data() + bytes.size(), in_steps), near);
    ASSERT_EQ(at_once, in_steps);
    ++(near ? merged_records : misplaced);
  }
  EXPECT_GT(refused, 1'000U);
  EXPECT_GT(misplaced, 100U);
  EXPECT_GT(merged_records, 1'000U);
}

TEST(Record, WriterStaysWithinTheRoomItWasPromised) {
  Random random;
  for (unsigned mask = 0; mask < 256; ++mask) {
    std::vector<std::uint8_t> bytes(record_bytes_max + 8, 0xA5);
    const std::uint8_t* end = write_record(bytes.data(), 1, static_cast<std::uint8_t>(mask), some_state(random));
    EXPECT_LE(end, bytes.data() + record_bytes_max);
    for (std::size_t at = record_bytes_max; at < bytes.size(); ++at) EXPECT_EQ(bytes[at], 0xA5);
  }
}

TEST(Record, EveryTruncationIsRefused) {
  Random random;
  for (unsigned mask = 1; mask < 64; ++mask) {
    const auto bytes = record_bytes(1, static_cast<std::uint8_t>(mask), some_state(random));
    for (std::size_t length = 0; length < bytes.size(); ++length) {
      const std::vector<std::uint8_t> cut(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(length));
      base::ByteReader in(cut);
      Record record;
      EXPECT_FALSE(read_record(in, record));
      EXPECT_FALSE(in.ok());
    }
  }
}

TEST(Record, AMaskThatNamesNothingIsRefused) {
  for (unsigned generation = 0; generation < 4; ++generation) {
    std::vector<std::uint8_t> bytes(record_bytes_max, 0);
    bytes[2] = static_cast<std::uint8_t>(generation << delta::generation_shift);
    base::ByteReader in(bytes);
    Record record;
    EXPECT_FALSE(read_record(in, record));
    EXPECT_FALSE(in.ok());
  }
}

TEST(Record, SectionBitsThatContradictAreRefused) {
  EntityState state;
  state.section = {5, 6, 7};
  auto bytes = record_bytes(1, delta::section | delta::position, state);
  const std::uint8_t right = bytes[9];
  EXPECT_EQ(right, 1 | 2 << 2 | 3 << 4);
  for (unsigned mod4 = 0; mod4 < 256; ++mod4) {
    bytes[9] = static_cast<std::uint8_t>(mod4);
    base::ByteReader in(bytes);
    Record record;
    EXPECT_EQ(read_record(in, record), mod4 == right) << mod4;
  }
  auto alone = record_bytes(1, delta::position, state);
  alone[3] = 0x40;
  base::ByteReader in(alone);
  Record record;
  EXPECT_FALSE(read_record(in, record));
}

TEST(Record, SectionAloneMovesTheEntityByWholeSections) {
  EntityState fresh, known;
  fresh.section = {9, 8, 3};
  known.section = {1, 1, 1};
  known.position = {-5, 6, 7};
  const auto bytes = record_bytes(3, delta::section, fresh);
  base::ByteReader in(bytes);
  Record record;
  ASSERT_TRUE(read_record(in, record));
  ASSERT_TRUE(apply_record(record, known));
  EXPECT_EQ(known.section, fresh.section);
  EXPECT_EQ(known.position, (std::array<std::int16_t, 3>{-5, 6, 7}));
}

TEST(Record, SectionModulo4IsTheNearestOneOrRefused) {
  for (unsigned axis = 0; axis < 3; ++axis) {
    for (const unsigned section : {0U, 1U, 2U, 3U, 4U, 5U, 31U, 32'768U, 65'533U, 65'534U, 65'535U}) {
      for (int off = -1; off <= 2; ++off) {
        EntityState known;
        known.section = {10, 11, 12};
        known.section[axis] = static_cast<std::uint16_t>(section);
        Record record;
        record.mask = delta::position;
        record.state.position = {1, 2, 3};
        EntityState target = known;
        target.section[axis] = static_cast<std::uint16_t>(section + static_cast<unsigned>(off));
        record.section_mod4 = record_bytes(0, delta::position, target)[3];
        const EntityState before = known;
        const long wanted = static_cast<long>(section) + off;
        if (off == 2 || wanted < 0 || wanted > 65'535) {
          EXPECT_FALSE(apply_record(record, known)) << section << ' ' << off;
          EXPECT_EQ(known, before);
        } else {
          ASSERT_TRUE(apply_record(record, known)) << section << ' ' << off;
          EXPECT_EQ(known.section, target.section);
          EXPECT_EQ(known.position, record.state.position);
        }
      }
    }
  }
}

TEST(StateHash, DiffersForEverySingleBit) {
  EntityState state;
  std::unordered_set<std::uint32_t> hashes = {state_hash(state)};
  for (unsigned bit = 0; bit < 25 * 8; ++bit) {
    EntityState changed;
    reinterpret_cast<std::uint8_t*>(&changed)[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
    hashes.insert(state_hash(changed));
  }
  EXPECT_EQ(hashes.size(), 201U);
}

TEST(CreateEntity, RoundTrip) {
  Random random;
  for (int i = 0; i < 500; ++i) {
    CreateEntity sent;
    sent.slot = random.of<std::uint16_t>();
    sent.generation = static_cast<std::uint8_t>(random.below(4));
    sent.own = random.coin();
    sent.id = random.of<std::uint64_t>();
    sent.type = random.of<std::uint8_t>();
    sent.faction = random.of<std::uint8_t>();
    sent.level = random.of<std::uint16_t>();
    sent.state = some_state(random);
    const auto bytes = encoded_message(sent);
    const Framed framed = only_message(bytes);
    ASSERT_EQ(framed.type, Type::create_entity);
    ASSERT_EQ(framed.content.size(), create_content_bytes);
    CreateEntity got;
    ASSERT_TRUE(decode(framed.content, got));
    EXPECT_EQ(got.slot, sent.slot);
    EXPECT_EQ(got.generation, sent.generation);
    EXPECT_EQ(got.own, sent.own);
    EXPECT_EQ(got.id, sent.id);
    EXPECT_EQ(got.type, sent.type);
    EXPECT_EQ(got.faction, sent.faction);
    EXPECT_EQ(got.level, sent.level);
    EXPECT_EQ(got.state, sent.state);
    const auto decodes = [](std::span<const std::uint8_t> content) {
      CreateEntity message;
      return decode(content, message);
    };
    EXPECT_EQ(wrong_lengths_accepted(framed.content, decodes), 0);
    std::vector<std::uint8_t> content(framed.content.begin(), framed.content.end());
    content[2] = static_cast<std::uint8_t>(4 + random.below(252));
    EXPECT_FALSE(decodes(content));
    content[2] = 0;
    content[3] = static_cast<std::uint8_t>(2 + random.below(254));
    EXPECT_FALSE(decodes(content));
  }
  EXPECT_TRUE(needs_its_room(framed_bytes(create_content_bytes), [](auto& out) { encode(out, CreateEntity{}); }));
}

UpdateEntity some_update(Random& random) {
  UpdateEntity update;
  update.slot = random.of<std::uint16_t>();
  update.mask = static_cast<std::uint8_t>((1 + random.below(31)) | random.below(4) << 6);
  random.fill(update.position);
  random.fill(update.rotation);
  random.fill(update.velocity);
  update.anim = random.of<std::uint8_t>();
  update.state_flags = random.of<std::uint8_t>();
  update.effect_flags = random.of<std::uint8_t>();
  update.health = random.of<std::uint8_t>();
  update.mana = random.of<std::uint8_t>();
  return update;
}

bool update_decodes(std::span<const std::uint8_t> content) {
  UpdateEntity message;
  return decode(content, message);
}

TEST(UpdateEntity, RoundTrip) {
  Random random;
  for (int i = 0; i < 500; ++i) {
    const UpdateEntity sent = some_update(random);
    const auto bytes = encoded_message(sent);
    const Framed framed = only_message(bytes);
    ASSERT_EQ(framed.type, Type::update_entity);
    ASSERT_EQ(framed.content.size(), update_content_bytes);
    UpdateEntity got;
    ASSERT_TRUE(decode(framed.content, got));
    EXPECT_EQ(got.slot, sent.slot);
    EXPECT_EQ(got.mask, sent.mask);
    EXPECT_EQ(got.position, sent.position);
    EXPECT_EQ(got.rotation, sent.rotation);
    EXPECT_EQ(got.velocity, sent.velocity);
    EXPECT_EQ(got.anim, sent.anim);
    EXPECT_EQ(got.state_flags, sent.state_flags);
    EXPECT_EQ(got.effect_flags, sent.effect_flags);
    EXPECT_EQ(got.health, sent.health);
    EXPECT_EQ(got.mana, sent.mana);
    EXPECT_EQ(wrong_lengths_accepted(framed.content, update_decodes), 0);
  }
  EXPECT_TRUE(needs_its_room(framed_bytes(update_content_bytes), [](auto& out) { encode(out, UpdateEntity{}); }));
}

TEST(UpdateEntity, ValuesThatAreNotANumberAreRefused) {
  Random random;
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
                          -std::numeric_limits<float>::infinity(), std::bit_cast<float>(0xFF80'0001U)}) {
    for (unsigned field = 0; field < 9; ++field) {
      UpdateEntity update = some_update(random);
      (field < 3 ? update.position : field < 6 ? update.rotation : update.velocity)[field % 3] = bad;
      const auto bytes = encoded_message(update);
      EXPECT_FALSE(update_decodes(only_message(bytes).content));
    }
  }
}

TEST(UpdateEntity, MasksWithoutFieldsOrWithASectionAreRefused) {
  Random random;
  for (unsigned mask = 0; mask < 256; ++mask) {
    UpdateEntity update = some_update(random);
    update.mask = static_cast<std::uint8_t>(mask);
    const auto bytes = encoded_message(update);
    EXPECT_EQ(update_decodes(only_message(bytes).content), (mask & 0x1F) != 0 && (mask & 0x20) == 0) << mask;
  }
}

TEST(Removal, EveryByteIsReadBackOrRefused) {
  for (unsigned bits = 0; bits < 256; ++bits) {
    const std::uint8_t bytes[] = {0x34, 0x12, static_cast<std::uint8_t>(bits)};
    base::ByteReader in(bytes);
    Removal removal;
    ASSERT_EQ(read_removal(in, removal), (bits & 0x3E) == 0) << bits;
    if ((bits & 0x3E) != 0) continue;
    EXPECT_EQ(removal.slot, 0x1234);
    EXPECT_EQ(removal.generation, bits >> 6);
    EXPECT_EQ(removal.left_world, (bits & 1) != 0);
    std::uint8_t again[removal_bytes];
    EXPECT_EQ(write_removal(again, removal), again + removal_bytes);
    EXPECT_EQ(std::memcmp(again, bytes, sizeof again), 0);
  }
  for (std::size_t length = 0; length < removal_bytes; ++length) {
    const std::vector<std::uint8_t> cut(length, 0);
    base::ByteReader in(cut);
    Removal removal;
    EXPECT_FALSE(read_removal(in, removal));
  }
}

TEST(Audit, RoundTripTruncationAndGeneration) {
  Random random;
  for (unsigned generation = 0; generation < 256; ++generation) {
    const Audit sent{random.of<std::uint16_t>(), static_cast<std::uint8_t>(generation), random.of<std::uint32_t>()};
    std::uint8_t bytes[audit_bytes];
    ASSERT_EQ(write_audit(bytes, sent), bytes + audit_bytes);
    base::ByteReader in(bytes);
    Audit got;
    ASSERT_EQ(read_audit(in, got), generation < 4);
    if (generation >= 4) continue;
    EXPECT_EQ(got.slot, sent.slot);
    EXPECT_EQ(got.generation, sent.generation);
    EXPECT_EQ(got.hash, sent.hash);
    for (std::size_t length = 0; length < audit_bytes; ++length) {
      base::ByteReader cut({bytes, length});
      EXPECT_FALSE(read_audit(cut, got));
    }
  }
}

TEST(FarRecord, ExtremesOfEveryFieldDoNotTouchTheOthers) {
  const FarRecord corner{65'535, 3, 511, 511, 127, 31};
  for (unsigned set = 0; set < 64; ++set) {
    FarRecord sent;
    if (set & 1) sent.slot = corner.slot;
    if (set & 2) sent.generation = corner.generation;
    if (set & 4) sent.x = corner.x;
    if (set & 8) sent.y = corner.y;
    if (set & 16) sent.z = corner.z;
    if (set & 32) sent.yaw = corner.yaw;
    std::uint8_t bytes[far_record_bytes + 2] = {0, 0, 0, 0, 0, 0, 0xA5, 0xA5};
    write_far_record(bytes, sent);
    EXPECT_EQ(bytes[6], 0xA5);
    EXPECT_EQ(bytes[7], 0xA5);
    std::uint64_t word = 0;
    std::memcpy(&word, bytes, far_record_bytes);
    EXPECT_EQ(word, static_cast<std::uint64_t>(sent.slot) | static_cast<std::uint64_t>(sent.generation) << 16 |
                        static_cast<std::uint64_t>(sent.x) << 18 | static_cast<std::uint64_t>(sent.y) << 27 |
                        static_cast<std::uint64_t>(sent.z) << 36 | static_cast<std::uint64_t>(sent.yaw) << 43);
    const FarRecord got = read_far_record(bytes);
    EXPECT_EQ(got.slot, sent.slot);
    EXPECT_EQ(got.generation, sent.generation);
    EXPECT_EQ(got.x, sent.x);
    EXPECT_EQ(got.y, sent.y);
    EXPECT_EQ(got.z, sent.z);
    EXPECT_EQ(got.yaw, sent.yaw);
  }
}

TEST(FarRecord, RandomBytesAreReadBackAsTheyWere) {
  Random random;
  for (int i = 0; i < 10'000; ++i) {
    std::array<std::uint8_t, far_record_bytes> bytes{}, again{};
    random.fill(bytes);
    write_far_record(again.data(), read_far_record(bytes.data()));
    EXPECT_EQ(again, bytes);
  }
}

}  // namespace
}  // namespace serried::message
