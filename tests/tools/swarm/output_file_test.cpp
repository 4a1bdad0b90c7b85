#include "tools/swarm/output_file.h"

#include <gtest/gtest.h>

#include "scratch_file.h"

namespace serried {
namespace {

using tools::OutputFile;

TEST(OutputFile, HoldsWhatWasWrittenAndReplacesWhatWasThere) {
  const test::ScratchFile file;
  for (const std::uint8_t first : {std::uint8_t{1}, std::uint8_t{9}}) {
    auto out = OutputFile::create(file.name());
    ASSERT_TRUE(static_cast<bool>(out)) << out.error().message;
    out.value().write(std::array<std::uint8_t, 2>{first, 2});
    out.value().write(std::array<std::uint8_t, 1>{3});
    EXPECT_EQ(out.value().bytes(), 3U);
    EXPECT_TRUE(static_cast<bool>(out.value().finish()));
    EXPECT_EQ(file.bytes(), (std::vector<std::uint8_t>{first, 2, 3}));
  }
}

TEST(OutputFile, SaysWhatCouldNotBeWritten) {
  const auto nowhere = OutputFile::create("/nowhere/file");
  ASSERT_FALSE(static_cast<bool>(nowhere));
  EXPECT_NE(nowhere.error().message.find("/nowhere/file"), std::string::npos);
  auto full = OutputFile::create("/dev/full");
  ASSERT_TRUE(static_cast<bool>(full));
  full.value().write(std::array<std::uint8_t, 2>{1, 2});
  const auto done = full.value().finish();
  ASSERT_FALSE(static_cast<bool>(done));
  EXPECT_NE(done.error().message.find("/dev/full"), std::string::npos);
}

}  // namespace
}  // namespace serried
