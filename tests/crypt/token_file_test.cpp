/// Key files on disk (token_file_setup.cpp).

#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <sys/stat.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "crypt/support.h"
#include "crypt/token_text.h"

namespace serried::crypt {
namespace {

class TokenFileTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(initialise());
    std::string name = (std::filesystem::temp_directory_path() / "serried-key-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder = name;
    key.key_id = 9;
    key.protocol_id = 10;
    key.server_id = 11;
    key.secret = secret_of(rising(3, 32));
  }
  void TearDown() override { std::filesystem::remove_all(folder); }
  [[nodiscard]] std::string path(const char* name) const { return (folder / name).string(); }
  std::string written(const char* name, const std::string& text, mode_t mode = 0600) const {
    std::ofstream(path(name)) << text;
    EXPECT_EQ(::chmod(path(name).c_str(), mode), 0);
    return path(name);
  }
  static std::string fault(const Result<TokenKey>& result) { return result ? "" : result.error().message; }

  std::filesystem::path folder;
  TokenKey key;
};

TEST_F(TokenFileTest, LoadsWhatWasSavedForItsOwnerAlone) {
  const mode_t before = ::umask(0);
  const auto saved = save_token_key(key, path("key"));
  ::umask(before);
  ASSERT_TRUE(saved) << saved.error().message;
  struct stat status {};
  ASSERT_EQ(::stat(path("key").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0600u);
  const auto loaded = load_token_key(path("key"));
  ASSERT_TRUE(loaded) << fault(loaded);
  EXPECT_EQ(loaded.value().key_id, 9u);
  EXPECT_EQ(loaded.value().protocol_id, 10u);
  EXPECT_EQ(loaded.value().server_id, 11u);
  EXPECT_EQ(loaded.value().secret, key.secret);
}

TEST_F(TokenFileTest, NeverOverwrites) {
  ASSERT_TRUE(save_token_key(key, path("key")));
  key.secret = secret_of(rising(4, 32));
  const auto again = save_token_key(key, path("key"));
  ASSERT_FALSE(again);
  EXPECT_NE(again.error().message.find("exists already"), std::string::npos) << again.error().message;
  EXPECT_EQ(load_token_key(path("key")).value().secret, secret_of(rising(3, 32)));
}

TEST_F(TokenFileTest, SaysWhyItCannotSave) {
  const auto saved = save_token_key(key, path("no/such/folder"));
  ASSERT_FALSE(saved);
  EXPECT_NE(saved.error().message.find("cannot create"), std::string::npos);
  EXPECT_NE(saved.error().message.find(path("no/such/folder")), std::string::npos);
}

TEST_F(TokenFileTest, SaysWhyItCannotLoad) {
  EXPECT_NE(fault(load_token_key(path("absent"))).find("cannot open"), std::string::npos);
  EXPECT_NE(fault(load_token_key(folder.string())).find("not a regular file"), std::string::npos);
  EXPECT_NE(fault(load_token_key(written("empty", ""))).find("key_id is missing"), std::string::npos);
  EXPECT_NE(fault(load_token_key(written("large", std::string(65 * 1024, '#')))).find("too large"), std::string::npos);
  const std::string torn = fault(load_token_key(written("torn", "key_id = 1\nsecret = 00")));
  EXPECT_NE(torn.find(path("torn")), std::string::npos) << torn;
  EXPECT_NE(torn.find("line 2: secret must be 64 hexadecimal digits"), std::string::npos) << torn;
}

TEST_F(TokenFileTest, RefusesAFileThatStrangersCanRead) {
  const std::string text = format_token_key(key);
  for (const mode_t open_to : {0604, 0602, 0601, 0620, 0644, 0666})
    EXPECT_NE(fault(load_token_key(written("open", text, open_to))).find("chmod 600"), std::string::npos) << open_to;
  for (const mode_t fine : {0600, 0400, 0640, 0440}) EXPECT_EQ(fault(load_token_key(written("open", text, fine))), "");
}

}  // namespace
}  // namespace serried::crypt
