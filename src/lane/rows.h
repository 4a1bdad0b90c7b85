#pragma once
/// What travels between lanes, by value, and the rings of one (io lane, shard lane) pair.
/// Nobody else writes or reads these: the io lane owns sessions, the shard owns viewers; they know each other's by
/// connection id, so a row for a session that ended in between is recognised and counted.

#include <cstdint>

#include "ring/spsc.h"
#include "serried/time.h"
#include "wire/batch.h"
#include "wire/datagram.h"

namespace serried::lane {

/// io -> shard: one decoded input, or news of acks, or both. 32 bytes.
struct InputRow {
  std::uint32_t connection_id = 0;
  std::uint32_t session = 0;         ///< slot in the io lane's table; the shard's look-up is an array index
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
struct Command {
  enum class Kind : std::uint32_t { join, leave };
  Kind kind{};
  std::uint32_t connection_id = 0;
  std::uint32_t session = 0;
  std::uint32_t audit = 0;       ///< join: the client wants audit records
  std::uint64_t player_id = 0;   ///< join
  std::uint64_t round_trip = 0;  ///< join: nanoseconds, 0 unknown
};
static_assert(sizeof(Command) == 32);

/// shard -> io: messages for one session, ready to be completed and sealed. 32 bytes.
/// `body` points into the buffer, at least header_bytes + ack_block_bytes_max behind Buffer::data, so that the ack
/// block and the header can be put before it without moving it; body_bytes leaves room for tag and trailer.
struct OutRow {
  void* owner = nullptr;
  std::uint8_t* body = nullptr;
  std::uint32_t connection_id = 0;
  std::uint32_t session = 0;
  std::uint16_t body_bytes = 0;
  std::uint16_t plan = 0;  ///< never 0; reported back by acks
  std::uint32_t reserved = 0;
};
static_assert(sizeof(OutRow) == 32);

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
      : inputs(rows), commands(rows), empties(buffers), filled(buffers), notices(1024) {}
  ring::Spsc<InputRow> inputs;       // io -> shard
  ring::Spsc<Command> commands;      // io -> shard
  ring::Spsc<wire::Buffer> empties;  // io -> shard
  ring::Spsc<OutRow> filled;         // shard -> io
  ring::Spsc<Notice> notices;        // shard -> io
};

}  // namespace serried::lane
