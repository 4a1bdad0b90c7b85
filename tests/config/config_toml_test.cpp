#include <fstream>
#include <sstream>

#include <gtest/gtest.h>

#include "config/config.h"
#include "config/option.h"

namespace serried::config {
namespace {

/// What became of the text of a file "f".
struct Read {
  explicit Read(const std::string& text) { read_toml(text, "f", config, faults); }
  [[nodiscard]] bool fault(const std::string& where, const std::string& text) const {
    for (const Fault& row : faults)
      if (row.where == where && row.text.find(text) != std::string::npos) return true;
    return false;
  }
  ServerConfig config;
  std::vector<Fault> faults;
};

TEST(ReadToml, SetsWhatItNamesAndNothingElse) {
  const Read read{"[network]\ndriver = \"socket\"\naddress = [\"::1\"]\n[lanes]\nidle_sleep = 7\n"};
  EXPECT_TRUE(read.faults.empty()) << fault_text(read.faults);
  EXPECT_EQ(read.config.driver, Driver::socket);
  EXPECT_EQ(read.config.addresses, std::vector<std::string>{"::1"});
  EXPECT_EQ(read.config.idle_sleep_us, 7U);
  EXPECT_EQ(read.config.udp_port, ServerConfig{}.udp_port);
}

TEST(ReadToml, NoFileTurnsMeasurementModeOn) {
  const Read read{"[run]\nseconds = 3\nmeasurement = 7\n"};
  ASSERT_EQ(read.faults.size(), 1U);
  EXPECT_TRUE(read.fault("f:3: run.measurement", "give --measurement there")) << fault_text(read.faults);
  EXPECT_EQ(read.config.measurement_seed, 0U);
}

TEST(ReadToml, OneAddressNeedsNoList) {
  EXPECT_EQ(Read{"network.address = \"10.0.0.1\"\n"}.config.addresses, std::vector<std::string>{"10.0.0.1"});
}

TEST(ReadToml, UnknownKeysComeWithTheirLineAndInItsOrder) {
  const Read read{"udp_port = 3\n\n[zoo]\n[network]\nzebra = 1\nape = 2\n[[world]]\n"};
  ASSERT_EQ(read.faults.size(), 5U) << fault_text(read.faults);
  EXPECT_TRUE(read.fault("f:1: udp_port", "belongs to [network]"));
  EXPECT_TRUE(read.fault("f:3: zoo", "not known"));
  EXPECT_TRUE(read.fault("f:5: network.zebra", "not known"));
  EXPECT_TRUE(read.fault("f:6: network.ape", "not known"));
  EXPECT_EQ(read.faults.back().text, "is a section; write [world] and its keys below");
  EXPECT_EQ(read.faults[2].where, "f:5: network.zebra");
}

TEST(ReadToml, AKeyThatIsNamedAsOnTheCommandLineIsTold) {
  const Read read{"[sessions]\nsessions_max = 3\n[network]\ntimeout_ms = 2000\n"};
  EXPECT_TRUE(read.fault("f:2: sessions.sessions_max", "that is max in [sessions]")) << fault_text(read.faults);
  EXPECT_TRUE(read.fault("f:4: network.timeout_ms", "that is timeout in [sessions]")) << fault_text(read.faults);
}

TEST(ReadToml, NumbersBeyondThoseOfTomlAreTakenAsText) {
  EXPECT_EQ(Read{"world.seed = \"18446744073709551615\"\n"}.config.seed, ~std::uint64_t{0});
}

TEST(ReadToml, InvalidTomlIsRefusedWithItsLine) {
  const Read read{"[network]\nudp_port = = 3\n"};
  ASSERT_EQ(read.faults.size(), 1U);
  EXPECT_EQ(read.faults[0].where, "f:2");
}

TEST(ReadToml, TypesOfValues) {
  const Read read{"[network]\nudp_port = [1, 2]\nport = { a = 1 }\n[run]\nseconds = 1.5\nlog_level = true\n"};
  EXPECT_TRUE(read.fault("f:2: network.udp_port", "one value"));
  EXPECT_TRUE(read.fault("f:3: network.port", "plain value"));
  EXPECT_TRUE(read.fault("f:5: run.seconds", "whole number"));
  EXPECT_TRUE(read.fault("f:6: run.log_level", "debug|info"));
  EXPECT_EQ(read.faults.size(), 4U) << fault_text(read.faults);
}

TEST(Example, NamesEveryOptionAndChangesNothing) {
  const std::string example = example_toml();
  ServerConfig config;
  std::vector<Fault> faults;
  // As it stands, everything is a comment; with the comments of its values taken away, it sets the defaults.
  read_toml(example, "example", config, faults);
  EXPECT_TRUE(faults.empty()) << fault_text(faults);
  std::string active;
  std::istringstream lines{example};
  for (std::string line; std::getline(lines, line);) {
    const auto equals = line.find(" = ");
    const bool value = line.rfind("# ", 0) == 0 && equals != std::string::npos && line.find(' ', 2) == equals;
    active += (value ? line.substr(2) : line) + "\n";
  }
  config.udp_port = 1;
  config.log_level = LogLevel::error;
  read_toml(active, "example", config, faults);
  EXPECT_TRUE(faults.empty()) << fault_text(faults);
  EXPECT_EQ(config_values(config), config_values(ServerConfig{}));
  for (const Option& option : options())
    EXPECT_EQ(active.find("\n" + std::string{option.key} + " = ") != std::string::npos, option.in_files) << option.name;
}

TEST(Example, TheFileInTheTreeIsTheOneTheServerPrints) {
  std::ifstream file{SERRIED_SOURCE_ROOT "/dpdk-config/serried.toml"};
  std::ostringstream text;
  text << file.rdbuf();
  EXPECT_EQ(text.str(), example_toml()) << "renew it: serried-server --example-config > dpdk-config/serried.toml";
}

}  // namespace
}  // namespace serried::config
