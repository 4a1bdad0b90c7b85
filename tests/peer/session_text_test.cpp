#include <algorithm>
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
  for (unsigned i = 0; i <= static_cast<unsigned>(peer::End::no_acks); ++i)
    names.insert(peer::end_name(static_cast<peer::End>(i)));
  EXPECT_EQ(names.size(), 8U);
  names.clear();
  for (unsigned i = 0; i < peer::fault_count; ++i) names.insert(peer::fault_name(static_cast<peer::Fault>(i)));
  EXPECT_EQ(names.size(), peer::fault_count);
  EXPECT_EQ(names.count(""), 0U);
}

/// Whatever the detail means, the sentence says it in words.
TEST(SessionText, EveryFaultIsASentenceOfItsOwn) {
  std::set<std::string> texts;
  for (unsigned i = 0; i < peer::fault_count; ++i) {
    const auto fault = static_cast<peer::Fault>(i);
    const std::string text = peer::fault_text({0, 0, fault, 1});
    EXPECT_GE(std::count(text.begin(), text.end(), ' '), 3) << peer::fault_name(fault) << ": " << text;
    EXPECT_EQ(text.find("detail"), std::string::npos);
    EXPECT_TRUE(texts.insert(text).second) << text;
    EXPECT_EQ(peer::fault_text({0, 7, fault, 1}), "in datagram 7 " + text);
  }
  const auto text = [](peer::Fault fault, auto detail) {
    return peer::fault_text({0, 0, fault, static_cast<std::uint8_t>(detail)});
  };
  EXPECT_EQ(text(peer::Fault::ended, peer::End::silence), "nothing was heard from the server for too long");
  EXPECT_EQ(text(peer::Fault::bad_message, message::Type::entity_block), "the content of an EntityBlock is malformed");
  EXPECT_EQ(text(peer::Fault::unknown_message, 0x3F), "a message of type 0x3F is not known here");
  EXPECT_EQ(text(peer::Fault::bad_packed, 2), "a compressed datagram on channel 2 is damaged");
  EXPECT_EQ(text(peer::Fault::bad_rekey, 9), "keys of epoch 9 were asked for out of turn");
  texts.clear();
  for (unsigned i = static_cast<unsigned>(peer::End::denied); i <= static_cast<unsigned>(peer::End::no_acks); ++i)
    EXPECT_TRUE(texts.insert(text(peer::Fault::ended, i)).second) << i;
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
