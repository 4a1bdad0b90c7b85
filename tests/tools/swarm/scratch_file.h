#pragma once
/// A file of a test, gone at its end.

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <unistd.h>
#include <vector>

namespace serried::test {

class ScratchFile {
 public:
  explicit ScratchFile(const std::string& ending = "")
      : name_((std::filesystem::temp_directory_path() / ("serried-scratch-" + std::to_string(::getpid()) + ending))
                  .string()) {}
  ~ScratchFile() { std::filesystem::remove(name_); }
  ScratchFile(const ScratchFile&) = delete;
  ScratchFile& operator=(const ScratchFile&) = delete;

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] std::vector<std::uint8_t> bytes() const {
    std::ifstream in(name_, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }

 private:
  std::string name_;
};

}  // namespace serried::test
