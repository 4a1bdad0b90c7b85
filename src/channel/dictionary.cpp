/// Dictionaries from memory and from files. See dictionary.h.

#include "channel/dictionary.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string_view>

#include "base/bytes.h"
#include "base/setup.h"

namespace serried::channel {
namespace {

constexpr std::string_view magic = "SERRDICT";
constexpr std::size_t head_bytes = 8 + 4 + 4;
constexpr const char* what_to_do = "; make one with scripts/train_dictionary";

struct Close {
  void operator()(std::FILE* file) const noexcept { std::fclose(file); }
};

}  // namespace

SERRIED_SETUP Dictionary::Dictionary(std::uint32_t id, std::vector<std::uint8_t> bytes)
    : id_(id), bytes_(std::move(bytes)), stream_(std::make_unique<LZ4_stream_t>()) {
  LZ4_initStream(stream_.get(), sizeof *stream_);
  LZ4_loadDict(stream_.get(), reinterpret_cast<const char*>(bytes_.data()), static_cast<int>(bytes_.size()));
}

SERRIED_SETUP Result<Dictionary> Dictionary::make(std::uint32_t id, std::vector<std::uint8_t> bytes) {
  if (id == 0) return Error{"a dictionary's id is never 0"};
  if (bytes.empty() || bytes.size() > dictionary_bytes_max)
    return Error{"a dictionary has 1 to " + std::to_string(dictionary_bytes_max) + " bytes, not " +
                 std::to_string(bytes.size())};
  return Dictionary(id, std::move(bytes));
}

SERRIED_SETUP Result<Dictionary> parse_dictionary(std::span<const std::uint8_t> file) {
  base::ByteReader in(file);
  if (base::as_text(in.read_bytes(magic.size())) != magic)
    return Error{std::string("does not begin with ") + std::string(magic) + ", so it is no dictionary" + what_to_do};
  const auto id = in.read<std::uint32_t>();
  const auto size = in.read<std::uint32_t>();
  if (!in.ok())
    return Error{std::string("ends within its head of ") + std::to_string(head_bytes) + " bytes" + what_to_do};
  if (in.remaining() != size)
    return Error{"says that " + std::to_string(size) + " bytes follow its head, but " + std::to_string(in.remaining()) +
                 " do: it is damaged" + what_to_do};
  const auto bytes = in.read_rest();
  return Dictionary::make(id, {bytes.begin(), bytes.end()});
}

SERRIED_SETUP Result<Dictionary> load_dictionary(const std::string& file) {
  const std::string where = "dictionary '" + file + "'";
  const std::unique_ptr<std::FILE, Close> open(std::fopen(file.c_str(), "rb"));
  if (!open) return Error{where + ": " + std::strerror(errno)};
  std::vector<std::uint8_t> bytes(head_bytes + dictionary_bytes_max + 1);
  bytes.resize(std::fread(bytes.data(), 1, bytes.size(), open.get()));
  if (std::ferror(open.get()) != 0) return Error{where + ": cannot be read"};
  if (bytes.size() > head_bytes + dictionary_bytes_max)
    return Error{where + ": is longer than a dictionary of " + std::to_string(dictionary_bytes_max) + " bytes"};
  Result<Dictionary> parsed = parse_dictionary(bytes);
  if (!parsed) return parsed.error().within(where);
  return parsed;
}

}  // namespace serried::channel
