#pragma once
/// How old what some viewers know of each entity is: from the bodies that they are sent, without any word of the
/// shard's own about it. Whatever names an entity's place (a record, a create, a far record) makes it new.

#include <algorithm>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <vector>

#include "message/entity.h"
#include "message/type.h"

namespace serried::bench {

class Staleness {
 public:
  /// Every `stride`th of `players`, each of which has an entity whose slot is below `players`.
  Staleness(unsigned players, unsigned stride)
      : players_(players), stride_(stride), told_(std::size_t{(players + stride - 1) / stride} * players) {}

  [[nodiscard]] bool watches(std::uint32_t viewer) const { return viewer % stride_ == 0; }

  /// A datagram's body, just handed over at `tick`.
  void told(std::uint32_t viewer, std::span<const std::uint8_t> body, std::uint32_t tick) {
    base::ByteReader in(body);
    message::Framed framed;
    while (message::next(in, framed)) {
      base::ByteReader content(framed.content);
      if (framed.type == message::Type::delta_sync) {
        content.skip(message::delta_header_bytes);
        message::Record record;
        while (content.remaining() != 0 && message::read_record(content, record)) renew(viewer, record.slot, tick);
      } else if (framed.type == message::Type::create_entity) {
        message::CreateEntity create;
        if (!message::decode(framed.content, create)) throw std::runtime_error("a create does not parse");
        renew(viewer, create.slot, tick);
      } else if (framed.type == message::Type::entity_block) {
        content.skip(message::block_header_bytes);
        for (; content.remaining() >= message::far_record_bytes; content.skip(message::far_record_bytes))
          renew(viewer, message::read_far_record(content.position()).slot, tick);
      }
      if (!content.ok()) throw std::runtime_error("a body does not parse");
    }
  }

  /// Forget the gaps so far, but not what was told when.
  void begin() { gaps_.assign(gaps_.size(), 0); }

  /// Ticks that `share` of all gaps between two words of the same entity are at most; those still open at `tick` count.
  [[nodiscard]] std::uint32_t percentile(double share, std::uint32_t tick) const {
    std::vector<std::uint64_t> gaps = gaps_;
    for (const std::uint32_t last : told_) ++gaps[std::min<std::size_t>(tick - last, gaps.size() - 1)];
    std::uint64_t all = 0, sum = 0;
    for (const std::uint64_t count : gaps) all += count;
    const auto wanted = static_cast<std::uint64_t>(share * static_cast<double>(all));
    for (std::uint32_t gap = 0; gap < gaps.size(); ++gap) {
      sum += gaps[gap];
      if (sum >= wanted) return gap;
    }
    return static_cast<std::uint32_t>(gaps.size());
  }

 private:
  void renew(std::uint32_t viewer, std::uint16_t slot, std::uint32_t tick) {
    if (slot >= players_) throw std::runtime_error("a slot that no entity has");
    std::uint32_t& last = told_[std::size_t{viewer / stride_} * players_ + slot];
    ++gaps_[std::min<std::size_t>(tick - last, gaps_.size() - 1)];
    last = tick;
  }

  unsigned players_, stride_;
  std::vector<std::uint32_t> told_;                                      ///< tick, by watched viewer and slot
  std::vector<std::uint64_t> gaps_ = std::vector<std::uint64_t>(4'096);  ///< how many, by their ticks
};

}  // namespace serried::bench
