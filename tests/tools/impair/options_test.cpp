#include "tools/impair/options.h"

#include <gtest/gtest.h>

namespace serried::tools {
namespace {

ImpairOptions parse(std::vector<std::string> words, bool ends = true) {
  if (ends) words.insert(words.begin(), {"--listen", "127.0.0.1:5000", "--server", "127.0.0.1:4000"});
  words.insert(words.begin(), "serried-impair");
  std::vector<char*> argv;
  for (auto& word : words) argv.push_back(word.data());
  return parse_impair_line(static_cast<int>(argv.size()), argv.data());
}

TEST(ImpairOptions, BothDirectionsAreAlikeButWhereToldOtherwise) {
  const auto options = parse({"--loss",    "2",        "--delay",      "100", "--jitter",    "20",
                              "--reorder", "1",        "--reorder-by", "5",   "--duplicate", "0.5",
                              "--rate",    "512",      "--queue",      "50",  "--up",        "loss=10,rate=64",
                              "--down",    "delay=0.5"});
  ASSERT_EQ(options.exit_code, -1);
  const LinkProfile &up = options.relay.profile[0], &down = options.relay.profile[1];
  EXPECT_DOUBLE_EQ(up.loss, 0.1);
  EXPECT_DOUBLE_EQ(down.loss, 0.02);
  EXPECT_EQ(up.delay, 100 * millisecond);
  EXPECT_EQ(down.delay, 500 * microsecond);
  for (const LinkProfile* profile : {&up, &down}) {
    EXPECT_EQ(profile->jitter, 20 * millisecond);
    EXPECT_DOUBLE_EQ(profile->reorder, 0.01);
    EXPECT_EQ(profile->reorder_by, 5 * millisecond);
    EXPECT_DOUBLE_EQ(profile->duplicate, 0.005);
    EXPECT_EQ(profile->queue_max, 50 * millisecond);
  }
  EXPECT_EQ(up.rate, 64'000U);
  EXPECT_EQ(down.rate, 512'000U);
  EXPECT_EQ(options.relay.listen.port, 5'000);
  EXPECT_EQ(options.relay.server.port, 4'000);
}

TEST(ImpairOptions, DefaultsAreThoseOfTheProfile) {
  const auto options = parse({});
  ASSERT_EQ(options.exit_code, -1);
  const LinkProfile plain;
  EXPECT_EQ(options.relay.profile[0].reorder_by, plain.reorder_by);
  EXPECT_EQ(options.relay.profile[0].queue_max, plain.queue_max);
  EXPECT_EQ(options.relay.clients_max, 1'024U);
}

TEST(ImpairOptions, TheSystemMayChooseThePortToListenOn) {
  const auto options = parse({"--listen", "[::1]:0", "--server", "[::1]:4000"}, false);
  ASSERT_EQ(options.exit_code, -1);
  EXPECT_EQ(options.relay.listen.port, 0);
  EXPECT_EQ(parse({"--listen", "127.0.0.1:5000", "--server", "127.0.0.1:0"}, false).exit_code, 2);
}

TEST(ImpairOptions, RefusesWhatCannotBe) {
  EXPECT_EQ(parse({}, false).exit_code, 2) << "it wants --listen and --server";
  for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{{"--loss", "101"},
                                                                                     {"--loss", "-1"},
                                                                                     {"--delay", "x"},
                                                                                     {"--up", "speed=1"},
                                                                                     {"--up", "loss"},
                                                                                     {"--up", "loss="},
                                                                                     {"--down", "loss=5%"},
                                                                                     {"--down", "loss=nan"},
                                                                                     {"--down", "loss=1,,"},
                                                                                     {"--down", "delay=70000"},
                                                                                     {"--clients", "0"},
                                                                                     {"--held", "0"}})
    EXPECT_EQ(parse(words).exit_code, 2) << words[0] << ' ' << words[1];
}

}  // namespace
}  // namespace serried::tools
