#pragma once
/// Logs and live figures, which share a terminal. Lanes do not write them: they count.

#include <cstdio>
#include <functional>
#include <memory>
#include <string>

#include <spdlog/logger.h>

#include "config/config.h"
#include "serried/result.h"

namespace serried::telemetry {

/// One line an event: time, severity, then words and key=value pairs. To standard error, or to --log-file.
/// `on_line` is called before each line that goes to standard error. Error: the file cannot be opened.
Result<std::shared_ptr<spdlog::logger>> make_logger(const config::ServerConfig& config, std::function<void()> on_line);

/// Writes status as it is wanted: tables over one another, lines one after another.
class StatusPrinter {
 public:
  /// `automatic` becomes table when `out` is a terminal, else line.
  StatusPrinter(config::StatusMode mode, std::FILE* out);

  [[nodiscard]] config::StatusMode mode() const noexcept { return mode_; }
  /// A text of one or more lines, in the printer's mode.
  void print(const std::string& text);
  /// Something else has written to the terminal: the next table starts below it.
  void interrupt() noexcept { lines_ = 0; }

 private:
  config::StatusMode mode_;
  std::FILE* out_;
  unsigned lines_ = 0;  ///< of the table that stands right above the cursor
};

}  // namespace serried::telemetry
