#pragma once
/// EAL starts once a process, so the tests of this executable share one: small pages, no hardware, rights of a user. A
/// test that needs another one runs in a process of its own (in_fresh_process).

#include <cstdio>
#include <cstdlib>
#include <functional>

#include <gtest/gtest.h>

#include "port/eal.h"

namespace serried::port {

/// Ends EAL when all tests are through.
class SharedEal : public testing::Environment {
 public:
  void TearDown() override { stop_eal(); }
};
[[maybe_unused]] inline const auto* const shared_eal = testing::AddGlobalTestEnvironment(new SharedEal);

/// Starts it with the first call; false, and a failure, when it does not start.
inline bool shared_eal_runs() {
  static const bool started = [] {
    const auto done = start_eal({"--no-huge", "--no-pci", "-m", "256", "--no-shconf", "--no-telemetry", "--lcores", "0",
                                 "--log-level", "error", "--vdev", "net_null0,size=64"});
    EXPECT_TRUE(done) << (done ? "" : done.error().message);
    return static_cast<bool>(done);
  }();
  return started;
}

/// Run `body` where no EAL has run yet: in this executable, started again for this test alone. Its failures are this
/// test's, and so is its not coming back.
inline void in_fresh_process(const std::function<void()>& body) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        static_cast<void>(std::freopen("/dev/null", "w", stdout));  // EAL's page of options
        body();
        const testing::TestResult& result = *testing::UnitTest::GetInstance()->current_test_info()->result();
        for (int i = 0; i < result.total_part_count(); ++i)
          std::fprintf(stderr, "line %d: %s\n", result.GetTestPartResult(i).line_number(),
                       result.GetTestPartResult(i).message());
        std::_Exit(result.Failed() ? 1 : 0);
      },
      testing::ExitedWithCode(0), "");
}

}  // namespace serried::port
