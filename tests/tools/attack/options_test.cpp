#include "tools/attack/options.h"

#include <gtest/gtest.h>

namespace serried {
namespace {

using tools::AttackKind;

tools::AttackCommandLine parse(std::vector<std::string> words) {
  words.insert(words.begin(), "serried-attack");
  std::vector<char*> argv;
  for (auto& word : words) argv.push_back(word.data());
  return tools::parse_attack_line(static_cast<int>(argv.size()), argv.data());
}

TEST(AttackOptions, ReadsWhatItIsGiven) {
  const auto line = parse({"--server",       "10.77.0.1:40000",
                           "--interface",    "veth0",
                           "--server-mac",   "02:00:00:00:00:01",
                           "--source",       "10.78.0.0/16",
                           "--kinds",        "replay,connect",
                           "--sniff",        "veth1",
                           "--rate",         "1e5",
                           "--seconds",      "2.5",
                           "--protocol-id",  "0x10",
                           "--json-summary", "out.json",
                           "--quiet"});
  ASSERT_EQ(line.exit_code, -1);
  EXPECT_EQ(line.options.server.port, 40'000);
  EXPECT_EQ(line.options.interface, "veth0");
  EXPECT_EQ(line.options.server_mac[5], 1);
  EXPECT_TRUE(line.options.has_source);
  EXPECT_EQ(line.options.source.prefix_bits, 16U);
  EXPECT_EQ(line.options.kinds, (std::vector{AttackKind::replay, AttackKind::connect}));
  EXPECT_EQ(line.options.rate, 100'000);
  EXPECT_EQ(line.options.seconds, 2.5);
  EXPECT_EQ(line.options.protocol_id, 16U);
  EXPECT_TRUE(line.options.quiet);
}

TEST(AttackOptions, MixedWithoutAnythingOverheardLeavesOutWhatNeedsIt) {
  EXPECT_EQ(parse({"--server", "127.0.0.1:4000"}).options.kinds.size(), tools::attack_kinds - 5);
  EXPECT_EQ(parse({"--server", "127.0.0.1:4000", "--replay", "x.pcap"}).options.kinds.size(), tools::attack_kinds - 2);
  EXPECT_EQ(parse({"--server", "127.0.0.1:4000", "--interface", "veth0"}).options.kinds.size(),
            tools::attack_kinds - 3);
  EXPECT_EQ(parse({"--server", "127.0.0.1:4000", "--kinds", "spoofed"}).exit_code, 2);
  EXPECT_EQ(parse({"--server", "127.0.0.1:4000", "--kinds", "ping"}).exit_code, 2) << "no socket sends it";
  EXPECT_EQ(parse({"--server", "127.0.0.1:4000", "--interface", "veth0", "--kinds", "ping,neighbor"}).exit_code, -1);
}

TEST(AttackOptions, RefusesTheInternet) {
  EXPECT_EQ(parse({"--server", "1.1.1.1:4000"}).exit_code, 2);
  EXPECT_EQ(parse({"--server", "[2600::1]:4000"}).exit_code, 2);
  EXPECT_EQ(parse({"--server", "10.0.0.1:4000", "--source", "8.8.8.0/24"}).exit_code, 2);
  EXPECT_EQ(parse({"--server", "10.0.0.1:4000", "--source", "10.0.0.0/4"}).exit_code, 2);
  EXPECT_EQ(parse({"--server", "1.1.1.1:4000", "--i-own-this-network"}).exit_code, -1);
  EXPECT_EQ(parse({"--server", "10.0.0.1:4000", "--source", "8.8.8.0/24", "--i-own-this-network"}).exit_code, -1);
  EXPECT_EQ(parse({"--server", "[fd00::1]:4000"}).exit_code, -1);
}

TEST(AttackOptions, OnTheWireItHasOptionsOfTheEalAndOverhearsAll) {
  const auto line = parse({"--vdev=net_memif0", "-m", "64", "--", "--server", "10.0.0.1:4000", "--bridge", "--wait"});
  ASSERT_EQ(line.exit_code, -1);
  EXPECT_EQ(line.eal, (std::vector<std::string>{"--vdev=net_memif0", "-m", "64"}));
  EXPECT_TRUE(line.options.bridge);
  EXPECT_TRUE(line.options.wait);
  EXPECT_EQ(line.options.kinds.size(), tools::attack_kinds);
}

TEST(AttackOptions, FaultsEndWithTwo) {
  const std::vector<std::vector<std::string>> wrong = {
      {},
      {"--server", "nowhere"},
      {"--server", "10.0.0.1"},
      {"--server", "10.0.0.1:0"},
      {"--server", "10.0.0.1:65536"},
      {"--server", "10.0.0.1:4000", "--kinds", "flood"},
      {"--server", "10.0.0.1:4000", "--rate", "-1"},
      {"--server", "10.0.0.1:4000", "--source", "2001:db8::/32"},
      {"--server", "10.0.0.1:4000", "--server-mac", "02:00:00:00:00:01"},
      {"--server", "10.0.0.1:4000", "--interface", "veth0", "--server-mac", "no"},
      {"--server", "10.0.0.1:4000", "--sniff", "lo"},
      {"--server", "10.0.0.1:4000", "--wait"},
      {"-m", "64", "--", "--server", "10.0.0.1:4000"},
      {"--server", "10.0.0.1:4000", "--bridge", "--interface", "veth0"},
      {"--server", "10.0.0.1:4000", "--bridge", "--sniff", "veth0"},
      {"--server", "10.0.0.1:4000", "--protocol-id", "x"},
  };
  for (const auto& words : wrong) EXPECT_EQ(parse(words).exit_code, 2) << testing::PrintToString(words);
  EXPECT_EQ(parse({"--help"}).exit_code, 0);
}

}  // namespace
}  // namespace serried
