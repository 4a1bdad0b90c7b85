#include "server/placement_file.h"

#include <filesystem>
#include <fstream>
#include <unistd.h>

#include <gtest/gtest.h>

namespace serried::server {
namespace {

struct Read {
  std::vector<ToldLane> told;
  std::string faults;  ///< a line each
  unsigned shards = 0;
};

Read read(const std::string& text, unsigned io_lanes = 1, unsigned shards = 0) {
  config::ServerConfig config;
  config.placement = "lanes.toml";
  config.io_lanes = io_lanes;
  config.shards = shards;
  std::vector<config::Fault> faults;
  Read read{read_placement(text, config, faults), {}, config.shards};
  for (const config::Fault& fault : faults) read.faults += fault.where + " " + fault.text + "\n";
  return read;
}

TEST(PlacementFile, NamesTheCpuOfEachLane) {
  const Read two = read("io0 = 4\nio1 = 5\nshard0 = 6\nshard1 = 7\nhandshake = 5\n", 2);
  EXPECT_EQ(two.faults, "");
  EXPECT_EQ(two.shards, 2U) << "as many as it names";
  ASSERT_EQ(two.told.size(), 5U);
  for (const ToldLane& lane : two.told)
    EXPECT_EQ(lane.cpu, lane.lane.kind == LaneKind::handshake ? 5U
                        : lane.lane.kind == LaneKind::io      ? 4U + lane.lane.index
                                                              : 6U + lane.lane.index);
}

TEST(PlacementFile, ALaneThatIsLeftOutIsNamed) {
  EXPECT_EQ(read("io0 = 0\nshard1 = 1\nhandshake = 0\n", 2).faults,
            "--placement lanes.toml leaves out io1, shard0; give each lane its CPU\n");
  EXPECT_EQ(read("").faults, "--placement lanes.toml leaves out io0, shard0, handshake; give each lane its CPU\n");
}

TEST(PlacementFile, ALaneThatIsNotThereIsNamed) {
  EXPECT_EQ(read("io0 = 0\nio1 = 1\nshard0 = 2\nshard1 = 3\nhandshake = 0\n", 1, 1).faults,
            "--placement lanes.toml:2: io1 is not there; there are 1 io lane (--io-lanes)\n"
            "--placement lanes.toml:4: shard1 is not there; there are 1 shard lane (--shards)\n");
  for (const char* name : {"io", "io01", "ioX", "shard16", "shard-1", "shard", "main", "Handshake"})
    EXPECT_NE(read("io0 = 0\nshard0 = 0\nhandshake = 0\n" + std::string{name} + " = 1\n").faults.find("is no lane"),
              std::string::npos)
        << name;
}

TEST(PlacementFile, ALaneTwiceIsASentence) {
  const std::string faults = read("io0 = 0\nshard0 = 1\nhandshake = 0\nio0 = 1\n").faults;
  EXPECT_NE(faults.find("lanes.toml:4"), std::string::npos) << faults;
  EXPECT_NE(faults.find("io0"), std::string::npos) << faults;
  EXPECT_EQ(std::count(faults.begin(), faults.end(), '\n'), 1) << faults;
}

TEST(PlacementFile, WhatIsNoCpuIsASentence) {
  for (const char* value : {"-1", "1.5", "\"4\"", "[4]", "true", "70000"})
    EXPECT_NE(read("io0 = " + std::string{value} + "\nshard0 = 1\nhandshake = 0\n")
                  .faults.find("lanes.toml:1: io0 must be the number of a CPU"),
              std::string::npos)
        << value;
  EXPECT_NE(read("io0 is 4").faults.find("lanes.toml:1 is no list"), std::string::npos);
}

TEST(PlacementFile, IsReadOnlyWhenItIsNamed) {
  config::ServerConfig config;
  std::vector<config::Fault> faults;
  EXPECT_TRUE(load_placement(config, faults).empty());
  EXPECT_TRUE(faults.empty());
  EXPECT_EQ(config.shards, 0U);
  config.placement = std::filesystem::temp_directory_path() / ("serried-lanes-" + std::to_string(getpid()) + ".toml");
  std::ofstream{config.placement} << "io0 = 0\nshard0 = 1\nhandshake = 0\n";
  EXPECT_EQ(load_placement(config, faults).size(), 3U);
  EXPECT_TRUE(faults.empty());
  std::filesystem::remove(config.placement);
  EXPECT_TRUE(load_placement(config, faults).empty());
  ASSERT_EQ(faults.size(), 1U);
  EXPECT_NE(faults[0].text.find("cannot be read"), std::string::npos);
}

}  // namespace
}  // namespace serried::server
