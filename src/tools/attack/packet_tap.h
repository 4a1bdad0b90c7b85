#pragma once
/// Frames that pass an interface, of which a filter in the kernel lets some through.

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "serried/result.h"
#include "wire/link.h"

namespace serried::tools {

/// A file descriptor that closes itself.
class OwnedFile {
 public:
  explicit OwnedFile(int file = -1) noexcept : file_(file) {}
  OwnedFile(OwnedFile&& other) noexcept : file_(other.file_) { other.file_ = -1; }
  OwnedFile& operator=(OwnedFile&& other) noexcept;
  OwnedFile(const OwnedFile&) = delete;
  OwnedFile& operator=(const OwnedFile&) = delete;
  ~OwnedFile();
  [[nodiscard]] int get() const noexcept { return file_; }

 private:
  int file_;
};

/// An AF_PACKET socket on `interface`, not yet bound. Needs CAP_NET_RAW.
struct PacketSocket {
  OwnedFile file;
  int interface = 0;  ///< its index
  wire::Mac mac{};
  [[nodiscard]] static Result<PacketSocket> open(const std::string& interface);
  /// From now on frames of `protocol` (host order, 0: none) come in.
  [[nodiscard]] Result<Done> bind(std::uint16_t protocol) const;
};

class PacketTap {
 public:
  /// One frame in `one_in`, whatever its destination.
  [[nodiscard]] static Result<PacketTap> of_some(const std::string& interface, std::uint32_t one_in);
  /// Those addressed to `mac`.
  [[nodiscard]] static Result<PacketTap> to(const std::string& interface, const wire::Mac& mac);

  /// The next frame; empty: there is none. It stands until the next call.
  [[nodiscard]] std::span<const std::uint8_t> next() noexcept;

 private:
  explicit PacketTap(PacketSocket socket);
  PacketSocket socket_;
  std::vector<std::uint8_t> frame_;
};

}  // namespace serried::tools
