#include "telemetry/log.h"

#include <cstdio>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <regex>
#include <sstream>
#include <unistd.h>

#include <gtest/gtest.h>

#include "telemetry/status.h"

namespace serried::telemetry {
namespace {

/// An output, and what it wrote to standard output's place so far.
class Capture {
 public:
  Capture() : file_(std::tmpfile()), output_([](std::uint64_t) { return "lost\n"; }, fileno(file_), fileno(file_)) {}
  ~Capture() { std::fclose(file_); }
  Capture(const Capture&) = delete;
  Capture& operator=(const Capture&) = delete;
  [[nodiscard]] process::Output& output() { return output_; }
  [[nodiscard]] std::string text() {
    EXPECT_TRUE(output_.flush(10 * second));
    std::string text(4096, '\0');
    text.resize(static_cast<std::size_t>(pread(fileno(file_), text.data(), text.size(), 0)));
    return text;
  }

 private:
  std::FILE* file_;
  process::Output output_;
};

TEST(StatusPrinter, NoTerminalMeansLines) {
  Capture capture;
  StatusPrinter printer{config::StatusMode::automatic, capture.output(), false};
  EXPECT_EQ(printer.mode(), config::StatusMode::line);
  printer.print("first");
  printer.print("second");
  EXPECT_EQ(capture.text(), "first\nsecond\n");
}

TEST(StatusPrinter, ATerminalMeansATable) {
  Capture capture;
  const StatusPrinter printer{config::StatusMode::automatic, capture.output(), true};
  EXPECT_EQ(printer.mode(), config::StatusMode::table);
}

TEST(StatusPrinter, ATableIsDrawnOverTheOneBeforeUnlessInterrupted) {
  Capture capture;
  StatusPrinter printer{config::StatusMode::table, capture.output(), true};
  printer.print("a\nb\n");
  printer.print("c\nd\n");
  EXPECT_EQ(capture.text(), "a\nb\n" + over(2) + "c\nd\n");
  printer.interrupt();
  printer.print("e\n");
  EXPECT_EQ(capture.text(), "a\nb\n" + over(2) + "c\nd\n" + "e\n");
}

TEST(StatusPrinter, NoneIsSilent) {
  Capture capture;
  StatusPrinter printer{config::StatusMode::none, capture.output(), false};
  printer.print("a\n");
  EXPECT_EQ(capture.text(), "");
}

TEST(MakeLogger, WritesToTheFileFromTheLevelOn) {
  const auto name = std::filesystem::temp_directory_path() / ("serried-log-" + std::to_string(::getpid()));
  config::ServerConfig config;
  config.log_file = name.string();
  config.log_level = config::LogLevel::warn;
  {
    Capture capture;
    auto logger = make_logger(config, capture.output(), {});
    ASSERT_TRUE(static_cast<bool>(logger)) << logger.error().message;
    logger.value()->info("not this");
    logger.value()->warn("but this key={}", 3);
    EXPECT_EQ(capture.text(), "");
  }
  std::ostringstream text;
  text << std::ifstream{name}.rdbuf();
  std::filesystem::remove(name);
  EXPECT_EQ(text.str().find("not this"), std::string::npos);
  EXPECT_NE(text.str().find(" warning but this key=3\n"), std::string::npos) << text.str();
}

TEST(MakeLogger, AnnouncesLinesThatShareTheTerminal) {
  unsigned lines = 0;
  Capture capture;
  auto logger = make_logger(config::ServerConfig{}, capture.output(), [&lines] { ++lines; });
  ASSERT_TRUE(static_cast<bool>(logger));
  logger.value()->info("one");
  logger.value()->debug("below the level");
  EXPECT_EQ(lines, 1U);
  EXPECT_NE(capture.text().find(" info one\n"), std::string::npos) << capture.text();
}

TEST(MakeLogger, AFileThatCannotBeOpenedIsASentence) {
  Capture capture;
  config::ServerConfig config;
  config.log_file = "/dev/null/serried.log";
  const auto logger = make_logger(config, capture.output(), {});
  ASSERT_FALSE(static_cast<bool>(logger));
  EXPECT_NE(logger.error().message.find("/dev/null/serried.log cannot be opened"), std::string::npos);
}

TEST(MakeLogger, OpensTheFileAnew) {
  const auto name = std::filesystem::temp_directory_path() / ("serried-log-" + std::to_string(::getpid()));
  const std::filesystem::path moved = name.string() + ".1";
  const auto read = [](const std::filesystem::path& file) {
    std::ostringstream text;
    text << std::ifstream{file}.rdbuf();
    return text.str();
  };
  config::ServerConfig config;
  config.log_file = name.string();
  Capture capture;
  auto logger = make_logger(config, capture.output(), {});
  ASSERT_TRUE(static_cast<bool>(logger));
  logger.value()->info("before");
  EXPECT_TRUE(capture.output().flush(10 * second));
  std::filesystem::rename(name, moved);
  EXPECT_TRUE(reopen_log(config, capture.output()));
  logger.value()->info("after");
  EXPECT_TRUE(capture.output().flush(10 * second));
  EXPECT_NE(read(moved).find(" before\n"), std::string::npos);
  EXPECT_EQ(read(moved).find(" after\n"), std::string::npos);
  EXPECT_NE(read(name).find(" after\n"), std::string::npos);
  std::filesystem::remove(name);
  std::filesystem::remove(moved);
}

/// Have the reader of a pipe that is full take some, and expect the line that says what is missing to look as any
/// other.
TEST(MakeLogger, LostLinesAreALine) {
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_NONBLOCK), 0);
  std::string said;
  {
    process::Output output{[](std::uint64_t) { return std::string{"lost\n"}; }, ends[1], ends[1]};
    auto logger = make_logger(config::ServerConfig{}, output, {});
    for (int i = 0; i < 10'000; ++i) logger.value()->info("{}", std::string(100, 'x'));
    EXPECT_GT(output.counters().dropped.value(), 0U);
    while (!output.flush(millisecond)) {
      char bytes[65536];
      if (const ssize_t got = read(ends[0], bytes, sizeof bytes); got > 0)
        said.append(bytes, static_cast<std::size_t>(got));
    }
    char bytes[65536];
    for (ssize_t got; (got = read(ends[0], bytes, sizeof bytes)) > 0;)
      said.append(bytes, static_cast<std::size_t>(got));
    // Of what was lost while the reader took some, each gap has its line.
    const std::regex missing{" warning (\\d+) lines could not be written here, and are lost\n"};
    std::uint64_t sum = 0;
    for (std::sregex_iterator it{said.begin(), said.end(), missing}; it != std::sregex_iterator{}; ++it)
      sum += std::stoull((*it)[1]);
    EXPECT_EQ(sum, output.counters().dropped.value());
  }
  close(ends[0]);
  close(ends[1]);
}

}  // namespace
}  // namespace serried::telemetry
