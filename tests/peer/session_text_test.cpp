#include <set>

#include <gtest/gtest.h>

#include "peer/session.h"

namespace serried {
namespace {

TEST(SessionText, EveryStateEndAndFaultHasANameOfItsOwn) {
  std::set<std::string_view> names;
  for (unsigned i = 0; i <= static_cast<unsigned>(peer::State::closed); ++i)
    names.insert(peer::state_name(static_cast<peer::State>(i)));
  EXPECT_EQ(names.size(), 8U);
  names.clear();
  for (unsigned i = 0; i <= static_cast<unsigned>(peer::End::protocol_error); ++i)
    names.insert(peer::end_name(static_cast<peer::End>(i)));
  EXPECT_EQ(names.size(), 7U);
  names.clear();
  for (unsigned i = 0; i < peer::fault_count; ++i) names.insert(peer::fault_name(static_cast<peer::Fault>(i)));
  EXPECT_EQ(names.size(), peer::fault_count);
  EXPECT_EQ(names.count(""), 0U);
}

TEST(FaultLog, CountsAllAndKeepsTheLast) {
  peer::FaultLog log;
  for (std::uint64_t i = 1; i <= 20; ++i) log.add({i, i, peer::Fault::bad_message, 0});
  log.add({21, 21, peer::Fault::bad_ack, 7});
  EXPECT_EQ(log.total(), 21U);
  EXPECT_EQ(log.count(peer::Fault::bad_message), 20U);
  EXPECT_EQ(log.recent(0).detail, 7);
  for (std::size_t i = 0; i < peer::FaultLog::capacity; ++i) EXPECT_EQ(log.recent(i).sequence, 21 - i);
}

}  // namespace
}  // namespace serried
