#pragma once
/// What the tests of the view's parts share: a view, and the messages a server would send it, in a few words.

#include <functional>
#include <vector>

#include <gtest/gtest.h>

#include "view/view.h"

namespace serried::test {

using metrics::Drop;
using view::FarMode;
using view::Tracked;
using view::View;
namespace delta = message::delta;

using Content = std::vector<std::uint8_t>;

inline Content content_of(const std::function<void(base::ByteWriter&)>& write) {
  Content bytes(1200);
  base::ByteWriter out(bytes);
  write(out);
  bytes.resize(out.size());
  return bytes;
}

struct Scene {
  explicit Scene(FarMode far = FarMode::full) : view({far, 4 * second, 100 * millisecond}) {
    message::ConnectionAccepted accepted;
    accepted.player_entity = 500;
    accepted.tracked_max = 16;
    view.configure(accepted);
  }

  static message::EntityState state(std::uint8_t anim) {
    message::EntityState out;
    out.section = {2, 2, 1};
    out.anim = anim;
    return out;
  }
  Drop apply(message::Type type, const Content& content) { return view.apply({type, content}); }
  void begin(std::uint64_t sequence) { view.begin(sequence, now); }

  Drop create(std::uint64_t sequence, std::uint16_t slot, std::uint8_t generation, std::uint8_t anim,
              std::uint64_t id = 9) {
    begin(sequence);
    message::CreateEntity create;
    create.slot = slot;
    create.generation = generation;
    create.id = id;
    create.state = state(anim);
    Content bytes = content_of([&](base::ByteWriter& out) { message::encode(out, create); });
    bytes.erase(bytes.begin(), bytes.begin() + 2);  // framing
    return apply(message::Type::create_entity, bytes);
  }
  Drop update(std::uint64_t sequence, std::uint16_t slot, std::uint8_t generation, std::uint8_t anim,
              std::uint8_t mask = delta::anim_state) {
    begin(sequence);
    return apply(message::Type::delta_sync, content_of([&](base::ByteWriter& out) {
                   out.write(++tick);
                   out.write(std::uint16_t{0});
                   write_record(out, slot, static_cast<std::uint8_t>(mask | generation << delta::generation_shift),
                                state(anim));
                 }));
  }
  static void write_record(base::ByteWriter& out, std::uint16_t slot, std::uint8_t mask,
                           const message::EntityState& state) {
    std::uint8_t bytes[message::record_bytes_max];
    const std::uint8_t* end = message::write_record(bytes, slot, mask, state);
    out.write_bytes({bytes, static_cast<std::size_t>(end - bytes)});
  }
  Drop remove(std::uint64_t sequence, std::uint16_t slot, std::uint8_t generation, bool left = true) {
    begin(sequence);
    Content bytes(message::removal_bytes);
    message::write_removal(bytes.data(), {slot, generation, left});
    return apply(message::Type::remove_entity, bytes);
  }
  Drop audit(std::uint64_t sequence, std::uint16_t slot, std::uint8_t generation,
             const message::EntityState& expected) {
    begin(sequence);
    Content bytes(message::audit_bytes);
    message::write_audit(bytes.data(), {slot, generation, message::state_hash(expected)});
    return apply(message::Type::audit, bytes);
  }
  Drop block(std::uint64_t sequence, std::uint16_t slot, std::uint8_t generation, std::uint16_t cell = 0) {
    begin(sequence);
    Content bytes(message::block_header_bytes + message::far_record_bytes);
    base::store(bytes.data(), cell);
    message::FarRecord record;
    record.slot = slot;
    record.generation = generation;
    message::write_far_record(bytes.data() + message::block_header_bytes, record);
    return apply(message::Type::entity_block, bytes);
  }
  /// Animation state of what is known at `slot`; -1: nothing.
  [[nodiscard]] int anim(std::uint16_t slot) const {
    const Tracked* known = view.find(slot);
    return known == nullptr ? -1 : known->state.anim;
  }
  [[nodiscard]] bool proxy(std::uint16_t slot) const {
    bool found = false;
    view.for_each_far(now, [&](const view::FarProxy& far) { found |= far.slot == slot; });
    return found;
  }

  Nanos now = 50 * second;
  std::uint32_t tick = 1000;
  View view;
};

}  // namespace serried::test
