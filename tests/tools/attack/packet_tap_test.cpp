#include "tools/attack/packet_tap.h"

#include <gtest/gtest.h>

#include "frames.h"
#include "listener.h"
#include "tools/attack/frame.h"

namespace serried {
namespace {

unsigned count_to(tools::PacketTap& tap, std::uint16_t port) {
  unsigned count = 0;
  for (auto frame = tap.next(); !frame.empty(); frame = tap.next()) {
    tools::FrameView view;
    count += tools::read_frame(frame, view) && view.to.port == port ? 1 : 0;
  }
  return count;
}

void send_many(const Listener& listener, int count) {
  tools::OwnedFile file(::socket(AF_INET, SOCK_DGRAM, 0));
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  to.sin_port = htons(listener.path().port);
  for (int i = 0; i < count; ++i) ::sendto(file.get(), "x", 1, 0, reinterpret_cast<const sockaddr*>(&to), sizeof to);
}

TEST(AttackPacketTap, CapturesAllOrSome) {
  Listener listener;
  auto all = tools::PacketTap::of_some("lo", 1);
  if (!all) GTEST_SKIP() << all.error().message;
  auto some = tools::PacketTap::of_some("lo", 8);
  ASSERT_TRUE(some);
  constexpr int sent = 800;
  send_many(listener, sent);
  EXPECT_EQ(count_to(all.value(), listener.path().port), 2U * sent) << "on loopback once out and once in";
  const unsigned heard = count_to(some.value(), listener.path().port);
  EXPECT_GT(heard, 2 * sent / 16);
  EXPECT_LT(heard, 2 * sent / 4);
}

TEST(AttackPacketTap, CapturesOneLinkAddress) {
  Listener listener;
  auto ours = tools::PacketTap::to("lo", wire::Mac{});
  if (!ours) GTEST_SKIP() << ours.error().message;
  auto others = tools::PacketTap::to("lo", {2, 0, 0, 0, 0, 1});
  ASSERT_TRUE(others);
  send_many(listener, 10);
  EXPECT_EQ(count_to(ours.value(), listener.path().port), 20U);
  EXPECT_EQ(count_to(others.value(), listener.path().port), 0U);
}

TEST(AttackPacketTap, AnInterfaceThatIsNoneIsAnError) {
  for (const char* name : {"", "none-of-that", "a-name-that-is-much-too-long"}) {
    const auto tap = tools::PacketTap::of_some(name, 1);
    EXPECT_FALSE(tap) << name;
  }
}

}  // namespace
}  // namespace serried
