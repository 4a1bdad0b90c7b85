#pragma once
/// Acknowledgments of datagrams, both ends: what we have received and must report, what we have sent and
/// await. Replication lives on them: a field is known to a viewer when the datagram that carried it is acked.
/// Source  docs/wire-format.md section 2; RFC 9002 section 6.1 (packet threshold), RFC 6298 (round-trip estimate)
///
///     ack block := largest varint | delay u16, in 64 us | mask u64, bit i = largest - 1 - i received

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/bytes.h"
#include "serried/time.h"

namespace serried::channel {

struct AckBlock {
  std::uint64_t largest = 0;
  Nanos delay = 0;
  std::uint64_t mask = 0;
};
inline constexpr Nanos ack_delay_unit = 64 * microsecond;

[[nodiscard]] bool read_ack_block(base::ByteReader& in, AckBlock& out) noexcept;  ///< false: cut short or largest 0
[[nodiscard]] std::size_t ack_block_bytes(const AckBlock& block) noexcept;
void write_ack_block(base::ByteWriter& out, const AckBlock& block) noexcept;

/// What a datagram that was received asks for.
enum class AckPolicy : std::uint8_t {
  none,      ///< ack-only, or empty
  whenever,  ///< no timer: with whatever goes out, or one for many
  soon,      ///< within the ack delay
  reliable,  ///< on channel 1 or 2: likewise, and two of them at once
};

/// The receiving half. 40 bytes.
class ReceivedDatagrams {
 public:
  static constexpr std::uint32_t unreported_max = 32;
  static constexpr std::uint32_t reliable_unreported_max = 2;

  /// An authentic datagram that is not a replay.
  void note(std::uint64_t sequence, AckPolicy policy, Nanos now) noexcept;
  /// What is wanted soon has waited for `delay_max`, or 32 datagrams are unreported, or two reliable ones.
  [[nodiscard]] bool due(Nanos now, Nanos delay_max) const noexcept { return due_at(delay_max) <= now; }
  [[nodiscard]] bool pending() const noexcept { return unreported_ != 0; }
  /// When due() turns true if nothing more comes; 0: it is true; ~0: never.
  [[nodiscard]] Nanos due_at(Nanos delay_max) const noexcept;
  /// The block to send now. Precondition: pending(), or something was ever received.
  [[nodiscard]] AckBlock report(Nanos now) noexcept;

 private:
  std::uint64_t largest_ = 0;
  std::uint64_t mask_ = 0;
  Nanos largest_at_ = 0;
  Nanos soon_since_ = 0;  ///< the oldest that is wanted soon came; valid when is_soon_
  std::uint32_t unreported_ = 0;
  std::uint16_t reliable_unreported_ = 0;  ///< up to reliable_unreported_max
  bool is_soon_ = false;
};
static_assert(sizeof(ReceivedDatagrams) == 40);

/// Round-trip time, smoothed, to 16 ns.
/// Source  RFC 6298 sections 2 and 3
class RoundTrip {
 public:
  /// A longer sample means that the peer held its ack back. Time-outs are multiples of the estimate: with such a sample
  /// the peer could keep a session, and its place in the world, for hours without sending anything.
  static constexpr Nanos sample_max = 10 * second;

  void sample(Nanos rtt) noexcept;
  [[nodiscard]] bool known() const noexcept { return smoothed_ != 0; }
  [[nodiscard]] Nanos smoothed() const noexcept { return smoothed_ * unit; }
  /// Retransmission timeout: smoothed + 4 * variance, at least 10 ms; 250 ms before there is a sample.
  [[nodiscard]] Nanos timeout() const noexcept;

 private:
  static constexpr Nanos unit = 16;
  std::uint32_t smoothed_ = 0;  ///< in `unit`, as the other
  std::uint32_t variance_ = 0;
};

/// How far the other side's acks stay behind the round trip and the ack delay: the longest of the last 10 to 20 s. A
/// program that looks at its socket once a frame finds a datagram up to a frame late, and its ack leaves up to a frame
/// after it is due; and frames drift against the ticks of the sender, so that neither is seen in most round trips.
class AckLateness {
 public:
  /// What is later than that is an outage, as far as can be told.
  static constexpr Nanos most = 500 * millisecond;

