#include "tools/arguments.h"

#include <cstdint>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace serried::tools {
namespace {

struct Given {
  std::string word = "none";
  double rate = 1.5;
  int cpu = -1;
  unsigned count = 3;
  std::uint16_t port = 7;
  std::uint64_t seed = 1, number = 0;
  std::vector<unsigned> sizes;
  bool quick = false, stages = true;
  std::optional<int> ended;
};

Given read_arguments(const std::vector<std::string>& words) {
  Given given;
  Arguments arguments("program", "For a test.");
  arguments.add("--word", given.word, "a word").one_of({"none", "some"}).shown();
  arguments.add("--rate", given.rate, "a rate").range(0.5, 10.0);
  arguments.add("--cpu", given.cpu, "a CPU").range(0, 7);
  arguments.add("--count", given.count, "a count").range(1U, 9U);
  arguments.add("--port", given.port, "a port");
  arguments.add("--seed", given.seed, "a seed");
  arguments.add("--size", given.sizes, "sizes");
  arguments.add_number("--number", given.number, "a number", 2, 255);
  arguments.add_flag("--quick", given.quick, "a flag");
  arguments.add_flag("!--no-stages", given.stages, "a flag that clears");
  given.ended = arguments.parse(words);
  return given;
}

TEST(Arguments, FillVariablesOfEveryType) {
  const Given given =
      read_arguments({"--word", "some", "--rate", "2.5", "--cpu=3", "--count", "9", "--port", "65535", "--seed",
                      "18446744073709551615", "--size", "1", "2", "--number", "0xFF", "--quick", "--no-stages"});
  EXPECT_FALSE(given.ended);
  EXPECT_EQ(given.word, "some");
  EXPECT_EQ(given.rate, 2.5);
  EXPECT_EQ(given.cpu, 3);
  EXPECT_EQ(given.count, 9U);
  EXPECT_EQ(given.port, 65'535);
  EXPECT_EQ(given.seed, ~std::uint64_t{0});
  EXPECT_EQ(given.sizes, (std::vector<unsigned>{1, 2}));
  EXPECT_EQ(given.number, 255U);
  EXPECT_TRUE(given.quick);
  EXPECT_FALSE(given.stages);
}

TEST(Arguments, LeaveAloneWhatIsNotGiven) {
  const Given given = read_arguments({});
  EXPECT_FALSE(given.ended);
  EXPECT_EQ(given.word, "none");
  EXPECT_EQ(given.rate, 1.5);
  EXPECT_EQ(given.cpu, -1);
  EXPECT_FALSE(given.quick);
  EXPECT_TRUE(given.stages);
}

TEST(Arguments, RefuseWhatIsOutsideAndSayIt) {
  const std::vector<std::vector<std::string>> wrong{{"--word", "other"}, {"--rate", "0.4"},   {"--cpu", "8"},
                                                    {"--count", "0"},    {"--port", "65536"}, {"--seed", "x"},
                                                    {"--size", "-1"},    {"--number", "1"},   {"--number", "no"},
                                                    {"--unknown", "1"},  {"--word"},          {"stray"}};
  for (const auto& words : wrong) {
    testing::internal::CaptureStderr();
    EXPECT_EQ(read_arguments(words).ended, exit_usage) << words.front();
    EXPECT_NE(testing::internal::GetCapturedStderr(), "") << words.front();
  }
}

TEST(Arguments, HelpEndsWellAndNamesValues) {
  testing::internal::CaptureStdout();
  EXPECT_EQ(read_arguments({"--help"}).ended, 0);
  const std::string help = testing::internal::GetCapturedStdout();
  for (const char* part : {"For a test.", "program", "--word", "{none,some}", "[0.5 - 10]", "--number N"})
    EXPECT_NE(help.find(part), std::string::npos) << part;
}

TEST(Arguments, OneOfTheCommandsIsGiven) {
  const auto command_of = [](const std::vector<std::string>& words, std::optional<int>& ended) {
    std::string file;
    Arguments arguments("program", "For a test.");
    arguments.require_command();
    Arguments make = arguments.add_command("make", "makes");
    make.add("file", file, "a file").required().unit("FILE");
    const Arguments show = arguments.add_command("show", "shows");
    testing::internal::CaptureStderr();
    ended = arguments.parse(words);
    static_cast<void>(testing::internal::GetCapturedStderr());
    return make.given() ? "make " + file : show.given() ? "show" : "";
  };
  std::optional<int> ended;
  EXPECT_EQ(command_of({"make", "x"}, ended), "make x");
  EXPECT_FALSE(ended);
  EXPECT_EQ(command_of({"show"}, ended), "show");
  EXPECT_FALSE(ended);
  command_of({}, ended);
  EXPECT_EQ(ended, exit_usage);
  command_of({"make"}, ended);
  EXPECT_EQ(ended, exit_usage);
}

}  // namespace
}  // namespace serried::tools
