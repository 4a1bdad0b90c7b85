/// Game messages: in from the io lanes to the game, out to single viewers, and lines of chat to the viewers of all
/// shards. Nothing is taken that could not be dealt with: while rings or buffers have no room, mail waits where it is,
/// and the io lane acks no more of it.

#include <algorithm>

#include "games/reference/entities.h"
#include "lane/shard_lane.h"
#include "session/id.h"

namespace serried::lane {

using observe::Drop;

namespace {

constexpr auto ordered = static_cast<std::uint8_t>(wire::Channel::reliable_ordered);

}  // namespace

/// Buffers, and room for the rows, of so many messages and one row more.
bool ShardLane::has_room(Link& link, unsigned messages) noexcept {
  if (link.empty_count < messages) refill(link);
  return link.empty_count >= messages && link.rings->filled.free() > messages;
}

/// Precondition: has_room
void ShardLane::post(const replicate::Viewer& viewer, std::span<const std::uint8_t> message,
                     std::uint8_t flags) noexcept {
  Link& link = links_[viewer.io_lane];
  const wire::Buffer buffer = link.empties[--link.empty_count];
  std::uint8_t* const body = buffer.data + body_offset;
  std::copy(message.begin(), message.end(), body);
  link.rings->filled.push({.owner = buffer.owner,
                           .body = body,
                           .connection_id = viewer.connection_id,
                           .session = viewer.session,
                           .body_bytes = static_cast<std::uint16_t>(message.size()),
                           .kind = OutKind::mail,
                           .count = ordered,
                           .flags = flags});
}

unsigned ShardLane::read_mail(unsigned io_lane, Nanos now) noexcept {
  Link& link = links_[io_lane];
  unsigned read = 0;
  for (std::uint32_t bytes = 0; link.mail_at < link.mail_count && bytes < mail_bytes_per_poll; ++read) {
    if (!has_room(link, game::answers_max)) break;
    const Mail& mail = link.mail[link.mail_at++];
    handle(io_lane, mail, now);
    give_back(link, mail);
    bytes += mail.bytes;
  }
  counters_.mails.add(read);
  return read;
}

void ShardLane::give_back(Link& link, const Mail& mail) noexcept {
  const bool buffer = mail.block == Mail::in_buffer;
  link.rings->filled.push({.owner = mail.owner,
                           .body = mail.message,
                           .tag = buffer ? std::uint16_t{0} : mail.block,
                           .kind = buffer ? OutKind::buffer_back : OutKind::block_back});
}

void ShardLane::handle(unsigned io_lane, const Mail& mail, Nanos now) noexcept {
  const std::uint32_t index = viewer_of(io_lane, mail.connection_id);
  if (index == no_viewer) return;
  std::array<std::uint8_t, game::answers_bytes_max> framed;
  base::ByteWriter answers{framed};
  game::Effects effects;
  switch (game::handle(sender_of(index, now), {mail.message, mail.bytes}, seats_[index].vocabulary, answers, effects)) {
    case game::Handled::yes:
      break;
    case game::Handled::malformed:
      return counters_.drops.add(Drop::bad_message);
    case game::Handled::unexpected:
      return counters_.drops.add(Drop::unexpected_message);
    case game::Handled::unknown:
      return counters_.drops.add(Drop::unknown_message);
  }
  base::ByteReader out{answers.written()};
  while (out.remaining() != 0) post(viewers_[index], out.read_bytes(static_cast<std::size_t>(out.read_varint())), 0);
  if (effects.gesture != 0) {
    inputs_[index].gesture = effects.gesture;
    inputs_[index].gesture_ticks =
        static_cast<std::uint16_t>(game::gesture_seconds * world_.setup_.world.ticks_per_second);
  }
  if (effects.announces) announce(effects.announcement, now);
}

/// Where the entity is as of the last step; that of a player that has just joined, where it will be.
std::array<float, 3> ShardLane::position_of(std::uint32_t index) const noexcept {
  const ShardSetup& setup = world_.setup_;
  const std::uint16_t row = viewers_[index].own_slot;
  if (row == world::no_slot)
    return game::player_birth(setup.world, setup.seed, seats_[index].player_id, index).position;
  const Simulation& world = world_;
  return world.frame(tick_).motion_of(row).position;
}

game::Sender ShardLane::sender_of(std::uint32_t index, Nanos now) const noexcept {
  const Simulation& world = world_;
  const std::uint16_t row = viewers_[index].own_slot;
  const std::uint16_t health =
      row == world::no_slot ? world.setup_.world.player_health : world.frame(tick_).health[row];
  return {.player_id = seats_[index].player_id,
          .position = position_of(index),
          .health = static_cast<float>(health),
          .inputs = inputs_[index].applied,
          .now = now};
}

/// To all shards or to none.
void ShardLane::announce(const game::Announcement& announcement, Nanos now) noexcept {
  const unsigned shards = world_.setup_.shards;
  bool room = true;
  for (unsigned to = 0; to < shards; ++to) room &= world_.announcements(shard_, to).free() != 0;
  if (!room || (announcement.everybody && !everybody_.take(now))) return counters_.drops.add(Drop::chat_overflow);
  for (unsigned to = 0; to < shards; ++to) world_.announcements(shard_, to).push(announcement);
}

bool ShardLane::next_announcement() noexcept {
  const unsigned shards = world_.setup_.shards;
  for (unsigned i = 0; i < shards && !announcing_; ++i) {
    announcing_ = world_.announcements(announce_from_, shard_).pop(&announcement_, 1) == 1;
    announce_from_ = announce_from_ + 1 < shards ? announce_from_ + 1 : 0;
  }
  announced_ = 0;
  return announcing_;
}

/// The present line of chat to the next viewers. One without room holds up the others: lines wait, and then are refused
/// where they are spoken.
unsigned ShardLane::deliver() noexcept {
  const unsigned welcomed = welcome();
  if (!announcing_ && !next_announcement()) return welcomed;
  unsigned looked = 0;
  for (; announced_ < viewer_high_ && looked < viewers_per_poll; ++announced_, ++looked) {
    const replicate::Viewer& viewer = viewers_[announced_];
    if (!viewer.active || !game::hears(announcement_, position_of(announced_))) continue;
    if (!has_room(links_[viewer.io_lane], 1)) break;
    post(viewer, announcement_.content(), mail_flag::may_drop);
    counters_.chat_lines.add(1);
  }
  if (announced_ >= viewer_high_) {
    announcing_ = false;
    ++looked;
  }
  return welcomed + looked;
}

unsigned ShardLane::welcome() noexcept {
  const std::span<const std::uint8_t> message = world_.welcome_.message;
  unsigned welcomed = 0;
  for (; !newcomers_.empty() && welcomed < viewers_per_poll; ++welcomed) {
    const std::uint32_t index = newcomers_.front();
    const replicate::Viewer& viewer = viewers_[index];
    if (viewer.active) {
      Link& link = links_[viewer.io_lane];
      if (!has_room(link, 1)) break;
      if (message.size() <= out_body_bytes_max) {
        post(viewer, message, mail_flag::may_drop);
      } else {
        link.rings->filled.push({.body = reinterpret_cast<std::uint8_t*>(&world_.welcome_),
                                 .connection_id = viewer.connection_id,
                                 .session = viewer.session,
                                 .kind = OutKind::shared,
                                 .count = ordered,
                                 .flags = mail_flag::may_drop});
      }
    }
    seats_[index].unwelcomed = false;
    static_cast<void>(newcomers_.pop());
  }
  return welcomed;
}

}  // namespace serried::lane
