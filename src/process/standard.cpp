#include "process/standard.h"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>

namespace serried::process {

namespace {

void begin_with(const char* missing_output) noexcept {
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
  for (const int descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (fcntl(descriptor, F_GETFD) >= 0 || errno != EBADF) continue;
    const char* const device = descriptor == STDOUT_FILENO ? missing_output : "/dev/null";
    // The lowest free number is this one: those below it are open.
    if (open(device, descriptor == STDIN_FILENO ? O_RDONLY : O_WRONLY) != descriptor) _exit(1);
  }
}

}  // namespace

void begin() noexcept { begin_with("/dev/null"); }
void begin_to_print() noexcept { begin_with("/dev/full"); }

int ended(std::string_view program, int code) noexcept {
  const bool flushed = std::fflush(stdout) == 0;
  const int reason = errno;
  if (flushed && std::ferror(stdout) == 0) return code;
  std::fprintf(stderr, "%.*s: not all could be written to standard output%s%s\n", static_cast<int>(program.size()),
               program.data(), flushed ? "" : ": ", flushed ? "" : std::strerror(reason));
  return code == 0 ? 1 : code;
}

}  // namespace serried::process
