#include "guard/type_limits.h"

#include <gtest/gtest.h>

namespace serried::guard {
namespace {

constexpr TypeRates rates = TypeRates::usual();

TEST(TypeLimits, KnowsTheClassOfWhatClientsSend) {
  const auto game = [](unsigned n) {
    return static_cast<message::Type>(static_cast<unsigned>(message::Type::game_first) + n);
  };
  EXPECT_EQ(class_of(game(0)), MessageClass::action);
  EXPECT_EQ(class_of(game(3)), MessageClass::command);
  EXPECT_EQ(class_of(game(4)), MessageClass::symbol);
  EXPECT_EQ(class_of(game(5)), MessageClass::chat);
  EXPECT_EQ(class_of(game(16)), MessageClass::game);
  EXPECT_EQ(class_of(message::Type::ping), MessageClass::ping);
  for (const auto type : {message::Type::sync_entity, message::Type::crypto_test, message::Type::disconnect})
    EXPECT_EQ(class_of(type), MessageClass::free);
}

TEST(TypeLimits, ANewSessionMaySendItsBurstAtAnyTimeOfTheClock) {
  for (const Nanos born : {Nanos{0}, second, 100'000 * second, 281'475 * second, 400'000 * second}) {
    TypeLimits limits;
    unsigned taken = 0;
    for (int i = 0; i < 20; ++i) taken += limits.take(MessageClass::chat, rates, born) ? 1U : 0U;
    EXPECT_EQ(taken, 8U) << born / second;
  }
}

TEST(TypeLimits, HoldsTheRateOfAClassAndOfNoOther) {
  TypeLimits limits;
  for (int i = 0; i < 100; ++i) static_cast<void>(limits.take(MessageClass::chat, rates, second));
  EXPECT_FALSE(limits.take(MessageClass::chat, rates, second));
  EXPECT_TRUE(limits.take(MessageClass::action, rates, second));
  unsigned taken = 0;
  for (Nanos now = second; now < 101 * second; now += 10 * millisecond)
    taken += limits.take(MessageClass::chat, rates, now) ? 1U : 0U;
  EXPECT_NEAR(taken, 200.0, 2.0);
}

TEST(TypeLimits, AskingTakesNothing) {
  const TypeRates rates = TypeRates::usual();
  TypeLimits limits;
  for (int lines = 0; lines < 8; ++lines) {
    for (int times = 0; times < 20; ++times) EXPECT_TRUE(limits.allows(MessageClass::chat, rates, 100 * second));
    EXPECT_TRUE(limits.take(MessageClass::chat, rates, 100 * second));
  }
  EXPECT_FALSE(limits.allows(MessageClass::chat, rates, 100 * second));
  EXPECT_TRUE(limits.allows(MessageClass::chat, rates, 101 * second));
}

TEST(TypeLimits, SurvivesTheLapOfItsClock) {
  constexpr Nanos lap = Nanos{1} << 48;
  TypeLimits limits;
  for (Nanos now = lap - 20 * second; now < lap + 20 * second; now += second)
    EXPECT_TRUE(limits.take(MessageClass::chat, rates, now)) << now;
  unsigned taken = 0;
  for (Nanos now = 2 * lap - second; now < 2 * lap + second; now += millisecond)
    taken += limits.take(MessageClass::chat, rates, now) ? 1U : 0U;
  EXPECT_NEAR(taken, 12.0, 1.0) << "eight at once, then two a second";
}

TEST(TypeLimits, FreeAndUnlimitedAlwaysPass) {
  TypeLimits limits;
  TypeRates none;
  for (int i = 0; i < 1'000; ++i) {
    EXPECT_TRUE(limits.take(MessageClass::free, rates, second));
    EXPECT_TRUE(limits.take(MessageClass::chat, none, second));
  }
}

}  // namespace
}  // namespace serried::guard
