#include "crypt/integrity.h"

#include <filesystem>
#include <fstream>
#include <set>
#include <sys/stat.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "crypt/field_text.h"
#include "crypt/support.h"

namespace serried::crypt {
namespace {

class IntegrityTest : public testing::Test {
  void SetUp() override { ASSERT_TRUE(initialise()); }
};

IntegrityVersion version_of(std::uint32_t number, std::uint16_t entries = 3, unsigned pattern = 1) {
  IntegrityVersion version;
  version.version = number;
  version.entries = entries;
  version.secret = secret_of(rising(pattern, 32));
  return version;
}

template <class T>
std::string fault(const Result<T>& result) {
  return result ? "" : result.error().message;
}

TEST_F(IntegrityTest, EntryAndAnswerToTheByte) {
  // Computed from the page of the wire format by another implementation of HMAC and SHA-256.
  const Secret entry = integrity_entry(version_of(0x01020304), 0x0506);
  EXPECT_EQ(bytes_of(entry), hex("ecdff66cfb1a37ecd35a35217ac6b95070cd9aad9af6629991a7bcf6bb2f63f6"));
  EXPECT_EQ(bytes_of(integrity_answer(entry, array_of<16>(rising(40, 16)), secret_of(rising(80, 32)))),
            hex("4ee7f2d2c16eafbd59e0e217a6a9a34b"));
}

TEST_F(IntegrityTest, AnswersOfAClientsTableAreWhatTheServerExpects) {
  const IntegrityVersion version = version_of(7, 300);
  const IntegrityTable table = make_integrity_table(version);
  EXPECT_EQ(table.version, 7u);
  ASSERT_EQ(table.entries.size(), 300u);
  base::Prng random(7);
  for (std::uint16_t index = 0; index < 300; ++index) {
    IntegrityNonce nonce;
    for (auto& byte : nonce) byte = static_cast<std::uint8_t>(random.next());
    const Secret exporter = secret_of(rising(static_cast<unsigned>(random.next()), 32));
    const auto answer = integrity_answer(table.entries[index], nonce, exporter);
    ASSERT_TRUE(equal(answer, integrity_answer(integrity_entry(version, index), nonce, exporter)));
  }
}

TEST_F(IntegrityTest, EveryEntryIsAnother) {
  std::set<Bytes> seen;
  for (const auto& version : {version_of(1, 4096), version_of(2, 4096), version_of(1, 4096, 2)})
    for (const Secret& entry : make_integrity_table(version).entries) EXPECT_TRUE(seen.insert(bytes_of(entry)).second);
  EXPECT_EQ(seen.size(), 3u * 4096);
}

TEST_F(IntegrityTest, AnswersDependOnEntryNonceAndExporter) {
  const Secret entry = secret_of(rising(1, 32)), exporter = secret_of(rising(2, 32));
  const IntegrityNonce nonce = array_of<16>(rising(3, 16));
  const IntegrityAnswer answer = integrity_answer(entry, nonce, exporter);
  for (std::size_t bit = 0; bit < 256; ++bit) {
    Secret other = entry;
    other.bytes()[bit / 8] ^= static_cast<std::uint8_t>(1u << bit % 8);
    ASSERT_FALSE(equal(integrity_answer(other, nonce, exporter), answer));
    other = exporter;
    other.bytes()[bit / 8] ^= static_cast<std::uint8_t>(1u << bit % 8);
    ASSERT_FALSE(equal(integrity_answer(entry, nonce, other), answer));
    if (bit < 128) {
      IntegrityNonce changed = nonce;
      changed[bit / 8] ^= static_cast<std::uint8_t>(1u << bit % 8);
      ASSERT_FALSE(equal(integrity_answer(entry, changed, exporter), answer));
    }
  }
}

TEST_F(IntegrityTest, FindsEachOfSeveralVersionsWhateverTheirOrder) {
  const auto tables = IntegrityTables::make({version_of(9, 1, 9), version_of(0xFFFFFFFF), version_of(2, 4096, 2)});
  ASSERT_TRUE(tables) << fault(tables);
  ASSERT_EQ(tables.value().versions().size(), 3u);
  for (const std::uint32_t there : {2u, 9u, 0xFFFFFFFFu}) {
    ASSERT_NE(tables.value().find(there), nullptr) << there;
    EXPECT_EQ(tables.value().find(there)->version, there);
  }
  EXPECT_EQ(tables.value().find(9)->secret, secret_of(rising(9, 32)));
  for (const std::uint32_t absent : {0u, 1u, 3u, 8u, 10u, 0xFFFFFFFEu})
    EXPECT_EQ(tables.value().find(absent), nullptr) << absent;
  EXPECT_EQ(IntegrityTables().find(0), nullptr);
}

TEST_F(IntegrityTest, RefusesVersionsThatAreThereTwiceOrHaveNoTable) {
  EXPECT_EQ(fault(IntegrityTables::make({version_of(2), version_of(1), version_of(2)})),
            "client version 2 has two integrity secrets");
  EXPECT_NE(fault(IntegrityTables::make({version_of(2, 0)})).find("has 0 integrity entries"), std::string::npos);
  EXPECT_NE(fault(IntegrityTables::make({version_of(2, 4097)})).find("from 1 to 4096"), std::string::npos);
}

TEST_F(IntegrityTest, TextsRoundTrip) {
  for (const std::uint16_t entries : {std::uint16_t{1}, integrity_entries_default, integrity_entries_max}) {
    const IntegrityVersion version = version_of(0xFFFFFFFF, entries);
    const auto again = parse_integrity_version(format_integrity_version(version));
    ASSERT_TRUE(again) << fault(again);
    EXPECT_EQ(again.value().version, version.version);
    EXPECT_EQ(again.value().entries, entries);
    EXPECT_EQ(again.value().secret, version.secret);

    const IntegrityTable table = make_integrity_table(version);
    const auto table_again = parse_integrity_table(format_integrity_table(table));
    ASSERT_TRUE(table_again) << fault(table_again);
    EXPECT_EQ(table_again.value().version, version.version);
    EXPECT_TRUE(table_again.value().entries == table.entries);
  }
}

TEST_F(IntegrityTest, TextsThatAreWrongSayWhere) {
  const std::string digits(64, 'a');
  struct Case {
    std::string text;
    const char* said;
  };
  const Case versions[] = {
      {"", "version is missing; entries is missing; secret is missing"},
      {"version = 1\nentries = 0\nsecret = " + digits, "line 2: entries must be"},
      {"version = 1\nentries = 4097\nsecret = " + digits, "from 1 to 4096"},
      {"version = 4294967296\nentries = 1\nsecret = " + digits, "line 1: version must be"},
      {"version = 1\nentries = 1\nsecret = 00", "line 3: secret must be 64 hexadecimal digits"},
      {"version = 1\nentries = 1\n" + digits, "line 3: not of the form name = value"},
  };
  for (const Case& c : versions) {
    const std::string said = fault(parse_integrity_version(c.text));
    EXPECT_NE(said.find(c.said), std::string::npos) << said;
    EXPECT_EQ(said.find("aaaa"), std::string::npos) << said;
  }
  const Case tables[] = {
      {"", "version is missing; entries is missing"},
      {"version = 1\nentries = 2\n" + digits, "says it has 2 entries, but holds 1"},
      {"version = 1\nentries = 1\n" + digits + "\n" + digits, "says it has 1 entries, but holds 2"},
      {"version = 1\nentries = 1\n" + digits + "0",
       "line 3: neither name = value nor an entry of 64 hexadecimal digits"},
      {"version = 1\nentries = 1\nsecret = " + digits, "line 3: unknown name; known are version, entries"},
  };
  for (const Case& c : tables) {
    const std::string said = fault(parse_integrity_table(c.text));
    EXPECT_NE(said.find(c.said), std::string::npos) << said;
    EXPECT_EQ(said.find("aaaa"), std::string::npos) << said;
  }
  std::string endless = "version = 1\nentries = 4096\n";
  for (int i = 0; i < 4097; ++i) endless += digits + "\n";
  EXPECT_EQ(fault(parse_integrity_table(endless)), "line 4099: one entry too many");
}

TEST_F(IntegrityTest, FilesRoundTripAndOnlyTheSecretIsPrivate) {
  std::string folder = (std::filesystem::temp_directory_path() / "serried-integrity-XXXXXX").string();
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  const std::string secret_file = folder + "/v7.secret", table_file = folder + "/v7.table";
  const IntegrityVersion version = version_of(7, 4096);
  const IntegrityTable table = make_integrity_table(version);
  const auto saved = save_integrity_version(version, secret_file);
  const auto saved_table = save_integrity_table(table, table_file);
  const auto again = save_integrity_version(version, secret_file);
  const auto loaded = load_integrity_version(secret_file);
  const auto loaded_table = load_integrity_table(table_file);
  struct stat status {};
  EXPECT_EQ(::stat(secret_file.c_str(), &status), 0);
  const mode_t mode = status.st_mode & 07777;
  EXPECT_EQ(::chmod(secret_file.c_str(), 0644), 0);
  const auto open = load_integrity_version(secret_file);
  EXPECT_EQ(::chmod(table_file.c_str(), 0644), 0);
  const auto open_table = load_integrity_table(table_file);
  std::filesystem::remove_all(folder);

  EXPECT_TRUE(saved) << fault(saved);
  EXPECT_TRUE(saved_table) << fault(saved_table);
  EXPECT_EQ(mode, 0600u);
  EXPECT_NE(fault(again).find("integrity secret file '" + secret_file + "' exists already"), std::string::npos);
  ASSERT_TRUE(loaded) << fault(loaded);
  EXPECT_EQ(loaded.value().secret, version.secret);
  ASSERT_TRUE(loaded_table) << fault(loaded_table);
  EXPECT_TRUE(loaded_table.value().entries == table.entries);
  EXPECT_NE(fault(open).find("chmod 600"), std::string::npos);
  EXPECT_TRUE(open_table) << fault(open_table);
}

}  // namespace
}  // namespace serried::crypt
