#include "tools/attack/assault.h"

#include <gtest/gtest.h>

namespace serried {
namespace {

using tools::AttackKind;

struct CountingGun {
  static constexpr unsigned burst = 64;
  std::uint8_t* room(unsigned i) { return bytes.data() + i * tools::attack_bytes_max; }
  void fire(const tools::Shot* shots, unsigned count, tools::AttackTally& tally) {
    const unsigned taken = std::min(count, takes);
    for (unsigned i = 0; i < taken; ++i) tally.sent(shots[i].kind, shots[i].bytes);
    tally.refused += count - taken;
  }
  unsigned takes = burst;
  void hear(tools::AttackTally& tally) { tally.heard(AttackKind::connect, 10); }
  std::vector<std::uint8_t> bytes = std::vector<std::uint8_t>(burst * tools::attack_bytes_max);
};

class AttackAssault : public testing::Test {
 protected:
  tools::Assault<CountingGun> begin(std::vector<AttackKind> kinds, double rate) {
    return {gun, forge, std::move(kinds), rate, Nanos{0}};
  }
  std::uint64_t sent(const tools::Assault<CountingGun>& assault, AttackKind kind) {
    return assault.tally().of[tools::index_of(kind)].datagrams;
  }
  const port::LocalAddress sources = port::parse_local_address("198.18.0.0/15").value();
  tools::Samples samples{port::endpoint(port::ipv4_address(10, 0, 0, 1), 4'000), sources, 16};
  tools::Forge forge{{1, 1, sources}, samples};
  CountingGun gun;
};

TEST_F(AttackAssault, KeepsToItsRate) {
  auto assault = begin({AttackKind::too_short}, 1'000);
  EXPECT_EQ(assault.strike(0), 0U);
  for (Nanos now = 0; now <= 2 * second; now += millisecond) assault.strike(now);
  EXPECT_EQ(sent(assault, AttackKind::too_short), 2'000U);
}

TEST_F(AttackAssault, WithoutARateEveryBurstIsFull) {
  auto assault = begin({AttackKind::too_short, AttackKind::too_long}, 0);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(assault.strike(0), CountingGun::burst);
  EXPECT_EQ(sent(assault, AttackKind::too_short), 320U);
  EXPECT_EQ(sent(assault, AttackKind::too_long), 320U);
}

TEST_F(AttackAssault, PausesWhereNotAllIsTaken) {
  auto assault = begin({AttackKind::too_short}, 0);
  gun.takes = 10;
  EXPECT_EQ(assault.strike(0), CountingGun::burst);
  EXPECT_EQ(sent(assault, AttackKind::too_short), 10U);
  gun.takes = CountingGun::burst;
  EXPECT_EQ(assault.strike(millisecond - 1), 0U);
  EXPECT_EQ(assault.strike(millisecond), CountingGun::burst);
  EXPECT_EQ(assault.strike(millisecond), CountingGun::burst) << "no pause without a reason";
}

TEST_F(AttackAssault, KindsThatCannotBeMadeAreLeftOut) {
  auto assault = begin({AttackKind::replay, AttackKind::too_short}, 0);
  EXPECT_EQ(assault.strike(0), CountingGun::burst);
  EXPECT_EQ(sent(assault, AttackKind::too_short), CountingGun::burst);
  auto nothing = begin({AttackKind::replay}, 0);
  EXPECT_EQ(nothing.strike(0), 0U);
}

TEST_F(AttackAssault, Hears) {
  auto assault = begin({AttackKind::connect}, 0);
  assault.hear();
  EXPECT_EQ(assault.tally().of[tools::index_of(AttackKind::connect)].answer_bytes, 10U);
}

}  // namespace
}  // namespace serried
