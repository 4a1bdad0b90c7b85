#include "telemetry/log.h"

#include <algorithm>
#include <unistd.h>

#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>

#include "telemetry/status.h"

namespace serried::telemetry {
namespace {

/// Writes nothing, but says that a record is about to be written.
class Announce final : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
 public:
  explicit Announce(std::function<void()> call) : call_(std::move(call)) {}

 protected:
  void sink_it_(const spdlog::details::log_msg&) override { call_(); }
  void flush_() override {}

 private:
  std::function<void()> call_;
};

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

Result<std::shared_ptr<spdlog::logger>> make_logger(const config::ServerConfig& config, std::function<void()> on_line) {
  std::vector<spdlog::sink_ptr> sinks;
  try {
    if (config.log_file.empty()) {
      if (on_line) sinks.push_back(std::make_shared<Announce>(std::move(on_line)));
      sinks.push_back(std::make_shared<spdlog::sinks::stderr_sink_mt>());
    } else {
      sinks.push_back(std::make_shared<spdlog::sinks::basic_file_sink_mt>(config.log_file));
    }
  } catch (const spdlog::spdlog_ex& error) {
    return Error{"--log-file " + config.log_file + " cannot be opened; check the path and its permissions (" +
                 error.what() + ")"};
  }
  auto logger = std::make_shared<spdlog::logger>("serried", sinks.begin(), sinks.end());
  logger->set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %l %v");
  logger->set_level(level_of(config.log_level));
  logger->flush_on(spdlog::level::info);
  return logger;
}

StatusPrinter::StatusPrinter(config::StatusMode mode, std::FILE* out) : mode_(mode), out_(out) {
  if (mode == config::StatusMode::automatic)
    mode_ = isatty(fileno(out)) != 0 ? config::StatusMode::table : config::StatusMode::line;
}

void StatusPrinter::print(const std::string& text) {
  if (mode_ == config::StatusMode::none) return;
  if (mode_ == config::StatusMode::table) {
    std::fputs(over(lines_).c_str(), out_);
    lines_ = static_cast<unsigned>(std::count(text.begin(), text.end(), '\n'));
  }
  std::fputs(text.c_str(), out_);
  if (text.empty() || text.back() != '\n') std::fputc('\n', out_);
  std::fflush(out_);
}

}  // namespace serried::telemetry
