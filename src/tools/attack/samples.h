#pragma once
/// What was overheard: sealed datagrams of honest players on their way to the server. The newest replace the oldest.

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/prng.h"
#include "port/address.h"
#include "serried/result.h"
#include "wire/datagram.h"
#include "wire/path.h"

namespace serried::tools {

struct Sample {
  wire::Path from;
  std::uint16_t bytes = 0;
  std::array<std::uint8_t, wire::datagram_bytes_max> data{};
};

class Samples {
 public:
  /// Keeps `capacity` datagrams for `server`, but none from `ours`.
  Samples(const wire::Path& server, const port::LocalAddress& ours, std::size_t capacity)
      : server_(server), ours_(ours), capacity_(capacity) {}

  /// An Ethernet frame. False: it holds no sealed datagram for the server.
  bool add_frame(std::span<const std::uint8_t> frame);
  /// The Ethernet frames of a pcap file, of either byte order; how many were taken.
  [[nodiscard]] Result<std::size_t> add_pcap(const std::string& file);

  [[nodiscard]] bool empty() const noexcept { return samples_.empty(); }
  [[nodiscard]] std::uint64_t taken() const noexcept { return taken_; }
  /// Any of them. Precondition: not empty
  [[nodiscard]] const Sample& pick(base::Prng& random) const noexcept {
    return samples_[random.below(samples_.size())];
  }

 private:
  wire::Path server_;
  port::LocalAddress ours_;
  std::size_t capacity_;
  std::uint64_t taken_ = 0;
  std::vector<Sample> samples_;
};

}  // namespace serried::tools
