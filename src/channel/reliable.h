#pragma once
/// The reliable channels of one session, both ends of both: what waits to be sent or acked, and what has come and waits
/// for something earlier. Messages lie in the lane's pools; nothing here allocates. The same code in server and client.
///
///     send -> [queue by id] -> compose -> (datagram) -> accept -> [order, join] -> Receiver::take
///                 ^ on_outcome(lost)  | on_outcome(acked): freed
///
/// Source  docs/wire-format.md section 2, Reliable channels, Fragments, Bundling

#include <array>
#include <cstdint>
#include <span>

#include "base/bytes.h"
#include "channel/ack.h"
#include "channel/block_pool.h"
#include "channel/chunk_pool.h"
#include "channel/id_window.h"
#include "channel/join.h"
#include "channel/message_queue.h"
#include "channel/split.h"
#include "message/type.h"
#include "serried/time.h"
#include "wire/datagram.h"

namespace serried::channel {

/// The memory that all sessions of a lane share.
struct Pools {
  Pools(std::uint32_t chunks, std::uint16_t small_blocks, std::uint16_t large_blocks)
      : chunk(chunks), block(small_blocks, large_blocks) {}
  ChunkPool chunk;
  BlockPool block;
};

/// Takes messages as they become deliverable. `content` views memory that is reused when the call returns.
struct Receiver {
  /// False: no room now. An ordered message then waits in the pool for `hand_over`, an unordered one is as good as
  /// lost.
  bool (*take)(void* context, wire::Channel channel, message::Type type, std::span<const std::uint8_t> content);
  /// A message that came in fragments: `bytes` of type and content in `block`. When true, the block is the taker's.
  bool (*take_block)(void* context, wire::Channel channel, std::uint16_t block, std::uint32_t bytes);
  void* context = nullptr;
  /// Asked about each message that came whole, whenever it comes and is not known yet, whether it can be handed on now
  /// or not. True: it is left out, and counts as received: nothing waits behind it. Null: none is.
  bool (*leaves_out)(void* context, message::Type type) = nullptr;
  /// A message that came whole is received, once: handed on, or kept until it can be. One that found no room, and comes
  /// again, is not. Null: it is not told.
  void (*taken)(void* context, message::Type type) = nullptr;
};

enum class Urgency : std::uint8_t { bundled, immediate };

/// What became of a message that was to be sent.
enum class Queued : std::uint8_t {
  yes,
  full,       ///< 64 messages or 16 KiB of the channel are unacked, or the channels are not open yet
  no_memory,  ///< the pool is empty: others hold it
  busy,       ///< another message in fragments is on its way
  too_long,   ///< beyond what the other side takes
};

/// What became of a reliable datagram, or of a fragment.
enum class Accepted : std::uint8_t {
  yes,        ///< taken, or known: to be acked
  no_room,    ///< some of it could not be kept: not to be acked
  malformed,  ///< on channel 0: dropped and not acked; on the others the session ends
};

class Reliable {
 public:
  static constexpr unsigned id_window = IdWindow::ids;
  static constexpr unsigned unacked_messages_max = 64;
  static constexpr std::uint32_t unacked_bytes_max = 16 * 1024;
  static constexpr unsigned messages_per_datagram_max = 31;
  static constexpr Nanos bundle_delay = 50 * millisecond;
  static constexpr Nanos fragment_lifetime = 10 * second;  ///< on channel 0
  static constexpr unsigned unreliable_joins = 2;
  static constexpr Nanos stalled_after = 30 * second;
  /// After a message of channel 0 that was given up (expired, contradicted, or its block went to another) the next, on
  /// any channel, begins only while half of the pool's blocks are free.
  static constexpr Nanos last_in_line = 60 * second;
  /// What waits for an earlier message: room for 64 of together 16 KiB, however these are cut into chunks.
  static constexpr std::uint32_t waiting_chunks_max = unacked_messages_max + ChunkPool::chunks_for(unacked_bytes_max);
  /// What a datagram has for type and content of one message: beyond it a message goes in fragments.
  static constexpr std::size_t whole_message_bytes_max =
      wire::body_bytes_max - wire::ack_block_bytes_max - sizeof(std::uint16_t) - 2;

  // ---- out

  /// The other side's ReliableHandshake has come: the channels are open, and this is the most that it takes.
  void open(std::uint32_t peer_message_bytes_max) noexcept;
  [[nodiscard]] bool is_open() const noexcept;

