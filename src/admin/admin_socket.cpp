#include "admin/admin_socket.h"

#include <cerrno>
#include <cstring>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"

namespace serried::admin {
namespace {

constexpr int interval_ms = 50;     ///< between two polls of Admin, when no request comes
constexpr Nanos patience = second;  ///< for a whole request, and for a whole answer

/// Wait until `connection` takes or has something. False: it does not before `deadline`.
bool is_ready(int connection, short events, Nanos deadline) {
  const Nanos now = base::now();
  if (now >= deadline) return false;
  pollfd wait{connection, events, 0};
  return poll(&wait, 1, static_cast<int>((deadline - now) / millisecond) + 1) == 1;
}

bool address_of(const std::string& path, sockaddr_un& address) {
  address = {};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path) return false;
  std::memcpy(address.sun_path, path.data(), path.size());
  return true;
}

/// Make way for a new socket at `path`: only one without a listener is removed.
Result<Done> make_way(const std::string& path, const sockaddr_un& address) {
  struct stat found {};
  if (lstat(path.c_str(), &found) != 0) return Done{};
  if (!S_ISSOCK(found.st_mode)) return Error{path + " exists and is no socket; choose another path"};
  const int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const bool answered = probe >= 0 && connect(probe, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  const int reason = errno;
  if (probe >= 0) close(probe);
  if (answered) return Error{path + " is the control socket of a server that runs; give each server its own"};
  if (reason != ECONNREFUSED) return Error{path + " exists and cannot be tried: " + std::strerror(reason)};
  unlink(path.c_str());
  return Done{};
}

}  // namespace

Result<std::unique_ptr<AdminSocket>> AdminSocket::open(const std::string& path, Admin& admin) {
  sockaddr_un address;
  if (!address_of(path, address))
    return Error{"control socket \"" + path + "\": a path has 1 to " + std::to_string(sizeof address.sun_path - 1) +
                 " bytes"};
  if (auto done = make_way(path, address); !done) return done.error().within("control socket");
  const int file = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  // The mode of the socket before bind is that of the file which bind makes: at no moment may others open it.
  if (file < 0 || fchmod(file, S_IRUSR | S_IWUSR) != 0 ||
      bind(file, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    const std::string why = std::strerror(errno);
    if (file >= 0) close(file);
    return Error{"control socket " + path + ": " + why + "; check the directory and its permissions"};
  }
  std::unique_ptr<AdminSocket> made{new AdminSocket(path, file, admin)};
  if (listen(file, 8) != 0) return Error{"control socket " + path + ": " + std::strerror(errno)};
  return made;
}

AdminSocket::~AdminSocket() {
  stop();
  close(file_);
  unlink(path_.c_str());
}

void AdminSocket::start() {
  thread_ = std::thread{[this] { serve(); }};
}

void AdminSocket::stop() {
  stop_.store(true, std::memory_order_relaxed);
  if (thread_.joinable()) thread_.join();
}

void AdminSocket::serve() {
  while (!stop_.load(std::memory_order_relaxed)) {
    pollfd wait{file_, POLLIN, 0};
    if (poll(&wait, 1, interval_ms) == 1) {
      const int connection = accept4(file_, nullptr, nullptr, SOCK_CLOEXEC);
      if (connection >= 0) converse(connection);
      if (connection >= 0) close(connection);
    }
    admin_.poll(base::now());
  }
}

void AdminSocket::converse(int connection) {
  // Admin's own work waits meanwhile: who sends, or reads, a byte at a time does not have more of it than others.
  const Nanos asked_by = base::now() + patience;
  std::string request;
  std::size_t end = std::string::npos;
  while (end == std::string::npos && request.size() <= request_bytes_max) {
    char bytes[1'024];
    if (!is_ready(connection, POLLIN, asked_by)) return;
    const ssize_t got = recv(connection, bytes, sizeof bytes, MSG_DONTWAIT);
    if (got < 0 && errno == EAGAIN) continue;
    if (got <= 0) return;
    request.append(bytes, static_cast<std::size_t>(got));
    end = request.find('\n');
  }
  const std::string answer = end == std::string::npos || end > request_bytes_max
                                 ? R"({"ok":false,"error":"the request is too long"})"
                                 : admin_.answer(request.substr(0, end), base::now());
  const std::string whole = answer + "\n";
  const Nanos told_by = base::now() + patience;
  for (std::size_t sent = 0; sent < whole.size();) {
    if (!is_ready(connection, POLLOUT, told_by)) return;
    const ssize_t more = send(connection, whole.data() + sent, whole.size() - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (more < 0 && errno == EAGAIN) continue;
    if (more <= 0) return;
    sent += static_cast<std::size_t>(more);
  }
}

}  // namespace serried::admin
