#include "telemetry/log.h"

#include <filesystem>
#include <fstream>
#include <sstream>
#include <unistd.h>

#include <gtest/gtest.h>

#include "telemetry/status.h"

namespace serried::telemetry {
namespace {

/// What was written to a stream so far.
class Capture {
 public:
  Capture() : file_(std::tmpfile()) {}
  ~Capture() { std::fclose(file_); }
  Capture(const Capture&) = delete;
  Capture& operator=(const Capture&) = delete;
  [[nodiscard]] std::FILE* file() const { return file_; }
  [[nodiscard]] std::string text() const {
    std::rewind(file_);
    std::string text(4096, '\0');
    text.resize(std::fread(text.data(), 1, text.size(), file_));
    std::fseek(file_, 0, SEEK_END);
    return text;
  }

 private:
  std::FILE* file_;
};

TEST(StatusPrinter, NoTerminalMeansLines) {
  const Capture capture;
  StatusPrinter printer{config::StatusMode::automatic, capture.file()};
  EXPECT_EQ(printer.mode(), config::StatusMode::line);
  printer.print("first");
  printer.print("second");
  EXPECT_EQ(capture.text(), "first\nsecond\n");
}

TEST(StatusPrinter, ATableIsDrawnOverTheOneBeforeUnlessInterrupted) {
  const Capture capture;
  StatusPrinter printer{config::StatusMode::table, capture.file()};
  printer.print("a\nb\n");
  printer.print("c\nd\n");
  EXPECT_EQ(capture.text(), "a\nb\n" + over(2) + "c\nd\n");
  printer.interrupt();
  printer.print("e\n");
  EXPECT_EQ(capture.text(), "a\nb\n" + over(2) + "c\nd\n" + "e\n");
}

TEST(StatusPrinter, NoneIsSilent) {
  const Capture capture;
  StatusPrinter printer{config::StatusMode::none, capture.file()};
  printer.print("a\n");
  EXPECT_EQ(capture.text(), "");
}

TEST(MakeLogger, WritesToTheFileFromTheLevelOn) {
  const auto name = std::filesystem::temp_directory_path() / ("serried-log-" + std::to_string(::getpid()));
  config::ServerConfig config;
  config.log_file = name.string();
  config.log_level = config::LogLevel::warn;
  {
    auto logger = make_logger(config, {});
    ASSERT_TRUE(static_cast<bool>(logger)) << logger.error().message;
    logger.value()->info("not this");
    logger.value()->warn("but this key={}", 3);
  }
  std::ostringstream text;
  text << std::ifstream{name}.rdbuf();
  std::filesystem::remove(name);
  EXPECT_EQ(text.str().find("not this"), std::string::npos);
  EXPECT_NE(text.str().find(" warning but this key=3\n"), std::string::npos) << text.str();
}

TEST(MakeLogger, AnnouncesLinesThatShareTheTerminal) {
  unsigned lines = 0;
  auto logger = make_logger(config::ServerConfig{}, [&lines] { ++lines; });
  ASSERT_TRUE(static_cast<bool>(logger));
  logger.value()->info("one");
  logger.value()->debug("below the level");
  EXPECT_EQ(lines, 1U);
}

TEST(MakeLogger, AFileThatCannotBeOpenedIsASentence) {
  config::ServerConfig config;
  config.log_file = "/dev/null/serried.log";
  const auto logger = make_logger(config, {});
  ASSERT_FALSE(static_cast<bool>(logger));
  EXPECT_NE(logger.error().message.find("--log-file /dev/null/serried.log cannot be opened"), std::string::npos);
}

}  // namespace
}  // namespace serried::telemetry
