#include "config/option_table.h"

#include <sstream>
#include <vector>

#include <gtest/gtest.h>

#include "config/option.h"

namespace serried::config {
namespace {

std::vector<std::string> lines() {
  std::istringstream text{option_table()};
  std::vector<std::string> all;
  for (std::string line; std::getline(text, line);) all.push_back(line);
  return all;
}

/// Bars that divide cells, and not those that are text.
std::size_t bars(const std::string& line) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < line.size(); ++i) count += line[i] == '|' && (i == 0 || line[i - 1] != '\\') ? 1 : 0;
  return count;
}

bool holds(const std::string& line) {
  for (const std::string& row : lines())
    if (row == line) return true;
  return false;
}

TEST(OptionTable, HasALineForEveryOption) {
  const auto all = lines();
  ASSERT_EQ(all.size(), 2 + options().size() + command_line_only().size());
  for (const std::string& line : all) EXPECT_EQ(bars(line), 5U) << line;
  for (std::size_t i = 0; i < options().size(); ++i)
    EXPECT_EQ(all[2 + i].rfind(std::string{"| `--"} + options()[i].name + "` |", 0), 0U) << all[2 + i];
}

TEST(OptionTable, SaysUnitRangeDefaultAndHelp) {
  EXPECT_TRUE(holds("| `--udp-port` | port, 1 to 65535 | 40000 | UDP port that clients send to |"));
  EXPECT_TRUE(
      holds("| `--status` | `auto`, `table`, `line`, `none` | auto | live figures, each second; auto: a table on "
            "a terminal, else a line |"));
  EXPECT_TRUE(
      holds("| `--verify-udp-checksum` | on or off | on | drop frames whose UDP checksum is wrong; off where a "
            "virtual link leaves it unfilled (ethdev only) |"));
  EXPECT_TRUE(holds("| `--welcome-file` | FILE | | UTF-8 text that every player is sent on joining |"));
  EXPECT_TRUE(holds("| `--version` | | | print the version, and exit |"));
}

}  // namespace
}  // namespace serried::config
