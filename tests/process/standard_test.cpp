#include "process/standard.h"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <string>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "support/child.h"

namespace serried::process {
namespace {

bool is_null_device(int descriptor) {
  char name[64] = {};
  const std::string link = "/proc/self/fd/" + std::to_string(descriptor);
  return readlink(link.c_str(), name, sizeof name - 1) > 0 && std::string{name} == "/dev/null";
}

TEST(Standard, MissingDescriptorsBecomeTheNullDevice) {
  for (unsigned missing = 0; missing < 8; ++missing)
    EXPECT_EQ(code_of_child([missing] {
                for (int i = 0; i < 3; ++i)
                  if ((missing >> i & 1) != 0) close(i);
                begin();
                for (int i = 0; i < 3; ++i)
                  if ((missing >> i & 1) != 0 && !is_null_device(i)) return 1;
                const int next = open("/dev/null", O_RDONLY);
                return next > 2 ? 0 : 2;
              }),
              0)
        << missing;
}

TEST(Standard, WhatIsPrintedToAMissingOutputIsMissed) {
  for (const bool prints : {false, true})
    EXPECT_EQ(code_of_child([prints] {
                dup2(open("/dev/null", O_WRONLY), STDERR_FILENO);
                close(STDOUT_FILENO);
                begin_to_print();
                if (prints) std::puts("a token");
                return ended("program", 0);
              }),
              prints ? 1 : 0);
}

TEST(Standard, AReaderThatHasGoneIsAnError) {
  EXPECT_EQ(code_of_child([] {
              begin();
              int ends[2];
              if (pipe(ends) != 0) return 1;
              close(ends[0]);
              return write(ends[1], "x", 1) < 0 && errno == EPIPE ? 0 : 2;
            }),
            0);
}

TEST(Standard, AFileThatMayNotGrowIsAnError) {
  EXPECT_EQ(code_of_child([] {
              begin();
              const rlimit none{0, 0};
              setrlimit(RLIMIT_FSIZE, &none);
              std::FILE* const file = std::tmpfile();
              return file != nullptr && write(fileno(file), "x", 1) < 0 && errno == EFBIG ? 0 : 2;
            }),
            0);
}

TEST(Standard, LostOutputIsAFailure) {
  const auto code_on = [](const char* device, int code) {
    return code_of_child([=] {
      dup2(open("/dev/null", O_WRONLY), STDERR_FILENO);
      dup2(open(device, O_WRONLY), STDOUT_FILENO);
      std::fputs("text\n", stdout);
      return ended("test", code);
    });
  };
  EXPECT_EQ(code_on("/dev/null", 0), 0);
  EXPECT_EQ(code_on("/dev/null", 3), 3);
  EXPECT_EQ(code_on("/dev/full", 0), 1);
  EXPECT_EQ(code_on("/dev/full", 2), 2);
}

}  // namespace
}  // namespace serried::process
