#pragma once
/// What travels between lanes, by value, and the rings of one (io lane, shard lane) pair.
/// No other lane writes or reads these: the io lane owns sessions, the shard owns viewers; they know each other's by
/// connection id, so a row for a session that ended in between is recognised and counted.
///
/// A row that comes in several forms is a union of plain structs. Each begins with the form's `kind`, which is never
/// set by hand: a row is made of one of its structs, and read through the accessor of that name, which debug builds
/// check.

#include <cstdint>
#include <span>
#include <type_traits>
#include <utility>

#include "base/check.h"
#include "link/spsc.h"
#include "serried/time.h"
#include "wire/batch.h"
#include "wire/datagram.h"

namespace serried::link {

/// io -> shard: one decoded input, or what acks say about plans, or both. 28 bytes.
struct InputRow {
  std::uint32_t connection_id = 0;   ///< carries the slot in the io lane's table; the shard's look-up is an array index
  std::uint32_t send_limit = 0;      ///< see OutRow::Datagram::charge
  std::uint16_t input_sequence = 0;  ///< valid when has_input
  std::int16_t yaw = 0;
  std::int8_t move_x = 0, move_y = 0;
  std::uint8_t buttons = 0;
  std::uint8_t has_input = 0;
  /// Replication plans whose datagrams were acked: plan_acked - i for each bit i; none when the mask is 0.
  std::uint16_t plan_acked = 0;
  /// The same for plans lost: plan_lost - i for each bit i.
  std::uint16_t plan_lost = 0;
  std::uint32_t plan_acked_mask = 0;
  std::uint32_t plan_lost_mask = 0;
};
static_assert(sizeof(InputRow) == 28);

/// io -> shard: what must not be lost. The io lane keeps it and tries again while the ring is full. 32 bytes.
class SessionEvent {
 public:
  enum class Kind : std::uint32_t { join, leave };
  struct Join {
    Kind kind = Kind::join;
    std::uint32_t connection_id = 0;
    std::uint32_t session = 0;
    bool audit = false;  ///< the client wants audit records
    std::uint64_t player_id = 0;
    std::uint64_t round_trip = 0;  ///< nanoseconds, 0 unknown
  };
  struct Leave {
    Kind kind = Kind::leave;
    std::uint32_t connection_id = 0;
    std::uint32_t session = 0;
    bool linger = false;  ///< the player may come back, the entity stays for a while
  };

  SessionEvent() noexcept {}  ///< no event yet: for a ring to fill
  SessionEvent(const Join& join) noexcept : join_(join) { SERRIED_DCHECK(kind() == Kind::join); }
  SessionEvent(const Leave& leave) noexcept : leave_(leave) { SERRIED_DCHECK(kind() == Kind::leave); }

  [[nodiscard]] Kind kind() const noexcept { return leave_.kind; }
  [[nodiscard]] std::uint32_t connection_id() const noexcept { return leave_.connection_id; }
  [[nodiscard]] std::uint32_t session() const noexcept { return leave_.session; }
  [[nodiscard]] const Join& join() const noexcept {
    SERRIED_DCHECK(kind() == Kind::join);
    return join_;
  }
  [[nodiscard]] const Leave& leave() const noexcept {
    SERRIED_DCHECK(kind() == Kind::leave);
    return leave_;
  }

 private:
  union {
    Join join_;
    Leave leave_;
  };
};
static_assert(sizeof(SessionEvent) == 32 && std::is_trivially_copyable_v<SessionEvent>);

/// A message that goes to many sessions and belongs to none: type first. It outlives every session.
struct SharedMessage {
  std::span<const std::uint8_t> message;
};

/// How a message of a shard is to be handled.
namespace message_flag {
inline constexpr std::uint8_t immediate = 0x01;  ///< does not wait for a bundle
inline constexpr std::uint8_t may_drop = 0x02;   ///< when the session's queue is full; otherwise the session ends
}  // namespace message_flag

/// shard -> io: something for a session, or memory of the io lane that comes home. 32 bytes.
/// A `body` points into its buffer, body_offset behind Buffer::data, so that the ack block and the header can be put
/// before it without moving it, and leaves room for tag and trailer.
class OutRow {
 public:
  enum class Kind : std::uint32_t { datagram, message, shared, buffer_back, block_back };

  /// Bytes of a datagram beside its body, at most.
  static constexpr std::uint32_t datagram_overhead =
      wire::header_bytes + wire::ack_block_bytes_max + wire::tag_bytes + wire::crc_bytes;

