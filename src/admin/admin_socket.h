#pragma once
/// Where an operator's requests come in: a Unix domain socket that only the server's user may open. One line in, one
/// line out, then the connection ends. A thread of its own serves it, one request at a time, and nothing else runs
/// there but what Admin does between requests.

#include <atomic>
#include <memory>
#include <string>
#include <thread>

#include "admin/admin.h"

namespace serried::admin {

class AdminSocket {
 public:
  static constexpr std::size_t request_bytes_max = 4'096;

  /// Makes `path`, mode 0600. One that a server left behind is taken over; a live one, or a file that is no socket, is
  /// an error. `admin` outlives it.
  static Result<std::unique_ptr<AdminSocket>> open(const std::string& path, Admin& admin);
  /// Stops the thread and removes the path.
  ~AdminSocket();
  AdminSocket(const AdminSocket&) = delete;
  AdminSocket& operator=(const AdminSocket&) = delete;

  /// Begin to serve. The thread runs where the caller may run.
  void start();
  /// No more requests, and none of Admin's own work: what bans go into may go after it.
  void stop();
  [[nodiscard]] Admin& admin() noexcept { return admin_; }

 private:
  AdminSocket(std::string path, int file, Admin& admin) : path_(std::move(path)), file_(file), admin_(admin) {}
  void serve();
  void converse(int connection);

  std::string path_;
  int file_;
  Admin& admin_;
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

}  // namespace serried::admin
