#include "config/assets.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

namespace serried::config {
namespace {

class AssetsTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "serried-assets-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(folder); }

  std::string version_file(std::uint32_t number) {
    crypt::IntegrityVersion version;
    version.version = number;
    version.entries = 16;
    crypt::system_entropy(version.secret.bytes());
    const std::string file = folder / ("build-" + std::to_string(files++));
    EXPECT_TRUE(crypt::save_integrity_version(version, file));
    return file;
  }

  std::filesystem::path folder;
  unsigned files = 0;
  ServerConfig config;
  std::vector<Fault> faults;
};

TEST_F(AssetsTest, WithoutFileNamesNoAssetIsLoaded) {
  const Assets assets = load_assets(config, faults);
  EXPECT_TRUE(faults.empty());
  EXPECT_TRUE(assets.integrity.versions().empty());
  EXPECT_FALSE(assets.dictionary.has_value());
  EXPECT_TRUE(assets.welcome.empty());
}

TEST_F(AssetsTest, AWelcomeIsTextThatFitsAMessage) {
  config.welcome_file = (folder / "welcome").string();
  const auto write = [&](const std::string& text) { std::ofstream(config.welcome_file, std::ios::binary) << text; };
  write("Gr\xC3\xBC\xC3\x9F Gott\n");
  EXPECT_EQ(load_assets(config, faults).welcome, "Gr\xC3\xBC\xC3\x9F Gott\n");
  write(std::string(512 * 1024 - 1, 'w'));
  EXPECT_EQ(load_assets(config, faults).welcome.size(), 512 * 1024 - 1U);
  EXPECT_TRUE(faults.empty()) << fault_text(faults);
  write(std::string(512 * 1024, 'w'));
  EXPECT_TRUE(load_assets(config, faults).welcome.empty());
  write("\xFF\xFE");
  EXPECT_TRUE(load_assets(config, faults).welcome.empty());
  config.welcome_file += "-missing";
  EXPECT_TRUE(load_assets(config, faults).welcome.empty());
  EXPECT_EQ(faults.size(), 3U) << fault_text(faults);
  config.welcome_file = folder.string();
  EXPECT_TRUE(load_assets(config, faults).welcome.empty());
  EXPECT_EQ(faults.size(), 4U) << "a folder: " << fault_text(faults);
}

TEST_F(AssetsTest, SeveralBuildsAtATime) {
  config.integrity_files = {version_file(9), version_file(7)};
  const Assets assets = load_assets(config, faults);
  EXPECT_TRUE(faults.empty());
  ASSERT_NE(assets.integrity.find(7), nullptr);
  ASSERT_NE(assets.integrity.find(9), nullptr);
  EXPECT_EQ(assets.integrity.find(8), nullptr);
}

TEST_F(AssetsTest, EveryFileThatIsWrongIsAFault) {
  config.integrity_files = {version_file(7), version_file(7), (folder / "missing").string()};
  config.dictionary = (folder / "no-dictionary").string();
  std::ofstream(config.dictionary) << "this is none";
  const Assets assets = load_assets(config, faults);
  EXPECT_EQ(faults.size(), 3U) << fault_text(faults);
  EXPECT_TRUE(assets.integrity.versions().empty()) << "the same build twice is not a choice";
  EXPECT_FALSE(assets.dictionary.has_value());
}

}  // namespace
}  // namespace serried::config
