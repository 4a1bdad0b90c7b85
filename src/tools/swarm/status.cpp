#include "tools/swarm/status.h"

#include <algorithm>
#include <fstream>
#include <string>
#include <unistd.h>
#include <utility>

#include "tools/swarm/report.h"
#include "tools/swarm/run.h"

namespace serried::tools {

volatile std::sig_atomic_t interrupted = 0;

std::uint64_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  std::uint64_t total = 0, resident = 0;
  statm >> total >> resident;
  return resident * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

void StatusDisplay::show(const Summary& summary) {
  if (status_ == Status::line) write(line(summary) + "\n", false);
  if (status_ == Status::live) write(table(summary), true);
}

void StatusDisplay::finish(const Summary& summary) {
  if (status_ != Status::none) write(table(summary), status_ == Status::live);
}

void StatusDisplay::write(std::string text, bool over) {
  const auto lines = static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
  // Back to the first line of the table before, and all from there on is cleared.
  if (over && lines_shown_ != 0) text.insert(0, "\033[" + std::to_string(lines_shown_) + "A\033[J");
  lines_shown_ = output_.write(process::Output::Stream::out, std::move(text)) ? lines : 0;
}

}  // namespace serried::tools
