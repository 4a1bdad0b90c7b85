#include "admin/admin_socket.h"

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <thread>
#include <unistd.h>

#include <gtest/gtest.h>

namespace serried::admin {
namespace {

struct AdminSocketTest : testing::Test {
  void SetUp() override {
    char name[] = "/tmp/serried-admin-XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    folder = name;
    path = folder + "/control";
  }
  void TearDown() override {
    unlink(path.c_str());
    rmdir(folder.c_str());
  }

  [[nodiscard]] std::string ask(const std::string& request) const {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    const int file = socket(AF_UNIX, SOCK_STREAM, 0);
    std::string answer;
    if (connect(file, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
      EXPECT_EQ(send(file, request.data(), request.size(), MSG_NOSIGNAL), static_cast<ssize_t>(request.size()));
      char bytes[512];
      for (ssize_t got; (got = recv(file, bytes, sizeof bytes, 0)) > 0;)
        answer.append(bytes, static_cast<std::size_t>(got));
    }
    close(file);
    return answer;
  }

  link::AdminLink link;
  Admin admin{{&link}, {}};
  std::string folder, path;
};

TEST_F(AdminSocketTest, AnswersOneLineWithOne) {
  auto opened = AdminSocket::open(path, admin);
  ASSERT_TRUE(opened) << opened.error().message;
  opened.value()->start();
  EXPECT_EQ(ask("{\"command\":\"ban list\"}\n"), "{\"ok\":true,\"bans\":[]}\n");
  EXPECT_NE(ask("nonsense\n").find("\"ok\":false"), std::string::npos);
  EXPECT_NE(ask(std::string(AdminSocket::request_bytes_max + 2, ' ')).find("too long"), std::string::npos);
  const std::string status = R"({"command":"status"})";
  const std::string longest = status + std::string(AdminSocket::request_bytes_max - status.size(), ' ');
  EXPECT_NE(ask(longest + "\n").find("\"ok\":true"), std::string::npos);
  EXPECT_NE(ask(longest + " \n").find("too long"), std::string::npos);
  EXPECT_EQ(ask("{\"command\":\"ban list\"}\n"), "{\"ok\":true,\"bans\":[]}\n");
}

/// What bans go into may be gone then: a report of a lane stays where it is.
TEST_F(AdminSocketTest, AfterItsStopItDoesNothing) {
  auto opened = AdminSocket::open(path, admin);
  ASSERT_TRUE(opened) << opened.error().message;
  const link::AdminReport report{link::AdminReport::Kind::done, 77, {}, 0, 0};
  opened.value()->start();
  ASSERT_TRUE(link.reports.push(report));
  for (int i = 0; i < 1'000 && link.reports.size() != 0; ++i) std::this_thread::sleep_for(std::chrono::milliseconds{5});
  EXPECT_EQ(link.reports.size(), 0U);
  opened.value()->stop();
  ASSERT_TRUE(link.reports.push(report));
  std::this_thread::sleep_for(std::chrono::milliseconds{300});
  EXPECT_EQ(link.reports.size(), 1U);
}

/// Send a request a byte at a time, each well within a second of the one before. Expect the server to hang up before it
/// is all there, and to serve the next.
TEST_F(AdminSocketTest, ARequestHasOneSecondHoweverItComes) {
  auto opened = AdminSocket::open(path, admin);
  ASSERT_TRUE(opened) << opened.error().message;
  opened.value()->start();
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  const int file = socket(AF_UNIX, SOCK_STREAM, 0);
  ASSERT_EQ(connect(file, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  unsigned taken = 0;
  while (taken < 40 && send(file, " ", 1, MSG_NOSIGNAL) == 1) {
    ++taken;
    std::this_thread::sleep_for(std::chrono::milliseconds{100});
  }
  EXPECT_LT(taken, 40U);
  close(file);
  EXPECT_EQ(ask("{\"command\":\"ban list\"}\n"), "{\"ok\":true,\"bans\":[]}\n");
}

TEST_F(AdminSocketTest, IsPrivateToItsUserAndRemovedAtTheEnd) {
  {
    auto opened = AdminSocket::open(path, admin);
    ASSERT_TRUE(opened);
    struct stat about {};
    ASSERT_EQ(stat(path.c_str(), &about), 0);
    EXPECT_EQ(about.st_mode & 0777, 0600U);
  }
  EXPECT_NE(access(path.c_str(), F_OK), 0);
}

TEST_F(AdminSocketTest, ReplacesAStaleSocketAndRefusesALiveOne) {
  auto opened = AdminSocket::open(path, admin);
  ASSERT_TRUE(opened);
  EXPECT_FALSE(AdminSocket::open(path, admin)) << "a server listens there";
  const std::string moved = folder + "/moved";
  ASSERT_EQ(rename(path.c_str(), moved.c_str()), 0);
  opened.value().reset();
  ASSERT_EQ(rename(moved.c_str(), path.c_str()), 0);
  EXPECT_TRUE(AdminSocket::open(path, admin)) << "no server listens there any more";
}

TEST_F(AdminSocketTest, LeavesFilesAlone) {
  std::ofstream{path} << "mine";
  EXPECT_FALSE(AdminSocket::open(path, admin));
  EXPECT_EQ(access(path.c_str(), F_OK), 0);
  EXPECT_FALSE(AdminSocket::open(std::string(200, 'x'), admin));
  EXPECT_FALSE(AdminSocket::open(folder + "/none/control", admin));
}

}  // namespace
}  // namespace serried::admin