  void note(Nanos late, Nanos now) noexcept;
  /// Forget what is too long ago.
  void turn_to(Nanos now) noexcept {
    const auto at = static_cast<std::uint16_t>(now >> since_shift);
    const auto passed = static_cast<std::uint16_t>(at - since_);
    if (passed < turn) [[likely]]
      return;
    before_ = passed < 2 * turn ? longest_ : std::uint16_t{0};
    longest_ = 0;
    since_ = at;
  }
  /// The longest of this turn.
  [[nodiscard]] Nanos longest() const noexcept { return longest_ * unit; }
  /// What a timeout should allow for: a quarter more than the longest.
  [[nodiscard]] Nanos allowance() const noexcept;

 private:
  static constexpr Nanos unit = 64 * microsecond;
  static constexpr unsigned since_shift = 30;  ///< `since_` counts 1.07 s
  static constexpr std::uint16_t turn = 10;
  std::uint16_t longest_ = 0, before_ = 0;  ///< in `unit`: of this turn, of the one before
  std::uint16_t since_ = 0;
};

/// What a datagram carried whose ack or loss is of consequence.
enum class PayloadKind : std::uint8_t {
  none,       ///< an ack frees its place in the window, nothing more
  plan,       ///< a replication plan
  ordered,    ///< messages of channel 1
  unordered,  ///< messages of channel 2
  input,  ///< a client's inputs: as none, but exempt from the window, so not among the bytes and datagrams in flight
};
struct SentPacket {
  PayloadKind payload = PayloadKind::none;
  std::uint8_t count = 0;  ///< messages, at most 31
  std::uint16_t tag = 0;   ///< the plan, or the id of the first message
};

/// What an ack block, or an expired timer, changed. Bytes are those that bytes_in_flight() counted.
struct AckResult {
  std::uint32_t acked_bytes = 0, lost_bytes = 0;
  std::uint64_t newest_acked = 0, newest_lost = 0;  ///< sequences; 0: none
  unsigned outcomes = 0;
  bool too_early = false;  ///< what a timeout had declared lost is acked, and none of it is missing
  Nanos late = 0;          ///< the oldest acked waited so much longer than it should, longer than known: for note_late
};

/// The sending half: the datagrams in flight, in a queue of fixed capacity, each with what it carried; ack-only ones
/// take no place. An ack for a sequence never sent is a lie: the connection ends. 128 are enough for a server, whose
/// window lets 112 out: more are small plans to a client that has fallen silent, and are reported as lost. A client's
/// inputs are exempt from its window, and at 5 s of round trip there are many.
///
///     front                                          back
///     | expired | expired | in flight | settled | in flight |      by sequence, and so by time
///                         ^ open_; what is settled leaves at the front
///
/// A datagram that expired stays until one three later is acked, or its place is needed. When its ack comes after all,
/// the timeout was too early, which is certain: nothing is sent twice under one sequence. The round trip is sampled, so
/// that a path of 5 s becomes known although the first timeout is 250 ms, and the sender may take back what it did to
/// its window. When a block acks nothing else, the newest such datagram is the sample, whether it is the largest of the
/// block or not.
/// Source  RFC 5682 and RFC 4015, which recognise and undo a spurious timeout where sequences repeat
template <unsigned queue_capacity>
class BasicSentDatagrams {
 public:
  static constexpr unsigned capacity = queue_capacity;
  static constexpr std::uint64_t packet_threshold = 3;
  static constexpr unsigned expirations_max = 10;   ///< in a row: the other side acks nothing, the session ends
  static constexpr Nanos timeout_max = 3 * second;  ///< or two round trips, when they are longer

  struct Outcome {
    SentPacket packet;  ///< never payload none or input
    bool acked;         ///< else lost
  };
  enum class Verdict : std::uint8_t { ok, lie };

  /// The sequence for the next datagram. `skip`: leave one number out first (a trap for liars).
  [[nodiscard]] std::uint64_t next_sequence(bool skip) noexcept;
  /// Remember what was sent under the sequence just given. `bytes` of the whole datagram; 0: ack-only, not in flight.
  /// Returns what had to make room, as lost: payload none when there was room, or its loss is of no consequence.
  SentPacket note(std::uint64_t sequence, const SentPacket& packet, std::uint16_t bytes, Nanos now) noexcept;
  /// Process a block; `out` has room for `capacity` outcomes, which come in the order of sending. `result` is written
  /// anew. Blocks that tell nothing new, or are a lie, change nothing.
  Verdict acknowledge(const AckBlock& block, Nanos ack_delay_max, Nanos now, Outcome* out, AckResult& result) noexcept;
  /// The other side acks as late as `result.late`. Precondition: its datagram before the one with that block has come
  /// too, so no block was lost that acked the same.
  void note_late(Nanos late, Nanos now) noexcept { lateness_.note(late, now); }

