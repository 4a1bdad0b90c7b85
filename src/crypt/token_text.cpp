/// Token keys as text and as files. See token_text.h and private_file.h.

#include "crypt/token_text.h"

#include "base/setup.h"
#include "base/text.h"
#include "base/utf8.h"
#include "crypt/field_text.h"
#include "crypt/private_file.h"

namespace serried::crypt {
namespace {

constexpr FileKind token_key_file{.name = "token key"};

[[nodiscard]] std::string hex_number(std::uint64_t value) {
  return base::formatted("0x%016llx", static_cast<unsigned long long>(value));
}

}  // namespace

SERRIED_SETUP Result<TokenKey> parse_token_key(std::string_view text) {
  TokenKey key;
  const Field fields[] = {number_field("key_id", key.key_id), number_field("protocol_id", key.protocol_id),
                          number_field("server_id", key.server_id), secret_field("secret", key.secret)};
  const Result<Done> read = read_fields(text, fields);
  if (!read) return read.error();
  return key;
}

SERRIED_SETUP std::string format_token_key(const TokenKey& key) {
  return "# Serried token key. Shared by the login service and one server; nobody else may read it.\n"
         "key_id      = " +
         std::to_string(key.key_id) +
         "\n"
         "protocol_id = " +
         hex_number(key.protocol_id) +
         "\n"
         "server_id   = " +
         std::to_string(key.server_id) +
         "\n"
         "secret      = \"" +
         to_hex(key.secret.bytes()) + "\"\n";
}

SERRIED_SETUP Result<TokenKey> load_token_key(const std::string& file) {
  return load_parsed(token_key_file, file, parse_token_key);
}

SERRIED_SETUP Result<Done> save_token_key(const TokenKey& key, const std::string& file) {
  return save_text(token_key_file, file, format_token_key(key));
}

bool is_plain_utf8(std::string_view text) noexcept {
  while (!text.empty()) {
    std::uint32_t point = 0;
    if (!base::next_code_point(text, point)) return false;
    if (point < 0x20 || (point >= 0x7F && point < 0xA0)) return false;
  }
  return true;
}

}  // namespace serried::crypt
