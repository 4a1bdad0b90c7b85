#pragma once
/// Which bot a datagram is for. A connection id carries the server's slot and lane, so the look-up is nearly always one
/// array access; no server promises that, so ids that collide there are found in a map. Handshake
/// datagrams have no id that is known yet: they belong to one of the bots that shake hands on their UDP port.
/// Answers in clear name it by their echo; a ConnectionAccepted must be tried, oldest proof first, because servers
/// answer in order.

#include <cstdint>
#include <unordered_map>
#include <vector>

namespace serried::tools {

class Router {
 public:
  static constexpr std::uint32_t none = ~std::uint32_t{0};

  Router() : shaking_(65'536) {}

  void bind(std::uint32_t connection_id, std::uint32_t bot);
  void unbind(std::uint32_t connection_id);
  [[nodiscard]] std::uint32_t find(std::uint32_t connection_id) const {
    const std::vector<Entry>& lane = lanes_[connection_id >> 28];
    const std::uint32_t slot = connection_id >> 11 & 0x1FFFF;
    if (slot < lane.size() && lane[slot].connection_id == connection_id) return lane[slot].bot;
    if (others_.empty()) return none;
    const auto other = others_.find(connection_id);
    return other == others_.end() ? none : other->second;
  }

  /// The bot goes to the end of its port's queue, wherever it stood.
  void shake(std::uint16_t local_port, std::uint32_t bot) {
    settle(local_port, bot);
    shaking_[local_port].push_back(bot);
  }
  void settle(std::uint16_t local_port, std::uint32_t bot) { std::erase(shaking_[local_port], bot); }
  [[nodiscard]] const std::vector<std::uint32_t>& shaking(std::uint16_t local_port) const noexcept {
    return shaking_[local_port];
  }

 private:
  struct Entry {
    std::uint32_t connection_id = 0;
    std::uint32_t bot = none;
  };
  std::vector<Entry> lanes_[16];
  std::unordered_map<std::uint32_t, std::uint32_t> others_;
  std::vector<std::vector<std::uint32_t>> shaking_;  ///< by local UDP port, each a few bots
};

}  // namespace serried::tools
