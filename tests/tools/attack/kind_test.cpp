#include "tools/attack/kind.h"

#include <gtest/gtest.h>

namespace serried {
namespace {

using tools::AttackKind;

TEST(AttackKinds, NamesAreReadBack) {
  for (std::size_t i = 0; i < tools::attack_kinds; ++i) {
    const auto kind = static_cast<AttackKind>(i);
    const auto parsed = tools::parse_kinds(tools::kind_name(kind));
    ASSERT_TRUE(parsed) << tools::kind_name(kind);
    EXPECT_EQ(parsed.value(), std::vector{kind});
  }
  EXPECT_EQ(tools::parse_kinds("replay,short").value(), (std::vector{AttackKind::replay, AttackKind::too_short}));
  EXPECT_EQ(tools::parse_kinds("mixed").value().size(), tools::attack_kinds);
}

TEST(AttackKinds, UnknownNamesAreErrorsThatListTheKnown) {
  for (const char* wrong : {"", "flood", "short,", ",short", "short,,long", "Short"}) {
    const auto parsed = tools::parse_kinds(wrong);
    ASSERT_FALSE(parsed) << wrong;
    EXPECT_NE(parsed.error().message.find("connect-cookie"), std::string::npos);
  }
}

TEST(AttackKinds, PortsTellTheKind) {
  for (std::size_t i = 0; i < tools::attack_kinds; ++i) {
    const auto kind = static_cast<AttackKind>(i);
    EXPECT_EQ(tools::kind_of_port(tools::first_port(kind)), kind);
    EXPECT_EQ(tools::kind_of_port(static_cast<std::uint16_t>(tools::first_port(kind) + tools::ports_of_kind - 1)),
              kind);
  }
  EXPECT_EQ(tools::kind_of_port(20'000), AttackKind::replay);
  EXPECT_EQ(tools::kind_of_port(65'535), AttackKind::replay);
}

TEST(AttackKinds, TallyAdds) {
  tools::AttackTally tally;
  tally.sent(AttackKind::connect, 1'200);
  tally.sent(AttackKind::connect, 1'200);
  tally.heard(AttackKind::connect, 77);
  const auto& connect = tally.of[tools::index_of(AttackKind::connect)];
  EXPECT_EQ(connect.datagrams, 2U);
  EXPECT_EQ(connect.bytes, 2'400U);
  EXPECT_EQ(connect.answers, 1U);
  EXPECT_EQ(connect.answer_bytes, 77U);
}

}  // namespace
}  // namespace serried
