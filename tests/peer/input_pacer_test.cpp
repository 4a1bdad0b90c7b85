#include "peer/input_pacer.h"

#include <algorithm>
#include <cstdint>
#include <deque>

#include <gtest/gtest.h>

#include "base/prng.h"

namespace serried {
namespace {

constexpr Nanos tick = second / 60;

/// A player, a way there and back, and a server that takes in each tick all inputs that have arrived.
struct Match {
  Nanos there = 7 * millisecond, back = 9 * millisecond;
  Nanos late = 0;             ///< of the submitting thread, each time
  Nanos jitter = 0;           ///< of each datagram, at most
  unsigned update_every = 1;  ///< ticks
  double server_runs = 1.0;   ///< its seconds in one of ours
  base::Prng rng{1};
  view::TickClock clock;
  peer::InputPacer pacer;

  explicit Match(Nanos interval = tick, Nanos first = 0, float margin = peer::InputPacer::usual_margin) {
    clock.configure(60);
    pacer.configure(interval, clock, margin);
    due_ = begin + first;
  }

  /// Play on. Of each input that a tick took: how long it had waited there, in ticks; of the last ones, the longest.
  double play(Nanos span) {
    double longest = 0;
    for (const Nanos end = now_ + span; now_ < end; now_ += 50 * microsecond) {
      if (now_ >= due_) {
        const Nanos leaves = due_ + late;
        pacer.left(++newest_, leaves);
        arriving_.push_back({newest_, leaves + there + rng.below(jitter + 1)});
        due_ = pacer.due_after(due_, leaves, clock);
        shortest_ = std::min(shortest_, due_ + late - leaves);
        longest_ = std::max(longest_, due_ + late - leaves);
      }
      while (now_ >= tick_at(number_ + 1)) longest = std::max(longest, run_tick(tick_at(++number_)));
      while (!updates_.empty() && updates_.front().at <= now_) {
        const Update update = updates_.front();
        updates_.pop_front();
        clock.note(update.number, update.at);
        if (update.applied != seen_) pacer.applied(seen_ = update.applied, newest_, update.at);
      }
    }
    return longest;
  }
  /// The server stands still for so long, and never makes up for it.
  void stall(Nanos span) { lost_ += span; }
  [[nodiscard]] Nanos shortest() const { return shortest_; }
  [[nodiscard]] Nanos longest() const { return longest_; }
  void forget_steps() { shortest_ = ~Nanos{0}; }
  [[nodiscard]] unsigned dry() const { return dry_; }
  void forget_dry() { dry_ = 0; }

 private:
  static constexpr Nanos begin = 100 * second;
  struct Arriving {
    std::uint16_t sequence;
    Nanos at;
  };
  struct Update {
    std::uint32_t number;
    std::uint16_t applied;
    Nanos at;
  };

  [[nodiscard]] Nanos tick_at(std::uint32_t number) const {
    return begin + lost_ + static_cast<Nanos>(static_cast<double>(number * tick) / server_runs);
  }
  double run_tick(Nanos at) {
    double longest = 0;
    bool any = false;
    while (!arriving_.empty() && arriving_.front().at <= at) {
      longest = std::max(longest, static_cast<double>(at - arriving_.front().at) / static_cast<double>(tick));
      applied_ = arriving_.front().sequence;
      arriving_.pop_front();
      any = true;
    }
    dry_ += !any;
    if (number_ % update_every == 0) updates_.push_back({number_, applied_, at + back + rng.below(jitter + 1)});
    return longest;
  }

