#include <gtest/gtest.h>

#include "server/engine_on.h"

namespace serried::server {
namespace {

config::ServerConfig loopback() {
  config::ServerConfig config;
  config.driver = config::Driver::socket;
  config.addresses = {"127.0.0.1/8"};
  config.udp_port = 0;
  return config;
}

/// The UDP port that some ports are on.
std::uint16_t port_of(const SocketPorts& ports) { return ports.lane(0).local().port; }

TEST(SocketPorts, SayWhereTheyAreAndWhatTheyGot) {
  const auto ports = SocketPorts::open(loopback(), 1);
  ASSERT_TRUE(static_cast<bool>(ports)) << ports.error().message;
  EXPECT_EQ(ports.value().endpoints(), "127.0.0.1:" + std::to_string(port_of(ports.value())));
  ASSERT_EQ(ports.value().notes().size(), 1U);
  EXPECT_NE(ports.value().notes()[0].find("receive buffer"), std::string::npos);
}

TEST(SocketPorts, SeveralLanesShareOneUdpPort) {
  const auto first = SocketPorts::open(loopback(), 1);
  ASSERT_TRUE(static_cast<bool>(first));
  config::ServerConfig config = loopback();
  {
    // A port that is free now: the first one's, plus some.
    config.udp_port = static_cast<std::uint16_t>(port_of(first.value()) < 60'000 ? port_of(first.value()) + 1'000
                                                                                 : port_of(first.value()) - 1'000);
  }
  config.io_lanes = 2;
  const auto ports = SocketPorts::open(config, 1);
  ASSERT_TRUE(static_cast<bool>(ports)) << ports.error().message;
  EXPECT_EQ(ports.value().lane(0).local().port, ports.value().lane(1).local().port);
  ASSERT_EQ(ports.value().notes().size(), 2U);
  EXPECT_NE(ports.value().notes()[1].find("the kernel steers"), std::string::npos) << ports.value().notes()[1];
}

TEST(SocketPorts, SteeringCanBeLeftToTheLanes) {
  config::ServerConfig config = loopback();
  config.io_lanes = 2;
  config.steering = false;
  const auto ports = SocketPorts::open(config, 1);
  ASSERT_TRUE(static_cast<bool>(ports)) << ports.error().message;
  EXPECT_NE(ports.value().notes()[1].find("not steered"), std::string::npos) << ports.value().notes()[1];
}

TEST(SocketPorts, APortThatIsTakenIsASentence) {
  const auto first = SocketPorts::open(loopback(), 1);
  ASSERT_TRUE(static_cast<bool>(first));
  config::ServerConfig config = loopback();
  config.udp_port = port_of(first.value());
  const auto second = SocketPorts::open(config, 1);
  ASSERT_FALSE(static_cast<bool>(second));
  EXPECT_NE(second.error().message.find(std::to_string(config.udp_port)), std::string::npos) << second.error().message;
}

TEST(DevicePorts, WithoutADeviceIsASentence) {
  config::ServerConfig config;
  config.addresses = {"10.0.0.1"};
  config.port = "no_such_device";
  const auto ports = DevicePorts::open(config, 1);
  ASSERT_FALSE(static_cast<bool>(ports));
  EXPECT_NE(ports.error().message.find("no_such_device"), std::string::npos) << ports.error().message;
}

}  // namespace
}  // namespace serried::server
