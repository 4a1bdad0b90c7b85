/// What an io lane makes of its configuration.
#include "io/io_state.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "io/fixture.h"

namespace serried::io {
namespace {

struct IoStateTest : testing::Test {
  SeededEntropy random{5};
  link::IoShardLink link{256, 256};
  link::HandshakeLink handshake{8, 64};

  IoState make(std::uint16_t input_rate_max_hz) {
    IoConfig config = {};
    config.sessions_max = 64;
    config.parameters.input_rate_max_hz = input_rate_max_hz;
    return IoState(config, {&link}, handshake, crypt::CookieJar{crypt::Secret{}}, random.entropy());
  }
};

TEST_F(IoStateTest, ASessionMaySendHalfAgainItsInputRate) {
  const IoState state = make(100);
  EXPECT_EQ(state.limits.interval_us, 6'666U);
  EXPECT_EQ(state.limits.burst_us, 64 * state.limits.interval_us);
  EXPECT_EQ(make(0).limits.interval_us, 0U) << "no limit";
}

TEST_F(IoStateTest, PublicNumbersComeFromAnotherRandomStream) {
  IoState state = make(100);
  std::array<std::uint64_t, 64> shown;
  for (auto& word : shown) word = state.public_rng.next();
  for (int i = 0; i < 64; ++i) EXPECT_EQ(std::count(shown.begin(), shown.end(), state.rng.next()), 0);
}

TEST_F(IoStateTest, SpareBuffersHaveRoomForAllThatAreLent) {
  const IoState state = make(100);
  EXPECT_GE(state.spare.capacity(), link.empties.free() + link.filled.free() + 2 * state.config.spare_buffers);
}

}  // namespace
}  // namespace serried::io
