/// Texts of named values. See field_text.h for the format.

#include "crypt/field_text.h"

#include <charconv>
#include <vector>

#include <sodium.h>

#include "base/setup.h"

namespace serried::crypt {
namespace {

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

/// Takes one line at a time and gathers what is wrong.
class FieldReader {
 public:
  FieldReader(std::span<const Field> fields, const TakeValue& bare)
      : fields_(fields), bare_(bare), seen_(fields.size()) {}

  void take(std::string_view line, std::size_t number) {
    line = trimmed(line.substr(0, line.find('#')));
    if (line.empty()) return;
    const std::string where = "line " + std::to_string(number) + ": ";
    const auto equals = line.find('=');
    if (equals == std::string_view::npos) {
      const std::string wrong = bare_ ? bare_(line) : "not of the form name = value";
      if (!wrong.empty()) fault(where + wrong);
      return;
    }
    const std::string_view name = trimmed(line.substr(0, equals));
    for (std::size_t i = 0; i < fields_.size(); ++i) {
      if (name != fields_[i].name) continue;
      if (seen_[i]) return fault(std::string(where).append(name).append(" is there twice"));
      seen_[i] = true;
      const std::string wrong = fields_[i].take(unquoted(trimmed(line.substr(equals + 1))));
      if (!wrong.empty()) fault(std::string(where).append(name).append(" ").append(wrong));
      return;
    }
    fault(where + "unknown name; known are " + names());
  }

  [[nodiscard]] Result<Done> finish() {
    for (std::size_t i = 0; i < fields_.size(); ++i)
      if (!seen_[i]) fault(std::string(fields_[i].name) + " is missing");
    if (!faults_.empty()) return Error{faults_};
    return Done{};
  }

 private:
  [[nodiscard]] std::string names() const {
    std::string list;
    for (const Field& field : fields_) list += (list.empty() ? "" : ", ") + std::string(field.name);
    return list;
  }
  void fault(const std::string& text) {
    constexpr std::size_t message_bytes_max = 1000;  // a file that is something else altogether
    if (faults_.size() < message_bytes_max) faults_ += (faults_.empty() ? "" : "; ") + text;
  }

  std::span<const Field> fields_;
  const TakeValue& bare_;
  std::vector<bool> seen_;
  std::string faults_;
};

}  // namespace

SERRIED_SETUP Result<Done> read_fields(std::string_view text, std::span<const Field> fields, const TakeValue& bare) {
  FieldReader reader(fields, bare);
  for (std::size_t number = 1; !text.empty(); ++number) {
    const auto end = text.find('\n');
    reader.take(text.substr(0, end), number);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return reader.finish();
}

SERRIED_SETUP Field secret_field(std::string_view name, Secret& to) {
  return {name, [&to](std::string_view value) -> std::string {
            return from_hex(value, to.bytes()) ? "" : "must be 64 hexadecimal digits";
          }};
}

SERRIED_SETUP std::string to_hex(std::span<const std::uint8_t> bytes) {
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

SERRIED_SETUP std::string take_number(std::string_view text, std::uint64_t least, std::uint64_t most,
                                      std::uint64_t& to) {
  const auto number = parse_number(text);
  if (!number || *number < least || *number > most)
    return "must be a whole number (decimal or 0x hexadecimal) from " + std::to_string(least) + " to " +
           std::to_string(most);
  to = *number;
  return "";
}

}  // namespace serried::crypt