  Nanos now_ = begin, due_ = begin, lost_ = 0;
  std::uint32_t number_ = 0;
  std::uint16_t newest_ = 0, applied_ = 0, seen_ = 0;
  std::deque<Arriving> arriving_;
  std::deque<Update> updates_;
  Nanos shortest_ = ~Nanos{0}, longest_ = 0;
  unsigned dry_ = 0;
};

/// Inputs arrive the usual margin before their ticks, and no tick goes without.
void expect_held(Match& match) {
  match.forget_dry();
  EXPECT_NEAR(match.play(5 * second), 0.4, 0.1);
  EXPECT_EQ(match.dry(), 0U);
}

TEST(InputPacer, FindsThePhaseFromWhereverItBegins) {
  for (Nanos first = 0; first < tick; first += tick / 7) {
    for (const Nanos there : {millisecond, 12 * millisecond, 40 * millisecond, 180 * millisecond}) {
      Match match(tick, first);
      match.there = there;
      match.play(4 * second);
      match.forget_dry();
      const double waited = match.play(5 * second);
      EXPECT_GT(waited, 0.3) << first << " " << there;
      EXPECT_LT(waited, 0.5) << first << " " << there;
      EXPECT_EQ(match.dry(), 0U);
    }
  }
}

TEST(InputPacer, KeepsTheMarginThatItIsGiven) {
  for (const float margin : {0.2F, 0.8F}) {
    Match match(tick, 0, margin);
    match.play(4 * second);
    EXPECT_NEAR(match.play(second), margin, 0.1);
  }
}

TEST(InputPacer, HoldsThePhaseWhenInputsAreAlwaysLate) {
  Match match;
  match.late = 6 * millisecond;
  match.play(4 * second);
  expect_held(match);
}

TEST(InputPacer, SweepsLessAndLessWhereItDoesNotHelp) {
  Match match;
  match.jitter = 2 * tick;
  unsigned long_steps = 0;
  match.play(10 * second);
  for (int i = 0; i < 120; ++i) {  // seconds; a sweep takes one
    match.forget_steps();
    match.play(second);
    long_steps += match.shortest() > tick + tick / 100;
  }
  EXPECT_LE(long_steps, 8U);
}

TEST(InputPacer, FollowsAPathThatBecomesLonger) {
  // Those of less than the margin show in the next sweep only.
  for (const Nanos longer : {2, 4, 6, 7, 8, 10, 14, 60}) {
    for (const Nanos jitter : {Nanos{0}, 2 * millisecond}) {
      Match match;
      match.jitter = jitter;
      match.play(4 * second);
      match.there += longer * millisecond;
      match.play(150 * second);
      match.forget_dry();
      const double waited = match.play(5 * second);
      EXPECT_GT(waited, 0.3) << longer << " " << jitter;
      EXPECT_LT(waited, 0.65) << longer << " " << jitter;
      EXPECT_EQ(match.dry(), 0U) << longer << " " << jitter;
    }
  }
}

TEST(InputPacer, FollowsAtOnceWhenInputsMissTheirTicks) {
  Match match;
  match.play(4 * second);
  match.there += 10 * millisecond;
  match.play(5 * second);
  expect_held(match);
}

TEST(InputPacer, FollowsAPathThatBecomesShorter) {
  Match match;
  match.there = 40 * millisecond;
  match.play(4 * second);
  match.there = 3 * millisecond;
  match.play(150 * second);
  expect_held(match);
}

TEST(InputPacer, ComesBackAfterTheServerLostTicks) {
  Match match;
  match.play(4 * second);
  match.stall(tick * 12 / 5);
  match.play(2 * second);
  expect_held(match);
}

TEST(InputPacer, FollowsAServerWhoseClockRunsOtherwise) {
  for (const double runs : {0.9995, 1.0005}) {
    Match match;
    match.server_runs = runs;
    match.play(4 * second);
    match.forget_dry();
    EXPECT_NEAR(match.play(30 * second), 0.4, 0.2);
    EXPECT_EQ(match.dry(), 0U);
  }
}

TEST(InputPacer, MakesDryTicksRareUnderJitter) {
  // Inputs that would arrive up to 2 ms before and behind a tick.
  Match match(tick, tick - 9 * millisecond);
  match.jitter = 4 * millisecond;
  match.play(4 * second);
  match.forget_dry();
  match.play(20 * second);
  EXPECT_LE(match.dry(), 12U);  // of 1,200
}

TEST(InputPacer, WorksWhereUpdatesAndInputsAreRarerThanTicks) {
  Match rare_updates;
  rare_updates.update_every = 4;
  rare_updates.play(4 * second);
  EXPECT_NEAR(rare_updates.play(5 * second), 0.4, 0.1);
  Match rare_inputs(3 * tick);
  rare_inputs.play(10 * second);
  EXPECT_NEAR(rare_inputs.play(5 * second), 0.4, 0.1);
}

TEST(InputPacer, ShiftsIntervalsByLessThanAThirtieth) {
  Match match(tick, tick / 3);
  match.play(10 * second);
  EXPECT_GE(match.shortest(), tick - tick / 30);
  EXPECT_LE(match.longest(), tick + tick / 30);
}

TEST(InputPacer, DoesNotShiftIntervalsThatAreNoWholeNumberOfTicks) {
  for (const Nanos interval : {tick * 5 / 2, tick / 2}) {
    Match match(interval);
    match.play(5 * second);
    EXPECT_EQ(match.shortest(), interval);
    EXPECT_EQ(match.longest(), interval);
  }
}

TEST(InputPacer, ForgetsSendTimesOfOldInputs) {
  Match match;
  match.pacer.left(10, 5 * second);
  EXPECT_EQ(match.pacer.left_at(10, 10), 5 * second);
  EXPECT_EQ(match.pacer.left_at(10, 265), 5 * second);
  EXPECT_EQ(match.pacer.left_at(10, 266), std::nullopt);
}

TEST(InputPacer, SweepsByLessThanAThirtiethWhileNothingIsKnown) {
  view::TickClock clock;
  clock.configure(60);
  peer::InputPacer pacer;
  pacer.configure(tick, clock);
  Nanos due = second;
  for (int i = 0; i < 1'000; ++i) {
    const Nanos next = pacer.due_after(due, due, clock);
    EXPECT_NEAR(static_cast<double>(next - due), static_cast<double>(tick), static_cast<double>(tick) / 30);
    due = next;
  }
}

}  // namespace
}  // namespace serried
