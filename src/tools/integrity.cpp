/// serried-integrity: makes the secret of a client version, derives the table that a client build ships, and tells what
/// such a file is. For the build of a game and for the operators of its servers.

#include "crypt/integrity.h"

#include <cerrno>
#include <cstring>
#include <iostream>
#include <string>
#include <unistd.h>
#include <vector>

#include "crypt/field_text.h"
#include "process/standard.h"
#include "tools/arguments.h"
#include "tools/program.h"

namespace {

using namespace serried;

int fail(const std::string& message) { return tools::fail("serried-integrity", message); }

/// The same for a secret and for the table derived from it, and of no use to guess either: 16 hexadecimal digits.
[[nodiscard]] std::string fingerprint(const crypt::IntegrityTable& table) {
  std::vector<std::uint8_t> joined;
  joined.reserve(table.entries.size() * crypt::key_bytes);
  for (const crypt::Secret& entry : table.entries)
    joined.insert(joined.end(), entry.bytes().begin(), entry.bytes().end());
  const crypt::Hash hash = crypt::sha256(joined);
  crypt::wipe(joined);
  return crypt::to_hex(std::span(hash).first(8));
}

[[nodiscard]] std::string described(const char* what, const crypt::IntegrityTable& table) {
  return std::string("integrity ") + what + " of client version " + std::to_string(table.version) + ", " +
         std::to_string(table.entries.size()) + (table.entries.size() == 1 ? " entry" : " entries") + ", fingerprint " +
         fingerprint(table);
}

struct KeygenOptions {
  std::string out;
  std::uint64_t version = 0, entries = crypt::integrity_entries_default;
};

int keygen(const KeygenOptions& options) {
  crypt::IntegrityVersion version;
  version.version = static_cast<std::uint32_t>(options.version);
  version.entries = static_cast<std::uint16_t>(options.entries);
  crypt::system_entropy(version.secret.bytes());
  const auto saved = crypt::save_integrity_version(version, options.out);
  if (!saved) return fail(saved.error().message);
  std::cout << "wrote " << described("secret", crypt::make_integrity_table(version)) << ", to " << options.out << "\n";
  return 0;
}

struct TableOptions {
  std::string secret, out;
};

int derive(const TableOptions& options) {
  const auto version = crypt::load_integrity_version(options.secret);
  if (!version) return fail(version.error().message);
  const crypt::IntegrityTable table = crypt::make_integrity_table(version.value());
  const auto saved = crypt::save_integrity_table(table, options.out);
  if (!saved) return fail(saved.error().message);
  std::cout << "wrote " << described("table", table) << ", to " << options.out << "\n";
  return 0;
}

int inspect(const std::string& file) {
  if (::access(file.c_str(), R_OK) != 0) return fail("cannot open '" + file + "': " + std::strerror(errno));
  const auto version = crypt::load_integrity_version(file);
  if (version) {
    std::cout << described("secret", crypt::make_integrity_table(version.value())) << "\n";
    return 0;
  }
  const auto table = crypt::load_integrity_table(file);
  if (!table)
    return fail("'" + file + "' can be used neither as a secret (" + version.error().message + ") nor as a table (" +
                table.error().message + ")");
  std::cout << described("table", table.value()) << "\n";
  return 0;
}

int run_program(int argc, char** argv) {
  tools::Arguments app("serried-integrity", "Makes what servers and clients need for integrity checks.");
  app.require_command();
  app.footer(
      "A server asks its clients now and then for what only a build of their version can know. Each client version "
      "has\n"
      "a secret, which the servers hold, and a table derived from it, which goes into the client's build. It is a\n"
      "tripwire: it makes a changed client more work, it proves nothing.\n\n"
      "  serried-integrity keygen --version 7 --out v7.secret\n"
      "  serried-integrity table --secret v7.secret --out v7.table\n"
      "  serried-integrity inspect v7.table\n\n"
      "Exit code: 0 done, 1 failed, 2 wrong usage.");

  KeygenOptions key;
  tools::Arguments make =
      app.add_command("keygen", "Make the secret of a client version, in a new file with mode 0600.");
  make.add_number("--version", key.version, "Client version that the secret is for", 1, 0xFFFFFFFF).required();
  make.add_number("--entries", key.entries, "Entries of its table, 1 to 4096 (default 256)", 1,
                  crypt::integrity_entries_max);
  make.add("--out", key.out, "The file to create; an existing one is never overwritten").required().unit("FILE");

  TableOptions table;
  tools::Arguments give =
      app.add_command("table", "Derive the table that client builds of a version ship, in a new file.");
  give.add("--secret", table.secret, "Secret of the version, made by keygen").required().unit("FILE");
  give.add("--out", table.out, "The file to create; an existing one is never overwritten").required().unit("FILE");

  std::string file;
  tools::Arguments show = app.add_command(
      "inspect", "Say what a file is: version, entries, and a fingerprint that a secret and its table have in common.");
  show.add("file", file, "A file of keygen or table").required().unit("SECRET_OR_TABLE");

  if (const auto ended = tools::begin("serried-integrity", app, argc, argv)) return *ended;
  if (make.given()) return keygen(key);
  if (give.given()) return derive(table);
  return inspect(file);
}

}  // namespace

int main(int argc, char** argv) {
  process::begin_to_print();
  return process::ended("serried-integrity", run_program(argc, argv));
}
