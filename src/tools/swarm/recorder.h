#pragma once
/// What bots say and hear, in a file: samples for scripts/train_dictionary.
///
///     sample := length u32 | direction u8 | channel u8 | bytes        length counts bytes; direction 0: to the bot
///
/// bytes are what stands behind the ack block, as the compressor sees it. Fragments are left out.

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "serried/result.h"
#include "tools/swarm/output_file.h"
#include "wire/datagram.h"

namespace serried::tools {

class Recorder {
 public:
  enum class Direction : std::uint8_t { received, sent };

  /// Create or replace `file`, which never gets longer than `bytes_max`.
  [[nodiscard]] static Result<Recorder> open(const std::string& file, std::uint64_t bytes_max);

  /// One sealed datagram, its body in plaintext. What finds no room, or does not unpack, is left out.
  void add(Direction direction, const wire::Header& header, std::span<const std::uint8_t> body);

  /// Write what is still held; an error if anything was not written.
  [[nodiscard]] Result<Done> finish() { return out_.finish(); }
  [[nodiscard]] std::uint64_t samples() const noexcept { return samples_; }
  [[nodiscard]] std::uint64_t bytes() const noexcept { return out_.bytes(); }

 private:
  Recorder(OutputFile out, std::uint64_t bytes_max);

  OutputFile out_;
  std::uint64_t bytes_max_;
  std::uint64_t samples_ = 0;
  std::vector<std::uint8_t> unpacked_;
};

}  // namespace serried::tools
