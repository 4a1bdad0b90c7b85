/// serried-integrity as its users meet it. The program's path is in SERRIED_INTEGRITY.

#include "crypt/integrity.h"

#include <fstream>
#include <sys/stat.h>

#include <gtest/gtest.h>

#include "crypt/field_text.h"
#include "tools/tool_run.h"

namespace serried {
namespace {

class IntegrityToolTest : public ToolTest {
 protected:
  IntegrityToolTest() : ToolTest("SERRIED_INTEGRITY") {}
  void make() const {
    const Ran made = run("keygen --version 7 --entries 5 --out secret");
    ASSERT_EQ(made.code, 0) << made.out;
    const Ran derived = run("table --secret secret --out table");
    ASSERT_EQ(derived.code, 0) << derived.out;
  }
};

std::string fingerprint_in(const std::string& text) {
  const std::string_view before = "fingerprint ";
  const auto at = text.find(before);
  return at == std::string::npos ? "" : text.substr(at + before.size(), 16);
}

TEST_F(IntegrityToolTest, KeygenMakesAPrivateSecretThatLoads) {
  make();
  EXPECT_EQ(mode_of("secret"), 0600u);
  const auto version = crypt::load_integrity_version(path("secret"));
  ASSERT_TRUE(version) << version.error().message;
  EXPECT_EQ(version.value().version, 7u);
  EXPECT_EQ(version.value().entries, 5u);
  ASSERT_EQ(run("keygen --version 0x8 --out other").code, 0);
  const auto other = crypt::load_integrity_version(path("other"));
  ASSERT_TRUE(other);
  EXPECT_EQ(other.value().version, 8u);
  EXPECT_EQ(other.value().entries, 256u);
  EXPECT_FALSE(other.value().secret == version.value().secret);
}

TEST_F(IntegrityToolTest, TableIsDerivedFromTheSecret) {
  make();
  const auto version = crypt::load_integrity_version(path("secret"));
  const auto table = crypt::load_integrity_table(path("table"));
  ASSERT_TRUE(version && table);
  EXPECT_EQ(table.value().version, 7u);
  EXPECT_TRUE(table.value().entries == crypt::make_integrity_table(version.value()).entries);
}

TEST_F(IntegrityToolTest, NeitherIsOverwritten) {
  make();
  for (const char* again :
       {"keygen --version 7 --out secret", "table --secret secret --out table", "table --secret secret --out secret"}) {
    const Ran ran = run(again);
    EXPECT_EQ(ran.code, 1) << again;
    EXPECT_TRUE(holds(ran.out, "exists already")) << ran.out;
  }
  EXPECT_TRUE(crypt::load_integrity_version(path("secret")));
}

TEST_F(IntegrityToolTest, InspectMatchesASecretWithItsTableAndPrintsNeither) {
  make();
  ASSERT_EQ(run("keygen --version 7 --entries 5 --out other").code, 0);
  const Ran secret = run("inspect secret"), table = run("inspect table"), other = run("inspect other");
  EXPECT_EQ(secret.code, 0) << secret.out;
  EXPECT_EQ(table.code, 0) << table.out;
  EXPECT_TRUE(holds(secret.out, "integrity secret of client version 7, 5 entries, fingerprint ")) << secret.out;
  EXPECT_TRUE(holds(table.out, "integrity table of client version 7, 5 entries, fingerprint ")) << table.out;
  EXPECT_EQ(fingerprint_in(secret.out), fingerprint_in(table.out));
  EXPECT_NE(fingerprint_in(secret.out), fingerprint_in(other.out));
  const auto version = crypt::load_integrity_version(path("secret"));
  ASSERT_TRUE(version);
  for (const Ran& ran : {secret, table}) {
    EXPECT_FALSE(holds(ran.out, crypt::to_hex(version.value().secret.bytes()).substr(0, 16)));
    for (const crypt::Secret& entry : crypt::make_integrity_table(version.value()).entries)
      EXPECT_FALSE(holds(ran.out, crypt::to_hex(entry.bytes()).substr(0, 16)));
  }
}

TEST_F(IntegrityToolTest, SecretsReadableByOthersAreRefused) {
  make();
  ASSERT_EQ(::chmod(path("secret").c_str(), 0644), 0);
  for (const char* arguments : {"table --secret secret --out new", "inspect secret"}) {
    const Ran ran = run(arguments);
    EXPECT_EQ(ran.code, 1);
    EXPECT_TRUE(holds(ran.out, "run: chmod 600")) << ran.out;
  }
}

TEST_F(IntegrityToolTest, MistakesGetOneClearSentence) {
  make();
  std::ofstream(path("torn")) << "version = 7\nentries = 2\n" << std::string(64, 'a') << "\n";
  ASSERT_EQ(::chmod(path("torn").c_str(), 0600), 0);
  constexpr Mistake mistakes[] = {
      {"", 2, "subcommand is required"},
      {"frobnicate", 2, "--help"},
      {"keygen --out new", 2, "--version is required"},
      {"keygen --version 1", 2, "--out is required"},
      {"keygen --version 0 --out new", 2, "from 1 to 4294967295"},
      {"keygen --version 4294967296 --out new", 2, "--version: '4294967296' must be a whole number"},
      {"keygen --version 1 --entries 0 --out new", 2, "--entries: '0'"},
      {"keygen --version 1 --entries 4097 --out new", 2, "from 1 to 4096"},
      {"keygen --version 1 --out no/such/folder", 1, "cannot create integrity secret file 'no/such/folder'"},
      {"table --secret absent --out new", 1, "cannot open integrity secret file 'absent'"},
      {"table --secret table --out new", 1, "integrity secret file 'table'"},
      {"inspect absent", 1, "cannot open 'absent': No such file"},
      {"inspect torn", 1, "says it has 2 entries, but holds 1"},
  };
  expect_refused(mistakes);
}

TEST_F(IntegrityToolTest, HelpNamesEveryOption) {
  const Ran help = run("--help");
  EXPECT_EQ(help.code, 0);
  for (const char* word : {"keygen", "table", "inspect", "Exit code"}) EXPECT_TRUE(holds(help.out, word)) << word;
  const std::string keygen = run("keygen --help").out, table = run("table --help").out;
  for (const char* option : {"--version", "--entries", "--out"}) EXPECT_TRUE(holds(keygen, option)) << option;
  for (const char* option : {"--secret", "--out"}) EXPECT_TRUE(holds(table, option)) << option;
}

}  // namespace
}  // namespace serried
