#include "session/measurement.h"

#include <set>

#include <gtest/gtest.h>

#include "session/id.h"
#include "session/table.h"

namespace serried::session {
namespace {

TEST(Measurement, OneSeedMakesTheSameSecretsTwiceAndAnotherOthers) {
  const Measurement one{{.seed = 7, .players = 10, .lanes = 2}}, again{{.seed = 7, .players = 10, .lanes = 2}},
      other{{.seed = 8, .players = 10, .lanes = 2}};
  EXPECT_EQ(one.token_key().protocol_id, again.token_key().protocol_id);
  EXPECT_EQ(one.token_key().secret, again.token_key().secret);
  EXPECT_NE(one.token_key().protocol_id, other.token_key().protocol_id);
  EXPECT_FALSE(one.token_key().secret == other.token_key().secret);
  for (std::uint32_t number = 0; number < 10; ++number) {
    const auto first = one.player(number), second = again.player(number), third = other.player(number);
    EXPECT_EQ(first.connection_id, second.connection_id);
    EXPECT_EQ(first.keys.client_to_server, second.keys.client_to_server);
    EXPECT_EQ(first.keys.server_to_client, second.keys.server_to_client);
    EXPECT_EQ(first.path, second.path);
    EXPECT_FALSE(first.keys.client_to_server == third.keys.client_to_server);
    EXPECT_FALSE(first.keys.server_to_client == third.keys.server_to_client);
  }
}

TEST(Measurement, NoKeyIsGivenTwice) {
  const Measurement measurement{{.seed = 1, .players = 50}};
  std::set<std::vector<std::uint8_t>> keys;
  const auto add = [&](const crypt::Secret& key) {
    return keys.insert({key.bytes().begin(), key.bytes().end()}).second;
  };
  EXPECT_TRUE(add(measurement.token_key().secret));
  for (std::uint32_t number = 0; number < 50; ++number) {
    const crypt::SessionKeys own = measurement.player(number).keys;
    for (const crypt::Secret* key : {&own.client_to_server, &own.server_to_client, &own.next, &own.exporter})
      EXPECT_TRUE(add(*key)) << number;
  }
}

/// What a table makes of a player's random number is the id that the file of the swarm holds.
TEST(Measurement, DealsPlayersToLanesAndTheirTablesMakeTheSameIds) {
  constexpr unsigned lanes = 3;
  const Measurement measurement{{.seed = 99, .players = 20, .lanes = lanes}};
  std::vector<Table> tables;
  for (unsigned lane = 0; lane < lanes; ++lane) tables.emplace_back(lane, 8);
  for (std::uint32_t number = 0; number < 20; ++number) {
    const auto player = measurement.player(number);
    EXPECT_EQ(player.id, number + 1);
    EXPECT_EQ(player.lane, number % lanes);
    Table& table = tables[player.lane];
    EXPECT_EQ(table.allocate(player.random, 0), player.slot);
    EXPECT_EQ(table.admission(player.slot).connection_id, player.connection_id);
    EXPECT_EQ(lane_of(player.connection_id), player.lane);
  }
}

TEST(Measurement, AddressesAreOfTheNetworksForMeasuring) {
  const Measurement v4{{.seed = 1, .players = Measurement::players_max}};
  EXPECT_EQ(v4.player(0).path.address, wire::mapped({198, 18, 0, 1}));
  EXPECT_EQ(v4.player(254).path.address, wire::mapped({198, 18, 0, 255}));
  EXPECT_EQ(v4.player(65'535).path.address, wire::mapped({198, 19, 0, 0}));
  EXPECT_EQ(v4.player(Measurement::players_max - 1).path.address, wire::mapped({198, 19, 255, 254}));
  const Measurement v6{{.seed = 1, .players = 70'000, .ipv6 = true}};
  EXPECT_EQ(v6.player(0).path.address, (wire::IpAddress{0x20, 1, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}));
  EXPECT_EQ(v6.player(65'535).path.address, (wire::IpAddress{0x20, 1, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0}));
  EXPECT_EQ(v6.player(0).path.port, Measurement::client_port);
  EXPECT_EQ(v6.player(0).path.link, Measurement::client_mac);
}

}  // namespace
}  // namespace serried::session
