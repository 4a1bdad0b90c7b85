#include "crypt/field_text.h"

#include <gtest/gtest.h>

#include "crypt/support.h"

namespace serried::crypt {
namespace {

struct Read {
  std::uint16_t small = 0;
  std::uint64_t large = 0;
  Secret secret;
  std::vector<std::string> bare;
  std::string fault;
};

Read read(const std::string& text, bool with_bare = false) {
  Read read;
  const Field fields[] = {number_field("small", read.small, 1), number_field("large", read.large),
                          secret_field("secret", read.secret)};
  const auto take = [&read](std::string_view line) -> std::string {
    read.bare.emplace_back(line);
    return line == "bad" ? "not a good line" : "";
  };
  const auto done = read_fields(text, fields, with_bare ? TakeValue(take) : TakeValue());
  if (!done) read.fault = done.error().message;
  return read;
}

const std::string secret_digits = std::string(62, '0') + "fE";

TEST(FieldText, ReadsNumbersAndSecrets) {
  const Read got = read("\n # small = 2\n\tsmall=\"65535\"  # five\r\nlarge = 0x1F\nsecret =" + secret_digits);
  EXPECT_EQ(got.fault, "");
  EXPECT_EQ(got.small, 65535u);
  EXPECT_EQ(got.large, 31u);
  EXPECT_EQ(got.secret.data()[31], 0xFE);
}

TEST(FieldText, HandsOverBareLines) {
  const std::string head = "small = 1\nlarge = 2\nsecret = " + secret_digits + "\n";
  const Read got = read(head + " one # comment\n\ntwo", true);
  EXPECT_EQ(got.fault, "");
  EXPECT_EQ(got.bare, (std::vector<std::string>{"one", "two"}));
  EXPECT_EQ(read(head + "bad\n", true).fault, "line 4: not a good line");
  EXPECT_EQ(read(head + "one\n").fault, "line 4: not of the form name = value");
}

TEST(FieldText, SaysAllThatIsWrongAtOnce) {
  EXPECT_EQ(read("").fault, "small is missing; large is missing; secret is missing");
  EXPECT_EQ(read("small = 0\nsmall = 1\nlarge = 1x\nsecret = 00\ntiny = 1\n").fault,
            "line 1: small must be a whole number (decimal or 0x hexadecimal) from 1 to 65535; "
            "line 2: small is there twice; "
            "line 3: large must be a whole number (decimal or 0x hexadecimal) from 0 to 18446744073709551615; "
            "line 4: secret must be 64 hexadecimal digits; "
            "line 5: unknown name; known are small, large, secret");
}

TEST(FieldText, AFileThatIsSomethingElseGetsAShortAnswer) {
  std::string text;
  for (int i = 0; i < 100'000; ++i) text += "x\n";
  const Read got = read(text);
  EXPECT_NE(got.fault, "");
  EXPECT_LT(got.fault.size(), 2000u);
}

TEST(FieldText, Hexadecimal) {
  EXPECT_EQ(to_hex(Bytes{0x00, 0x9f, 0xAB}), "009fab");
  EXPECT_EQ(to_hex({}), "");
  Bytes bytes(2);
  EXPECT_TRUE(from_hex("0aFf", bytes));
  EXPECT_EQ(bytes, (Bytes{0x0A, 0xFF}));
  for (const char* wrong : {"", "0aF", "0aFf0", "0aFf00", "0aFg", "0a f", " 0aF"})
    EXPECT_FALSE(from_hex(wrong, bytes)) << wrong;
}

TEST(FieldText, Numbers) {
  EXPECT_EQ(parse_number("0"), 0u);
  EXPECT_EQ(parse_number("18446744073709551615"), ~std::uint64_t{0});
  EXPECT_EQ(parse_number("0xffffffffFFFFFFFF"), ~std::uint64_t{0});
  for (const char* wrong : {"", "-1", "+1", " 1", "1 ", "0x", "0x-1", "ff", "18446744073709551616", "1.0"})
    EXPECT_FALSE(parse_number(wrong)) << wrong;
}

TEST(FieldText, NumbersBetweenBounds) {
  std::uint64_t number = 9;
  EXPECT_EQ(take_number("3", 3, 5, number), "");
  EXPECT_EQ(number, 3u);
  EXPECT_EQ(take_number("0x5", 3, 5, number), "");
  EXPECT_EQ(number, 5u);
  for (const char* wrong : {"2", "6", "x", ""})
    EXPECT_EQ(take_number(wrong, 3, 5, number), "must be a whole number (decimal or 0x hexadecimal) from 3 to 5");
  EXPECT_EQ(number, 5u) << "left alone";
}

}  // namespace
}  // namespace serried::crypt
