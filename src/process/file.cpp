#include "process/file.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <string_view>
#include <sys/stat.h>
#include <unistd.h>

namespace serried::process {
namespace {

std::string folder_of(const std::string& name) {
  const std::size_t slash = name.rfind('/');
  return slash == std::string::npos ? "." : slash == 0 ? "/" : name.substr(0, slash);
}

/// Why `name` could not be opened, with `reason` from errno.
std::string why(const std::string& name, int reason) {
  const std::string folder = folder_of(name);
  if (reason == ENOENT && access(folder.c_str(), F_OK) != 0)
    return "the directory " + folder + " does not exist; make it first, or name another";
  return std::string{std::strerror(reason)} + "; check the path, its permissions and the disk";
}

Error cannot_write(const std::string& name, int reason) {
  return Error{"cannot write " + name + ": " + why(name, reason)};
}

std::string beside(const std::string& name) { return name + ".part"; }

/// A new file beside `name`: not one that is there, which may be a foreign link to somewhere else. -1:
/// errno.
int open_beside(const std::string& name) {
  unlink(beside(name).c_str());
  return open(beside(name).c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
}

bool write_all(int descriptor, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = write(descriptor, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

}  // namespace

Result<Done> write_file(const std::string& name, const std::string& text) {
  const int descriptor = open_beside(name);
  if (descriptor < 0) return cannot_write(name, errno);
  int reason = write_all(descriptor, text) ? 0 : errno;
  if (close(descriptor) != 0 && reason == 0) reason = errno;
  if (reason == 0 && rename(beside(name).c_str(), name.c_str()) != 0) reason = errno;
  if (reason == 0) return Done{};
  unlink(beside(name).c_str());
  return cannot_write(name, reason);
}

Result<Done> can_write_file(const std::string& name) {
  struct stat found {};
  if (stat(name.c_str(), &found) == 0 && !S_ISREG(found.st_mode))
    return Error{name + " is no regular file; name one that may be replaced, or a new one"};
  const int descriptor = open_beside(name);
  if (descriptor < 0) return cannot_write(name, errno);
  close(descriptor);
  unlink(beside(name).c_str());
  return Done{};
}

Result<int> open_to_append(const std::string& name) {
  // Without O_NONBLOCK a FIFO without a reader would be waited for. A regular file knows no difference.
  const int descriptor = open(name.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0666);
  if (descriptor >= 0) return descriptor;
  const int reason = errno;
  if (reason == ENXIO) return Error{name + " cannot be opened: no process reads this FIFO"};
  return Error{name + " cannot be opened: " + why(name, reason)};
}

}  // namespace serried::process
