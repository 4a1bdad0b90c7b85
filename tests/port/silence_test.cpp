#include "port/silence.h"

#include <gtest/gtest.h>

namespace serried::port {
namespace {

/// What comes, and what goes, each second.
struct Flow {
  SilenceWatch watch;
  std::uint64_t received = 100, sent = 100;
  Nanos now = 1'000 * second;

  void pass(unsigned seconds, std::uint64_t in, std::uint64_t out) {
    for (unsigned i = 0; i < seconds; ++i) {
      now += second;
      received += in;
      sent += out;
      watch.note(received, sent, now);
    }
  }
};

TEST(SilenceWatch, OfWhatIsAnsweredNothingIsSaid) {
  Flow flow;
  flow.pass(60, 5, 500);
  EXPECT_FALSE(flow.watch.silent());
}

TEST(SilenceWatch, OfADeviceThatHasNothingToDoNothingIsSaid) {
  Flow flow;
  flow.pass(600, 0, 0);
  EXPECT_FALSE(flow.watch.silent());
  // A client connects after all that time.
  flow.pass(1, 3, 3);
  EXPECT_FALSE(flow.watch.silent());
}

TEST(SilenceWatch, FramesThatAreNeverAnsweredAreSaid) {
  Flow flow;
  flow.pass(5, 5, 500);
  flow.pass(9, 0, 500);
  EXPECT_FALSE(flow.watch.silent());
  flow.pass(1, 0, 500);
  EXPECT_TRUE(flow.watch.silent());
  flow.pass(60, 0, 1);
  EXPECT_TRUE(flow.watch.silent());
  flow.pass(1, 1, 1);
  EXPECT_FALSE(flow.watch.silent());
}

TEST(SilenceWatch, FewFramesSayNothing) {
  Flow flow;
  flow.pass(1, 1, 1);
  flow.pass(1, 0, SilenceWatch::frames_min - 1);
  flow.pass(60, 0, 0);
  EXPECT_FALSE(flow.watch.silent());
  flow.pass(1, 0, 1);
  EXPECT_TRUE(flow.watch.silent());
}

TEST(SilenceWatch, ADriverThatCountsAnewIsNotSilent) {
  Flow flow;
  flow.pass(5, 5, 500);
  flow.sent = 0;
  flow.pass(9, 0, 1);
  EXPECT_FALSE(flow.watch.silent());
}

}  // namespace
}  // namespace serried::port
