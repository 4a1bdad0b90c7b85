#include "tools/swarm/options.h"

#include <gtest/gtest.h>

namespace serried {
namespace {

using tools::CommandLine;

CommandLine parse(std::vector<std::string> words) {
  words.insert(words.begin(), "serried-swarm");
  std::vector<char*> argv;
  for (auto& word : words) argv.push_back(word.data());
  return tools::parse_command_line(static_cast<int>(argv.size()), argv.data(), false);
}

TEST(SwarmOptions, SocketsTakeNoEalOptions) {
  EXPECT_EQ(parse({"--no-pci", "--", "--server", "127.0.0.1:4000", "--token-key", "k"}).exit_code, 2);
  EXPECT_EQ(parse({"--", "--server", "127.0.0.1:4000", "--token-key", "k"}).exit_code, -1);
}

TEST(SwarmOptions, SplitsEalFromItsOwn) {
  const CommandLine line =
      parse({"--vdev", "net_memif0", "--no-pci", "--", "--bots", "100", "--server", "10.0.0.1:4000", "--token-key", "k",
             "--driver", "ethdev", "--address", "10.0.0.2/24", "--no-audit", "--draw", "0"});
  ASSERT_EQ(line.exit_code, -1);
  EXPECT_EQ(line.eal, (std::vector<std::string>{"serried-swarm", "--vdev", "net_memif0", "--no-pci"}));
  EXPECT_EQ(line.swarm.bots, 100U);
  EXPECT_EQ(line.swarm.server.port, 4000);
  EXPECT_TRUE(line.swarm.server.is_ipv4());
  EXPECT_EQ(line.swarm.driver, tools::Driver::ethdev);
  EXPECT_FALSE(line.swarm.audit);
  EXPECT_EQ(line.swarm.draw_every, 0U);
  EXPECT_EQ(line.swarm.status, tools::Status::line);
}

TEST(SwarmOptions, HasDefaultsAndKnowsIpv6) {
  const CommandLine line = parse({"--server", "[::1]:4000", "--token-key", "k"});
  ASSERT_EQ(line.exit_code, -1);
  EXPECT_TRUE(line.swarm.audit);
  EXPECT_EQ(line.swarm.rate_hz, 60.0);
  EXPECT_EQ(line.swarm.draw_every, 16U);
  EXPECT_EQ(line.swarm.far, view::FarMode::count);
  EXPECT_FALSE(line.swarm.server.is_ipv4());
  EXPECT_TRUE(line.swarm.record_file.empty());
  EXPECT_EQ(line.swarm.record_mib, 64U);
}

TEST(SwarmOptions, AFileForAMeasurementNeedsNoKeyOfAServer) {
  const CommandLine line = parse({"--server", "1.2.3.4:9", "--write-pcap", "f", "--inputs", "20", "--io-lanes", "2",
                                  "--bots", "3", "--seed", "5", "--server-mac", "02:00:00:00:00:09"});
  ASSERT_EQ(line.exit_code, -1);
  EXPECT_EQ(line.swarm.pcap_file, "f");
  EXPECT_EQ(line.swarm.recorded_inputs, 20U);
  EXPECT_EQ(line.swarm.io_lanes, 2U);
  EXPECT_EQ(line.swarm.server_mac[5], 9);
  const std::vector<std::string> good{"--server", "1.2.3.4:9", "--write-pcap", "f"};
  EXPECT_EQ(parse(good).exit_code, -1);
  for (const std::vector<std::string>& more :
       std::vector<std::vector<std::string>>{{"--token-key", "k"},
                                             {"--seed", "0"},
                                             {"--inputs", "2"},
                                             {"--bots", "32769", "--inputs", "3"},
                                             {"--server-mac", "02:00"}}) {
    std::vector<std::string> words = good;
    words.insert(words.end(), more.begin(), more.end());
    EXPECT_EQ(parse(words).exit_code, 2) << more.front();
  }
  // What one lane's buffers do not hold two may.
  EXPECT_EQ(parse({"--server", "1.2.3.4:9", "--write-pcap", "f", "--bots", "12000", "--inputs", "3"}).exit_code, 2);
  EXPECT_EQ(parse({"--server", "1.2.3.4:9", "--write-pcap", "f", "--bots", "12000", "--inputs", "3", "--io-lanes", "2"})
                .exit_code,
            -1);
}

TEST(SwarmOptions, FaultsEndWithTwo) {
  EXPECT_EQ(parse({"--server", "1.2.3.4:9"}).exit_code, 2);
  EXPECT_EQ(parse({}).exit_code, 2);
  EXPECT_EQ(parse({"--server", "nowhere", "--token-key", "k"}).exit_code, 2);
  EXPECT_EQ(parse({"--server", "1.2.3.4:99999", "--token-key", "k"}).exit_code, 2);
  EXPECT_EQ(parse({"--server", "1.2.3.4:9", "--token-key", "k", "--far", "much"}).exit_code, 2);
  EXPECT_EQ(parse({"--server", "1.2.3.4:9", "--token-key", "k", "--bots", "0"}).exit_code, 2);
  EXPECT_EQ(parse({"--server", "1.2.3.4:9", "--token-key", "k", "--record-mib", "0"}).exit_code, 2);
  EXPECT_EQ(parse({"--server", "1.2.3.4:9", "--token-key", "k", "--driver", "ethdev"}).exit_code, 2);
  EXPECT_EQ(parse({"--help"}).exit_code, 0);
}

}  // namespace
}  // namespace serried