  /// Queue a message on channel 1 or 2; content is copied. Longer than whole_message_bytes_max: in fragments, from a
  /// block of the pool. Channel 0 only when longer (the caller sends short ones itself): fragments once, unacked.
  [[nodiscard]] Queued send(Pools& pools, wire::Channel channel, message::Type type,
                            std::span<const std::uint8_t> content, Urgency urgency, Nanos now) noexcept;
  /// The same for a message that outlives the session, type first: not copied, and always in fragments.
  /// Precondition: longer than whole_message_bytes_max.
  [[nodiscard]] Queued send_shared(wire::Channel channel, std::span<const std::uint8_t> message, Nanos now) noexcept;

  /// When there is something to put into a datagram: 0 at once (a full datagram, a fragment, something immediate or
  /// lost, or `flush` was called), else when the bundle has waited long enough; ~0: nothing.
  [[nodiscard]] Nanos due_at() const noexcept;
  /// Messages, not fragments, are to be sent, now or later.
  [[nodiscard]] bool messages_wait() const noexcept { return (outbound_[0].unsent | outbound_[1].unsent) != 0; }
  /// The tick ends: what waits goes now.
  void flush() noexcept;

  /// One datagram's worth: writes what follows the ack block (first id and messages, or one fragment). The channels
  /// and the message in fragments take turns, what is due first. `out` needs room for a whole fragment, or it is not
  /// that one's turn.
  struct Composed {
    SentPacket packet;  ///< payload none: there was nothing that fits, or `fragment` is set and it is one of channel 0
    wire::Channel channel{};
    bool fragment = false;  ///< the flag
    [[nodiscard]] bool any() const noexcept { return packet.payload != PayloadKind::none || fragment; }
  };
  [[nodiscard]] Composed compose(Pools& pools, base::ByteWriter& out, Nanos now) noexcept;
  /// What became of a datagram of compose's. PayloadKind other than ordered or unordered is ignored.
  void on_outcome(Pools& pools, const SentPacket& packet, bool acked) noexcept;

  /// So many more messages, of together so many bytes with their types, find room on channel 1, if the pool has it.
  [[nodiscard]] bool has_room(unsigned messages, std::uint32_t bytes) const noexcept {
    return outbound_[0].unacked.messages() + messages <= unacked_messages_max &&
           outbound_[0].unacked.bytes() + bytes <= unacked_bytes_max && open_ids(0) + messages <= id_window;
  }
  [[nodiscard]] std::uint32_t unacked_bytes() const noexcept;  ///< queued or in flight, fragments included
  /// Half of what may be unacked on this channel is: what can be left unsaid should be, so that what must be said finds
  /// room.
  [[nodiscard]] bool crowded(wire::Channel channel) const noexcept {
    const MessageQueue& unacked = outbound_[index_of(channel)].unacked;
    return unacked.messages() >= unacked_messages_max / 2 || unacked.bytes() >= unacked_bytes_max / 2;
  }

  // ---- in

  /// What follows the ack block of a datagram on channel 1 or 2 (unpacked, when it was packed).
  [[nodiscard]] Accepted accept(Pools& pools, wire::Channel channel, base::ByteReader body, const Receiver& receiver,
                                Nanos now) noexcept;
  /// The same with the flag Fragment, on any channel. `bytes_max`: the most that we stated.
  [[nodiscard]] Accepted accept_fragment(Pools& pools, wire::Channel channel, base::ByteReader body,
                                         std::uint32_t bytes_max, const Receiver& receiver, Nanos now) noexcept;
  /// Offer what waits for room at the receiver. True: nothing waits any more.
  [[nodiscard]] bool hand_over(Pools& pools, const Receiver& receiver, Nanos now) noexcept;
  /// There may be something for `hand_over`.
  [[nodiscard]] bool holds() const noexcept { return waiting_.messages() != 0 || joining(); }
  /// Drop incomplete messages of channel 0 that are too old; returns how many. Joining on a reliable channel that made
  /// no progress for stalled_after, because fragments are missing, or on channel 1 messages before it, sets
  /// stalled(). What waits for room at the receiver alone is never stalled.
  unsigned sweep(Pools& pools, Nanos now) noexcept;
  [[nodiscard]] bool stalled() const noexcept;
  /// It is stalled because the block of a message that came slowly went to another session.
  [[nodiscard]] bool evicted() const noexcept { return evicted_; }
  /// There is something for the sweep to wait for.
  [[nodiscard]] bool joining() const noexcept;

  /// Give all memory back. The object is as new.
  void clear(Pools& pools) noexcept;

