#pragma once
/// Two ethdevs as one wire, and a program that sits on it: every frame passes from one to the other before it, and it
/// may keep a frame, or put frames of its own among those to either side. Not part of the server: it is how a server
/// without a kernel's network (memif, net_ring) is attacked on its way.

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "serried/result.h"

struct rte_mbuf;
struct rte_mempool;

namespace serried::port {

/// Owner   one thread
class Bridge {
 public:
  static constexpr unsigned burst = 64;
  enum class Side : std::uint8_t { left, right };

  /// Both by name, not in use. Error: a device that is not there or refuses, no memory for mbufs.
  [[nodiscard]] static Result<std::unique_ptr<Bridge>> open(const std::string& left, const std::string& right);
  ~Bridge();
  Bridge(const Bridge&) = delete;
  Bridge& operator=(const Bridge&) = delete;

  /// What has come from one side, up to a burst. It stands until pass_on, which must follow.
  [[nodiscard]] std::span<const std::span<const std::uint8_t>> receive(Side from) noexcept;
  /// The frames whose bits are set in `kept` stay here; the others go on to the other side.
  void pass_on(std::uint64_t kept) noexcept;

  /// Where the i-th frame of our own is written: `frame_bytes_max` from here on, and as many before as
  /// wire::headroom_bytes. What stands there survives send() only if the frame was not taken.
  static constexpr std::size_t frame_bytes_max = 1'600;
  [[nodiscard]] std::uint8_t* room(unsigned i) noexcept;
  /// A frame of ours: it begins `headers` bytes before its room, and has `bytes` behind it.
  struct Piece {
    std::uint16_t headers = 0, bytes = 0;
  };
  /// Send the first rooms to one side; returns how many frames the device took.
  unsigned send(Side to, std::span<const Piece> pieces) noexcept;

  /// Frames that were to pass, and found the transmit queue full.
  [[nodiscard]] std::uint64_t lost() const noexcept { return lost_; }

 private:
  Bridge() = default;
  [[nodiscard]] Result<Done> start(unsigned side, const std::string& name);

  struct Device {
    std::uint16_t id = 0;
    bool configured = false;
  };
  std::array<Device, 2> devices_;
  rte_mempool* pool_ = nullptr;
  unsigned from_ = 0;  ///< side of what was received
  unsigned count_ = 0;
  std::array<rte_mbuf*, burst> frames_{};
  std::array<std::span<const std::uint8_t>, burst> views_{};
  std::array<rte_mbuf*, burst> own_{};
  std::uint64_t lost_ = 0;
};

}  // namespace serried::port
