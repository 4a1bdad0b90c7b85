#pragma once
/// Runs a tool as its users meet it: a process with arguments, an exit code and two streams, in a folder of its own.

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "crypt/keys.h"

namespace serried {

struct Ran {
  int code = -1;
  std::string out;  ///< both streams
};

inline bool holds(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

/// Arguments that a tool refuses, with which exit code, and a part of what it says about them.
struct Mistake {
  const char* arguments;
  int code;
  const char* said;
};

class ToolTest : public testing::Test {
 protected:
  /// `variable`: the environment variable that holds the program's path.
  explicit ToolTest(const char* variable) : variable_(variable) {}

  void SetUp() override {
    ASSERT_TRUE(crypt::initialise());
    ASSERT_NE(std::getenv(variable_), nullptr)
        << "run by `meson test`, or set " << variable_ << " to the program's path";
    std::string name = (std::filesystem::temp_directory_path() / "serried-tool-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder = name;
  }
  void TearDown() override { std::filesystem::remove_all(folder); }

  [[nodiscard]] Ran run(const std::string& arguments) const {
    const std::string command =
        "cd '" + folder.string() + "' && '" + std::getenv(variable_) + "' " + arguments + " 2>&1";
    Ran ran;
    std::FILE* const pipe = ::popen(command.c_str(), "r");
    char piece[4096];
    for (std::size_t got; (got = std::fread(piece, 1, sizeof piece, pipe)) != 0;) ran.out.append(piece, got);
    const int status = ::pclose(pipe);
    ran.code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    return ran;
  }
  void expect_refused(std::span<const Mistake> mistakes) const {
    for (const Mistake& mistake : mistakes) {
      SCOPED_TRACE(mistake.arguments);
      const Ran ran = run(mistake.arguments);
      EXPECT_EQ(ran.code, mistake.code) << ran.out;
      EXPECT_TRUE(holds(ran.out, mistake.said)) << ran.out;
    }
  }
  [[nodiscard]] std::string path(const char* name) const { return (folder / name).string(); }
  [[nodiscard]] mode_t mode_of(const char* name) const {
    struct stat status {};
    EXPECT_EQ(::stat(path(name).c_str(), &status), 0) << name;
    return status.st_mode & 07777;
  }

  std::filesystem::path folder;

 private:
  const char* variable_;
};

}  // namespace serried
