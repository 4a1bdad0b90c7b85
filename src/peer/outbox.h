#pragma once
/// What a session says and hears beside handshake, inputs and entities: its reliable channels, and short unreliable
/// messages that wait for the next datagram. It borrows the memory of pools that others may share, and gives all of it
/// back when it is cleared, assigned to or destroyed; what it was moved from has nothing.

#include <array>
#include <cstdint>
#include <span>
#include <utility>

#include "channel/reliable.h"

namespace serried::peer {

/// The pools outlive it.
/// Owner   one session
class Outbox {
 public:
  /// Short unreliable messages that wait, and for how long if no datagram goes out anyway.
  static constexpr unsigned unreliable_max = 16;
  static constexpr Nanos unreliable_delay = 25 * millisecond;
  /// What every datagram touches, from its first byte.
  static constexpr std::size_t hot_bytes = 32;

  /// Without pools there are no reliable channels, and nothing can be sent.
  explicit Outbox(channel::Pools* pools = nullptr) noexcept : pools_(pools) {}
  ~Outbox() { clear(); }
  Outbox(Outbox&& other) noexcept { swap(other); }
  Outbox& operator=(Outbox&& other) noexcept {
    clear();
    swap(other);
    return *this;
  }

  [[nodiscard]] bool exists() const noexcept { return pools_ != nullptr; }
  void open(std::uint32_t peer_message_bytes_max) noexcept {
    reliable_.open(peer_message_bytes_max);
    note_change();
  }
  [[nodiscard]] bool is_open() const noexcept { return open_; }
  /// Give all memory back; closed from here on.
  void clear() noexcept;

  /// Queue a message; content is copied. On channel 0 a short one waits for the next datagram, a long one goes in
  /// fragments, once. Nothing is taken before open().
  [[nodiscard]] channel::Queued send(wire::Channel channel, message::Type type, std::span<const std::uint8_t> content,
                                     channel::Urgency urgency, Nanos now) noexcept;

  [[nodiscard]] bool has_unreliable() const noexcept { return unreliable_count_ != 0; }
  /// When short messages want a datagram of their own; ~0: there are none.
  [[nodiscard]] Nanos unreliable_due_at() const noexcept {
    return unreliable_count_ != 0 ? unreliable_due_at_ : ~Nanos{0};
  }
  /// Those that fit, oldest first.
  void write_unreliable(base::ByteWriter& out) noexcept;

  [[nodiscard]] Nanos due_at() const noexcept { return due_at_; }
  void flush() noexcept {
    if (due_at_ == ~Nanos{0}) return;
    reliable_.flush();
    note_change();
  }
  [[nodiscard]] channel::Reliable::Composed compose(base::ByteWriter& out, Nanos now) noexcept {
    const channel::Reliable::Composed composed = reliable_.compose(*pools_, out, now);
    note_change();
    return composed;
  }
  void on_outcome(const channel::SentPacket& packet, bool acked) noexcept {
    if (!exists() ||
        (packet.payload != channel::PayloadKind::ordered && packet.payload != channel::PayloadKind::unordered))
      return;
    reliable_.on_outcome(*pools_, packet, acked);
    note_change();
  }
  /// Preconditions of both: is_open().
  [[nodiscard]] channel::Accepted accept(wire::Channel channel, base::ByteReader body,
                                         const channel::Receiver& receiver, Nanos now) noexcept {
    const channel::Accepted accepted = reliable_.accept(*pools_, channel, body, receiver, now);
    note_change();
    return accepted;
  }
  [[nodiscard]] channel::Accepted accept_fragment(wire::Channel channel, base::ByteReader body,
                                                  std::uint32_t message_bytes_max, const channel::Receiver& receiver,
                                                  Nanos now) noexcept {
    const channel::Accepted accepted =
        reliable_.accept_fragment(*pools_, channel, body, message_bytes_max, receiver, now);
    note_change();
    return accepted;
  }
  /// Messages in fragments of channel 0 that are too old: dropped; returns how many.
  unsigned sweep(Nanos now) noexcept {
    if (!exists()) return 0;
    const unsigned dropped = reliable_.sweep(*pools_, now);
    note_change();
    return dropped;
  }
  /// One of a reliable channel made no progress for Reliable::stalled_after, the last sweep says.
  [[nodiscard]] bool stalled() const noexcept { return reliable_.stalled(); }
  /// There is something for the sweep to wait for.
  [[nodiscard]] bool joining() const noexcept { return joining_; }
  /// A block that the receiver took, type first; given back by `release`.
  [[nodiscard]] std::span<const std::uint8_t> block(std::uint16_t block, std::uint32_t bytes) noexcept {
    return pools_->block.bytes(block).first(bytes);
  }
  void release(std::uint16_t block) noexcept { pools_->block.release(block); }

 private:
  void swap(Outbox& other) noexcept {
    std::swap(pools_, other.pools_);
    std::swap(due_at_, other.due_at_);
    std::swap(open_, other.open_);
    std::swap(joining_, other.joining_);
    std::swap(reliable_, other.reliable_);
    std::swap(unreliable_, other.unreliable_);
    std::swap(unreliable_first_, other.unreliable_first_);
    std::swap(unreliable_count_, other.unreliable_count_);
    std::swap(unreliable_due_at_, other.unreliable_due_at_);
  }

  /// Remember what every turn asks for.
  void note_change() noexcept {
    open_ = reliable_.is_open();
    joining_ = reliable_.joining();
    due_at_ = open_ ? reliable_.due_at() : ~Nanos{0};
  }

  channel::Pools* pools_ = nullptr;
  Nanos due_at_ = ~Nanos{0};  ///< of reliable_, as the two below: it is large, and asked at every turn
  bool open_ = false;
  bool joining_ = false;
  std::uint8_t unreliable_first_ = 0, unreliable_count_ = 0;
  Nanos unreliable_due_at_ = 0;
  channel::Reliable reliable_;
  std::array<channel::Chain, unreliable_max> unreliable_;  ///< a ring, each type and content
};

}  // namespace serried::peer
