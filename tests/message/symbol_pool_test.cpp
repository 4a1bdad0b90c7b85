#include "message/symbol_pool.h"

#include <map>
#include <string>

#include <gtest/gtest.h>

#include "random_bytes.h"

namespace serried::message {
namespace {

constexpr std::string_view names[] = {"attack", "craft.item", "jump", "trade"};
static_assert(strictly_rising(names));
constexpr std::string_view unsorted[] = {"jump", "attack"};
static_assert(!strictly_rising(unsorted));
constexpr std::string_view twice[] = {"jump", "jump"};
static_assert(!strictly_rising(twice));

TEST(SymbolPool, FindsWhatWasBoundInAnyOrder) {
  Random random;
  SymbolPool pool(SymbolPool::symbols_max);
  std::map<std::uint16_t, std::string> bound;
  for (int i = 0; i < 1000; ++i) {
    const auto id = static_cast<std::uint16_t>(1 + random.below(2'000));
    const std::string name = "name " + std::to_string(random.below(10));
    const auto [entry, fresh] = bound.emplace(id, name);
    EXPECT_EQ(pool.bind({id, name}), fresh ? Bound::fresh : entry->second == name ? Bound::same : Bound::malformed);
  }
  EXPECT_EQ(pool.size(), bound.size());
  for (unsigned id = 1; id <= 2'000; ++id) {
    const auto entry = bound.find(static_cast<std::uint16_t>(id));
    EXPECT_EQ(pool.resolve({static_cast<std::uint16_t>(id), {}}), entry == bound.end() ? "" : entry->second);
  }
  EXPECT_EQ(pool.resolve({0, "itself"}), "itself");
  pool.clear();
  EXPECT_EQ(pool.size(), 0U);
  EXPECT_TRUE(pool.resolve({bound.begin()->first, {}}).empty());
  EXPECT_EQ(pool.bind({bound.begin()->first, "another"}), Bound::fresh);
}

TEST(SymbolPool, SixtyFourOfTheLongestNamesFitTheSmallest) {
  SymbolPool pool;
  for (std::uint16_t id = 1; id <= 64; ++id) {
    std::string name(64, 'a');
    name[0] = static_cast<char>(id);
    EXPECT_EQ(pool.bind({id, name}), Bound::fresh);
  }
  EXPECT_EQ(pool.bind({65, "b"}), Bound::full);
  EXPECT_EQ(pool.bind({1, "b"}), Bound::malformed) << "also when full";
  EXPECT_EQ(pool.resolve({64, {}})[0], 64);
  EXPECT_TRUE(pool.resolve({65, {}}).empty());
}

TEST(SymbolPool, TheLargestIsBoundedInIdsAndInText) {
  SymbolPool by_ids(SymbolPool::symbols_max), by_text(SymbolPool::symbols_max);
  for (std::uint16_t id = 1; id <= 1024; ++id) EXPECT_EQ(by_ids.bind({id, "n"}), Bound::fresh);
  EXPECT_EQ(by_ids.bind({1025, "n"}), Bound::full);
  const std::string name(64, 'n');
  for (std::uint16_t id = 1; id <= 256; ++id) EXPECT_EQ(by_text.bind({id, name}), Bound::fresh);
  EXPECT_EQ(by_text.bind({257, "n"}), Bound::full);
}

TEST(SymbolPool, AnUpdateIsUnderstoodWhenAllItsIdsAreBound) {
  std::vector<std::uint8_t> room(200);
  base::ByteWriter out(room);
  StateUpdateWriter writer(out, {});
  ASSERT_TRUE(writer.add({7, {}}, {}));
  ASSERT_TRUE(writer.add({0, "literal"}, {}));
  ASSERT_TRUE(writer.add({8, {}}, {}));
  StateUpdate update;
  ASSERT_TRUE(decode(writer.end(), update));
  SymbolPool pool;
  EXPECT_FALSE(pool.binds_all(update));
  EXPECT_EQ(pool.bind({7, "health"}), Bound::fresh);
  EXPECT_FALSE(pool.binds_all(update));
  EXPECT_EQ(pool.bind({8, "mana"}), Bound::fresh);
  EXPECT_TRUE(pool.binds_all(update));
}

TEST(SymbolTable, KnownNamesBecomeTheirIndex) {
  SymbolTable table;
  EXPECT_EQ(table.bind(names, {900, "jump"}), Bound::fresh);
  EXPECT_EQ(table.bind(names, {3, "trade"}), Bound::fresh);
  EXPECT_EQ(table.bind(names, {65'535, "attack"}), Bound::fresh);
  EXPECT_EQ(table.bind(names, {4, "craft.item"}), Bound::fresh);
  EXPECT_EQ(table.resolve(names, {900, {}}), 2);
  EXPECT_EQ(table.resolve(names, {3, {}}), 3);
  EXPECT_EQ(table.resolve(names, {65'535, {}}), 0);
  EXPECT_EQ(table.resolve(names, {4, {}}), 1);
  EXPECT_EQ(table.resolve(names, {5, {}}), SymbolTable::unbound);
  EXPECT_EQ(table.resolve(names, {0, "trade"}), 3);
  EXPECT_EQ(table.resolve(names, {0, "trad"}), SymbolTable::unknown);
  EXPECT_EQ(table.resolve(names, {0, "zzz"}), SymbolTable::unknown);
  EXPECT_EQ(table.resolve({}, {0, "trade"}), SymbolTable::unknown);
}

TEST(SymbolTable, ABindingNeverChanges) {
  SymbolTable table;
  EXPECT_EQ(table.bind(names, {1, "jump"}), Bound::fresh);
  EXPECT_EQ(table.bind(names, {1, "jump"}), Bound::same);
  EXPECT_EQ(table.bind(names, {1, "trade"}), Bound::malformed);
  EXPECT_EQ(table.bind(names, {1, "unheard of"}), Bound::malformed);
  EXPECT_EQ(table.resolve(names, {1, {}}), 2);
  EXPECT_EQ(table.bind(names, {2, "unheard of"}), Bound::fresh);
  EXPECT_EQ(table.bind(names, {2, "unheard of"}), Bound::same);
  EXPECT_EQ(table.bind(names, {2, "also unheard of"}), Bound::malformed);
  EXPECT_EQ(table.bind(names, {2, "jump"}), Bound::malformed);
  EXPECT_EQ(table.resolve(names, {2, {}}), SymbolTable::unknown) << "bound, but to nothing that the program knows";
}

TEST(SymbolTable, SixtyFourIdsAndNoMore) {
  SymbolTable table;
  // From above, so that each goes before all others.
  for (std::uint16_t id = 64; id >= 1; --id)
    EXPECT_EQ(table.bind(names, {id, names[id % std::size(names)]}), Bound::fresh);
  EXPECT_EQ(table.bind(names, {65, "jump"}), Bound::full);
  EXPECT_EQ(table.resolve(names, {65, {}}), SymbolTable::unbound);
  for (std::uint16_t id = 1; id <= 64; ++id) EXPECT_EQ(table.resolve(names, {id, {}}), id % std::size(names));
}

TEST(SymbolBinder, ItsBindingsAreResolvedByThePeer) {
  Random random;
  SymbolBinder binder;
  SymbolPool pool;
  for (int i = 0; i < 2'000; ++i) {
    const std::string name = "component." + std::to_string(random.below(100));
    const Symbol offered = binder.offer(name);
    EXPECT_EQ(binder.refer(name).id == 0 && pool.size() < 64, offered.id != 0);
    if (offered.id != 0 && random.coin()) {  // else the channel had no room for it
      ASSERT_EQ(pool.bind(offered), Bound::fresh);
      binder.bind(offered);
    }
    EXPECT_EQ(pool.resolve(binder.refer(name)), name);
  }
  EXPECT_EQ(pool.size(), 64U);
  EXPECT_EQ(binder.offer("one more").id, 0);
  EXPECT_EQ(binder.refer("one more").name, "one more");
  binder.clear();
  EXPECT_EQ(binder.offer("one more").id, 1);
}

TEST(SymbolBinder, OffersNoNameThatCannotBeSent) {
  const SymbolBinder binder;
  EXPECT_EQ(binder.offer("").id, 0);
  EXPECT_EQ(binder.offer("\xFF").id, 0);
  EXPECT_EQ(binder.offer(std::string(65, 'a')).id, 0);
  EXPECT_NE(binder.offer(std::string(64, 'a')).id, 0);
}

}  // namespace
}  // namespace serried::message
