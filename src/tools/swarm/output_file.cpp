#include "tools/swarm/output_file.h"

#include <cerrno>
#include <cstring>

namespace serried::tools {
namespace {

[[nodiscard]] Error file_error(const std::string& file) {
  return Error{"cannot write '" + file + "': " + std::strerror(errno)};
}

}  // namespace

Result<OutputFile> OutputFile::create(const std::string& file) {
  std::FILE* opened = std::fopen(file.c_str(), "wb");
  if (opened == nullptr) return file_error(file);
  return OutputFile(opened, file);
}

void OutputFile::write(std::span<const std::uint8_t> bytes) noexcept {
  // A full disk shows in finish().
  if (std::fwrite(bytes.data(), 1, bytes.size(), open_.get()) == bytes.size()) bytes_ += bytes.size();
}

Result<Done> OutputFile::finish() {
  if (std::fflush(open_.get()) != 0 || std::ferror(open_.get()) != 0) return file_error(file_);
  return Done{};
}

}  // namespace serried::tools
