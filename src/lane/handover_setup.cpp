#include "lane/handover.h"

namespace serried::lane {

HandoverMesh::HandoverMesh(unsigned lanes, unsigned waiting) : lanes_(lanes) {
  const unsigned each = lanes > 1 ? waiting / (lanes - 1) : 0;
  for (unsigned pair = 0; pair < lanes * lanes; ++pair)
    rings_.push_back(pair / lanes == pair % lanes ? nullptr : std::make_unique<HandoverRing>(each));
}

HandoverLinks HandoverMesh::links_of(unsigned lane) const {
  HandoverLinks links;
  if (lanes_ == 1) return links;
  for (unsigned other = 0; other < lanes_; ++other) {
    links.to.push_back(rings_[lane * lanes_ + other].get());
    links.from.push_back(rings_[other * lanes_ + lane].get());
  }
  return links;
}

}  // namespace serried::lane
