#include "tools/swarm/status.h"

#include <cstdio>
#include <unistd.h>

#include <gtest/gtest.h>

#include "tools/swarm/run.h"

namespace serried {
namespace {

std::string shown(tools::Status status, unsigned times) {
  std::FILE* const file = std::tmpfile();
  {
    process::Output output{[](std::uint64_t) { return std::string{}; }, fileno(file), fileno(file)};
    tools::StatusDisplay display(status, output);
    for (unsigned i = 0; i < times; ++i) display.show({});
    display.finish({});
  }
  std::string text(1 << 16, '\0');
  text.resize(static_cast<std::size_t>(pread(fileno(file), text.data(), text.size(), 0)));
  std::fclose(file);
  return text;
}

TEST(SwarmStatus, ATableIsDrawnOverTheOneBefore) {
  const std::string text = shown(tools::Status::live, 2);
  EXPECT_NE(text.find("\033["), std::string::npos);
  EXPECT_EQ(text.find("\033["), text.find("\033[", text.find("drops")));  // nothing to go back over at first
}

TEST(SwarmStatus, LinesHaveNoControlCharacters) {
  const std::string text = shown(tools::Status::line, 3);
  EXPECT_EQ(text.find('\033'), std::string::npos);
  EXPECT_NE(text.find("swarm: 0/0 playing"), std::string::npos);
  EXPECT_NE(text.find("drops"), std::string::npos);  // the last word is the table
}

TEST(SwarmStatus, NoneIsSilent) { EXPECT_EQ(shown(tools::Status::none, 3), ""); }

TEST(SwarmStatus, KnowsItsMemory) { EXPECT_GT(tools::resident_bytes(), 1'000'000U); }

}  // namespace
}  // namespace serried
