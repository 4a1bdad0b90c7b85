#include "peer/outbox.h"

#include <algorithm>

namespace serried::peer {

using channel::Queued;
using channel::Reliable;

void Outbox::clear() noexcept {
  if (!exists()) return;
  reliable_.clear(*pools_);
  note_change();
  for (; unreliable_count_ != 0; --unreliable_count_) {
    pools_->chunk.free(unreliable_[unreliable_first_]);
    unreliable_first_ = static_cast<std::uint8_t>((unreliable_first_ + 1) % unreliable_max);
  }
}

Queued Outbox::send(wire::Channel channel, message::Type type, std::span<const std::uint8_t> content,
                    channel::Urgency urgency, Nanos now) noexcept {
  if (!is_open()) return Queued::full;
  if (channel != wire::Channel::unreliable || content.size() + 1 > Reliable::whole_message_bytes_max) {
    const Queued queued = reliable_.send(*pools_, channel, type, content, urgency, now);
    note_change();
    return queued;
  }

  channel::Chain note;
  const auto head = static_cast<std::uint8_t>(type);
  if (unreliable_count_ == unreliable_max || !pools_->chunk.store({&head, 1}, content, note)) return Queued::full;
  const Nanos due = urgency == channel::Urgency::immediate ? now : now + unreliable_delay;
  unreliable_due_at_ = unreliable_count_ == 0 ? due : std::min(unreliable_due_at_, due);
  unreliable_[(unreliable_first_ + unreliable_count_++) % unreliable_max] = note;
  return Queued::yes;
}

void Outbox::write_unreliable(base::ByteWriter& out) noexcept {
  for (; unreliable_count_ != 0; --unreliable_count_) {
    channel::Chain& note = unreliable_[unreliable_first_];
    if (out.room() < base::varint_bytes(note.bytes) + note.bytes) return;
    out.write_varint(note.bytes);
    pools_->chunk.write(note, out);
    pools_->chunk.free(note);
    unreliable_first_ = static_cast<std::uint8_t>((unreliable_first_ + 1) % unreliable_max);
  }
}

}  // namespace serried::peer