  /// When nothing but time makes datagrams lost; ~0: nothing is in flight. It is the timeout, doubled for each of
  /// expirations(), after the oldest in flight was sent, or after the last expiry if that is later.
  [[nodiscard]] Nanos timeout_at() const noexcept;
  /// Precondition: now >= timeout_at(). All in flight that are as old as the plain timeout are lost, at least one; only
  /// the next expiry is put off. A round trip older than that is gone for all that is known, and what was sent again
  /// after one expiry must not have to survive the next.
  void expire(Nanos now, Outcome* out, AckResult& result) noexcept;
  /// Timeouts since something that was in flight was last acked.
  [[nodiscard]] unsigned expirations() const noexcept { return expirations_; }

  [[nodiscard]] std::uint32_t bytes_in_flight() const noexcept { return bytes_in_flight_; }
  [[nodiscard]] unsigned datagrams_in_flight() const noexcept { return in_flight_; }
  [[nodiscard]] const RoundTrip& round_trip() const noexcept { return round_trip_; }
  /// Another network path: the estimates start anew.
  void forget_round_trip() noexcept {
    round_trip_ = {};
    lateness_ = {};
  }
  [[nodiscard]] std::uint64_t last_sequence() const noexcept { return last_; }

  /// The places of the queue that an ack and the next datagram will touch; reads the rest of the object.
  void prefetch() const noexcept {
    __builtin_prefetch(&entry(0), 1);
    __builtin_prefetch(&entry(count_), 1);
  }
  static constexpr std::size_t hot_bytes = 64;  ///< without the queue

 private:
  enum class State : std::uint8_t { in_flight, expired, settled };
  /// Times wrap after 35 minutes: nothing is in flight that long, and a wrong sample of what has expired is only an
  /// estimate.
  struct Entry {
    std::uint32_t sequence;   ///< the lower half
    std::uint32_t sent : 27;  ///< in 16 us
    State state : 2;
    PayloadKind payload : 3;
    std::uint16_t bytes : 11, count : 5;
    std::uint16_t tag;
  };
  static_assert(sizeof(Entry) == 12);
  static_assert((capacity & (capacity - 1)) == 0 && capacity <= 0x8000);

  [[nodiscard]] Entry& entry(unsigned place) noexcept { return entries_[(front_ + place) % capacity]; }
  [[nodiscard]] const Entry& entry(unsigned place) const noexcept { return entries_[(front_ + place) % capacity]; }
  [[nodiscard]] std::uint64_t sequence_of(const Entry& sent) const noexcept {
    return last_ - (static_cast<std::uint32_t>(last_) - sent.sequence);
  }
  [[nodiscard]] static SentPacket packet_of(const Entry& sent) noexcept {
    return {sent.payload, static_cast<std::uint8_t>(sent.count), sent.tag};
  }
  SentPacket evict() noexcept;
  [[nodiscard]] bool is_lie(const AckBlock& block) const noexcept;
  [[nodiscard]] Nanos timeout(unsigned doublings) const noexcept;
  std::uint32_t land(const Entry& sent) noexcept;
  void tell(const Entry& sent, bool acked, Outcome* out, AckResult& result) noexcept;
  void tidy() noexcept;

  std::uint64_t last_ = 0;
  std::uint64_t largest_acked_ = 0;
  std::uint64_t trap_ = 0;  ///< the number last left out; 0: none yet
  Nanos timer_from_ = 0;    ///< the oldest in flight was sent, or the timeout expired
  RoundTrip round_trip_;
  std::uint32_t bytes_in_flight_ = 0;
  std::uint16_t in_flight_ = 0;
  std::uint16_t front_ = 0;
  std::uint16_t count_ = 0;
  std::uint16_t open_ = 0;       ///< how many at the front are not in flight
  std::uint16_t ack_delay_ = 0;  ///< what the other side may hold an ack back, in ack_delay_unit
  AckLateness lateness_;
  std::uint8_t expirations_ = 0;
  std::array<Entry, capacity> entries_{};  ///< last, so that what every datagram touches lies together before it
};

using SentDatagrams = BasicSentDatagrams<128>;         ///< of a server
using ClientSentDatagrams = BasicSentDatagrams<1024>;  ///< of a client
static_assert(sizeof(SentDatagrams) == SentDatagrams::hot_bytes + 128 * 12);

extern template class BasicSentDatagrams<128>;
extern template class BasicSentDatagrams<1024>;

}  // namespace serried::channel
