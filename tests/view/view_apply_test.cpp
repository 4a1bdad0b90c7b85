#include <functional>
#include <map>
#include <vector>

#include <gtest/gtest.h>

#include "base/prng.h"
#include "scene.h"
#include "view/view.h"

namespace serried {
namespace {

using metrics::Drop;
using test::Content;
using test::content_of;
using test::Scene;
namespace delta = message::delta;

/// What happens in which datagram, and what is known of slot 5 afterwards: its animation, or -1.
struct Rule {
  const char* name;
  std::function<void(Scene&)> story;
  int expected;
  bool complete;  ///< whether the last datagram may be acked
};

TEST(View, AppliesByTheRules) {
  const Rule rules[] = {
      {"created", [](Scene& s) { s.create(1, 5, 0, 1); }, 1, true},
      {"updated",
       [](Scene& s) {
         s.create(1, 5, 0, 1);
         s.update(2, 5, 0, 2);
       },
       2, true},
      {"updated in the same datagram",
       [](Scene& s) {
         s.create(2, 5, 0, 1);
         s.update(2, 5, 0, 2);
       },
       2, true},
      {"late update",
       [](Scene& s) {
         s.create(1, 5, 0, 1);
         s.update(4, 5, 0, 4);
         s.update(3, 5, 0, 3);
       },
       4, false},
      {"late create",
       [](Scene& s) {
         s.create(4, 5, 0, 4);
         s.create(3, 5, 0, 3);
       },
       4, false},
      {"update of the unknown", [](Scene& s) { s.update(3, 5, 0, 3); }, -1, false},
      {"update of another generation",
       [](Scene& s) {
         s.create(1, 5, 1, 1);
         s.update(2, 5, 2, 2);
       },
       1, false},
      {"removed",
       [](Scene& s) {
         s.create(1, 5, 0, 1);
         s.remove(2, 5, 0);
       },
       -1, true},
      {"removed twice",
       [](Scene& s) {
         s.create(1, 5, 0, 1);
         s.remove(2, 5, 0);
         s.remove(3, 5, 0);
       },
       -1, true},
      {"update after removal",
       [](Scene& s) {
         s.create(1, 5, 0, 1);
         s.remove(2, 5, 0);
         s.update(3, 5, 0, 3);
       },
       -1, false},
      {"no rise from the dead",
       [](Scene& s) {
         s.create(1, 5, 0, 1);
         s.remove(4, 5, 0);
         s.create(3, 5, 0, 3);
       },
       -1, false},
      {"no rise of what was never seen",
       [](Scene& s) {
         s.remove(4, 5, 0);
         s.create(3, 5, 0, 3);
       },
       -1, false},
      {"created anew",
       [](Scene& s) {
         s.create(1, 5, 0, 1);
         s.remove(4, 5, 0);
         s.create(5, 5, 0, 5);
       },
       5, true},
      {"late removal",
       [](Scene& s) {
         s.create(1, 5, 0, 1);
         s.update(4, 5, 0, 4);
         s.remove(3, 5, 0);
       },
       4, false},
      {"next generation replaces",
       [](Scene& s) {
         s.create(1, 5, 0, 1);
         s.create(2, 5, 1, 2);
       },
       2, true},
      {"removal of the generation before",
       [](Scene& s) {
         s.create(2, 5, 1, 2);
         s.remove(3, 5, 0);
       },
       2, true},
      {"removal of the generation behind",
       [](Scene& s) {
         s.create(2, 5, 1, 2);
         s.remove(3, 5, 2);
       },
       -1, true},
  };
  for (const Rule& rule : rules) {
    SCOPED_TRACE(rule.name);
    Scene scene;
    rule.story(scene);
    EXPECT_EQ(scene.anim(5), rule.expected);
    EXPECT_EQ(scene.view.complete(), rule.complete);
    EXPECT_EQ(scene.view.tracked_count(), rule.expected < 0 ? 0U : 1U);
    EXPECT_EQ(scene.view.counters().mismatches, 0U);
  }
}

TEST(View, AuditsCompareWhatIsHeldAsOfTheirDatagram) {
  const struct {
    const char* name;
    std::function<void(Scene&)> story;
    unsigned audits, mismatches;
  } cases[] = {
      {"equal",
       [](Scene& s) {
         s.create(1, 5, 0, 1);
         s.audit(2, 5, 0, Scene::state(1));
       },
       1, 0},
      {"different",
       [](Scene& s) {
         s.create(1, 5, 0, 1);
         s.audit(2, 5, 0, Scene::state(2));
       },
       1, 1},
      {"overtaken",
       [](Scene& s) {
         s.create(1, 5, 0, 1);
         s.update(4, 5, 0, 2);
         s.audit(3, 5, 0, Scene::state(1));
       },
       0, 0},
      {"unknown", [](Scene& s) { s.audit(2, 5, 0, Scene::state(1)); }, 1, 1},
      {"removed before",
       [](Scene& s) {
         s.create(1, 5, 0, 1);
         s.remove(2, 5, 0);
         s.audit(3, 5, 0, Scene::state(1));
       },
       1, 1},
      {"removed after",
       [](Scene& s) {
         s.create(1, 5, 0, 1);
         s.remove(4, 5, 0);
         s.audit(3, 5, 0, Scene::state(1));
       },
       0, 0},
      {"other generation",
       [](Scene& s) {
         s.create(1, 5, 1, 1);
         s.audit(3, 5, 0, Scene::state(1));
       },
       1, 1},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    Scene scene;
    c.story(scene);
    EXPECT_EQ(scene.view.counters().audits, c.audits);
    EXPECT_EQ(scene.view.counters().mismatches, c.mismatches);
    EXPECT_TRUE(scene.view.complete());
  }
}

TEST(View, RefusesMalformedMessagesWhole) {
  Scene scene;
  scene.create(1, 5, 0, 1);
  scene.begin(2);
  const Content two = content_of([](base::ByteWriter& out) {
    out.write(std::uint32_t{1});
    out.write(std::uint16_t{0});
    Scene::write_record(out, 5, delta::anim_state, Scene::state(9));
    Scene::write_record(out, 5, delta::rotation, Scene::state(9));
  });
  for (std::size_t cut = 1; cut < two.size(); ++cut) {
    // Cuts that end between records are well-formed.
    const bool whole = cut == message::delta_header_bytes || cut == message::delta_header_bytes + 4;
    if (whole) continue;
    EXPECT_EQ(scene.apply(message::Type::delta_sync, {two.begin(), two.begin() + static_cast<std::ptrdiff_t>(cut)}),
              Drop::bad_message);
    EXPECT_EQ(scene.anim(5), 1) << cut;
  }
  EXPECT_EQ(scene.apply(message::Type::entity_block, Content(7)), Drop::bad_message);
  EXPECT_EQ(scene.block(3, 5, 0, 32 * 32 * 4), Drop::bad_message);
  EXPECT_EQ(scene.apply(message::Type::remove_entity, Content(4)), Drop::bad_message);
  EXPECT_EQ(scene.apply(message::Type::audit, Content(8)), Drop::bad_message);
  EXPECT_EQ(scene.apply(message::Type::create_entity, Content(10)), Drop::bad_message);
  EXPECT_EQ(scene.apply(message::Type::ping, {}), Drop::unknown_message);
}

TEST(View, ReadsTheFloatForm) {
  Scene scene;
  scene.create(1, 5, 2, 1);
  scene.begin(2);
  message::UpdateEntity update;
  update.slot = 5;
  update.mask = static_cast<std::uint8_t>(delta::position | delta::anim_state | 2 << delta::generation_shift);
  update.position = {30'000.0F, 60'000.0F, 7'000.0F};
  update.anim = 8;
  Content bytes = content_of([&](base::ByteWriter& out) { message::encode(out, update); });
  bytes.erase(bytes.begin(), bytes.begin() + 2);
  EXPECT_EQ(scene.apply(message::Type::update_entity, bytes), Drop::none);
  EXPECT_EQ(scene.anim(5), 8);
  const auto position = scene.view.position(*scene.view.find(5));
  EXPECT_NEAR(position[0], 30'000.0F, 0.3F);
  EXPECT_NEAR(position[1], 60'000.0F, 0.3F);
  EXPECT_NEAR(position[2], 7'000.0F, 0.3F);
}

/// Any order of datagrams, any of them twice: per slot the outcome is that of the highest sequence, if all of them are
/// absolute (creates and removals).
TEST(View, OrderOfArrivalDoesNotMatter) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    base::Prng rng(seed);
    struct Fact {
      std::uint64_t sequence;
      std::uint16_t slot;
      bool create;
    };
    std::vector<Fact> facts;
    for (std::uint64_t sequence = 1; sequence <= 60; ++sequence)
      facts.push_back({sequence, static_cast<std::uint16_t>(rng.below(8)), rng.chance(0.6)});
    std::map<std::uint16_t, Fact> last;
    for (const Fact& fact : facts) last[fact.slot] = fact;
    for (int i = 0; i < 20; ++i) facts.push_back(facts[rng.below(60)]);
    for (std::size_t i = facts.size(); i > 1; --i) std::swap(facts[i - 1], facts[rng.below(i)]);
    Scene scene;
    for (const Fact& fact : facts)
      if (fact.create)
        scene.create(fact.sequence, fact.slot, 0, static_cast<std::uint8_t>(fact.sequence));
      else
        scene.remove(fact.sequence, fact.slot, 0);
    for (const auto& [slot, fact] : last)
      EXPECT_EQ(scene.anim(slot), fact.create ? static_cast<int>(fact.sequence) : -1) << slot;
  }
}

/// A packed body holds more records than a datagram has bytes for.
TEST(View, AppliesMoreRecordsThanADatagramHolds) {
  Scene scene;
  scene.create(1, 5, 0, 1);
  scene.begin(2);
  Content bytes(6);
  constexpr unsigned records = 2'000;
  for (unsigned i = 0; i < records; ++i) {
    std::uint8_t record[message::record_bytes_max];
    const std::uint8_t* const end =
        message::write_record(record, 5, delta::anim_state, Scene::state(static_cast<std::uint8_t>(i)));
    bytes.insert(bytes.end(), static_cast<const std::uint8_t*>(record), end);
  }
  EXPECT_EQ(scene.apply(message::Type::delta_sync, bytes), Drop::none);
  EXPECT_EQ(scene.view.counters().records, records);
  EXPECT_EQ(scene.anim(5), static_cast<std::uint8_t>(records - 1));
  bytes.push_back(0);
  EXPECT_EQ(scene.apply(message::Type::delta_sync, bytes), Drop::bad_message);
  EXPECT_EQ(scene.view.counters().records, records);
}

}  // namespace
}  // namespace serried
