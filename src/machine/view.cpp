#include "machine/view.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <sys/stat.h>

#include "base/file.h"

namespace serried::machine {
namespace {

namespace fs = std::filesystem;

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

/// Before the digits at the end of a name, and the number that they are.
std::pair<std::string_view, unsigned> stem_and_number(std::string_view name) {
  std::size_t digits = name.size();
  while (digits > 0 && name[digits - 1] >= '0' && name[digits - 1] <= '9') --digits;
  unsigned number = 0;
  std::from_chars(name.data() + digits, name.data() + name.size(), number);
  return {name.substr(0, digits), number};
}

}  // namespace

View::View(std::string root) : root_(std::move(root)) {
  while (!root_.empty() && root_.back() == '/') root_.pop_back();
}

std::string View::place(std::string_view path) const { return root_ + std::string(path); }

std::optional<std::string> View::text(std::string_view path) const {
  auto text = base::read_file(place(path));
  if (!text) return {};
  while (!text->empty() && is_blank(text->back())) text->pop_back();
  return text;
}

std::vector<std::string> View::lines(std::string_view path) const {
  std::vector<std::string> found;
  const auto all = text(path);
  if (!all || all->empty()) return found;
  for (std::size_t begin = 0; begin <= all->size();) {
    const std::size_t end = std::min(all->find('\n', begin), all->size());
    found.push_back(all->substr(begin, end - begin));
    begin = end + 1;
  }
  return found;
}

std::optional<std::uint64_t> View::number(std::string_view path) const {
  const auto all = text(path);
  if (!all) return {};
  std::uint64_t value = 0;
  const char* const end = all->data() + all->size();
  const auto [stop, error] = std::from_chars(all->data(), end, value);
  if (error != std::errc{} || stop != end) return {};
  return value;
}

std::optional<std::string> View::field(std::string_view path, std::string_view key) const {
  for (const std::string& line : lines(path)) {
    std::string_view rest = trimmed(line);
    if (!rest.starts_with(key)) continue;
    rest.remove_prefix(key.size());
    if (!rest.empty() && rest.front() != ':' && !is_blank(rest.front())) continue;  // of a longer key
    rest = trimmed(rest);
    if (rest.starts_with(':')) rest.remove_prefix(1);
    return std::string(trimmed(rest));
  }
  return {};
}

std::vector<std::string> View::names(std::string_view path) const {
  std::vector<std::string> found;
  std::error_code fault;
  for (fs::directory_iterator at(place(path), fault), end; !fault && at != end; at.increment(fault))
    found.push_back(at->path().filename().string());
  std::sort(found.begin(), found.end(), [](const std::string& a, const std::string& b) {
    const auto left = stem_and_number(a), right = stem_and_number(b);
    return left != right ? left < right : a < b;
  });
  return found;
}

bool View::exists(std::string_view path) const {
  std::error_code fault;
  return fs::exists(fs::symlink_status(place(path), fault));
}

std::string View::link(std::string_view path) const {
  std::error_code fault;
  return fs::read_symlink(place(path), fault).filename().string();
}

std::optional<Access> View::access(std::string_view path) const {
  struct stat facts {};
  if (::stat(place(path).c_str(), &facts) != 0) return {};
  return Access{facts.st_uid, facts.st_gid, static_cast<unsigned>(facts.st_mode) & 0777U};
}

std::vector<std::string> words(std::string_view text) {
  std::vector<std::string> found;
  for (std::size_t begin = 0; begin < text.size();) {
    while (begin < text.size() && is_blank(text[begin])) ++begin;
    std::size_t end = begin;
    while (end < text.size() && !is_blank(text[end])) ++end;
    if (end > begin) found.emplace_back(text.substr(begin, end - begin));
    begin = end;
  }
  return found;
}

std::vector<unsigned> parse_cpu_list(std::string_view text) {
  constexpr unsigned cpus_max = 1U << 16;  // more than a kernel can be built for
  std::vector<unsigned> cpus;
  const char* at = text.data();
  const char* const end = text.data() + text.size();
  while (at != end) {
    unsigned first = 0;
    auto [stop, error] = std::from_chars(at, end, first);
    if (error != std::errc{}) break;
    unsigned last = first;
    if (stop != end && *stop == '-') {
      const auto range = std::from_chars(stop + 1, end, last);
      if (range.ec != std::errc{}) break;
      stop = range.ptr;
    }
    for (unsigned cpu = first; cpu <= std::min(last, cpus_max); ++cpu) cpus.push_back(cpu);
    if (stop == end || *stop != ',') break;
    at = stop + 1;
  }
  return cpus;
}

std::string format_cpu_list(const std::vector<unsigned>& cpus) {
  std::string text;
  for (std::size_t first = 0; first < cpus.size();) {
    std::size_t last = first;
    while (last + 1 < cpus.size() && cpus[last + 1] == cpus[last] + 1) ++last;
    if (!text.empty()) text += ',';
    text += std::to_string(cpus[first]);
    if (last > first) text.append("-").append(std::to_string(cpus[last]));
    first = last + 1;
  }
  return text;
}

}  // namespace serried::machine
