#include "tools/swarm/status.h"

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <string>
#include <unistd.h>

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
  if (status_ == Status::line) {
    std::printf("%s\n", line(summary).c_str());
  } else if (status_ == Status::live) {
    const std::string text = table(summary);
    // Back to the first line of the table before, then each line is cleared before it is written anew.
    if (lines_shown_ != 0) std::printf("\033[%zuA\033[J", lines_shown_);
    std::fputs(text.c_str(), stdout);
    lines_shown_ = static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
  }
  std::fflush(stdout);
}

void StatusDisplay::finish(const Summary& summary) {
  if (status_ == Status::live && lines_shown_ != 0) std::printf("\033[%zuA\033[J", lines_shown_);
  if (status_ != Status::none) std::fputs(table(summary).c_str(), stdout);
  std::fflush(stdout);
}

}  // namespace serried::tools
