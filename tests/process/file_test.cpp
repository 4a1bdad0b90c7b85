#include "process/file.h"

#include <filesystem>
#include <fstream>
#include <sstream>
#include <sys/stat.h>
#include <unistd.h>

#include <gtest/gtest.h>

namespace serried::process {
namespace {

class ProcessFile : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "serried-file-XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  [[nodiscard]] std::string path(const char* name) const { return (folder_ / name).string(); }
  [[nodiscard]] static std::string content(const std::string& name) {
    std::ostringstream text;
    text << std::ifstream{name}.rdbuf();
    return text.str();
  }
  [[nodiscard]] long files() const { return std::distance(std::filesystem::directory_iterator{folder_}, {}); }

  std::filesystem::path folder_;
};

TEST_F(ProcessFile, ReplacesWholeFilesAndReportsWhatItCannot) {
  const std::string name = path("out.json");
  EXPECT_TRUE(write_file(name, "a long first text"));
  EXPECT_TRUE(write_file(name, "second"));
  EXPECT_EQ(content(name), "second");
  EXPECT_EQ(files(), 1) << "nothing is left beside it";
  const auto failed = write_file(path("missing/out.json"), "x");
  ASSERT_FALSE(failed);
  EXPECT_NE(failed.error().message.find("the directory " + path("missing") + " does not exist"), std::string::npos)
      << failed.error().message;
}

TEST_F(ProcessFile, WhatStandsBesideItIsNotFollowed) {
  std::ofstream{path("precious")} << "precious";
  std::filesystem::create_symlink(path("precious"), path("out.json.part"));
  EXPECT_TRUE(can_write_file(path("out.json")));
  std::filesystem::create_symlink(path("precious"), path("out.json.part"));
  EXPECT_TRUE(write_file(path("out.json"), "text"));
  EXPECT_EQ(content(path("precious")), "precious");
  EXPECT_EQ(content(path("out.json")), "text");
}

TEST_F(ProcessFile, SaysBeforehandWhetherAFileCanBeWritten) {
  EXPECT_TRUE(can_write_file(path("out.json")));
  EXPECT_EQ(files(), 0) << "nothing is left behind";
  std::ofstream{path("out.json")} << "old";
  EXPECT_TRUE(can_write_file(path("out.json")));
  EXPECT_EQ(content(path("out.json")), "old");
  const auto fault = [](const std::string& name) {
    const auto possible = can_write_file(name);
    return possible ? "none" : possible.error().message;
  };
  EXPECT_NE(fault(path("no/out.json")).find("the directory " + path("no") + " does not exist"), std::string::npos);
  EXPECT_NE(fault(folder_.string()).find("is no regular file"), std::string::npos);
  EXPECT_NE(fault("/dev/null").find("is no regular file"), std::string::npos);
  EXPECT_NE(fault("/proc/out.json").find("cannot write /proc/out.json"), std::string::npos);
}

TEST_F(ProcessFile, AppendsAndMakesNoDirectory) {
  std::ofstream{path("log")} << "old ";
  const auto opened = open_to_append(path("log"));
  ASSERT_TRUE(opened);
  EXPECT_EQ(write(opened.value(), "new", 3), 3);
  close(opened.value());
  EXPECT_EQ(content(path("log")), "old new");
  const auto failed = open_to_append(path("a/b/log"));
  ASSERT_FALSE(failed);
  EXPECT_NE(failed.error().message.find("the directory " + path("a/b") + " does not exist"), std::string::npos)
      << failed.error().message;
  EXPECT_FALSE(std::filesystem::exists(path("a")));
}

TEST_F(ProcessFile, AFifoWithoutAReaderIsNotWaitedFor) {
  ASSERT_EQ(mkfifo(path("fifo").c_str(), 0600), 0);
  const auto failed = open_to_append(path("fifo"));
  ASSERT_FALSE(failed);
  EXPECT_NE(failed.error().message.find("no process reads this FIFO"), std::string::npos) << failed.error().message;
}

}  // namespace
}  // namespace serried::process
