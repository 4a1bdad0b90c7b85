/// serried-token: makes the key that a login service shares with one server, issues login tokens under it, and tells
/// what a token says. A stand-in for the login service of a game, and the model for writing one.

#include "crypt/token.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <fstream>
#include <iostream>
#include <string>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "crypt/field_text.h"
#include "crypt/private_file.h"
#include "crypt/token_text.h"
#include "process/standard.h"
#include "serried/protocol.h"
#include "tools/arguments.h"
#include "tools/program.h"

namespace {

using namespace serried;

constexpr std::int64_t ttl_s_max = std::int64_t{10} * 366 * 24 * 3600;
constexpr std::uint64_t count_max = 1'000'000;
constexpr const char* standard_output = "-";

int fail(const std::string& message) { return tools::fail("serried-token", message); }

struct KeygenOptions {
  std::string out;
  std::uint64_t key_id = 1, protocol_id = default_protocol_id, server_id = 1;
};

int keygen(const KeygenOptions& options) {
  crypt::TokenKey key;
  key.key_id = static_cast<std::uint32_t>(options.key_id);
  key.protocol_id = options.protocol_id;
  key.server_id = options.server_id;
  crypt::system_entropy(key.secret.bytes());
  const auto saved = crypt::save_token_key(key, options.out);
  if (!saved) return fail(saved.error().message);
  std::cout << "wrote key " << key.key_id << " for server " << key.server_id << " to " << options.out << "\n";
  return 0;
}

struct IssueOptions {
  std::string key, name, out{standard_output};
  std::uint64_t player = 0, not_before_s = 0, ttl_s = 3600, permissions = 0, count = 1;
};

/// Where tokens go: standard output, or a file that only its owner can read, for a token's secret is beside it.
class Output {
 public:
  explicit Output(const std::string& file) : name_(file.empty() ? "standard output" : "'" + file + "'") {
    if (file == standard_output) {
      stream_ = stdout;
      return;
    }
    const auto descriptor = crypt::open_private(file);
    if (!descriptor) {
      fault_ = descriptor.error();
      return;
    }
    stream_ = ::fdopen(descriptor.value(), "w");
  }
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;
  ~Output() {
    if (stream_ != nullptr && stream_ != stdout) std::fclose(stream_);
  }

  [[nodiscard]] bool write_line(const std::string& line) {
    return stream_ != nullptr && std::fputs((line + "\n").c_str(), stream_) >= 0;
  }
  /// Onto the disk, where it is one.
  [[nodiscard]] bool flush() {
    if (stream_ == nullptr || std::fflush(stream_) != 0) return false;
    return stream_ == stdout || ::fsync(::fileno(stream_)) == 0 || errno == EINVAL || errno == EROFS;
  }
  /// Why one of the above has failed.
  [[nodiscard]] Error error() const {
    return !fault_.message.empty() ? fault_ : Error{"cannot write " + name_ + ": " + std::strerror(errno)};
  }

 private:
  Error fault_;
  std::string name_;
  std::FILE* stream_ = nullptr;
};

[[nodiscard]] Result<std::string> issue_line(const crypt::TokenKey& key, const IssueOptions& options,
                                             std::uint64_t player, std::int64_t now) {
  crypt::TokenClaims claims;
  crypt::system_entropy(claims.id);
  crypt::system_entropy(claims.secret.bytes());
  claims.player_id = player;
  claims.issued = now;
  claims.not_before = now + static_cast<std::int64_t>(options.not_before_s);
  claims.expiry = claims.not_before + static_cast<std::int64_t>(options.ttl_s);
  claims.audience = key.server_id;
  claims.permissions = static_cast<std::uint32_t>(options.permissions);
  const std::string number = std::to_string(player);
  claims.name = options.name.empty() ? "player" + number : options.count == 1 ? options.name : options.name + number;
  const auto token = crypt::issue_token(key, claims, crypt::Entropy{});
  if (!token) return token.error();
  const base::Json line = {{"player", player},
                           {"name", claims.name.string()},
                           {"expiry", claims.expiry},
                           {"secret", crypt::to_hex(claims.secret.bytes())},
                           {"token", crypt::to_hex(token.value())}};
  return line.text();
}

int issue(const IssueOptions& options) {
  const auto key = crypt::load_token_key(options.key);
  if (!key) return fail(key.error().message);
  if (options.player > crypt::player_id_max - (options.count - 1))
    return fail("--player plus --count goes beyond the largest player id");
  Output output(options.out);
  if (!output.flush()) return fail(output.error().message);
  const std::int64_t now = base::unix_now();
  for (std::uint64_t i = 0; i < options.count; ++i) {
    const auto line = issue_line(key.value(), options, options.player + i, now);
    if (!line) return fail(line.error().message);
    if (!output.write_line(line.value())) return fail(output.error().message);
  }
  if (!output.flush()) return fail(output.error().message);
  return 0;
}

struct InspectOptions {
  std::string key, file;
};

[[nodiscard]] std::string time_text(std::int64_t time) {
  const std::time_t seconds = static_cast<std::time_t>(time);
  std::tm parts{};
  char text[64];
  if (::gmtime_r(&seconds, &parts) == nullptr || std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts) == 0)
    return std::to_string(time);
  return text;
}

