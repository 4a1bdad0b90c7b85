#include "session/open.h"

#include <gtest/gtest.h>

#include "session/fixture.h"

namespace serried::session {
namespace {

using metrics::Drop;

/// Seal as the peer would: with the key that we receive under.
void seal_for(Table& table, wire::Batch& batch) {
  wire::compose(batch);
  for (unsigned i = 0; i < batch.live_rows; ++i) {
    const std::uint32_t slot = batch.session[batch.live[i]];
    table.outbound(slot).send_key = table.peer(slot).receive_key;
  }
  seal(batch, table);
}

TEST(Open, SealedDatagramsOfManySessionsOpen) {
  Table table{0, 64};
  Burst burst;
  for (std::uint8_t host = 1; host <= 40; ++host) {
    const std::uint32_t slot = open_session(table, host);
    const unsigned row = burst.add(table.admission(slot).connection_id, 5, guard::path_of(host, 1000), host * 20U);
    burst.batch.session[row] = slot;
    std::memset(burst.batch.data[row] + wire::header_bytes, host, host * 20U);
  }
  seal_for(table, burst.batch);
  guard::AbuseGuard abuse_guard{{}, 1};
  metrics::DropCounters drops;
  open(burst.batch, table, abuse_guard, drops, second);
  ASSERT_EQ(burst.batch.live_rows, 40U);
  for (unsigned row = 0; row < 40; ++row)
    for (std::size_t i = 0; i < (row + 1) * 20U; ++i) ASSERT_EQ(burst.batch.data[row][wire::header_bytes + i], row + 1);
}

TEST(Open, ForgedRowsAreDroppedAloneAndMoveNoWindow) {
  Table table{0, 64};
  Burst burst;
  for (std::uint8_t host = 1; host <= 10; ++host) {
    const std::uint32_t slot = open_session(table, host);
    burst.batch.session[burst.add(table.admission(slot).connection_id, 5, guard::path_of(host, 1000))] = slot;
  }
  seal_for(table, burst.batch);
  burst.batch.data[3][wire::header_bytes + 2] ^= 0x40;
  guard::AbuseGuard abuse_guard{{}, 1};
  metrics::DropCounters drops;
  open(burst.batch, table, abuse_guard, drops, second);
  EXPECT_EQ(burst.batch.live_rows, 9U);
  EXPECT_EQ(burst.batch.verdict[3], Drop::bad_tag);
  EXPECT_EQ(drops.value(Drop::bad_tag), 1U);
  EXPECT_EQ(table.admission(burst.batch.session[3]).replay.largest(), 0U);
  EXPECT_EQ(table.admission(burst.batch.session[4]).replay.largest(), 5U);
}

TEST(Open, ARepeatWithinOneBurstIsSeen) {
  Table table{0, 4};
  const std::uint32_t slot = open_session(table, 1);
  Burst burst;
  for (int copy = 0; copy < 3; ++copy)
    burst.batch.session[burst.add(table.admission(slot).connection_id, 9, guard::path_of(1, 1000))] = slot;
  for (unsigned row = 0; row < 3; ++row) std::memset(burst.batch.data[row] + wire::header_bytes, 1, 16);
  seal_for(table, burst.batch);
  guard::AbuseGuard abuse_guard{{}, 1};
  metrics::DropCounters drops;
  open(burst.batch, table, abuse_guard, drops, second);
  EXPECT_EQ(burst.batch.live_rows, 1U);
  EXPECT_EQ(drops.value(Drop::replay_seen), 2U);
}

TEST(Open, OfRecordedPeersARepeatIsTakenAndAForgeryIsNot) {
  Table table{0, 4};
  const std::uint32_t slot = open_session(table, 1);
  guard::AbuseGuard abuse_guard{{}, 1};
  metrics::DropCounters drops;
  for (int turn = 0; turn < 3; ++turn) {
    Burst burst;
    for (int copy = 0; copy < 3; ++copy)
      burst.batch.session[burst.add(table.admission(slot).connection_id, 9, guard::path_of(1, 1000))] = slot;
    for (unsigned row = 0; row < 3; ++row) std::memset(burst.batch.data[row] + wire::header_bytes, 1, 16);
    seal_for(table, burst.batch);
    burst.batch.data[2][wire::header_bytes] ^= 1;
    admit(burst.batch, table, {}, abuse_guard, drops, second);
    open<Peers::recorded>(burst.batch, table, abuse_guard, drops, second);
    EXPECT_EQ(burst.batch.live_rows, 2U);
    EXPECT_EQ(burst.batch.verdict[2], Drop::bad_tag);
  }
  EXPECT_EQ(drops.total(metrics::DropUnit::datagram), 3U);
}

TEST(Open, TheKeyPhaseSelectsTheKeyAndAPhaseWithoutKeyOpensNothing) {
  Table table{0, 4};
  const std::uint32_t slot = open_session(table, 1);
  std::array<std::uint8_t, 32> other{};
  other[5] = 9;
  const crypt::Secret keys[] = {table.peer(slot).receive_key, crypt::Secret{other}, crypt::Secret{}};
  struct Case {
    Rekey::Stage stage;
    std::uint8_t phase_flag;
    unsigned key;  ///< of those above, that the sender seals under
    Drop expected;
  };
  const Case cases[] = {{Rekey::Stage::idle, 0, 0, Drop::none},
                        {Rekey::Stage::idle, wire::flag::key_phase, 0, Drop::bad_tag},
                        {Rekey::Stage::idle, wire::flag::key_phase, 2, Drop::bad_tag},
                        {Rekey::Stage::switching, wire::flag::key_phase, 1, Drop::none},
                        {Rekey::Stage::switching, wire::flag::key_phase, 0, Drop::bad_tag},
                        {Rekey::Stage::switching, 0, 0, Drop::none},
                        {Rekey::Stage::retiring, wire::flag::key_phase, 1, Drop::none}};
  std::uint64_t sequence = 10;
  for (const Case& a_case : cases) {
    Rekey& rekey = table.cold(slot).rekey;
    rekey.stage = a_case.stage;
    rekey.other_receive_key = a_case.stage == Rekey::Stage::idle ? crypt::Secret{} : keys[1];
    Burst burst;
    const unsigned row = burst.add(table.admission(slot).connection_id, ++sequence, guard::path_of(1, 1000));
    burst.batch.session[row] = slot;
    burst.batch.flags[row] |= a_case.phase_flag;
    wire::compose(burst.batch);
    table.outbound(slot).send_key = keys[a_case.key];
    seal(burst.batch, table);
    guard::AbuseGuard abuse_guard{{}, 1};
    metrics::DropCounters drops;
    open(burst.batch, table, abuse_guard, drops, second);
    EXPECT_EQ(burst.batch.verdict[row], a_case.expected) << "sequence " << sequence;
  }
}

}  // namespace
}  // namespace serried::session
