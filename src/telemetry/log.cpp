#include "telemetry/log.h"

#include <algorithm>
#include <mutex>
#include <utility>

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>

#include "process/file.h"
#include "telemetry/status.h"

namespace serried::telemetry {
namespace {

using process::Output;

constexpr const char* pattern = "%Y-%m-%dT%H:%M:%S.%e%z %l %v";

/// Hands lines over, and says that one is about to be.
class OutputSink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  OutputSink(Output& output, std::function<void()> on_line) : output_(output), on_line_(std::move(on_line)) {}

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    spdlog::memory_buf_t line;
    formatter_->format(message, line);
    if (on_line_) on_line_();
    output_.write(Output::Stream::log, fmt::to_string(line));
  }
  void flush_() override {}

 private:
  Output& output_;
  std::function<void()> on_line_;
};

/// As a line of the log.
std::string lost_lines(std::uint64_t count) {
  const std::string text = fmt::format("{} lines could not be written here, and are lost", count);
  spdlog::memory_buf_t line;
  spdlog::pattern_formatter{pattern}.format({"serried", spdlog::level::warn, text}, line);
  return fmt::to_string(line);
}

spdlog::level::level_enum level_of(config::LogLevel level) {
  switch (level) {
    case config::LogLevel::debug:
      return spdlog::level::debug;
    case config::LogLevel::info:
      return spdlog::level::info;
    case config::LogLevel::warn:
      return spdlog::level::warn;
    case config::LogLevel::error:
      break;
  }
  return spdlog::level::err;
}

}  // namespace

Result<std::shared_ptr<spdlog::logger>> make_logger(const config::ServerConfig& config, Output& output,
                                                    std::function<void()> on_line) {
  if (!config.log_file.empty()) {
    if (auto opened = reopen_log(config, output); !opened) return opened.error();
    on_line = {};
  }
  output.set_lost(config.log_file.empty() ? Output::Stream::err : Output::Stream::log, lost_lines);
  auto logger = std::make_shared<spdlog::logger>("serried", std::make_shared<OutputSink>(output, std::move(on_line)));
  logger->set_pattern(pattern);
  logger->set_level(level_of(config.log_level));
  return logger;
}

Result<Done> reopen_log(const config::ServerConfig& config, Output& output) {
  const Result<int> opened = process::open_to_append(config.log_file);
  if (!opened) return opened.error();
  output.set_log(opened.value());
  return Done{};
}

StatusPrinter::StatusPrinter(config::StatusMode mode, Output& output, bool terminal) : mode_(mode), output_(output) {
  if (mode == config::StatusMode::automatic) mode_ = terminal ? config::StatusMode::table : config::StatusMode::line;
}

void StatusPrinter::print(std::string text) {
  if (mode_ == config::StatusMode::none) return;
  if (text.empty() || text.back() != '\n') text += '\n';
  unsigned lines = 0;
  if (mode_ == config::StatusMode::table) {
    lines = static_cast<unsigned>(std::count(text.begin(), text.end(), '\n'));
    text.insert(0, over(lines_));
  }
  // A line will say that some are missing: the next table starts below it.
  lines_ = output_.write(Output::Stream::out, std::move(text)) ? lines : 0;
}

}  // namespace serried::telemetry
