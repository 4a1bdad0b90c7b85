#include "client/view.h"

#include <cmath>
#include <functional>
#include <map>
#include <vector>

#include <gtest/gtest.h>

#include "base/prng.h"

namespace serried {
namespace {

using client::FarMode;
using client::Tracked;
using client::View;
using observe::Drop;
namespace delta = message::delta;

using Content = std::vector<std::uint8_t>;

Content content_of(const std::function<void(base::ByteWriter&)>& write) {
  Content bytes(1200);
  base::ByteWriter out(bytes);
  write(out);
  bytes.resize(out.size());
  return bytes;
}

/// A view, and the messages a server would send it, in a few words.
struct Scene {
  explicit Scene(FarMode far = FarMode::full) : view({far, 4 * second, 100 * millisecond}) {
    message::ConnectionAccepted accepted;
    accepted.player_entity = 500;
    accepted.tracked_max = 16;
    view.configure(accepted);
  }

  static message::EntityState state(std::uint8_t anim) {
    message::EntityState out;
    out.section = {2, 2, 1};
    out.anim = anim;
    return out;
  }
  Drop apply(message::Type type, const Content& content) { return view.apply({type, content}); }
  void begin(std::uint64_t sequence) { view.begin(sequence, now); }

  Drop create(std::uint64_t sequence, std::uint16_t slot, std::uint8_t generation, std::uint8_t anim,
              std::uint64_t id = 9) {
    begin(sequence);
    message::CreateEntity create;
    create.slot = slot;
    create.generation = generation;
    create.id = id;
    create.state = state(anim);
    Content bytes = content_of([&](base::ByteWriter& out) { message::encode(out, create); });
    bytes.erase(bytes.begin(), bytes.begin() + 2);  // framing
    return apply(message::Type::create_entity, bytes);
  }
  Drop update(std::uint64_t sequence, std::uint16_t slot, std::uint8_t generation, std::uint8_t anim,
              std::uint8_t mask = delta::anim_state) {
    begin(sequence);
    return apply(message::Type::delta_sync, content_of([&](base::ByteWriter& out) {
                   out.write(++tick);
                   out.write(std::uint16_t{0});
                   write_record(out, slot, static_cast<std::uint8_t>(mask | generation << delta::generation_shift),
                                state(anim));
                 }));
  }
  static void write_record(base::ByteWriter& out, std::uint16_t slot, std::uint8_t mask,
                           const message::EntityState& state) {
    std::uint8_t bytes[message::record_bytes_max];
    const std::uint8_t* end = message::write_record(bytes, slot, mask, state);
    out.write_bytes({bytes, static_cast<std::size_t>(end - bytes)});
  }
  Drop remove(std::uint64_t sequence, std::uint16_t slot, std::uint8_t generation, bool left = true) {
    begin(sequence);
    Content bytes(message::removal_bytes);
    message::write_removal(bytes.data(), {slot, generation, left});
    return apply(message::Type::remove_entity, bytes);
  }
  Drop audit(std::uint64_t sequence, std::uint16_t slot, std::uint8_t generation,
             const message::EntityState& expected) {
    begin(sequence);
    Content bytes(message::audit_bytes);
    message::write_audit(bytes.data(), {slot, generation, message::state_hash(expected)});
    return apply(message::Type::benchmark, bytes);
  }
  Drop block(std::uint64_t sequence, std::uint16_t slot, std::uint8_t generation, std::uint16_t cell = 0) {
    begin(sequence);
    Content bytes(message::block_header_bytes + message::far_record_bytes);
    base::store(bytes.data(), cell);
    message::FarRecord record;
    record.slot = slot;
    record.generation = generation;
    message::write_far_record(bytes.data() + message::block_header_bytes, record);
    return apply(message::Type::entity_block, bytes);
  }
  /// Animation state of what is known at `slot`; -1: nothing.
  [[nodiscard]] int anim(std::uint16_t slot) const {
    const Tracked* known = view.find(slot);
    return known == nullptr ? -1 : known->state.anim;
  }
  [[nodiscard]] bool proxy(std::uint16_t slot) const {
    bool found = false;
    view.for_each_far(now, [&](const client::FarProxy& far) { found |= far.slot == slot; });
    return found;
  }

