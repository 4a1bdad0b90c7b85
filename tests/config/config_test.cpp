#include "config/config.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <unistd.h>

#include <gtest/gtest.h>

#include "config/option.h"

namespace serried::config {
namespace {

using Texts = std::vector<std::string>;

/// A file with `text` that is gone at the end of the test.
class File {
 public:
  explicit File(const std::string& text) {
    std::string name = (std::filesystem::temp_directory_path() / "serried-config-XXXXXX").string();
    const int handle = mkstemp(name.data());
    EXPECT_GE(handle, 0);
    if (handle >= 0) close(handle);
    name_ = name;
    std::ofstream{name_} << text;
  }
  ~File() { std::filesystem::remove(name_); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  [[nodiscard]] const std::string& name() const { return name_; }

 private:
  std::string name_;
};

const Texts good{"--token-key", "k", "--address", "10.0.0.1"};

Texts with(Texts more) {
  more.insert(more.begin(), good.begin(), good.end());
  return more;
}

bool names(const Reading& reading, const std::string& where, const std::string& text = {}) {
  for (const Fault& fault : reading.faults)
    if (fault.where.find(where) != std::string::npos && fault.text.find(text) != std::string::npos) return true;
  return false;
}

TEST(ReadConfig, DefaultsAreTheStructs) {
  const Reading reading = read_config(good);
  EXPECT_TRUE(reading.faults.empty()) << fault_text(reading.faults);
  EXPECT_EQ(reading.config.udp_port, 40'000);
  EXPECT_EQ(reading.config.driver, Driver::ethdev);
  EXPECT_EQ(reading.config.addresses, (Texts{"10.0.0.1"}));
  EXPECT_FALSE(reading.config.idle_sleep_us.has_value());
}

TEST(ReadConfig, CommandLineWinsOverFileOverDefault) {
  const File file{
      "[network]\nudp_port = 4001\nport = \"net_null0\"\naddress = [\"10.0.0.9\", \"fd00::9\"]\n"
      "verify_udp_checksum = false\n[run]\nseconds = 7\n[lanes]\nidle_sleep = 20\n"};
  const Reading reading =
      read_config(Texts{"--udp-port", "4002", "--config", file.name(), "--token-key=k", "--address", "10.0.0.1"});
  EXPECT_TRUE(reading.faults.empty()) << fault_text(reading.faults);
  EXPECT_EQ(reading.config.udp_port, 4002);
  EXPECT_EQ(reading.config.ports, (Texts{"net_null0"}));
  EXPECT_EQ(reading.config.addresses, (Texts{"10.0.0.1"})) << "a list is replaced, not continued";
  EXPECT_FALSE(reading.config.verify_udp_checksum);
  EXPECT_EQ(reading.config.seconds, 7U);
  EXPECT_EQ(reading.config.idle_sleep_us, 20U);
  EXPECT_EQ(reading.config.tick_rate_hz, 60U);
}

TEST(ReadConfig, AnAddressOfEachVersion) {
  const Reading both = read_config(Texts{"--token-key", "k", "--address", "10.0.0.1", "--address", "fd00::1"});
  EXPECT_TRUE(both.faults.empty()) << fault_text(both.faults);
  EXPECT_EQ(both.config.addresses, (Texts{"10.0.0.1", "fd00::1"}));
  const Reading twice = read_config(Texts{"--token-key", "k", "--address", "10.0.0.1", "--address", "10.0.0.2"});
  EXPECT_TRUE(names(twice, "--address", "one IPv4 and one IPv6"));
}

TEST(ReadConfig, SeveralPortsEachWithAnAddress) {
  const Reading two = read_config(Texts{"--token-key", "k", "--port", "net_a", "--port", "net_b", "--address",
                                        "10.0.0.1/24@net_a", "--address", "10.0.1.1/24@net_b"});
  EXPECT_TRUE(two.faults.empty()) << fault_text(two.faults);
  EXPECT_EQ(two.config.ports, (Texts{"net_a", "net_b"}));
  const Reading unnamed = read_config(with({"--port", "net_a", "--port", "net_b"}));
  EXPECT_TRUE(names(unnamed, "--address 10.0.0.1", "names no port"));
  EXPECT_TRUE(names(unnamed, "--port net_b", "has no address"));
  const File file{"[network]\nport = [\"net_a\", 1]\naddress = [\"10.0.0.1@net_a\", \"10.0.1.1@1\"]\n"};
  const Reading listed = read_config(Texts{"--token-key", "k", "--config", file.name()});
  EXPECT_TRUE(listed.faults.empty()) << fault_text(listed.faults);
  EXPECT_EQ(listed.config.ports, (Texts{"net_a", "1"}));
}

TEST(ReadConfig, ReportsEveryFaultAtOnce) {
  const File file{"[network]\nudp_port = 99999\ncolour = \"red\"\n\n[wolrd]\nnpcs = 3\n\n[run]\nnpcs = 4\n"};
  const Reading reading = read_config(Texts{"--config",
                                            file.name(),
                                            "--driver",
                                            "pigeon",
                                            "--tick-rate",
                                            "fast",
                                            "--address",
                                            "10.0.0",
                                            "--shards",
                                            "17",
                                            "--next-hop",
                                            "02:00",
                                            "--verify-udp-checksum",
                                            "maybe",
                                            "--udp-prot",
                                            "3",
                                            "--seconds",
                                            "--seed",
                                            "1",
                                            "--seed",
                                            "2",
                                            "stray",
                                            "--idle-ping-ms",
                                            "20000"});
  EXPECT_TRUE(names(reading, file.name() + ":2: network.udp_port", "1 to 65535"));
  EXPECT_TRUE(names(reading, file.name() + ":3: network.colour", "not known"));
  EXPECT_TRUE(names(reading, file.name() + ":5: wolrd", "not known"));
  EXPECT_TRUE(names(reading, file.name() + ":9: run.npcs", "belongs to [world]"));
  EXPECT_TRUE(names(reading, "--driver pigeon", "ethdev|socket"));
  EXPECT_TRUE(names(reading, "--tick-rate fast", "1 to 240"));
  EXPECT_TRUE(names(reading, "--address 10.0.0", "IPv4"));
  EXPECT_TRUE(names(reading, "--shards 17", "0 to 16"));
  EXPECT_TRUE(names(reading, "--next-hop 02:00", "learn, arp"));
  EXPECT_TRUE(names(reading, "--verify-udp-checksum maybe", "on or off"));
  EXPECT_TRUE(names(reading, "--udp-prot", "--udp-port?"));
  EXPECT_TRUE(names(reading, "--seconds", "needs a value"));
  EXPECT_TRUE(names(reading, "--seed", "more than once"));
  EXPECT_TRUE(names(reading, "stray", "no option"));
  EXPECT_TRUE(names(reading, "--token-key", "missing"));
  EXPECT_TRUE(names(reading, "--idle-ping-ms", "less than --timeout-ms"));
  EXPECT_EQ(reading.faults.size(), 16U) << fault_text(reading.faults);
}

TEST(ReadConfig, FaultsReadAsOneSentenceEach) {
  const Reading reading = read_config(with({"--udp-port", "70000"}));
  EXPECT_EQ(fault_text(reading.faults),
            "serried-server: 1 fault in the configuration\n"
            "  --udp-port 70000 must be a whole number of 1 to 65535 (port)\n");
}

TEST(ReadConfig, TheSeedHasAll64Bits) {
  EXPECT_EQ(read_config(with({"--seed", "18446744073709551615"})).config.seed, ~std::uint64_t{0});
  EXPECT_TRUE(names(read_config(with({"--seed", "18446744073709551616"})), "--seed"));
}

TEST(ReadConfig, WhatSocketsCannotDo) {
  const Reading reading =
      read_config(Texts{"--driver", "socket", "--token-key", "k", "--vlan", "3", "--next-hop", "arp"});
  EXPECT_TRUE(names(reading, "--vlan", "socket"));
  EXPECT_TRUE(names(reading, "--next-hop", "socket"));
  EXPECT_EQ(reading.faults.size(), 2U) << "a socket needs no address: " << fault_text(reading.faults);
}

TEST(ReadConfig, SocketsHaveNoDescriptorsAndNoMtu) {
  const Reading reading = read_config(Texts{"--driver", "socket", "--token-key", "k", "--rx-descriptors", "2048",
                                            "--tx-descriptors", "512", "--mtu", "9000"});
  for (const char* const option : {"--rx-descriptors", "--tx-descriptors", "--mtu"})
    EXPECT_TRUE(names(reading, option, "which has no device"));
  EXPECT_EQ(reading.faults.size(), 3U) << fault_text(reading.faults);
}

TEST(ReadConfig, DescriptorsAndMtuHaveBounds) {
  const Reading reading = read_config(with({"--rx-descriptors", "63", "--tx-descriptors", "32769", "--mtu", "1279"}));
  EXPECT_TRUE(names(reading, "--rx-descriptors 63", "64 to 32768"));
  EXPECT_TRUE(names(reading, "--tx-descriptors 32769", "64 to 32768"));
  EXPECT_TRUE(names(reading, "--mtu 1279", "1280 to 9600"));
  EXPECT_TRUE(names(read_config(with({"--rx-descriptors", "1000"})), "--rx-descriptors 1000", "give 1024"));
  EXPECT_TRUE(names(read_config(with({"--tx-descriptors", "2049"})), "--tx-descriptors 2049", "give 4096"));
  EXPECT_TRUE(
      read_config(with({"--rx-descriptors", "32768", "--tx-descriptors", "64", "--mtu", "9600"})).faults.empty());
}

/// The tests' own folder has no profiles: paths name those of the tree.
std::string profile_path(const char* name) {
  return std::string{SERRIED_SOURCE_ROOT} + "/dpdk-config/profiles/" + name + ".toml";
}

TEST(ReadConfig, AProfileComesBeforeTheFileAndTheCommandLine) {
  const Reading profile = read_config(with({"--profile", profile_path("ice") + ",pci=0000:18:00.0"}));
  ASSERT_TRUE(profile.faults.empty()) << fault_text(profile.faults);
  ASSERT_TRUE(profile.profile);
  EXPECT_EQ(profile.config.rx_descriptors, 2'048U);
  EXPECT_EQ(profile.config.ports, Texts{"0000:18:00.0"});
  const File file{"[network]\nrx_descriptors = 4096\ntx_descriptors = 4096\n"};
  const Reading all = read_config(with(
      {"--tx-descriptors", "512", "--config", file.name(), "--profile", profile_path("ice") + ",pci=0000:18:00.0"}));
  ASSERT_TRUE(all.faults.empty()) << fault_text(all.faults);
  EXPECT_EQ(all.config.rx_descriptors, 4'096U) << "the file's";
  EXPECT_EQ(all.config.tx_descriptors, 512U) << "the command line's";
  EXPECT_EQ(all.profile->eal, profile.profile->eal);
}

TEST(ReadConfig, ProfilesThatCannotBe) {
  EXPECT_TRUE(names(read_config(with({"--profile"})), "--profile", "--profiles"));
  EXPECT_TRUE(names(read_config(with({"--profile", "a", "--profile", "b"})), "--profile", "more than once"));
  EXPECT_TRUE(names(read_config(with({"--profile", "./none.toml"})), "--profile ./none.toml", "cannot be read"));
  EXPECT_TRUE(names(read_config(with({"--profile", profile_path("ice")})), "--profile", "needs pci (PCI address"));
}

/// One fault: what seems to be missing besides may stand in the file.
TEST(ReadConfig, AFileThatIsNotReadMayHoldWhatIsMissing) {
  const File broken{"[network\n"};
  for (const Texts& given :
       {Texts{"--config", "/nowhere/serried.toml"}, Texts{"--config", broken.name()}, Texts{"--profile", "./none.toml"},
        Texts{"--profile", broken.name()}, Texts{"--profile", profile_path("ice")}}) {
    const Reading reading = read_config(given);
    EXPECT_EQ(reading.faults.size(), 1U) << given[0] << ' ' << given[1] << '\n' << fault_text(reading.faults);
  }
}

TEST(ReadConfig, TheCheckLooksAtCombinationsItself) {
  const Reading check = read_config(Texts{"--check", "--json", "--profile", profile_path("ice"), "--machine", "/m"});
  EXPECT_TRUE(check.faults.empty()) << fault_text(check.faults) << "no key, no address, no pci: the check's to say";
  EXPECT_EQ(check.action, Action::check);
  EXPECT_TRUE(check.json);
  EXPECT_EQ(check.machine_root, "/m");
  EXPECT_TRUE(names(read_config(Texts{"--check", "--udp-port", "0"}), "--udp-port", "1 to 65535"));
  EXPECT_TRUE(names(read_config(with({"--json"})), "--json", "of --check"));
  EXPECT_TRUE(names(read_config(with({"--machine", "/m"})), "--machine", "of --check"));
  EXPECT_TRUE(names(read_config(Texts{"--check", "--machine"}), "--machine", "one folder"));
  EXPECT_EQ(read_config(Texts{"--profiles"}).action, Action::profiles);
}

TEST(ReadConfig, MeasurementModeHasItsOwnKeysAndNoSockets) {
  const Reading alone = read_config(Texts{"--measurement", "7", "--address", "10.0.0.1"});
  EXPECT_TRUE(alone.faults.empty()) << fault_text(alone.faults);
  EXPECT_EQ(alone.config.measurement_seed, 7U);
  EXPECT_EQ(read_config(good).config.measurement_seed, 0U);
  EXPECT_TRUE(read_config(with({"--measurement", "0"})).faults.empty());
  EXPECT_TRUE(names(read_config(with({"--measurement", "7"})), "--token-key", "leave it out"));
  EXPECT_TRUE(
      names(read_config(Texts{"--driver", "socket", "--measurement", "7"}), "--measurement", "--driver socket"));
}

TEST(ReadConfig, ASocketTakesOneAddress) {
  const Reading reading =
      read_config(Texts{"--driver", "socket", "--token-key", "k", "--address", "10.0.0.1", "--address", "fd00::1"});
  EXPECT_TRUE(names(reading, "--address", "one address with --driver socket"));
}

TEST(ReadConfig, SessionsFitTheirLanes) {
  EXPECT_TRUE(names(read_config(with({"--sessions-max", "130049"})), "--sessions-max", "130048"));
  EXPECT_TRUE(read_config(with({"--sessions-max", "130049", "--io-lanes", "2"})).faults.empty());
  EXPECT_TRUE(names(read_config(with({"--sessions-max", "3", "--players-max", "3", "--io-lanes", "4"})),
                    "--sessions-max", "each lane"));
  EXPECT_TRUE(names(read_config(with({"--sessions-max", "100"})), "--players-max", "more than --sessions-max 100"));
}

TEST(ReadConfig, SteeringIsForSeveralLanes) {
  for (const Texts& one :
       {with({"--steering", "off"}), Texts{"--driver", "socket", "--token-key", "k", "--steering", "off"}}) {
    EXPECT_TRUE(names(read_config(one), "--steering", "several --io-lanes"));
    Texts several = one;
    several.insert(several.end(), {"--io-lanes", "2"});
    EXPECT_TRUE(read_config(several).faults.empty());
    EXPECT_FALSE(read_config(several).config.steering);
  }
}

TEST(ReadConfig, HomesAreForLanesOfSeveralDevices) {
  const auto read = [](Texts more) {
    Texts all{"--token-key", "k", "--port", "a", "--address", "10.0.0.1/24@a"};
    all.insert(all.end(), more.begin(), more.end());
    return read_config(all);
  };
  EXPECT_TRUE(
      names(read_config(Texts{"--token-key", "k", "--driver", "socket", "--home", "all"}), "--home", "nothing"));
  EXPECT_TRUE(names(read({"--home", "spread"}), "--home", "several --port"));
  const Texts second{"--port", "b", "--address", "10.0.1.1/24@b", "--home", "spread"};
  EXPECT_TRUE(names(read(second), "--home", "raise --io-lanes to 2"));
  Texts enough = second;
  enough.insert(enough.end(), {"--io-lanes", "2"});
  EXPECT_FALSE(names(read(enough), "--home", ""));
}

TEST(ReadConfig, GatewaysAreForArp) {
  for (const char* group : {"01:00:5e:00:00:01", "ff:ff:ff:ff:ff:ff", "00:00:00:00:00:00"})
    EXPECT_TRUE(names(read_config(with({"--next-hop", group})), "--next-hop", "no station's")) << group;
  EXPECT_TRUE(names(read_config(with({"--gateway", "10.0.0.9"})), "--gateway", "--next-hop arp"));
  EXPECT_TRUE(read_config(with({"--gateway", "10.0.0.9", "--next-hop", "arp"})).faults.empty());
  EXPECT_TRUE(names(read_config(with({"--gateway", "10.0.0.9", "--gateway", "10.0.0.8", "--next-hop", "arp"})),
                    "--gateway", "given twice"));
}

TEST(ReadConfig, RefusesMoreThanTheWorldCanHold) {
  EXPECT_TRUE(names(read_config(with({"--npcs", "60000"})), "world", "slots"));
}

TEST(ReadConfig, AMissingFileAndABrokenOne) {
  EXPECT_TRUE(
      names(read_config(with({"--config", "/nowhere/serried.toml"})), "/nowhere/serried.toml", "cannot be read"));
  const File file{"[network]\nudp_port = = 3\n"};
  EXPECT_TRUE(names(read_config(with({"--config", file.name()})), file.name() + ":2", "no TOML"));
  EXPECT_TRUE(names(read_config(with({"--config"})), "--config", "needs a file"));
}

TEST(ReadConfig, AnOldNameSaysThePresentOne) {
  constexpr RenamedOption entries[] = {{"listen-port", "network.listen_port", "udp-port"},
                                       {"frequency", "simulation.frequency", "tick-rate"}};
  const File file{"[network]\nlisten_port = 4001\n[simulation]\nfrequency = 30\nspeed = 2\n"};
  const Reading reading =
      read_config(with({"--listen-port", "4002", "--frequency=20", "--config", file.name()}), entries);
  EXPECT_EQ(fault_text(reading.faults), "serried-server: 5 faults in the configuration\n  " + file.name() +
                                            ":2: network.listen_port is now network.udp_port\n  " + file.name() +
                                            ":4: simulation.frequency is now world.tick_rate\n  " + file.name() +
                                            ":5: simulation.speed is not known; remove it, or see --example-config "
                                            "for the keys there are\n"
                                            "  --listen-port is now --udp-port\n"
                                            "  --frequency is now --tick-rate\n");
  EXPECT_EQ(reading.config.udp_port, ServerConfig{}.udp_port) << "an old name is refused, not obeyed";
  EXPECT_TRUE(names(read_config(with({"--listen-port", "4002"})), "--listen-port", "not known"));
}

TEST(ReadConfig, HelpVersionAndExampleComeBeforeFaults) {
  EXPECT_EQ(read_config(Texts{"--help", "--nonsense"}).action, Action::help);
  EXPECT_EQ(read_config(Texts{"-h"}).action, Action::help);
  EXPECT_EQ(read_config(Texts{"--version"}).action, Action::version);
  EXPECT_EQ(read_config(Texts{"--example-config"}).action, Action::example);
  EXPECT_EQ(read_config(Texts{"--help-markdown"}).action, Action::option_table);
  EXPECT_TRUE(read_config(Texts{"--help", "--nonsense"}).faults.empty());
}

TEST(Help, ListsEveryOptionWithUnitAndDefault) {
  const std::string help = help_text();
  const ServerConfig defaults;
  std::istringstream lines{help};
  std::vector<std::string> all;
  for (std::string line; std::getline(lines, line);) all.push_back(line);
  for (const Option& option : options()) {
    const std::string start = std::string{"  --"} + option.name + " ";
    const auto row = std::find_if(all.begin(), all.end(), [&](const auto& line) { return line.rfind(start, 0) == 0; });
    ASSERT_NE(row, all.end()) << option.name;
    EXPECT_NE(row->find(option.choices != nullptr ? option.choices : option.unit), std::string::npos) << *row;
    const std::string text = option_text(option, defaults);
    EXPECT_NE(row->find("=" + (text.empty() ? "none" : text)), std::string::npos) << *row;
  }
}

}  // namespace
}  // namespace serried::config
