#pragma once
/// What travels between lanes, by value, and the rings of one (io lane, shard lane) pair.
/// No other lane writes or reads these: the io lane owns sessions, the shard owns viewers; they know each other's by
/// connection id, so a row for a session that ended in between is recognised and counted.

#include <cstdint>
#include <span>

#include "channel/ack.h"
#include "link/spsc.h"
#include "serried/time.h"
#include "wire/batch.h"
#include "wire/datagram.h"

namespace serried::link {

/// io -> shard: one decoded input, or news of acks, or both. 32 bytes.
struct InputRow {
  std::uint32_t connection_id = 0;   ///< carries the slot in the io lane's table; the shard's look-up is an array index
  std::uint32_t send_limit = 0;      ///< see OutRow::charge
  std::uint16_t input_sequence = 0;  ///< valid when has_input
  std::int16_t yaw = 0;
  std::int8_t move_x = 0, move_y = 0;
  std::uint8_t buttons = 0;
  std::uint8_t has_input = 0;
  std::uint32_t client_tick = 0;
  /// Replication plans whose datagrams were acked: plan_acked - i for each bit i; none when the mask is 0.
  std::uint16_t plan_acked = 0;
  /// The same for plans lost: plan_lost - i for each bit i.
  std::uint16_t plan_lost = 0;
  std::uint32_t plan_acked_mask = 0;
  std::uint32_t plan_lost_mask = 0;
};
static_assert(sizeof(InputRow) == 32);

/// io -> shard: what must not be lost. The io lane keeps it and tries again while the ring is full.
struct SessionEvent {
  enum class Kind : std::uint32_t { join, leave };
  Kind kind{};
  std::uint32_t connection_id = 0;
  std::uint32_t session = 0;
  bool audit = false;   ///< join: the client wants audit records
  bool linger = false;  ///< leave: the player may come back, the entity stays for a while
  std::uint16_t reserved = 0;
  std::uint64_t player_id = 0;   ///< join
  std::uint64_t round_trip = 0;  ///< join: nanoseconds, 0 unknown
};
static_assert(sizeof(SessionEvent) == 32);

/// What an OutRow is.
enum class OutKind : std::uint8_t {
  datagram,      ///< the body of a datagram
  probe,         ///< the same, to the address that a session may be moving to
  game_message,  ///< one message, type first, that the io lane queues on the reliable channel `channel`
  shared,        ///< the same for a SharedMessage at `body`, which outlives every session; there is no buffer
  buffer_back,   ///< the buffer of a GameMessage that the shard has read
  block_back,    ///< the block of a GameMessage that the shard has read: `tag`
};
/// How mail is to be handled.
namespace message_flag {
inline constexpr std::uint8_t immediate = 0x01;  ///< does not wait for a bundle
inline constexpr std::uint8_t may_drop = 0x02;   ///< when the session's queue is full; otherwise the session ends
}  // namespace message_flag

/// shard -> io, and within the io lane: for one session, ready to be completed and sealed. 32 bytes.
/// `body` points into the buffer, at least header_bytes + ack_block_bytes_max behind Buffer::data, so that the ack
/// block and the header can be put before it without moving it; body_bytes leaves room for tag and trailer.
struct OutRow {
  void* owner = nullptr;
  std::uint8_t* body = nullptr;
  std::uint32_t connection_id = 0;
  std::uint32_t session = 0;
  std::uint16_t body_bytes = 0;
  std::uint16_t tag = 0;  ///< of the packet; a shard's datagram: the plan, never 0, reported back by acks
  OutKind kind = OutKind::datagram;
  channel::PayloadKind payload = channel::PayloadKind::plan;  ///< datagram: what an ack is about
  std::uint8_t count = 0;                                     ///< datagram: messages of the packet; mail: the channel
  std::uint8_t flags = 0;  ///< datagram: header flags beside sealed and ack; mail: message_flag

  /// Bytes that a datagram of a plan counts for against InputRow::send_limit. Both lanes keep a running sum, modulo
  /// 2^32, from the join on: the shard of what it handed over, the io lane of what it took. send_limit is the io lane's
  /// sum and what the congestion window has room for; a viewer whose sum has reached it waits.
  [[nodiscard]] std::uint32_t charge() const noexcept { return body_bytes + datagram_overhead; }
  static constexpr std::uint32_t datagram_overhead =
      wire::header_bytes + wire::ack_block_bytes_max + wire::tag_bytes + wire::crc_bytes;
};
static_assert(sizeof(OutRow) == 32);

/// A message that many sessions get and none owns: type first.
struct SharedMessage {
  std::span<const std::uint8_t> message;
};

/// io -> shard: one game message (class 3) of a session, complete and in order. The memory is lent: it goes back as an
/// OutRow of kind buffer_back (owner, body as they are here) or block_back (tag = block).
struct GameMessage {
  static constexpr std::uint16_t in_buffer = 0xFFFF;
  static constexpr std::size_t buffer_bytes_max =
      wire::datagram_bytes_max - wire::header_bytes - wire::ack_block_bytes_max;  ///< beyond it: in a block
  void* owner = nullptr;
  std::uint8_t* message = nullptr;  ///< type first; in a buffer: body_offset behind Buffer::data
  std::uint32_t connection_id = 0;
  std::uint32_t bytes = 0;  ///< type included
  std::uint16_t block = in_buffer;
  std::uint8_t channel = 0;
  std::uint8_t reserved[5] = {};
};
static_assert(sizeof(GameMessage) == 32);

/// shard -> io: a session that the world refuses or ends.
struct Notice {
  enum class Kind : std::uint32_t { world_full, kicked };
  Kind kind{};
  std::uint32_t connection_id = 0;
  std::uint32_t session = 0;
  std::uint32_t reserved = 0;
};

/// Offset of OutRow::body from Buffer::data, and the most that fits behind it.
inline constexpr std::size_t body_offset = wire::header_bytes + wire::ack_block_bytes_max;
inline constexpr std::size_t out_body_bytes_max = wire::body_bytes_max - wire::ack_block_bytes_max;

/// The rings of one (io lane, shard lane) pair.
struct IoShardLink {
  IoShardLink(unsigned rows, unsigned buffers)
      : inputs(rows),
        session_events(rows),
        game_messages(game_message_rows),
        empties(buffers),
        filled(buffers),
        notices(1024) {}
  static constexpr unsigned game_message_rows = 256;
  Spsc<InputRow> inputs;              // io -> shard
  Spsc<SessionEvent> session_events;  // io -> shard
  Spsc<GameMessage> game_messages;    // io -> shard
  Spsc<wire::Buffer> empties;         // io -> shard
  Spsc<OutRow> filled;                // shard -> io
  Spsc<Notice> notices;               // shard -> io
};

}  // namespace serried::link
