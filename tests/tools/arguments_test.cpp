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

TEST(Arguments, TheTableOfOptionsSaysUnitRangeDefaultAndHelp) {
  std::string driver = "socket", time, address;
  double rate = 60, seconds = 0;
  bool audit = true;
  Arguments arguments("serried-test", "For a test.");
  arguments.add("--rate", rate, "inputs a second").unit("Hz").shown().range(0.1, 1000.0);
  arguments.add("--driver", driver, "where from").shown().one_of({"socket", "ethdev"});
  arguments.add("--seconds", seconds, "how long").unit("s").non_negative();
  arguments.add_flag("--audit,!--no-audit", audit, "compare a|b");
  Arguments ban = arguments.add_command("ban", "bans");
  Arguments add = ban.add_command("add", "adds one");
  add.add("--for", time, "how long").required().unit("TIME");
  add.add("address", address, "which");
  testing::internal::CaptureStdout();
  EXPECT_EQ(arguments.parse({"--nonsense", "--help-markdown"}), 0);
  EXPECT_EQ(testing::internal::GetCapturedStdout(),
            "| option | unit | default | what |\n"
            "| --- | --- | --- | --- |\n"
            "| `--rate` | Hz, 0.1 to 1000 | 60 | inputs a second |\n"
            "| `--driver` | `socket`, `ethdev` | socket | where from |\n"
            "| `--seconds` | s, 0 or more | | how long |\n"
            "| `--audit`, `--no-audit` | | | compare a\\|b |\n"
            "| `ban add --for` | TIME | | how long; required |\n");
}

TEST(Arguments, AnOldNameSaysThePresentOne) {
  constexpr RenamedOption entries[] = {{"serried-test", "frequency", "rate"}, {"serried-other", "speed", "rate"}};
  const auto parse = [&](const std::vector<std::string>& words, std::string& said) {
    double rate = 60, speed = 0;
    Arguments arguments("serried-test", "For a test.");
    arguments.add("--rate", rate, "inputs a second");
    arguments.add("--speed", speed, "units a second");
    testing::internal::CaptureStderr();
    const auto ended = arguments.parse(words, entries);
    said = testing::internal::GetCapturedStderr();
    return ended;
  };
  std::string said;
  EXPECT_EQ(parse({"--frequency=30", "--speed", "1"}, said), exit_usage);
  EXPECT_EQ(said, "serried-test: --frequency is now --rate\n");
  EXPECT_FALSE(parse({"--rate", "30", "--speed", "1"}, said)) << said << "another program's names are not ours";
}

TEST(Arguments, TheListOfOldNamesIsSound) {
  for (const RenamedOption& entry : renamed_options()) {
    EXPECT_TRUE(entry.program.starts_with("serried-")) << entry.program;
    EXPECT_NE(entry.name, entry.now);
    for (const std::string_view name : {entry.name, entry.now}) {
      EXPECT_FALSE(name.empty() || name.starts_with('-')) << name;
    }
  }
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
