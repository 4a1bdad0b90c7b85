#include "base/json.h"

#include <cmath>
#include <limits>

#include <gtest/gtest.h>

namespace serried::base {
namespace {

TEST(JsonTest, MembersKeepTheirOrder) {
  Json json{{"z", 1}, {"a", Json{{"y", true}, {"b", nullptr}}}};
  json["m"] = 1.5;
  json["z"] = "again";
  EXPECT_EQ(json.text(), R"({"z":"again","a":{"y":true,"b":null},"m":1.5})");
  EXPECT_EQ(Json::parse(json.text())->text(), json.text());
}

TEST(JsonTest, IndentsByBlanks) { EXPECT_EQ(Json({{"a", 1}}).text(2), "{\n  \"a\": 1\n}"); }

TEST(JsonTest, EmptyContainersAreNotNull) {
  EXPECT_EQ(Json::array().text(), "[]");
  EXPECT_EQ(Json::object().text(), "{}");
  EXPECT_EQ(Json{}.text(), "null");
  EXPECT_EQ(Json(std::vector<std::string>{}).text(), "[]");
  EXPECT_EQ((Json(std::map<std::string, int>{{"b", 2}, {"a", 1}}).text()), R"({"a":1,"b":2})");
}

TEST(JsonTest, NumbersKeepAllTheirBits) {
  for (const std::uint64_t value : {std::uint64_t{0}, std::uint64_t{1} << 53 | 1, ~std::uint64_t{0}}) {
    const std::string text = Json(value).text();
    EXPECT_EQ(text, std::to_string(value));
    EXPECT_EQ(Json::parse(text)->text(), text);
  }
  EXPECT_EQ(Json(std::numeric_limits<std::int64_t>::min()).text(), "-9223372036854775808");
  EXPECT_EQ(Json::parse("-7")->as_number(), -7.0);
  EXPECT_EQ(Json::parse("1e3")->as_number(), 1'000.0);
}

TEST(JsonTest, WhatJsonCannotWriteIsReplaced) {
  EXPECT_EQ(Json(std::nan("")).text(), "null");
  EXPECT_EQ(Json(std::string("a\xFF\"\n")).text(), "\"a\xEF\xBF\xBD\\\"\\n\"");
}

TEST(JsonTest, ReadsByKindAndName) {
  const Json json = Json::parse(R"({"text": "x", "list": [1, "two", {}], "yes": true})").value();
  EXPECT_EQ(json.member_or_null("text").as_text(), "x");
  EXPECT_EQ(json.member_or_null("text").as_number(), std::nullopt);
  EXPECT_EQ(json.member_or_null("yes").as_bool(), true);
  EXPECT_EQ(json.member_or_null("yes").as_text(), std::nullopt);
  EXPECT_TRUE(json.member_or_null("none").is_null());
  EXPECT_TRUE(json.has("yes"));
  EXPECT_FALSE(json.has("none"));
  EXPECT_TRUE(json.member_or_null("list").is_array());
  EXPECT_FALSE(json.is_array());
  EXPECT_EQ(Json::parse(R"({"a": 1, "b": 2, "a": 3})")->text(), R"({"a":3,"b":2})") << "of two the last";
  ASSERT_EQ(json.member_or_null("list").elements().size(), 3U);
  EXPECT_TRUE(json.member_or_null("list").elements()[0].is_number());
  EXPECT_FALSE(json.member_or_null("list").elements()[1].is_number());
  EXPECT_TRUE(json.member_or_null("list").elements()[2].is_object());
  EXPECT_TRUE(json.member_or_null("list").names().empty());
  EXPECT_EQ(json.names(), (std::vector<std::string>{"text", "list", "yes"}));
  EXPECT_EQ(json.elements().size(), 3U);
  EXPECT_TRUE(Json("text").elements().empty());
  EXPECT_TRUE(Json("text").member_or_null("text").is_null());
}

TEST(JsonTest, TextThatIsNoneIsRefusedWithAReason) {
  for (const char* text : {"", "{", "[1,]", "nul", R"({"a":1)", R"({"a" 1})", "1 2", "\"\xFF\""}) {
    std::string fault;
    EXPECT_FALSE(Json::parse(text, &fault)) << text;
    EXPECT_FALSE(fault.empty()) << text;
  }
}

TEST(JsonTest, NestingHasALimit) {
  const auto nested = [](std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  EXPECT_TRUE(Json::parse(nested(Json::depth_max)));
  std::string fault;
  EXPECT_FALSE(Json::parse(nested(Json::depth_max + 1), &fault));
  EXPECT_NE(fault.find("deep"), std::string::npos);
  EXPECT_FALSE(Json::parse(nested(1'000'000), &fault));
}

}  // namespace
}  // namespace serried::base