  /// The body of a datagram that carries a replication plan.
  struct Datagram {
    Kind kind = Kind::datagram;
    std::uint32_t session = 0;
    std::uint32_t connection_id = 0;
    std::uint16_t body_bytes = 0;
    std::uint16_t plan = 0;  ///< never 0; reported back by acks
    void* owner = nullptr;
    std::uint8_t* body = nullptr;

    /// Bytes that it counts for against InputRow::send_limit. Both lanes keep a running sum, modulo 2^32, from the join
    /// on: the shard of what it handed over, the io lane of what it took. send_limit is the io lane's sum and what the
    /// congestion window has room for; a viewer whose sum has reached it waits.
    [[nodiscard]] std::uint32_t charge() const noexcept { return body_bytes + datagram_overhead; }
  };
  /// One message, type first, that the io lane queues on a reliable channel.
  struct Message {
    Kind kind = Kind::message;
    std::uint32_t session = 0;
    std::uint32_t connection_id = 0;
    std::uint16_t body_bytes = 0;
    wire::Channel channel{};
    std::uint8_t flags = 0;  ///< message_flag
    void* owner = nullptr;
    std::uint8_t* body = nullptr;
  };
  /// The same without a buffer; dropped when the session's queue is full.
  struct Shared {
    Kind kind = Kind::shared;
    std::uint32_t session = 0;
    std::uint32_t connection_id = 0;
    wire::Channel channel{};
    const SharedMessage* message = nullptr;
  };
  /// The buffer of a GameMessage that the shard has read. It comes behind all answers.
  struct BufferBack {
    Kind kind = Kind::buffer_back;
    std::uint32_t sender = 0;  ///< connection id
    wire::Buffer buffer;
  };
  /// The block of a GameMessage that the shard has read, likewise.
  struct BlockBack {
    Kind kind = Kind::block_back;
    std::uint32_t sender = 0;
    std::uint16_t block = 0;
  };

  OutRow() noexcept {}  ///< no row yet: for a ring to fill
  OutRow(const Datagram& row) noexcept : datagram_(row) { SERRIED_DCHECK(kind() == Kind::datagram); }
  OutRow(const Message& row) noexcept : message_(row) { SERRIED_DCHECK(kind() == Kind::message); }
  OutRow(const Shared& row) noexcept : shared_(row) { SERRIED_DCHECK(kind() == Kind::shared); }
  OutRow(const BufferBack& row) noexcept : buffer_back_(row) { SERRIED_DCHECK(kind() == Kind::buffer_back); }
  OutRow(const BlockBack& row) noexcept : block_back_(row) { SERRIED_DCHECK(kind() == Kind::block_back); }

  [[nodiscard]] Kind kind() const noexcept { return datagram_.kind; }
  [[nodiscard]] bool has_session() const noexcept { return kind() <= Kind::shared; }
  [[nodiscard]] std::uint32_t session() const noexcept {
    SERRIED_DCHECK(has_session());
    return datagram_.session;
  }
  [[nodiscard]] std::uint32_t connection_id() const noexcept {
    SERRIED_DCHECK(has_session());
    return datagram_.connection_id;
  }
  [[nodiscard]] const Datagram& datagram() const noexcept {
    SERRIED_DCHECK(kind() == Kind::datagram);
    return datagram_;
  }
  [[nodiscard]] const Message& message() const noexcept {
    SERRIED_DCHECK(kind() == Kind::message);
    return message_;
  }
  [[nodiscard]] const Shared& shared() const noexcept {
    SERRIED_DCHECK(kind() == Kind::shared);
    return shared_;
  }
  [[nodiscard]] const BufferBack& buffer_back() const noexcept {
    SERRIED_DCHECK(kind() == Kind::buffer_back);
    return buffer_back_;
  }
  [[nodiscard]] const BlockBack& block_back() const noexcept {
    SERRIED_DCHECK(kind() == Kind::block_back);
    return block_back_;
  }
  /// The buffer that the row holds; `data` is null where it holds none.
  [[nodiscard]] wire::Buffer buffer() const noexcept;

 private:
  // Plain structs that begin alike, as far as kind(), session() and connection_id() read.
  union {
    Datagram datagram_;
    Message message_;
    Shared shared_;
    BufferBack buffer_back_;
    BlockBack block_back_;
  };
};
static_assert(sizeof(OutRow) == 32 && std::is_trivially_copyable_v<OutRow>);

/// io -> shard: one game message (class 3) of a session, complete and in order. The memory that it lies in, a buffer or
/// a block, is lent: it goes home as the OutRow that back() makes. 32 bytes.
class GameMessage {
 public:
  static constexpr std::size_t buffer_bytes_max =
      wire::datagram_bytes_max - wire::header_bytes - wire::ack_block_bytes_max;  ///< beyond it: in a block

