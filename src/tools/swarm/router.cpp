#include "tools/swarm/router.h"

#include <algorithm>

namespace serried::tools {

void Router::bind(std::uint32_t connection_id, std::uint32_t bot) {
  std::vector<Entry>& lane = lanes_[connection_id >> 28];
  const std::uint32_t slot = connection_id >> 11 & 0x1FFFF;
  if (slot >= lane.size()) lane.resize(std::max<std::size_t>(std::size_t{slot} + 1, 2 * lane.size()));
  if (lane[slot].bot == none || lane[slot].connection_id == connection_id)
    lane[slot] = {connection_id, bot};
  else
    others_[connection_id] = bot;
}

void Router::unbind(std::uint32_t connection_id) {
  std::vector<Entry>& lane = lanes_[connection_id >> 28];
  const std::uint32_t slot = connection_id >> 11 & 0x1FFFF;
  if (slot < lane.size() && lane[slot].connection_id == connection_id)
    lane[slot] = {};
  else
    others_.erase(connection_id);
}

}  // namespace serried::tools
