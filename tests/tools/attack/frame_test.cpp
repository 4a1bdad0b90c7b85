#include "tools/attack/frame.h"

#include <gtest/gtest.h>

#include "frames.h"
#include "port/host.h"

namespace serried {
namespace {

using tools::AttackKind;

TEST(AttackFrame, ReadsSourceDestinationAndPayload) {
  for (const char* address : {"10.77.0.2", "2001:db8::2"}) {
    const auto from = port::parse_address(address).value();
    const wire::Path to = port::endpoint(address[0] == '1' ? port::ipv4_address(10, 77, 0, 1) : from, 40'000);
    const auto frame = make_frame(port::endpoint(from, 20'001), to, std::vector<std::uint8_t>{1, 2, 3});
    tools::FrameView view;
    ASSERT_TRUE(tools::read_frame(frame, view)) << address;
    EXPECT_EQ(view.from.address, from);
    EXPECT_EQ(view.from.port, 20'001);
    EXPECT_EQ(view.to.address, to.address);
    EXPECT_EQ(view.to.port, 40'000);
    EXPECT_EQ(std::vector(view.payload.begin(), view.payload.end()), (std::vector<std::uint8_t>{1, 2, 3}));
  }
}

TEST(AttackFrame, TruncatedFramesAreRefused) {
  const auto frame = make_frame(port::endpoint(port::ipv4_address(10, 0, 0, 2), 1),
                                port::endpoint(port::ipv4_address(10, 0, 0, 1), 2), std::vector<std::uint8_t>(20));
  tools::FrameView view;
  for (std::size_t bytes = 0; bytes < frame.size(); ++bytes)
    EXPECT_FALSE(tools::read_frame(std::span(frame).first(bytes), view)) << bytes;
  auto tcp = frame;
  tcp[14 + 9] = 6;
  EXPECT_FALSE(tools::read_frame(tcp, view));
  auto fragment = frame;
  fragment[14 + 6] = 0x20;
  EXPECT_FALSE(tools::read_frame(fragment, view));
  auto arp = frame;
  arp[13] = 0x06;
  EXPECT_FALSE(tools::read_frame(arp, view));
}

/// What the attacker sends of a kind that is no datagram, whole.
std::vector<std::uint8_t> compose(AttackKind kind, const wire::Path& from, const wire::Path& to) {
  std::vector<std::uint8_t> room(wire::headroom_bytes + 64, 0x77);
  tools::Shot shot{kind, 40, from};
  if (kind == AttackKind::neighbor)
    shot.bytes = static_cast<std::uint16_t>(tools::neighbor_message_bytes(from.address));
  std::uint8_t* const payload = room.data() + wire::headroom_bytes;
  const std::size_t headers = tools::compose_claimed(payload, shot, to, {{2, 0, 0, 0, 0, 1}, {2, 0, 0, 0, 0, 2}});
  return {payload - headers, payload + shot.bytes};
}

TEST(AttackFrame, AHostAnswersPingsAndQuestionsAndTheAnswersAreCounted) {
  port::HostConfig config;
  config.mac = {2, 0, 0, 0, 0, 2};
  config.has_ipv4 = config.has_ipv6 = true;
  config.ipv4 = port::parse_local_address("10.77.0.1/24").value();
  config.ipv6 = port::parse_local_address("2001:db8::1/64").value();
  port::Neighbors neighbors(16, 1);
  port::Host host(config, neighbors);
  for (const char* network : {"10.77.0.", "2001:db8::"}) {
    const auto at = [&](const char* last, std::uint16_t port) {
      return port::endpoint(port::parse_address(std::string(network) + last).value(), port);
    };
    const wire::Path us = at("1", 40'000);
    std::array<std::uint8_t, 256> room{};
    const auto answer_bytes = [&](std::span<const std::uint8_t> frame) {
      EXPECT_EQ(host.examine(frame, {}).kind, port::Host::Kind::service);
      const port::Host::Service service = host.serve(frame, {}, second, room);
      EXPECT_EQ(service.drop, metrics::Drop::none);
      return service.answer_bytes;
    };
    for (const AttackKind kind : {AttackKind::ping, AttackKind::neighbor}) {
      const auto frame = compose(kind, at("9", 50'000), us);
      const std::span<const std::uint8_t> said{room.data(), answer_bytes(frame)};
      tools::Answer read;
      ASSERT_TRUE(tools::read_answer(said, us, read)) << network << tools::kind_name(kind);
      EXPECT_EQ(read.kind, kind);
      EXPECT_LE(read.bytes, frame.size());
      EXPECT_FALSE(tools::read_answer(said, at("2", 40'000), read)) << "of another host";
    }
    EXPECT_EQ(answer_bytes(compose(AttackKind::neighbor, at("9", 50'001), us)), 0U) << "an answer has none";
  }
}

}  // namespace
}  // namespace serried