  /// What the shard may answer to one: so many messages, of together so many bytes with their lengths.
  static constexpr unsigned answers_max = 4;
  static constexpr std::uint32_t answers_bytes_max = 512;

  GameMessage() = default;
  /// `bytes`, type included, lie body_offset behind buffer.data.
  [[nodiscard]] static GameMessage in_buffer(const wire::Buffer& buffer, std::uint32_t bytes) noexcept;
  [[nodiscard]] static GameMessage in_block(std::uint8_t* message, std::uint16_t block, std::uint32_t bytes) noexcept;

  std::uint8_t* message = nullptr;  ///< type first
  std::uint32_t bytes = 0;          ///< type included
  std::uint32_t connection_id = 0;
  wire::Channel channel{};

  [[nodiscard]] bool lies_in_buffer() const noexcept { return in_buffer_; }
  [[nodiscard]] wire::Buffer buffer() const noexcept;
  [[nodiscard]] std::uint16_t block() const noexcept {
    SERRIED_DCHECK(!in_buffer_);
    return block_;
  }
  [[nodiscard]] OutRow back() const noexcept;

 private:
  bool in_buffer_ = false;
  union {
    void* owner_ = nullptr;  ///< of the buffer
    std::uint16_t block_;
  };
};
static_assert(sizeof(GameMessage) == 32 && std::is_trivially_copyable_v<GameMessage>);

/// shard -> io: a session for which the world has no room.
struct Notice {
  std::uint32_t connection_id = 0;
  std::uint32_t session = 0;
};

/// Offset of a body from Buffer::data, and the most that fits behind it.
inline constexpr std::size_t body_offset = wire::header_bytes + wire::ack_block_bytes_max;
inline constexpr std::size_t out_body_bytes_max = wire::body_bytes_max - wire::ack_block_bytes_max;

inline wire::Buffer OutRow::buffer() const noexcept {
  switch (kind()) {
    case Kind::datagram:
      return {datagram_.body - body_offset, datagram_.owner};
    case Kind::message:
      return {message_.body - body_offset, message_.owner};
    case Kind::buffer_back:
      return buffer_back_.buffer;
    case Kind::shared:
    case Kind::block_back:
      break;
  }
  return {};
}

inline GameMessage GameMessage::in_buffer(const wire::Buffer& buffer, std::uint32_t bytes) noexcept {
  GameMessage game_message;
  game_message.message = buffer.data + body_offset;
  game_message.bytes = bytes;
  game_message.in_buffer_ = true;
  game_message.owner_ = buffer.owner;
  return game_message;
}

inline GameMessage GameMessage::in_block(std::uint8_t* message, std::uint16_t block, std::uint32_t bytes) noexcept {
  GameMessage game_message;
  game_message.message = message;
  game_message.bytes = bytes;
  game_message.block_ = block;
  return game_message;
}

inline wire::Buffer GameMessage::buffer() const noexcept {
  SERRIED_DCHECK(in_buffer_);
  return {message - body_offset, owner_};
}

inline OutRow GameMessage::back() const noexcept {
  if (in_buffer_) return OutRow::BufferBack{.sender = connection_id, .buffer = buffer()};
  return OutRow::BlockBack{.sender = connection_id, .block = block_};
}

/// The rings of one (io lane, shard lane) pair, in two parts: memory of a ring is best near the lane that reads it.
struct RingsToShard {
  RingsToShard(unsigned rows, unsigned buffers)
      : inputs(rows), session_events(rows), game_messages(game_message_rows), empties(buffers) {}
  static constexpr unsigned game_message_rows = 256;
  Spsc<InputRow> inputs;
  Spsc<SessionEvent> session_events;
  Spsc<GameMessage> game_messages;
  Spsc<wire::Buffer> empties;
};

struct RingsToIo {
  explicit RingsToIo(unsigned buffers) : filled(buffers), notices(1024) {}
  Spsc<OutRow> filled;
  Spsc<Notice> notices;
};

struct IoShardLink : RingsToShard, RingsToIo {
  IoShardLink(unsigned rows, unsigned buffers) : RingsToShard(rows, buffers), RingsToIo(buffers) {}
  IoShardLink(RingsToShard to_shard, RingsToIo to_io)
      : RingsToShard(std::move(to_shard)), RingsToIo(std::move(to_io)) {}
};

}  // namespace serried::link
