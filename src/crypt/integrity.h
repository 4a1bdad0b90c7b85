#pragma once
/// CheckIntegrity: the server asks a client for what only a build of its version can know. A tripwire, no proof.
/// Source  docs/wire-format.md section 8; HKDF of RFC 5869
///
///     table[index] = HKDF-Expand(version_secret, "integrity" | version u32 | index u16, 32)
///     answer       = HMAC-SHA256(table[index], nonce 16 | exporter 32), first 16 bytes
///
/// The server keeps a secret a version and derives the entry it asks for; a client build holds its version's table.

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "crypt/keys.h"
#include "serried/result.h"

namespace serried::crypt {

inline constexpr std::uint16_t integrity_entries_max = 4096;
inline constexpr std::uint16_t integrity_entries_default = 256;
using IntegrityNonce = std::array<std::uint8_t, 16>;
using IntegrityAnswer = std::array<std::uint8_t, 16>;

/// What the server knows of one client version.
struct IntegrityVersion {
  std::uint32_t version = 0;
  std::uint16_t entries = integrity_entries_default;  ///< 1 to integrity_entries_max
  Secret secret;
};

/// The versions whose clients may play at the same time. Filled once, then shared by lanes that only read.
class IntegrityTables {
 public:
  IntegrityTables() = default;
  /// A version that is there twice, or has no entries or too many, is an error.
  [[nodiscard]] static Result<IntegrityTables> make(std::vector<IntegrityVersion> versions);

  /// Nullptr: no such version.
  [[nodiscard]] const IntegrityVersion* find(std::uint32_t version) const noexcept;
  [[nodiscard]] std::span<const IntegrityVersion> versions() const noexcept { return versions_; }

 private:
  std::vector<IntegrityVersion> versions_;  // rising
};

/// What a client build of one version ships.
struct IntegrityTable {
  std::uint32_t version = 0;
  std::vector<Secret> entries;
};
[[nodiscard]] IntegrityTable make_integrity_table(const IntegrityVersion& version);

/// `index` is below version.entries for whatever is asked of a client.
[[nodiscard]] Secret integrity_entry(const IntegrityVersion& version, std::uint16_t index) noexcept;
/// `exporter` is that of the session's keys, so that an answer is of no use in another session. The server compares
/// with `equal`.
[[nodiscard]] IntegrityAnswer integrity_answer(const Secret& entry, const IntegrityNonce& nonce,
                                               const Secret& exporter) noexcept;

/// As text (field_text.h). The results of format hold secrets: the caller wipes them.
///
///     version = 7                          version = 7
///     entries = 256                        entries = 256
///     secret  = "64 digits"                64 hexadecimal digits, one line an entry
[[nodiscard]] Result<IntegrityVersion> parse_integrity_version(std::string_view text);
[[nodiscard]] std::string format_integrity_version(const IntegrityVersion& version);
[[nodiscard]] Result<IntegrityTable> parse_integrity_table(std::string_view text);
[[nodiscard]] std::string format_integrity_table(const IntegrityTable& table);

/// Files (private_file.h). A version's secret has the rules of a token key; a table goes to every player, so that
/// its file is readable by all. Neither is ever overwritten.
[[nodiscard]] Result<IntegrityVersion> load_integrity_version(const std::string& file);
[[nodiscard]] Result<Done> save_integrity_version(const IntegrityVersion& version, const std::string& file);
[[nodiscard]] Result<IntegrityTable> load_integrity_table(const std::string& file);
[[nodiscard]] Result<Done> save_integrity_table(const IntegrityTable& table, const std::string& file);

}  // namespace serried::crypt