 private:
  static constexpr unsigned reliable_channels = 2;
  static constexpr Nanos in_flight = ~Nanos{0};  ///< the `due` of a message that needs no sending now
  [[nodiscard]] static constexpr unsigned index_of(wire::Channel channel) noexcept {
    return static_cast<unsigned>(channel) - 1;
  }
  [[nodiscard]] static constexpr wire::Channel channel_of(unsigned index) noexcept {
    return static_cast<wire::Channel>(index + 1);
  }

  struct Outbound {
    MessageQueue unacked;
    Nanos due_at = 0;                ///< the earliest `due` of those to be sent, if there are any
    std::uint32_t unsent_bytes = 0;  ///< of those to be sent, with their lengths
    std::uint16_t unsent = 0;        ///< messages to be sent: new or lost
    std::uint16_t next_id = 0;
    std::uint16_t oldest_id = 0;  ///< the first of `unacked`, if there is one
    bool flushed = false;

    void want(std::uint16_t bytes, Nanos due) noexcept;
    void unwant(std::uint16_t bytes) noexcept;
    [[nodiscard]] Nanos due() const noexcept;
  };
  struct Inbound {
    IdWindow ids;
    Join join;
  };

  /// Ids from the oldest that is not acked to the next one to be given.
  [[nodiscard]] unsigned open_ids(unsigned index) const noexcept;
  [[nodiscard]] Queued can_split(wire::Channel channel, std::size_t bytes) const noexcept;
  void split(const Split::Source& source, wire::Channel channel, std::size_t bytes) noexcept;
  [[nodiscard]] Composed compose_messages(Pools& pools, unsigned index, base::ByteWriter& out) noexcept;
  [[nodiscard]] Composed compose_fragment(Pools& pools, base::ByteWriter& out) noexcept;
  void on_messages_outcome(Pools& pools, unsigned index, const SentPacket& packet, bool acked) noexcept;

  [[nodiscard]] bool accept_ordered(Pools& pools, std::uint16_t id, const message::Framed& message,
                                    const Receiver& receiver) noexcept;
  [[nodiscard]] bool hand_over_ordered(Pools& pools, const Receiver& receiver) noexcept;
  [[nodiscard]] Accepted accept_reliable(Pools& pools, unsigned index, std::uint16_t id, const FragmentHeader& header,
                                         std::span<const std::uint8_t> bytes, const Receiver& receiver,
                                         Nanos now) noexcept;
  [[nodiscard]] Accepted accept_unreliable(Pools& pools, const FragmentHeader& header,
                                           std::span<const std::uint8_t> bytes, bool too_long, const Receiver& receiver,
                                           Nanos now) noexcept;
  /// Fragments of this message of channel 0 are dropped from here on.
  void refuse(std::uint16_t fragment_id, Nanos now) noexcept;
  /// What came of it too.
  void drop_unreliable(Pools& pools, std::uint16_t fragment_id, Nanos now) noexcept;
  /// Begin to join a message. False: no room in the pool, or it is short and this session has its share.
  [[nodiscard]] bool begin(Pools& pools, Join& join, const FragmentHeader& header, Nanos now) noexcept;
  /// Forget joins whose block went to another session. One of a reliable channel leaves it broken.
  void forget_evicted(Pools& pools, Nanos now) noexcept;
  void fall_back(Nanos now) noexcept { last_until_ = now + last_in_line; }
  /// A message is complete, and came at less than the pool's safe pace: in proportion to how long it kept its block, so
  /// that a session has one for a small part of the time while they are scarce.
  void fall_back_if_slow(const Pools& pools, const Join& join, Nanos now) noexcept;
  /// Offer a complete message. False: its receiver has no room, and it waits.
  [[nodiscard]] static bool offer(Pools& pools, Join& join, wire::Channel channel, const Receiver& receiver) noexcept;

  // What every datagram out looks at comes first.
  std::array<Outbound, reliable_channels> outbound_;
  Split split_;
  std::uint32_t peer_message_bytes_max_ = 0;
  std::uint8_t turn_ = 0;  ///< what composes next: the two channels, then the message in fragments
  bool open_ = false;
  bool stalled_ = false;
  bool evicted_ = false;

  bool refused_ = false;
  std::uint16_t refused_id_ = 0;
  Nanos refused_at_ = 0;
  Nanos last_until_ = 0;
  std::array<Inbound, reliable_channels> inbound_;
  MessageQueue waiting_;  ///< of channel 1: behind a missing one, or refused by the receiver
  std::array<Join, unreliable_joins> unreliable_;
};
static_assert(sizeof(Reliable) <= 768);

}  // namespace serried::channel
