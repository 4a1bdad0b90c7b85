/// Key files as text. See token_text.h for the format.

#include "crypt/token_text.h"

#include <array>
#include <charconv>
#include <cstdio>

#include <sodium.h>

namespace serried::crypt {
namespace {

constexpr std::size_t fields = 4;
constexpr std::array<std::string_view, fields> field_names{"key_id", "protocol_id", "server_id", "secret"};

[[nodiscard]] std::string_view trimmed(std::string_view text) noexcept {
  constexpr std::string_view blank = " \t\r";
  const auto first = text.find_first_not_of(blank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(blank) - first + 1);
}

[[nodiscard]] std::string_view unquoted(std::string_view text) noexcept {
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"') return text.substr(1, text.size() - 2);
  return text;
}

[[nodiscard]] std::string hex_number(std::uint64_t value) {
  char text[2 + 16 + 1];
  std::snprintf(text, sizeof text, "0x%016llx", static_cast<unsigned long long>(value));
  return text;
}

/// Takes one line at a time and gathers what is wrong. Never quotes a value: one of them is the secret.
class KeyReader {
 public:
  void take(std::string_view line, std::size_t number) {
    line = trimmed(line.substr(0, line.find('#')));
    if (line.empty()) return;
    const std::string where = "line " + std::to_string(number) + ": ";
    const auto equals = line.find('=');
    if (equals == std::string_view::npos) return fault(where + "not of the form name = value");
    const std::string_view name = trimmed(line.substr(0, equals));
    for (std::size_t i = 0; i < fields; ++i) {
      if (name != field_names[i]) continue;
      if (seen_[i]) return fault(where + std::string(name) + " is there twice");
      seen_[i] = true;
      if (const char* wrong = assign(i, unquoted(trimmed(line.substr(equals + 1)))))
        fault(where + std::string(name) + " " + wrong);
      return;
    }
    fault(where + "unknown name; known are key_id, protocol_id, server_id, secret");
  }

  [[nodiscard]] Result<TokenKey> finish() {
    for (std::size_t i = 0; i < fields; ++i)
      if (!seen_[i]) fault(std::string(field_names[i]) + " is missing");
    if (!faults_.empty()) return Error{faults_};
    return key_;
  }

 private:
  // What is wrong with the value, or nullptr.
  [[nodiscard]] const char* assign(std::size_t field, std::string_view value) {
    if (field == 3) {
      if (!from_hex(value, key_.secret.bytes())) return "must be 64 hexadecimal digits";
      return nullptr;
    }
    const auto parsed = parse_number(value);
    if (!parsed) return "must be a whole number below 2^64, decimal or 0x hexadecimal";
    if (field == 0) {
      if (*parsed > 0xFFFFFFFF) return "must be below 2^32";
      key_.key_id = static_cast<std::uint32_t>(*parsed);
    } else {
      (field == 1 ? key_.protocol_id : key_.server_id) = *parsed;
    }
    return nullptr;
  }
  void fault(const std::string& text) {
    constexpr std::size_t message_bytes_max = 1000;  // a file that is something else altogether
    if (faults_.size() < message_bytes_max) faults_ += (faults_.empty() ? "" : "; ") + text;
  }

  TokenKey key_;
  std::array<bool, fields> seen_{};
  std::string faults_;
};

}  // namespace

Result<TokenKey> parse_token_key(std::string_view text) {
  KeyReader reader;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const auto end = text.find('\n');
    reader.take(text.substr(0, end), number);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return reader.finish();
}

std::string format_token_key(const TokenKey& key) {
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

std::string to_hex(std::span<const std::uint8_t> bytes) {
  std::string text(bytes.size() * 2 + 1, '\0');
  sodium_bin2hex(text.data(), text.size(), bytes.data(), bytes.size());
  text.pop_back();
  return text;
}

bool from_hex(std::string_view text, std::span<std::uint8_t> to) noexcept {
  if (text.size() != to.size() * 2) return false;
  std::size_t written = 0;
  const char* end = nullptr;
  return sodium_hex2bin(to.data(), to.size(), text.data(), text.size(), nullptr, &written, &end) == 0 &&
         written == to.size() && end == text.data() + text.size();
}

std::optional<std::uint64_t> parse_number(std::string_view text) noexcept {
  int base = 10;
  if (text.starts_with("0x") || text.starts_with("0X")) {
    base = 16;
    text.remove_prefix(2);
  }
  std::uint64_t value = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (fault != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

bool is_plain_utf8(std::string_view text) noexcept {
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<std::uint8_t>(text[i]);
    const std::size_t more = lead < 0x80   ? 0
                             : lead < 0xC0 ? 4
                             : lead < 0xE0 ? 1
                             : lead < 0xF0 ? 2
                             : lead < 0xF8 ? 3
                                           : 4;
    if (more == 4 || text.size() - i <= more) return false;
    std::uint32_t point = more == 0 ? lead : lead & (0x3Fu >> more);
    for (std::size_t k = 1; k <= more; ++k) {
      const auto byte = static_cast<std::uint8_t>(text[i + k]);
      if ((byte & 0xC0) != 0x80) return false;
      point = point << 6 | (byte & 0x3F);
    }
    constexpr std::uint32_t smallest[4] = {0, 0x80, 0x800, 0x10000};
    if (point < smallest[more] || point > 0x10FFFF || (point >= 0xD800 && point < 0xE000)) return false;
    if (point < 0x20 || (point >= 0x7F && point < 0xA0)) return false;
    i += more + 1;
  }
  return true;
}

}  // namespace serried::crypt
