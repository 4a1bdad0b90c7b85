#include "client/post.h"

#include <algorithm>

namespace serried::client {

using channel::Queued;
using channel::Reliable;

void Post::clear() noexcept {
  if (!exists()) return;
  reliable_.clear(*pools_);
  note_change();
  for (; notes_count_ != 0; --notes_count_) {
    pools_->chunk.free(notes_[notes_first_]);
    notes_first_ = static_cast<std::uint8_t>((notes_first_ + 1) % notes_max);
  }
}

Queued Post::send(wire::Channel channel, message::Type type, std::span<const std::uint8_t> content,
                  channel::Urgency urgency, Nanos now) noexcept {
  if (!is_open()) return Queued::full;
  if (channel != wire::Channel::unreliable || content.size() + 1 > Reliable::whole_message_bytes_max) {
    const Queued queued = reliable_.send(*pools_, channel, type, content, urgency, now);
    note_change();
    return queued;
  }

  channel::Chain note;
  const auto head = static_cast<std::uint8_t>(type);
  if (notes_count_ == notes_max || !pools_->chunk.store({&head, 1}, content, note)) return Queued::full;
  const Nanos due = urgency == channel::Urgency::immediate ? now : now + note_delay;
  notes_due_at_ = notes_count_ == 0 ? due : std::min(notes_due_at_, due);
  notes_[(notes_first_ + notes_count_++) % notes_max] = note;
  return Queued::yes;
}

void Post::write_notes(base::ByteWriter& out) noexcept {
  for (; notes_count_ != 0; --notes_count_) {
    channel::Chain& note = notes_[notes_first_];
    if (out.room() < base::varint_bytes(note.bytes) + note.bytes) return;
    out.write_varint(note.bytes);
    pools_->chunk.write(note, out);
    pools_->chunk.free(note);
    notes_first_ = static_cast<std::uint8_t>((notes_first_ + 1) % notes_max);
  }
}

}  // namespace serried::client
