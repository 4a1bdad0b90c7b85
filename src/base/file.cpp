#include "base/file.h"

#include <cstdio>
#include <memory>

namespace serried::base {
namespace {

struct CloseFile {
  void operator()(std::FILE* file) const noexcept { std::fclose(file); }
};

}  // namespace

std::optional<std::string> read_file(const std::string& name) {
  const std::unique_ptr<std::FILE, CloseFile> file{std::fopen(name.c_str(), "rbe")};
  if (file == nullptr) return {};
  std::string text;
  char bytes[4'096];
  for (std::size_t got; (got = std::fread(bytes, 1, sizeof bytes, file.get())) != 0;) text.append(bytes, got);
  if (std::ferror(file.get()) != 0) return {};
  return text;
}

}  // namespace serried::base
