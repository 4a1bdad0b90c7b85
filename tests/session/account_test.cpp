#include "session/account.h"

#include <gtest/gtest.h>

#include "session/fixture.h"

namespace serried::session {
namespace {

TEST(Account, SequencesRiseFromOneAndSkipNowAndThen) {
  Table table{0, 4};
  const std::uint32_t slot = open_session(table, 1);
  std::uint64_t previous = 0, skipped = 0, sent = 0;
  for (std::uint64_t round = 0; round < 400; ++round) {
    Burst burst;
    Freight freight{};
    for (int i = 0; i < 8; ++i) {
      const unsigned row = burst.add(0, 0, path_of(1, 1000));
      burst.batch.session[row] = slot;
      burst.batch.flags[row] = wire::flag::acknowledgment;
    }
    account(burst.batch, table, freight, round * 977, 0);
    for (unsigned row = 0; row < 8; ++row) {
      const std::uint64_t sequence = burst.batch.sequence[row];
      ASSERT_GT(sequence, previous);
      ASSERT_LE(sequence, previous + 2);
      skipped += sequence - previous - 1;
      previous = sequence;
      ++sent;
      EXPECT_EQ(burst.batch.connection_id[row], table.admission(slot).connection_id);
      EXPECT_EQ(burst.batch.flags[row], wire::flag::acknowledgment | wire::flag::sealed);
    }
  }
  EXPECT_GT(skipped, 0U) << "no trap was ever set";
  EXPECT_LT(skipped, sent / 50);
}

TEST(Account, RemembersTheFreightForTheAck) {
  Table table{0, 4};
  const std::uint32_t slot = open_session(table, 1);
  Burst burst;
  Freight freight{};
  const unsigned row = burst.add(0, 0, path_of(1, 1000));
  burst.batch.session[row] = slot;
  freight.plan[row] = 77;
  freight.wants_ack[row] = true;
  account(burst.batch, table, freight, 1, 0);
  std::array<channel::SentDatagrams::Outcome, channel::SentDatagrams::capacity> outcomes{};
  unsigned count = 0;
  ASSERT_EQ(table.outbound(slot).sent.acknowledge({burst.batch.sequence[row], 0, 0}, 0, 0, outcomes.data(), count),
            channel::SentDatagrams::Verdict::ok);
  ASSERT_EQ(count, 1U);
  EXPECT_EQ(outcomes[0].tag, 77);
}

}  // namespace
}  // namespace serried::session
