#include <set>

#include <gtest/gtest.h>

#include "client/session.h"

namespace serried {
namespace {

TEST(SessionText, EveryStateEndAndFaultHasANameOfItsOwn) {
  std::set<std::string_view> names;
  for (unsigned i = 0; i <= static_cast<unsigned>(client::State::closed); ++i)
    names.insert(client::state_name(static_cast<client::State>(i)));
  EXPECT_EQ(names.size(), 8U);
  names.clear();
  for (unsigned i = 0; i <= static_cast<unsigned>(client::End::protocol_error); ++i)
    names.insert(client::end_name(static_cast<client::End>(i)));
  EXPECT_EQ(names.size(), 7U);
  names.clear();
  for (unsigned i = 0; i < client::fault_count; ++i) names.insert(client::fault_name(static_cast<client::Fault>(i)));
  EXPECT_EQ(names.size(), client::fault_count);
  EXPECT_EQ(names.count(""), 0U);
}

TEST(FaultLog, CountsAllAndKeepsTheLast) {
  client::FaultLog log;
  for (std::uint64_t i = 1; i <= 20; ++i) log.add({i, i, client::Fault::bad_message, 0});
  log.add({21, 21, client::Fault::bad_ack, 7});
  EXPECT_EQ(log.total(), 21U);
  EXPECT_EQ(log.count(client::Fault::bad_message), 20U);
  EXPECT_EQ(log.recent(0).detail, 7);
  for (std::size_t i = 0; i < client::FaultLog::capacity; ++i) EXPECT_EQ(log.recent(i).sequence, 21 - i);
}

}  // namespace
}  // namespace serried
