#include "tools/attack/udp_gun.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <gtest/gtest.h>

#include "listener.h"

namespace serried {
namespace {

using tools::AttackKind;

TEST(AttackUdpGun, SendsFromItsNetworkAndCountsAnswersByKind) {
  Listener listener;
  const auto sources = port::parse_local_address("127.1.0.0/16").value();
  auto gun = tools::UdpGun::open(listener.path(), {AttackKind::garbage, AttackKind::connect}, &sources, 5);
  ASSERT_TRUE(gun) << gun.error().message;
  tools::AttackTally tally;
  const tools::Shot shots[] = {{AttackKind::garbage, 30, {}}, {AttackKind::connect, 1'200, {}}};
  gun.value().fire(shots, 2, tally);
  EXPECT_EQ(tally.refused, 0U);
  for (int i = 0; i < 2; ++i) {
    const auto heard = listener.next();
    ASSERT_GT(heard.bytes, 0);
    EXPECT_EQ(heard.from.sin_addr.s_addr & htonl(0xFFFF0000), htonl(0x7F010000));
    if (heard.bytes == 1'200) listener.answer(heard, 77);
  }
  for (int i = 0; i < 100 && tally.of[tools::index_of(AttackKind::connect)].answers == 0; ++i) {
    ::poll(nullptr, 0, 10);
    gun.value().hear(tally);
  }
  EXPECT_EQ(tally.of[tools::index_of(AttackKind::connect)].answer_bytes, 77U);
  EXPECT_EQ(tally.of[tools::index_of(AttackKind::garbage)].answers, 0U);
  EXPECT_EQ(tally.of[tools::index_of(AttackKind::garbage)].bytes, 30U);
}

TEST(AttackUdpGun, ANetworkThatIsNotOursIsAnError) {
  Listener listener;
  const auto sources = port::parse_local_address("198.18.0.0/15").value();
  const auto gun = tools::UdpGun::open(listener.path(), {AttackKind::garbage}, &sources, 5);
  ASSERT_FALSE(gun);
  EXPECT_NE(gun.error().message.find("--source"), std::string::npos);
}

}  // namespace
}  // namespace serried