/// Prints one line about a token; whether it would let its player in now.
[[nodiscard]] bool inspect_line(const crypt::TokenKey& key, const std::string& line, std::int64_t now) {
  // Of a line of `issue` the token is the longest part, in hexadecimal.
  constexpr std::size_t line_bytes_max = 16 * crypt::token_bytes_max;
  const base::Json entry =
      line.size() <= line_bytes_max ? base::Json::parse(line).value_or(nullptr) : base::Json{nullptr};
  const auto text_of = [&entry](const char* name) { return entry.member_or_null(name).as_text().value_or(""); };
  const std::string token_text = text_of("token");
  std::vector<std::uint8_t> token(token_text.size() / 2);
  if (token.empty() || !crypt::from_hex(token_text, token)) {
    std::cout << "not a line of `serried-token issue`: no hexadecimal \"token\"\n";
    return false;
  }
  crypt::TokenClaims claims;
  const crypt::TokenFault fault = crypt::open_token(key, token, now, claims);
  std::cout << crypt::token_fault_text(fault);
  if (fault == crypt::TokenFault::malformed || fault == crypt::TokenFault::unknown_key ||
      fault == crypt::TokenFault::forged) {
    std::cout << "\n";
    return false;
  }
  crypt::Secret beside;
  const bool same = crypt::from_hex(text_of("secret"), beside.bytes()) && beside == claims.secret;
  std::cout << ": player " << claims.player_id << " \""
            << (crypt::is_plain_utf8(claims.name) ? claims.name.view() : "(not printable)") << "\", server "
            << claims.audience << ", permissions " << claims.permissions << ", id " << crypt::to_hex(claims.id)
            << ", issued " << time_text(claims.issued) << ", valid " << time_text(claims.not_before) << " to "
            << time_text(claims.expiry) << (same ? "" : "; the secret beside it is not the token's") << "\n";
  return fault == crypt::TokenFault::none && same;
}

int inspect(const InspectOptions& options) {
  const auto key = crypt::load_token_key(options.key);
  if (!key) return fail(key.error().message);
  std::ifstream file;
  if (options.file != "-") {
    file.open(options.file);
    if (!file) return fail("cannot open token file '" + options.file + "': " + std::strerror(errno));
  }
  std::istream& input = options.file == "-" ? std::cin : file;
  const std::int64_t now = base::unix_now();
  std::uint64_t tokens = 0, valid = 0;
  for (std::string line; std::getline(input, line);) {
    if (line.empty()) continue;
    ++tokens;
    valid += inspect_line(key.value(), line, now) ? 1 : 0;
  }
  if (tokens == 0) return fail("'" + options.file + "' holds no token");
  if (valid != tokens)
    return fail(std::to_string(tokens - valid) + " of " + std::to_string(tokens) + " would be refused");
  return 0;
}

int run_program(int argc, char** argv) {
  tools::Arguments app("serried-token", "Makes token keys, issues login tokens and inspects them.");
  app.require_command();
  app.footer(
      "A server lets in every holder of a token of its key. The game's login service issues them, one a login, and "
      "hands\n"
      "the player the token and its secret over a connection of its own. Keep the key file as you keep a password.\n"
      "A token is for the server of its key and works once; a server that starts refuses what was issued before. The\n"
      "clocks of both may differ by 30 s.\n\n"
      "  serried-token keygen --out token.key\n"
      "  serried-token issue --key token.key --player 1 --name Ada --out ada.json\n"
      "  serried-token inspect --key token.key ada.json\n\n"
      "Exit code: 0 done, 1 failed or a token would be refused, 2 wrong usage.");

  KeygenOptions key;
  tools::Arguments make = app.add_command("keygen", "Make a token key and write it to a new file with mode 0600.");
  make.add("--out", key.out, "The file to create; an existing one is never overwritten").required().unit("FILE");
  make.add_number("--key-id", key.key_id, "Number of the key, so that keys can be changed (default 1)", 0, 0xFFFFFFFF);
  make.add_number("--protocol-id", key.protocol_id,
                  "Names the game; the server's must be the same (default 0x3164656972726573, \"serried1\")", 0,
                  ~std::uint64_t{0});
  make.add_number("--server-id", key.server_id, "The server that tokens of this key are for (default 1)", 0,
                  ~std::uint64_t{0});

  IssueOptions ticket;
  tools::Arguments give =
      app.add_command("issue", "Issue tokens: one line of JSON each (player, name, expiry, secret, token).");
  give.add("--key", ticket.key, "Key file, made by keygen").required().unit("FILE");
  give.add_number("--player", ticket.player, "Player id", 0, crypt::player_id_max).required();
  give.add("--name", ticket.name,
           "Player's name, at most 32 bytes of UTF-8; with --count the player id is appended (default playerN)")
      .unit("TEXT");
  give.add_number("--not-before", ticket.not_before_s, "Seconds from now until the token becomes valid (default 0)", 0,
                  ttl_s_max);
  give.add_number("--ttl", ticket.ttl_s, "Seconds from then until it expires (default 3600)", 1, ttl_s_max);
  give.add_number("--permissions", ticket.permissions, "Permission bits, for the game (default 0)", 0, 0xFFFFFFFF);
  give.add_number("--count", ticket.count, "Issue so many, for --player and the ids after it (default 1)", 1,
                  count_max);
  give.add("--out", ticket.out, "Write here, with mode 0600; -, as without it: to standard output").unit("FILE");

  InspectOptions look;
  tools::Arguments show = app.add_command("inspect", "Say what tokens hold and whether they would be accepted now.");
  show.add("--key", look.key, "Key file that the tokens were issued under").required().unit("FILE");
  show.add("tokens", look.file, "File of lines from issue; - for standard input").required().unit("TOKENFILE");

  if (const auto ended = tools::begin("serried-token", app, argc, argv)) return *ended;
  if (make.given()) return keygen(key);
  if (give.given()) return issue(ticket);
  return inspect(look);
}

}  // namespace

int main(int argc, char** argv) {
  process::begin_to_print();
  return process::ended("serried-token", run_program(argc, argv));
}
