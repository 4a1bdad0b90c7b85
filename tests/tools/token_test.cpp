/// serried-token as its users meet it: a process with arguments, an exit code and two streams.
/// The program's path is in SERRIED_TOKEN.

#include "crypt/token.h"

#include <ctime>
#include <fstream>
#include <set>
#include <sstream>
#include <sys/stat.h>
#include <unistd.h>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "crypt/field_text.h"
#include "serried/protocol.h"
#include "tools/tool_run.h"

namespace serried {
namespace {

class TokenToolTest : public ToolTest {
 protected:
  TokenToolTest() : ToolTest("SERRIED_TOKEN") {}
  void keygen() const {
    const Ran made = run("keygen --out key --key-id 7 --protocol-id 0x10 --server-id 3");
    ASSERT_EQ(made.code, 0) << made.out;
  }
};

std::int64_t unix_now() { return static_cast<std::int64_t>(std::time(nullptr)); }

TEST_F(TokenToolTest, KeygenMakesAPrivateKeyThatLoads) {
  keygen();
  EXPECT_EQ(mode_of("key"), 0600u);
  const auto key = crypt::load_token_key(path("key"));
  ASSERT_TRUE(key) << key.error().message;
  EXPECT_EQ(key.value().key_id, 7u);
  EXPECT_EQ(key.value().protocol_id, 0x10u);
  EXPECT_EQ(key.value().server_id, 3u);
  ASSERT_EQ(run("keygen --out other").code, 0);
  const auto other = crypt::load_token_key(path("other"));
  ASSERT_TRUE(other);
  EXPECT_EQ(other.value().protocol_id, default_protocol_id);
  EXPECT_FALSE(other.value().secret == key.value().secret);
}

TEST_F(TokenToolTest, KeygenNeverOverwrites) {
  keygen();
  const Ran again = run("keygen --out key");
  EXPECT_EQ(again.code, 1);
  EXPECT_TRUE(holds(again.out, "exists already")) << again.out;
}

TEST_F(TokenToolTest, IssuedTokensOpen) {
  keygen();
  const auto key = crypt::load_token_key(path("key"));
  ASSERT_TRUE(key);
  const std::int64_t before = unix_now();
  const Ran issued =
      run("issue --key key --player 9223372036854775805 --count 3 --name bot --ttl 90 --permissions 0x80");
  ASSERT_EQ(issued.code, 0) << issued.out;
  std::istringstream lines(issued.out);
  std::uint64_t player = 9223372036854775805u;
  std::set<crypt::TokenId> ids;
  for (std::string line; std::getline(lines, line); ++player) {
    const auto entry = nlohmann::json::parse(line, nullptr, false);
    ASSERT_TRUE(entry.is_object()) << line;
    const auto text = entry.at("token").get<std::string>();
    std::vector<std::uint8_t> token(text.size() / 2);
    ASSERT_TRUE(crypt::from_hex(text, token));
    crypt::TokenClaims claims;
    ASSERT_EQ(crypt::open_token(key.value(), token, unix_now(), claims), crypt::TokenFault::none);
    EXPECT_EQ(claims.player_id, player);
    EXPECT_EQ(entry.at("player").get<std::uint64_t>(), player);
    EXPECT_EQ(claims.name.string(), "bot" + std::to_string(player));
    EXPECT_EQ(claims.permissions, 0x80u);
    EXPECT_GE(claims.expiry, before + 90);
    EXPECT_LE(claims.expiry, unix_now() + 90);
    EXPECT_EQ(entry.at("expiry").get<std::int64_t>(), claims.expiry);
    EXPECT_EQ(entry.at("secret").get<std::string>(), crypt::to_hex(claims.secret.bytes()));
    EXPECT_TRUE(ids.insert(claims.id).second);
  }
  EXPECT_EQ(ids.size(), 3u);
}

TEST_F(TokenToolTest, OutputFileIsPrivateEvenIfItWasNot) {
  keygen();
  std::ofstream(path("tokens")) << "something longer that was there before, and that must be gone afterwards\n";
  ASSERT_EQ(::chmod(path("tokens").c_str(), 0644), 0);
  ASSERT_EQ(run("issue --key key --player 1 --out tokens").code, 0);
  EXPECT_EQ(mode_of("tokens"), 0600u);
  const Ran seen = run("inspect --key key tokens");
  EXPECT_EQ(seen.code, 0) << seen.out;
  EXPECT_TRUE(holds(seen.out, "valid: player 1 \"player1\", server 3")) << seen.out;
}

TEST_F(TokenToolTest, TokensForLaterAreNotValidYet) {
  keygen();
  const auto key = crypt::load_token_key(path("key"));
  ASSERT_TRUE(key);
  const std::int64_t before = unix_now();
  ASSERT_EQ(run("issue --key key --player 1 --not-before 600 --ttl 60 --out tokens").code, 0);
  std::ifstream file(path("tokens"));
  const auto text = nlohmann::json::parse(file).at("token").get<std::string>();
  std::vector<std::uint8_t> token(text.size() / 2);
  ASSERT_TRUE(crypt::from_hex(text, token));
  crypt::TokenClaims claims;
  EXPECT_EQ(crypt::open_token(key.value(), token, unix_now(), claims), crypt::TokenFault::not_yet);
  EXPECT_GE(claims.not_before, before + 600);
  EXPECT_LE(claims.not_before, unix_now() + 600);
  EXPECT_EQ(claims.expiry, claims.not_before + 60);
  EXPECT_LE(claims.issued, unix_now());
  const Ran seen = run("inspect --key key tokens");
  EXPECT_EQ(seen.code, 1);
  EXPECT_TRUE(holds(seen.out, "not valid yet: player 1")) << seen.out;
  // Within the tolerance of both clocks it is valid at once.
  ASSERT_EQ(run("issue --key key --player 1 --not-before 20 --out soon").code, 0);
  EXPECT_EQ(run("inspect --key key soon").code, 0);
}

TEST_F(TokenToolTest, InspectRefusesWhatAServerWould) {
  keygen();
  ASSERT_EQ(run("keygen --out same_id --key-id 7").code, 0);
  ASSERT_EQ(run("keygen --out other_id --key-id 8").code, 0);
  ASSERT_EQ(run("issue --key key --player 1 --out tokens").code, 0);
  const Ran forged = run("inspect --key same_id tokens");
  EXPECT_EQ(forged.code, 1);
  EXPECT_TRUE(holds(forged.out, "does not verify")) << forged.out;
  EXPECT_TRUE(holds(run("inspect --key other_id tokens").out, "another key id"));
  std::ofstream(path("tokens"), std::ios::app) << "{\"token\": 5}\nnonsense\n";
  const Ran mixed = run("inspect --key key tokens");
  EXPECT_EQ(mixed.code, 1);
  EXPECT_TRUE(holds(mixed.out, "2 of 3 would be refused")) << mixed.out;
}

TEST_F(TokenToolTest, InspectNeverPrintsASecret) {
  keygen();
  const Ran issued = run("issue --key key --player 1 --out tokens");
  std::ifstream file(path("tokens"));
  const auto secret = nlohmann::json::parse(file).at("secret").get<std::string>();
  EXPECT_FALSE(holds(run("inspect --key key tokens").out, secret));
  EXPECT_FALSE(holds(issued.out, secret));
}

TEST_F(TokenToolTest, TokensGoIntoAFileOfOurOwnAndThroughNoLink) {
  keygen();
  std::ofstream(path("other")) << "as it was";
  ASSERT_EQ(::symlink("other", path("link").c_str()), 0);
  ASSERT_EQ(::link(path("other").c_str(), path("second").c_str()), 0);
  Ran refused = run("issue --key key --player 1 --out link");
  EXPECT_EQ(refused.code, 1);
  EXPECT_TRUE(holds(refused.out, "it is a symbolic link")) << refused.out;
  refused = run("issue --key key --player 1 --out second");
  EXPECT_EQ(refused.code, 1);
  EXPECT_TRUE(holds(refused.out, "hard link")) << refused.out;
  std::ifstream other(path("other"));
  std::string text;
  std::getline(other, text);
  EXPECT_EQ(text, "as it was");
}

TEST_F(TokenToolTest, MistakesGetOneClearSentence) {
  keygen();
  constexpr Mistake mistakes[] = {
      {"", 2, "subcommand is required"},
      {"frobnicate", 2, "--help"},
      {"keygen", 2, "--out is required"},
      {"keygen --out k --key-id 4294967296", 2,
       "--key-id: '4294967296' must be a whole number (decimal or 0x hexadecimal) from 0 to 4294967295"},
      {"issue --key key", 2, "--player is required"},
      {"issue --key key --player -1", 2, "--player"},
      {"issue --key key --player 1 --ttl 0", 2, "--ttl: '0'"},
      {"issue --key key --player 1 --not-before -1", 2, "--not-before"},
      {"issue --key key --player 1 --count 0", 2, "--count: '0'"},
      {"issue --key absent --player 1", 1, "cannot open token key file 'absent'"},
      {"issue --key key --player 9223372036854775807 --count 2", 1, "goes beyond the largest player id"},
      {"issue --key key --player 9223372036854775815", 2, "from 0 to 9223372036854775807"},
      {"issue --key key --player 1 --name 123456789012345678901234567890123", 1, "too long"},
      {"issue --key key --player 1 --out no/such/folder", 1, "cannot write 'no/such/folder'"},
      {"issue --key key --player 1 --out /dev/full", 1, "cannot write '/dev/full'"},
      {"inspect --key key absent", 1, "cannot open token file 'absent'"},
      {"inspect --key key /dev/null", 1, "holds no token"},
  };
  expect_refused(mistakes);
}

TEST_F(TokenToolTest, HelpNamesEveryOption) {
  const Ran help = run("--help");
  EXPECT_EQ(help.code, 0);
  for (const char* word : {"keygen", "issue", "inspect", "works once", "30 s", "Exit code"})
    EXPECT_TRUE(holds(help.out, word)) << word;
  const std::string issue = run("issue --help").out;
  for (const char* option :
       {"--key", "--player", "--name", "--not-before", "--ttl", "--permissions", "--count", "--out"})
    EXPECT_TRUE(holds(issue, option)) << option;
}

}  // namespace
}  // namespace serried
