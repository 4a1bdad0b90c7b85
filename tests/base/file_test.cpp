#include "base/file.h"

#include <filesystem>
#include <fstream>
#include <string>

#include <gtest/gtest.h>

namespace serried::base {
namespace {

TEST(ReadFile, HasAllBytesOrNoValue) {
  const std::string folder = testing::TempDir(), name = folder + "/serried_read_file";
  for (const std::string& bytes : {std::string{}, std::string("a\0b\n", 4), std::string(10'000, 'x')}) {
    std::ofstream{name, std::ios::binary} << bytes;
    const auto read = read_file(name);
    ASSERT_TRUE(read.has_value()) << bytes.size();
    EXPECT_EQ(*read, bytes);
  }
  std::filesystem::remove(name);
  EXPECT_FALSE(read_file(name).has_value());
  EXPECT_FALSE(read_file(folder).has_value()) << "a folder";
}

}  // namespace
}  // namespace serried::base
