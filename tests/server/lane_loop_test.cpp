#include "server/lane_loop.h"

#include <cstdlib>
#include <thread>

#include <gtest/gtest.h>

#include "base/clock.h"
#include "telemetry/allocations.h"

namespace serried::server {
namespace {

struct Counting {
  unsigned polls = 0;
  unsigned work = 0;  ///< returned by each poll
  Nanos last = 0;
  Nanos spin = 0;
  bool allocate = false;
  bool forward = true;

  static unsigned poll(void* lane, Nanos at) noexcept {
    auto& self = *static_cast<Counting*>(lane);
    self.forward = self.forward && at >= self.last;
    self.last = at;
    ++self.polls;
    const Nanos until = at + self.spin;
    while (base::now() < until) {
    }
    if (self.allocate) {
      void* memory = std::malloc(1);
      asm volatile("" : "+r"(memory) : : "memory");  // or the compiler sees through it
      std::free(memory);
    }
    return self.work;
  }
};

LaneEntry& entry_of(LaneEntry& entry, Counting& lane) {
  entry.lane = &lane;
  entry.poll = &Counting::poll;
  return entry;
}

TEST(LaneLoop, PollsEachLaneOnceARoundAndMeasuresTheBusyOnes) {
  Counting idle, busy;
  busy.work = 3;
  busy.spin = millisecond;
  LaneEntry first, second;
  LaneLoop loop{{&entry_of(first, idle), &entry_of(second, busy)}, {}};
  Nanos at = base::now();
  for (unsigned i = 0; i < 5; ++i) {
    unsigned work = 0;
    at = loop.round(at, work);
    EXPECT_EQ(work, 3U);
  }
  EXPECT_EQ(idle.polls, 5U);
  EXPECT_EQ(busy.polls, 5U);
  EXPECT_TRUE(idle.forward && busy.forward);
  EXPECT_EQ(first.meter.busy_polls.value(), 0U);
  EXPECT_EQ(first.meter.busy_ns.value(), 0U);
  EXPECT_EQ(second.meter.polls.value(), 5U);
  EXPECT_EQ(second.meter.items.value(), 15U);
  EXPECT_GE(second.meter.busy_ns.value(), 5 * millisecond);
  EXPECT_GE(second.meter.longest_poll_ns.value(), millisecond);
}

TEST(LaneLoop, RestsOneLaneWhileOthersAreStillPolled) {
  Counting resting, other;
  LaneEntry first, second;
  LaneLoop loop{{&entry_of(first, resting), &entry_of(second, other)}, {}};
  first.rest = 3600 * serried::second;
  unsigned work = 0;
  Nanos at = base::now();
  for (unsigned i = 0; i < 10; ++i) at = loop.round(at, work);
  EXPECT_EQ(resting.polls, 1U);
  EXPECT_EQ(other.polls, 10U);
  EXPECT_GT(first.due_at, at + 3'000 * serried::second);
  first.due_at = at;  // the hour is over
  loop.round(at, work);
  EXPECT_EQ(resting.polls, 2U);
}

TEST(LaneLoop, TimeGoesOnWhileAllRest) {
  Counting resting;
  LaneEntry entry;
  LaneLoop loop{{&entry_of(entry, resting)}, {}};
  entry.rest = millisecond;
  unsigned work = 0;
  const Nanos begun = base::now();
  Nanos at = begun;
  // Ends when time goes on: a thread that stood still may find that many rests are over at once.
  while (resting.polls < 3) at = loop.round(at, work);
  EXPECT_LE(resting.polls - 1, (at - begun) / millisecond + 1);
}

TEST(LaneLoop, CountsAllocationsOfTheLaneThatMakesThem) {
  if (!telemetry::allocations_counted()) GTEST_SKIP() << "a sanitizer owns malloc here";
  Counting clean, dirty;
  dirty.allocate = true;
  LaneEntry first, second;
  LaneLoop loop{{&entry_of(first, clean), &entry_of(second, dirty)}, {}};
  unsigned work = 0;
  loop.round(loop.round(base::now(), work), work);
  EXPECT_EQ(first.meter.allocations.value(), 0U);
  EXPECT_EQ(second.meter.allocations.value(), 2U);
}

/// Rounds in 40 ms of a lane that never has work, and what the loop measured of itself.
struct IdleRun {
  unsigned rounds;
  Nanos run_ns, awake_ns, cpu_ns;
};
IdleRun idle_run(IdlePolicy idle) {
  Counting lane;
  LaneEntry entry;
  LaneLoop loop{{&entry_of(entry, lane)}, idle};
  std::atomic<bool> stop{false};
  std::thread thread{[&] { loop.run(stop); }};
  std::this_thread::sleep_for(std::chrono::milliseconds{40});
  stop = true;
  thread.join();
  const CoreMeter& meter = loop.meter();
  EXPECT_GT(meter.run_ns.value(), 10 * millisecond);
  return {lane.polls, meter.run_ns.value(), meter.awake_ns.value(), meter.cpu_ns.value()};
}

TEST(LaneLoop, SleepsOnlyWhenToldTo) {
  IdlePolicy sleeping;
  sleeping.sleep = millisecond;
  const IdleRun slept = idle_run(sleeping);
  EXPECT_LE(slept.rounds, 16U + 45U);
  const IdleRun awake = idle_run({});
  EXPECT_GT(awake.rounds, 10 * slept.rounds);
  EXPECT_EQ(awake.awake_ns, awake.run_ns);
}

TEST(LaneLoop, CountsSleepApartFromCpuTime) {
  IdlePolicy sleeping;
  sleeping.sleep = millisecond;
  const IdleRun slept = idle_run(sleeping);
  EXPECT_GT(slept.awake_ns, 0U);
  EXPECT_LT(slept.awake_ns, slept.run_ns / 2);
  EXPECT_GT(slept.cpu_ns, 0U);
  EXPECT_LT(slept.cpu_ns, slept.run_ns / 2) << "a sleeping thread uses no CPU";
  const IdleRun awake = idle_run({});
  EXPECT_GT(awake.cpu_ns, slept.cpu_ns);
  EXPECT_LT(awake.cpu_ns, awake.run_ns + 5 * millisecond) << "a thread has one CPU at a time";
}

TEST(IdlePolicy, WhatTheUserSaidComesFirst) {
  EXPECT_EQ(idle_policy(false, 0, true).sleep, 0U);
  EXPECT_EQ(idle_policy(false, 0, false).sleep, 50 * microsecond);
  EXPECT_EQ(idle_policy(true, 0, false).sleep, 0U);
  EXPECT_EQ(idle_policy(true, 200, true).sleep, 200 * microsecond);
}

TEST(RestPolicy, AsAskedElseOnlyWhereTheCoreIsShared) {
  EXPECT_EQ(rest_policy(true, 7, true), 7 * microsecond);
  EXPECT_EQ(rest_policy(true, 0, false), 0U);
  EXPECT_EQ(rest_policy(false, 0, true), 0U);
  EXPECT_EQ(rest_policy(false, 0, false), 50 * microsecond);
}

}  // namespace
}  // namespace serried::server
