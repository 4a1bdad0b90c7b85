#pragma once
/// Logs and live figures, which share a terminal. Lanes do not write them: they count. Neither waits for a reader
/// (process/output.h).

#include <functional>
#include <memory>
#include <string>

#include <spdlog/logger.h>

#include "config/config.h"
#include "process/output.h"
#include "serried/result.h"

namespace serried::telemetry {

/// One line an event: time, severity, then words and key=value pairs. To standard error, or to --log-file, by `output`,
/// which outlives it. Where lines are missing, one line says how many. `on_line` is called before each line that goes
/// to standard error. Error: the file cannot be opened; its directory is not made.
Result<std::shared_ptr<spdlog::logger>> make_logger(const config::ServerConfig& config, process::Output& output,
                                                    std::function<void()> on_line);
/// Open --log-file anew, after it was moved away. Error: it cannot be opened, and lines go where they went before.
[[nodiscard]] Result<Done> reopen_log(const config::ServerConfig& config, process::Output& output);

/// Writes status as it is wanted: tables over one another, lines one after another.
class StatusPrinter {
 public:
  /// `automatic` becomes table on a terminal, else line. `output` outlives it.
  StatusPrinter(config::StatusMode mode, process::Output& output, bool terminal);

  [[nodiscard]] config::StatusMode mode() const noexcept { return mode_; }
  /// A text of one or more lines, in the printer's mode.
  void print(std::string text);
  /// Something else has written to the terminal: the next table starts below it.
  void interrupt() noexcept { lines_ = 0; }

 private:
  config::StatusMode mode_;
  process::Output& output_;
  unsigned lines_ = 0;  ///< of the table that stands right above the cursor
};

}  // namespace serried::telemetry
