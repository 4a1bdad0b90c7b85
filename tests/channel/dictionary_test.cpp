#include "channel/dictionary.h"

#include <filesystem>
#include <fstream>
#include <unistd.h>

#include <gtest/gtest.h>

#include "base/bytes.h"

namespace serried::channel {
namespace {

using Bytes = std::vector<std::uint8_t>;

Bytes file_of(std::uint32_t id, std::uint32_t size, const Bytes& bytes) {
  Bytes file(16 + bytes.size());
  base::ByteWriter out(file);
  out.write_bytes(base::as_bytes("SERRDICT"));
  out.write(id);
  out.write(size);
  out.write_bytes(bytes);
  return file;
}

std::string fault(const Bytes& file) {
  const Result<Dictionary> parsed = parse_dictionary(file);
  return parsed ? "" : parsed.error().message;
}

class DictionaryFile : public testing::Test {
 protected:
  DictionaryFile() : folder_(std::filesystem::temp_directory_path() / ("serried-" + std::to_string(::getpid()))) {
    std::filesystem::create_directory(folder_);
  }
  ~DictionaryFile() override { std::filesystem::remove_all(folder_); }
  std::string write(const Bytes& bytes) {
    const std::string file = folder_ / "test.dict";
    std::ofstream(file, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    return file;
  }
  std::filesystem::path folder_;
};

TEST(Dictionary, HoldsWhatTheFileHolds) {
  for (const std::size_t size :
       {std::size_t{1}, std::size_t{7}, std::size_t{8}, std::size_t{4096}, dictionary_bytes_max}) {
    const Bytes bytes(size, 0x5A);
    const Result<Dictionary> parsed = parse_dictionary(file_of(0x01020304, static_cast<std::uint32_t>(size), bytes));
    ASSERT_TRUE(static_cast<bool>(parsed)) << parsed.error().message;
    EXPECT_EQ(parsed.value().id(), 0x01020304U);
    EXPECT_EQ(Bytes(parsed.value().bytes().begin(), parsed.value().bytes().end()), bytes);
  }
}

TEST(Dictionary, EveryFaultIsNamed) {
  const Bytes bytes(100, 1);
  EXPECT_EQ(fault(file_of(5, 100, bytes)), "");
  EXPECT_NE(fault({}).find("no dictionary"), std::string::npos);
  EXPECT_NE(fault(Bytes(200, 'x')).find("no dictionary"), std::string::npos);
  Bytes head = file_of(5, 100, {});
  head.resize(15);
  EXPECT_NE(fault(head).find("ends within its head"), std::string::npos);
  EXPECT_NE(fault(file_of(5, 101, bytes)).find("101 bytes follow its head, but 100 do"), std::string::npos);
  EXPECT_NE(fault(file_of(5, 99, bytes)).find("99 bytes follow"), std::string::npos);
  EXPECT_NE(fault(file_of(0, 100, bytes)).find("never 0"), std::string::npos);
  EXPECT_NE(fault(file_of(5, 0, {})).find("not 0"), std::string::npos);
  EXPECT_NE(fault(file_of(5, 65'537, Bytes(65'537))).find("not 65537"), std::string::npos);
}

TEST_F(DictionaryFile, IsLoaded) {
  const Result<Dictionary> loaded = load_dictionary(write(file_of(9, 50, Bytes(50, 3))));
  ASSERT_TRUE(static_cast<bool>(loaded)) << loaded.error().message;
  EXPECT_EQ(loaded.value().id(), 9U);
}

TEST_F(DictionaryFile, FaultsNameTheFile) {
  const std::string missing = folder_ / "missing.dict";
  const Result<Dictionary> none = load_dictionary(missing);
  ASSERT_FALSE(static_cast<bool>(none));
  EXPECT_NE(none.error().message.find("missing.dict'"), std::string::npos);
  const Result<Dictionary> bad = load_dictionary(write(Bytes(20, 'x')));
  ASSERT_FALSE(static_cast<bool>(bad));
  EXPECT_NE(bad.error().message.find("test.dict'"), std::string::npos);
  const Result<Dictionary> longer = load_dictionary(write(Bytes(70'000, 'x')));
  ASSERT_FALSE(static_cast<bool>(longer));
  EXPECT_NE(longer.error().message.find("longer"), std::string::npos);
}

}  // namespace
}  // namespace serried::channel
