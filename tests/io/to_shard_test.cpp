/// Rows for the shard.
#include "io/fixture.h"
#include "message/control.h"
#include "message/input.h"

namespace serried::io {
namespace {

using metrics::Drop;

using ToShardTest = LaneTest;

TEST_F(ToShardTest, PlansAreReportedAckedOrLost) {
  Peer& peer = play(1);
  std::uint64_t acked = 0, lost = 0;
  const auto collect = [&] {
    link::InputRow row;
    while (link.inputs.pop(&row, 1) == 1) {
      for (unsigned bit = 0; bit < 32; ++bit) {
        if ((row.plan_acked_mask >> bit & 1) != 0) acked |= std::uint64_t{1} << (row.plan_acked - bit);
        if ((row.plan_lost_mask >> bit & 1) != 0) lost |= std::uint64_t{1} << (row.plan_lost - bit);
      }
    }
  };
  run(100 * millisecond);
  collect();
  acked = 0;
  for (std::uint16_t plan = 2; plan <= 40; ++plan) {
    server->set_outbound({.loss = plan % 5 == 0 ? 1.0 : 0.0});
    publish(peer, plan);
    run(5 * millisecond);
    collect();
  }
  server->set_outbound({});
  for (int i = 0; i < 4; ++i) {
    publish(peer, static_cast<std::uint16_t>(50 + i));
    run(40 * millisecond);
    collect();
  }
  for (std::uint16_t plan = 2; plan <= 40; ++plan) {
    EXPECT_EQ((acked >> plan & 1) != 0, plan % 5 != 0) << "plan " << plan;
    EXPECT_EQ((lost >> plan & 1) != 0, plan % 5 == 0) << "plan " << plan;
  }
}

TEST_F(ToShardTest, InputsForAFullShardRingAreDroppedAndCounted) {
  Peer& peer = play(1);
  for (int i = 0; i < 600; ++i) {
    message::Input input;
    peer.session.submit(input);
    run(15 * millisecond);
  }
  EXPECT_GT(lane.counters().drops.value(Drop::shard_ring_full), 0U);
  EXPECT_EQ(peer.session.state(), peer::State::playing);
  expect_balanced();
}

}  // namespace
}  // namespace serried::io
