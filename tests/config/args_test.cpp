#include "config/args.h"

#include <algorithm>

#include <gtest/gtest.h>

namespace serried::config {
namespace {

using Texts = std::vector<std::string>;

Arguments split(std::vector<const char*> argv) {
  argv.insert(argv.begin(), "serried-server");
  return split_arguments(argv);
}

TEST(SplitArguments, DividesAtTheFirstDoubleDash) {
  const auto arguments = split({"-l", "0-3", "--vdev=net_null0", "--", "--udp-port", "4000", "--", "tail"});
  EXPECT_EQ(arguments.program, "serried-server");
  EXPECT_EQ(arguments.eal, (Texts{"-l", "0-3", "--vdev=net_null0"}));
  EXPECT_EQ(arguments.own, (Texts{"--udp-port", "4000", "--", "tail"}));
}

TEST(SplitArguments, WithoutDoubleDashEverythingIsOurs) {
  const auto arguments = split({"--help"});
  EXPECT_TRUE(arguments.eal.empty());
  EXPECT_EQ(arguments.own, (Texts{"--help"}));
}

TEST(SplitArguments, TakesAnEmptyEalPart) {
  const auto arguments = split({"--", "--seconds", "3"});
  EXPECT_TRUE(arguments.eal.empty());
  EXPECT_EQ(arguments.own, (Texts{"--seconds", "3"}));
}

TEST(SplitArguments, SurvivesAnEmptyVector) { EXPECT_EQ(split_arguments({}).program, "serried-server"); }

TEST(AddXdpProgram, OnlyWhereNoneIsNamed) {
  Texts eal{"--vdev=net_af_xdp0,iface=eth1", "--vdev", "net_af_xdp1,iface=eth2,xdp_prog=own.o", "--vdev=net_null0"};
  add_xdp_program(eal, "ours.o");
  EXPECT_EQ(eal, (Texts{"--vdev=net_af_xdp0,iface=eth1,xdp_prog=ours.o", "--vdev",
                        "net_af_xdp1,iface=eth2,xdp_prog=own.o", "--vdev=net_null0"}));
}

TEST(AddMemory, HugepagesWhileThereAreEnough) {
  constexpr std::uint64_t needed = 100U << 20, small = 200U << 20;
  Texts eal{"--no-pci"};
  add_memory(eal, needed, small, needed);
  EXPECT_EQ(eal, (Texts{"--no-pci", "--in-memory"}));
  eal = {"--no-pci"};
  add_memory(eal, needed, small, needed - 1);
  EXPECT_EQ(eal, (Texts{"--no-pci", "--no-huge", "-m", "201"}));
}

TEST(AddMemory, WhatTheArgumentsSayStands) {
  for (const char* const said : {"--no-huge", "--in-memory", "--huge-dir=/h"}) {
    Texts eal{said};
    add_memory(eal, 1, 1, 0);
    EXPECT_EQ(eal, Texts{said});
  }
  Texts eal{"-m", "64"};
  add_memory(eal, 2, 2, 1);
  EXPECT_EQ(eal, (Texts{"-m", "64", "--no-huge"}));
}

TEST(EalArguments, SocketsNeedNoOptions) {
  ServerConfig config;
  config.driver = Driver::socket;
  const auto eal = eal_arguments(split({"--", "--driver", "socket"}), config, 77);
  for (const char* wanted : {"--no-huge", "--no-pci", "--no-telemetry", "serried-77"})
    EXPECT_NE(std::find(eal.begin(), eal.end(), wanted), eal.end()) << wanted;
}

TEST(EalArguments, TheUsersOptionsForSocketsAreKeptAsTheyAre) {
  ServerConfig config;
  config.driver = Driver::socket;
  const auto eal = eal_arguments(split({"-l", "1", "--file-prefix=mine", "--"}), config, 77);
  EXPECT_EQ(eal, (Texts{"-l", "1", "--file-prefix=mine"}));
}

TEST(EalArguments, AddsAFilePrefixOnlyWhereThereIsNone) {
  ServerConfig config;
  config.udp_port = 4711;
  EXPECT_EQ(eal_arguments(split({"-l", "1", "--"}), config, 77), (Texts{"-l", "1", "--file-prefix", "serried-4711"}));
  EXPECT_EQ(eal_arguments(split({"--file-prefix", "a", "--"}), config, 77), (Texts{"--file-prefix", "a"}));
}

}  // namespace
}  // namespace serried::config
