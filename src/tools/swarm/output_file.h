#pragma once
/// A file that is written from the first byte to the last, and remembers whether all of it could be.

#include <cstdint>
#include <cstdio>
#include <memory>
#include <span>
#include <string>

#include "serried/result.h"

namespace serried::tools {

class OutputFile {
 public:
  /// Create or replace `file`.
  [[nodiscard]] static Result<OutputFile> create(const std::string& file);

  void write(std::span<const std::uint8_t> bytes) noexcept;
  /// Write what is still held; an error if anything was not written.
  [[nodiscard]] Result<Done> finish();
  [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }

 private:
  struct Close {
    void operator()(std::FILE* file) const noexcept { std::fclose(file); }
  };
  OutputFile(std::FILE* opened, std::string file) : open_(opened), file_(std::move(file)) {}

  std::unique_ptr<std::FILE, Close> open_;
  std::string file_;
  std::uint64_t bytes_ = 0;
};

}  // namespace serried::tools
