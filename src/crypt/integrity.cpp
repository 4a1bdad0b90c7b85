/// Entries, answers and the look-up of a version: lanes ask and check, the client answers. And sets of versions, with
/// the texts and files of secrets and tables.
///
/// To the byte, integers little-endian, the label ASCII without a terminator:
///
///   table[index] = HKDF-Expand(version_secret, "integrity" 9 | version u32 | index u16, 32)
///   answer       = HMAC-SHA256(table[index], nonce 16 | exporter 32), first 16 bytes

#include "crypt/integrity.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/bytes.h"
#include "base/setup.h"
#include "crypt/field_text.h"
#include "crypt/private_file.h"

namespace serried::crypt {
namespace {

constexpr FileKind version_file{.name = "integrity secret"};
constexpr FileKind table_file{.name = "integrity table", .bytes_max = 512 * 1024, .secret = false};

[[nodiscard]] std::string format_head(std::uint32_t version, std::size_t entries) {
  return "version = " + std::to_string(version) + "\nentries = " + std::to_string(entries) + "\n";
}

}  // namespace

const IntegrityVersion* IntegrityTables::find(std::uint32_t version) const noexcept {
  const auto place =
      std::lower_bound(versions_.begin(), versions_.end(), version,
                       [](const IntegrityVersion& held, std::uint32_t asked) { return held.version < asked; });
  return place != versions_.end() && place->version == version ? &*place : nullptr;
}

Secret integrity_entry(const IntegrityVersion& version, std::uint16_t index) noexcept {
  std::uint8_t info[9 + 4 + 2] = {'i', 'n', 't', 'e', 'g', 'r', 'i', 't', 'y'};
  base::store(info + 9, version.version);
  base::store(info + 9 + 4, index);
  Secret entry;
  hkdf_expand(version.secret, info, entry.bytes());
  return entry;
}

IntegrityAnswer integrity_answer(const Secret& entry, const IntegrityNonce& nonce, const Secret& exporter) noexcept {
  std::array<std::uint8_t, sizeof(IntegrityNonce) + key_bytes> covered;
  std::memcpy(covered.data(), nonce.data(), nonce.size());
  std::memcpy(covered.data() + nonce.size(), exporter.data(), key_bytes);
  const Hash whole = hmac_sha256(entry.bytes(), covered);
  wipe(covered);
  IntegrityAnswer answer;
  std::copy_n(whole.begin(), answer.size(), answer.begin());
  return answer;
}

SERRIED_SETUP Result<IntegrityTables> IntegrityTables::make(std::vector<IntegrityVersion> versions) {
  for (const IntegrityVersion& version : versions)
    if (version.version == 0)
      return Error{"client version 0 is what clients say that name none; versions count from 1"};
    else if (version.entries == 0 || version.entries > integrity_entries_max)
      return Error{"client version " + std::to_string(version.version) + " has " + std::to_string(version.entries) +
                   " integrity entries; from 1 to " + std::to_string(integrity_entries_max) + " are possible"};
  std::sort(versions.begin(), versions.end(), [](const auto& a, const auto& b) { return a.version < b.version; });
  const auto twice = std::adjacent_find(versions.begin(), versions.end(),
                                        [](const auto& a, const auto& b) { return a.version == b.version; });
  if (twice != versions.end())
    return Error{"client version " + std::to_string(twice->version) + " has two integrity secrets"};
  IntegrityTables tables;
  tables.versions_ = std::move(versions);
  return tables;
}

SERRIED_SETUP IntegrityTable make_integrity_table(const IntegrityVersion& version) {
  IntegrityTable table;
  table.version = version.version;
  table.entries.reserve(version.entries);
  for (std::uint16_t index = 0; index < version.entries; ++index)
    table.entries.push_back(integrity_entry(version, index));
  return table;
}

SERRIED_SETUP Result<IntegrityVersion> parse_integrity_version(std::string_view text) {
  IntegrityVersion version;
  const Field fields[] = {number_field("version", version.version, 1),
                          number_field("entries", version.entries, 1, integrity_entries_max),
                          secret_field("secret", version.secret)};
  const Result<Done> read = read_fields(text, fields);
  if (!read) return read.error();
  return version;
}

SERRIED_SETUP std::string format_integrity_version(const IntegrityVersion& version) {
  return "# Serried integrity secret of one client version. For the servers and the build; nobody else may read it.\n" +
         format_head(version.version, version.entries) + "secret  = \"" + to_hex(version.secret.bytes()) + "\"\n";
}

SERRIED_SETUP Result<IntegrityTable> parse_integrity_table(std::string_view text) {
  IntegrityTable table;
  std::uint16_t entries = 0;
  const Field fields[] = {number_field("version", table.version, 1),
                          number_field("entries", entries, 1, integrity_entries_max)};
  table.entries.reserve(integrity_entries_max);  // once: growing would leave copies behind
  const auto take_entry = [&table](std::string_view line) -> std::string {
    Secret entry;
    if (!from_hex(line, entry.bytes())) return "neither name = value nor an entry of 64 hexadecimal digits";
    if (table.entries.size() == integrity_entries_max) return "one entry too many";
    table.entries.push_back(entry);
    return "";
  };
  const Result<Done> read = read_fields(text, fields, take_entry);
  if (!read) return read.error();
  if (table.entries.size() != entries)
    return Error{"says it has " + std::to_string(entries) + " entries, but holds " +
                 std::to_string(table.entries.size())};
  return table;
}

SERRIED_SETUP std::string format_integrity_table(const IntegrityTable& table) {
  std::string text = "# Serried integrity table. A part of each client build of this version.\n" +
                     format_head(table.version, table.entries.size());
  text.reserve(text.size() + table.entries.size() * (2 * key_bytes + 1));
  for (const Secret& entry : table.entries) text += to_hex(entry.bytes()) + "\n";
  return text;
}

SERRIED_SETUP Result<IntegrityVersion> load_integrity_version(const std::string& file) {
  return load_parsed(version_file, file, parse_integrity_version);
}

SERRIED_SETUP Result<Done> save_integrity_version(const IntegrityVersion& version, const std::string& file) {
  return save_text(version_file, file, format_integrity_version(version));
}

SERRIED_SETUP Result<IntegrityTable> load_integrity_table(const std::string& file) {
  return load_parsed(table_file, file, parse_integrity_table);
}

SERRIED_SETUP Result<Done> save_integrity_table(const IntegrityTable& table, const std::string& file) {
  return save_text(table_file, file, format_integrity_table(table));
}

}  // namespace serried::crypt
