#include "crypt/token_text.h"

#include <filesystem>
#include <fstream>
#include <sys/stat.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "crypt/support.h"

namespace serried::crypt {
namespace {

class TokenTextTest : public testing::Test {
  void SetUp() override { ASSERT_TRUE(initialise()); }
};

const std::string secret_line = "secret = \"" + std::string(62, '0') + "fE\"\n";

TEST_F(TokenTextTest, ReadsWhatFormatWrites) {
  TokenKey key;
  key.key_id = 0xFFFFFFFF;
  key.protocol_id = 0xFFFFFFFFFFFFFFFF;
  key.server_id = 0xFFFFFFFFFFFFFFFE;
  key.secret = secret_of(rising(200, 32));
  const auto again = parse_token_key(format_token_key(key));
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again.value().key_id, key.key_id);
  EXPECT_EQ(again.value().protocol_id, key.protocol_id);
  EXPECT_EQ(again.value().server_id, key.server_id);
  EXPECT_EQ(again.value().secret, key.secret);
}

TEST_F(TokenTextTest, IsGenerousWithBlanksQuotesAndComments) {
  const auto key =
      parse_token_key("\n # c = 1\n\tkey_id=\"5\"  # five\r\nserver_id = 0x1F\nprotocol_id =7\n" + secret_line);
  ASSERT_TRUE(key) << key.error().message;
  EXPECT_EQ(key.value().key_id, 5u);
  EXPECT_EQ(key.value().server_id, 31u);
  EXPECT_EQ(key.value().protocol_id, 7u);
  EXPECT_EQ(key.value().secret.data()[31], 0xFE);
}

TEST_F(TokenTextTest, ReportsWhatIsWrongAndWhere) {
  struct Case {
    std::string text;
    const char* said;
  };
  const std::string rest = "protocol_id = 1\nserver_id = 1\n" + secret_line;
  const Case cases[] = {
      {"", "key_id is missing; protocol_id is missing; server_id is missing; secret is missing"},
      {rest, "key_id is missing"},
      {"key_id = 1\nkey_id = 1\n" + rest, "line 2: key_id is there twice"},
      {"key_id = 4294967296\n" + rest,
       "line 1: key_id must be a whole number (decimal or 0x hexadecimal) from 0 to 4294967295"},
      {"key_id = -1\n" + rest, "line 1: key_id must be a whole number"},
      {"key_id = 1x\n" + rest, "line 1: key_id must be a whole number"},
      {"key_id =\n" + rest, "line 1: key_id must be a whole number"},
      {"key_id = 0x\n" + rest, "line 1: key_id must be a whole number"},
      {"key_id = 1\nhallo\n" + rest, "line 2: not of the form name = value"},
      {"key_id = 1\nkeyid = 1\n" + rest, "line 2: unknown name"},
      {"key_id = 1\nprotocol_id = 1\nserver_id = 18446744073709551616\n" + secret_line, "line 3: server_id must be"},
      {"key_id = 1\nprotocol_id = 1\nserver_id = 1\nsecret = 00\n", "line 4: secret must be 64 hexadecimal digits"},
      {"key_id = 1\nprotocol_id = 1\nserver_id = 1\nsecret = " + std::string(64, 'g'), "line 4: secret must be 64"},
  };
  for (const Case& c : cases) {
    const auto key = parse_token_key(c.text);
    ASSERT_FALSE(key) << c.text;
    EXPECT_NE(key.error().message.find(c.said), std::string::npos) << key.error().message;
  }
}

TEST_F(TokenTextTest, NeverQuotesASecret) {
  const std::string secret(63, 'a');
  const auto key = parse_token_key("secret = " + secret + "\nsecre = " + secret + "\n" + secret + "\n");
  ASSERT_FALSE(key);
  EXPECT_EQ(key.error().message.find("aaaa"), std::string::npos) << key.error().message;
}

TEST_F(TokenTextTest, FilesRoundTripAndFaultsNameThem) {
  std::string folder = (std::filesystem::temp_directory_path() / "serried-key-XXXXXX").string();
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  TokenKey key;
  key.key_id = 9;
  key.secret = secret_of(rising(3, 32));
  const auto saved = save_token_key(key, folder + "/key");
  EXPECT_TRUE(saved);
  const auto loaded = load_token_key(folder + "/key");
  std::ofstream(folder + "/torn") << "key_id = 1\nsecret = 00";
  EXPECT_EQ(::chmod((folder + "/torn").c_str(), 0600), 0);
  const auto torn = load_token_key(folder + "/torn");
  std::filesystem::remove_all(folder);
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ(loaded.value().key_id, 9u);
  EXPECT_EQ(loaded.value().secret, key.secret);
  ASSERT_FALSE(torn);
  EXPECT_EQ(torn.error().message.find("token key file '" + folder + "/torn': line 2: secret must be 64"), 0u)
      << torn.error().message;
}

TEST_F(TokenTextTest, Utf8) {
  for (const char* good :
       {"", "abc", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x8e\xae", "\xf4\x8f\xbf\xbf", "\xed\x9f\xbf"})
    EXPECT_TRUE(is_plain_utf8(good)) << good;
  for (const char* bad :
       {"\x01", "\x7f", "\xc2\x85", "\x80", "\xc3", "\xc0\x80", "\xc1\xbf", "\xe0\x80\x80", "\xe2\x82", "\xed\xa0\x80",
        "\xf0\x80\x80\x80", "\xf4\x90\x80\x80", "\xf8\x88\x80\x80\x80", "\xff", "\xe2\x28\xa1", "a\xe2\x82\x41"})
    EXPECT_FALSE(is_plain_utf8(bad)) << bad;
  EXPECT_FALSE(is_plain_utf8(std::string_view("a\0b", 3)));
}

}  // namespace
}  // namespace serried::crypt
