#pragma once
/// Acknowledgments of datagrams, both ends: what we have received and must report, what we have sent and
/// await. Replication lives on them: a field is known to a viewer when the datagram that carried it is acked.
/// Source  docs/wire-format.md section 2; RFC 9002 section 6.1 (packet threshold), RFC 6298 (round-trip estimate)
///
///     ack block := largest varint | delay u16, in 64 us | mask u64, bit i = largest - 1 - i received

#include <array>
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

/// The receiving half. 40 bytes.
class ReceivedDatagrams {
 public:
  static constexpr std::uint32_t unreported_max = 32;

  /// An authentic datagram that is not a replay. `wants_ack`: it was not ack-only.
  void note(std::uint64_t sequence, bool wants_ack, Nanos now) noexcept;
  /// Something is unreported and has waited for `delay_max`, or 32 datagrams are unreported.
  [[nodiscard]] bool due(Nanos now, Nanos delay_max) const noexcept;
  [[nodiscard]] bool pending() const noexcept { return unreported_ != 0; }
  /// When due() turns true by waiting alone; ~0 when nothing is pending.
  [[nodiscard]] Nanos due_at(Nanos delay_max) const noexcept;
  /// The block to send now. Precondition: pending(), or something was ever received.
  [[nodiscard]] AckBlock report(Nanos now) noexcept;

 private:
  std::uint64_t largest_ = 0;
  std::uint64_t mask_ = 0;
  Nanos largest_at_ = 0;
  Nanos oldest_unreported_at_ = 0;
  std::uint32_t unreported_ = 0;
};

/// Round-trip time, smoothed. Source  RFC 6298 sections 2 and 3
class RoundTrip {
 public:
  /// A longer sample is a peer that held its ack back: time-outs are multiples of the estimate, and he would keep a
  /// session, and its place in the world, for hours without sending anything.
  static constexpr Nanos sample_max = 10 * second;

  void sample(Nanos rtt) noexcept;
  [[nodiscard]] bool known() const noexcept { return smoothed_ != 0; }
  [[nodiscard]] Nanos smoothed() const noexcept { return smoothed_; }
  /// Retransmission timeout: smoothed + 4 * variance, at least 10 ms; 250 ms before there is a sample.
  [[nodiscard]] Nanos timeout() const noexcept;

 private:
  Nanos smoothed_ = 0;
  Nanos variance_ = 0;
};

/// What a datagram carried that somebody waits for.
enum class Cargo : std::uint8_t {
  none,       ///< an ack frees its place in the window, nothing more
  plan,       ///< a replication plan
  ordered,    ///< messages of channel 1
  unordered,  ///< messages of channel 2
};
struct Flight {
  Cargo cargo = Cargo::none;
  std::uint8_t count = 0;  ///< messages, at most 31
  std::uint16_t tag = 0;   ///< the plan, or the id of the first message
};

/// What an ack block, or an expired timer, changed.
struct AckNews {
  std::uint32_t acked_bytes = 0, lost_bytes = 0;
  std::uint64_t newest_acked = 0, newest_lost = 0;  ///< sequences; 0: none
  unsigned outcomes = 0;
};

/// The sending half: the datagrams in flight, in a queue of fixed capacity, each with what it carried; ack-only ones take
/// no place. An ack for a sequence never sent is a lie: the connection ends. 128 are enough for a server, whose window
/// never lets more than 112 out; a client's inputs are exempt from its window, and at 5 s of round trip there are many.
template <unsigned queue_capacity>
class BasicSentDatagrams {
 public:
  static constexpr unsigned capacity = queue_capacity;
  static constexpr std::uint64_t packet_threshold = 3;
  static constexpr unsigned expirations_max = 10;  ///< in a row: the other side acks nothing, the session ends

  struct Outcome {
    Flight flight;  ///< never cargo none
    bool acked;     ///< else lost
  };
  enum class Verdict : std::uint8_t { ok, lie };

  /// The sequence for the next datagram. `skip`: leave one number out first (a trap for liars).
  [[nodiscard]] std::uint64_t next_sequence(bool skip) noexcept;
  /// Remember what was sent under the sequence just given. `bytes` of the whole datagram; 0: ack-only, not in flight.
  /// Returns what had to make room, as lost: cargo none when there was room, or nobody waits for it.
  Flight note(std::uint64_t sequence, const Flight& flight, std::uint16_t bytes, Nanos now) noexcept;
  /// Process a block; `out` has room for `capacity` outcomes. Blocks that tell nothing new change nothing.
  Verdict acknowledge(const AckBlock& block, Nanos ack_delay_max, Nanos now, Outcome* out, AckNews& news) noexcept;

  /// When nothing but time makes datagrams lost; ~0: nothing is in flight.
  [[nodiscard]] Nanos timeout_at() const noexcept;
  /// Precondition: now >= timeout_at(). All in flight that are as old as the timeout are lost; it doubles.
  void expire(Nanos now, Outcome* out, AckNews& news) noexcept;
  /// Timeouts since something that was in flight was last acked.
  [[nodiscard]] unsigned expirations() const noexcept;

  [[nodiscard]] std::uint32_t bytes_in_flight() const noexcept;
  [[nodiscard]] unsigned datagrams_in_flight() const noexcept;
  [[nodiscard]] const RoundTrip& round_trip() const noexcept { return round_trip_; }
  /// Another network path: the estimate starts anew.
  void forget_round_trip() noexcept { round_trip_ = {}; }
  [[nodiscard]] std::uint64_t last_sequence() const noexcept { return last_; }

 private:
  enum class State : std::uint8_t { never_sent, in_flight, settled };
  /// Microseconds wrap after 71 minutes; nothing stays in a ring of 128 that long, and a wrong sample is only an
  /// estimate.
  struct Entry {
    std::uint32_t sent_us = 0;
    std::uint16_t tag = 0;
    State state = State::never_sent;
    bool wants_ack = false;
  };
  static_assert(sizeof(Entry) == 8);

  [[nodiscard]] Entry& entry(std::uint64_t sequence) noexcept { return entries_[sequence % capacity]; }

  std::uint64_t last_ = 0;
  std::uint64_t largest_acked_ = 0;
  std::uint64_t trap_ = 0;         ///< the number last left out; 0: none yet
  std::uint64_t oldest_open_ = 1;  ///< nothing below it awaits an ack
  RoundTrip round_trip_;
  std::array<Entry, capacity> entries_{};  ///< last, so that what every datagram touches lies together before it
};

using SentDatagrams = BasicSentDatagrams<128>;         ///< of a server
using ClientSentDatagrams = BasicSentDatagrams<1024>;  ///< of a client

}  // namespace serried::channel
