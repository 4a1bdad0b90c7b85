/// What an io lane makes of its configuration.
#include "io/io_state.h"

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

TEST_F(IoStateTest, SpareBuffersHaveRoomForAllThatAreLent) {
  const IoState state = make(100);
  EXPECT_GE(state.spare.capacity(), link.empties.free() + link.filled.free() + 2 * state.config.spare_buffers);
}

}  // namespace
}  // namespace serried::io
