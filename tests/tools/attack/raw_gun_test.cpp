#include "tools/attack/raw_gun.h"

#include <cstdlib>
#include <sched.h>
#include <thread>

#include <gtest/gtest.h>

#include "listener.h"

namespace serried {
namespace {

using tools::AttackKind;

/// A network of the test's own, whose loopback takes frames that no socket made. Loopback has the link address 0, and
/// hands to its own host whatever is sent on it. False: we may not make one.
template <class Story>
bool in_own_network(Story&& story) {
  bool made = false;
  std::thread([&] {
    made = ::unshare(CLONE_NEWNET) == 0 &&
           std::system("ip link set lo up && echo 1 >/proc/sys/net/ipv4/conf/all/route_localnet") == 0;
    if (made) story();
  }).join();
  return made;
}

TEST(AttackRawGun, SendsUnderAnyName) {
  const bool made = in_own_network([] {
    Listener listener;
    auto gun = tools::RawGun::open("lo", listener.path(), wire::Mac{});
    ASSERT_TRUE(gun) << gun.error().message;
    const tools::Shot shot{AttackKind::bad_crc, 100, port::endpoint(port::ipv4_address(127, 7, 7, 7), 12'345)};
    tools::AttackTally tally;
    std::fill_n(gun.value().room(0), 100, std::uint8_t{3});
    gun.value().fire(&shot, 1, tally);
    EXPECT_EQ(tally.of[tools::index_of(AttackKind::bad_crc)].bytes, 100U);
    const auto heard = listener.next();
    ASSERT_EQ(heard.bytes, 100) << "a wrong checksum would keep it from us";
    EXPECT_EQ(heard.from.sin_addr.s_addr, htonl(0x7F070707));
    EXPECT_EQ(ntohs(heard.from.sin_port), 12'345);
  });
  if (!made) GTEST_SKIP() << "a network namespace needs root";
}

TEST(AttackRawGun, CountsAnswersByTheirPort) {
  const bool made = in_own_network([] {
    Listener listener;
    auto gun = tools::RawGun::open("lo", listener.path(), wire::Mac{});
    ASSERT_TRUE(gun) << gun.error().message;
    const tools::Shot shot{AttackKind::connect, 1'200,
                           port::endpoint(port::ipv4_address(127, 7, 7, 7), tools::first_port(AttackKind::connect))};
    tools::AttackTally tally;
    gun.value().fire(&shot, 1, tally);
    const auto heard = listener.next();
    ASSERT_EQ(heard.bytes, 1'200);
    listener.answer(heard, 66);
    const auto& connect = tally.of[tools::index_of(AttackKind::connect)];
    for (int i = 0; i < 100 && connect.answers == 0; ++i) {
      ::poll(nullptr, 0, 10);
      gun.value().hear(tally);
    }
    // Each frame passes the tap of loopback twice: on its way out, and in.
    EXPECT_EQ(connect.answer_bytes, connect.answers * 66);
    EXPECT_GE(connect.answers, 1U);
  });
  if (!made) GTEST_SKIP() << "a network namespace needs root";
}

TEST(AttackRawGun, AnUnknownNeighborIsAnError) {
  const auto mac = tools::neighbor_mac(port::ipv4_address(203, 0, 113, 9), "lo");
  ASSERT_FALSE(mac);
  EXPECT_NE(mac.error().message.find("--server-mac"), std::string::npos);
}

}  // namespace
}  // namespace serried