  Nanos now = 50 * second;
  std::uint32_t tick = 1000;
  View view;
};

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

TEST(View, FarProxiesGiveWayToTracked) {
  Scene scene;
  EXPECT_EQ(scene.block(1, 5, 0), Drop::none);
  EXPECT_TRUE(scene.proxy(5));
  scene.create(2, 5, 0, 1);
  EXPECT_FALSE(scene.proxy(5));
  scene.remove(3, 5, 0, false);  // no longer tracked, still in view
  EXPECT_TRUE(scene.proxy(5));
  scene.remove(4, 5, 0, true);
  EXPECT_FALSE(scene.proxy(5));
  scene.block(3, 5, 0);  // sent before it left
  EXPECT_FALSE(scene.proxy(5));
  scene.block(6, 6, 0);
  scene.now += 5 * second;
  EXPECT_FALSE(scene.proxy(6));
}

TEST(View, CountOnlyKeepsNoProxies) {
  Scene scene(FarMode::count);
  scene.block(1, 5, 0);
  EXPECT_EQ(scene.view.counters().far_records, 1U);
  EXPECT_FALSE(scene.proxy(5));
  EXPECT_EQ(scene.view.far().memory_bytes(), 0U);
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
  EXPECT_EQ(scene.apply(message::Type::benchmark, Content(8)), Drop::bad_message);
  EXPECT_EQ(scene.apply(message::Type::create_entity, Content(10)), Drop::bad_message);
  EXPECT_EQ(scene.apply(message::Type::ping, {}), Drop::unknown_message);
}

TEST(View, HoldsNoMoreThanWasPromised) {
  Scene scene;
  for (std::uint16_t slot = 0; slot < 100; ++slot) scene.create(slot + 1U, slot, 0, 1);
  EXPECT_EQ(scene.view.tracked_count(), 2U * 16 + 2);
  EXPECT_GT(scene.view.counters().overflows, 0U);
  EXPECT_FALSE(scene.view.complete());
}

/// Entities come and go for long: the memories of the gone must not pile up.
TEST(View, ForgetsRemovalsBehindTheReplayWindow) {
  Scene scene;
  std::uint64_t sequence = 0;
  for (std::uint32_t i = 0; i < 60'000; ++i) {
    const auto slot = static_cast<std::uint16_t>(i);
    ASSERT_EQ(scene.create(++sequence, slot, 0, 1), Drop::none);
    ASSERT_EQ(scene.remove(++sequence, slot, 0), Drop::none);
  }
  EXPECT_EQ(scene.view.counters().overflows, 0U);
  EXPECT_EQ(scene.view.tracked_count(), 0U);
  EXPECT_LT(scene.view.memory_bytes(), 200'000U);
}

TEST(View, KnowsItsOwn) {
  Scene scene;
  EXPECT_EQ(scene.view.own(), nullptr);
  scene.create(1, 5, 0, 1, 500);  // by the id that ConnectionAccepted named
  ASSERT_NE(scene.view.own(), nullptr);
  EXPECT_EQ(scene.view.own()->slot, 5);
  scene.remove(2, 5, 0);
  EXPECT_EQ(scene.view.own(), nullptr);
}

TEST(View, InterpolatesBetweenTheLastTwoPositions) {
  Scene scene;
  const auto place = [&](std::uint64_t sequence, std::int16_t x) {
    scene.begin(sequence);
    message::EntityState state = Scene::state(1);
    state.position[0] = x;
    state.velocity[0] = 600;
    const Drop result = scene.apply(message::Type::delta_sync, content_of([&](base::ByteWriter& out) {
                                      out.write(scene.tick);
                                      out.write(std::uint16_t{0});
                                      Scene::write_record(out, 5, delta::position | delta::velocity, state);
                                    }));
    EXPECT_EQ(result, Drop::none);
  };
  scene.create(1, 5, 0, 1);
  scene.tick = 1000;
  place(2, 0);
  const float from = scene.view.position(*scene.view.find(5))[0];
  scene.tick += 6;  // 100 ms
  scene.now += 100 * millisecond;
  place(3, 2560);
  const Tracked& entity = *scene.view.find(5);
  const float to = scene.view.position(entity)[0];
  EXPECT_NEAR(to - from, 1000.0F, 0.01F);
  // The scene is drawn 100 ms late: now it shows the older of both, 50 ms later the middle.
  EXPECT_NEAR(scene.view.interpolated(entity, scene.now)[0], from, 1.0F);
  EXPECT_NEAR(scene.view.interpolated(entity, scene.now + 50 * millisecond)[0], (from + to) / 2, 1.0F);
  EXPECT_NEAR(scene.view.interpolated(entity, scene.now + 100 * millisecond)[0], to, 1.0F);
  // Nothing new: carried on by its velocity for a while, then it stands.
  EXPECT_NEAR(scene.view.interpolated(entity, scene.now + 150 * millisecond)[0], to + 30.0F, 1.0F);
  EXPECT_NEAR(scene.view.interpolated(entity, scene.now + second)[0], to + 60.0F, 1.0F);
  // A long rest before the last step was rest, not slow motion.
  scene.tick += 600;
  scene.now += 10 * second;
  place(4, 5120);
  EXPECT_NEAR(scene.view.interpolated(entity, scene.now - 200 * millisecond)[0], to, 1.0F);
}

TEST(View, ClockFollowsEarlyDatagramsAtOnceAndLateOnesSlowly) {
  client::TickClock clock;
  clock.configure(50);  // 20 ms
  clock.note(100, 10 * second);
  EXPECT_NEAR(clock.tick_at(10 * second), 100.0, 1e-6);
  clock.note(101, 10 * second + 10 * millisecond);  // early by 10 ms
  EXPECT_NEAR(clock.tick_at(10 * second + 10 * millisecond), 101.0, 1e-6);
  clock.note(102, 10 * second + 94 * millisecond);  // late by 64 ms
  EXPECT_NEAR(clock.tick_at(10 * second + 94 * millisecond), 102.0 + 63.0 / 20, 0.01);
  EXPECT_EQ(clock.latest(), 102U);
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
    base::Prng dice(seed);
    struct Fact {
      std::uint64_t sequence;
      std::uint16_t slot;
      bool create;
    };
    std::vector<Fact> facts;
    for (std::uint64_t sequence = 1; sequence <= 60; ++sequence)
      facts.push_back({sequence, static_cast<std::uint16_t>(dice.below(8)), dice.chance(0.6)});
    std::map<std::uint16_t, Fact> last;
    for (const Fact& fact : facts) last[fact.slot] = fact;
    for (int i = 0; i < 20; ++i) facts.push_back(facts[dice.below(60)]);
    for (std::size_t i = facts.size(); i > 1; --i) std::swap(facts[i - 1], facts[dice.below(i)]);
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

}  // namespace
}  // namespace serried
