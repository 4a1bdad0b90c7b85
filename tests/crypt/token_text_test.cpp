#include "crypt/token_text.h"

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

TEST_F(TokenTextTest, SaysWhatIsWrongAndWhere) {
  struct Case {
    std::string text;
    const char* said;
  };
  const std::string rest = "protocol_id = 1\nserver_id = 1\n" + secret_line;
  const Case cases[] = {
      {"", "key_id is missing; protocol_id is missing; server_id is missing; secret is missing"},
      {rest, "key_id is missing"},
      {"key_id = 1\nkey_id = 1\n" + rest, "line 2: key_id is there twice"},
      {"key_id = 4294967296\n" + rest, "line 1: key_id must be below 2^32"},
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

TEST_F(TokenTextTest, AFileThatIsSomethingElseGetsAShortAnswer) {
  std::string text;
  for (int i = 0; i < 100'000; ++i) text += "x\n";
  const auto key = parse_token_key(text);
  ASSERT_FALSE(key);
  EXPECT_LT(key.error().message.size(), 2000u);
}

TEST_F(TokenTextTest, Hexadecimal) {
  EXPECT_EQ(to_hex(Bytes{0x00, 0x9f, 0xAB}), "009fab");
  EXPECT_EQ(to_hex({}), "");
  Bytes bytes(2);
  EXPECT_TRUE(from_hex("0aFf", bytes));
  EXPECT_EQ(bytes, (Bytes{0x0A, 0xFF}));
  for (const char* wrong : {"", "0aF", "0aFf0", "0aFf00", "0aFg", "0a f", " 0aF"})
    EXPECT_FALSE(from_hex(wrong, bytes)) << wrong;
}

TEST_F(TokenTextTest, Numbers) {
  EXPECT_EQ(parse_number("0"), 0u);
  EXPECT_EQ(parse_number("18446744073709551615"), ~std::uint64_t{0});
  EXPECT_EQ(parse_number("0xffffffffFFFFFFFF"), ~std::uint64_t{0});
  for (const char* wrong : {"", "-1", "+1", " 1", "1 ", "0x", "0x-1", "ff", "18446744073709551616", "1.0"})
    EXPECT_FALSE(parse_number(wrong)) << wrong;
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
