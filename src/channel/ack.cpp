#include "channel/ack.h"

#include <algorithm>

#include "wire/datagram.h"

namespace serried::channel {
namespace {

/// What Entry::sent counts.
constexpr Nanos sent_unit = 16 * microsecond;
constexpr std::uint32_t sent_mask = (1U << 27) - 1;

constexpr std::uint32_t sent_units(Nanos at) noexcept { return static_cast<std::uint32_t>(at / sent_unit) & sent_mask; }
static_assert(wire::datagram_bytes_max <= 0x7FF, "bytes of an entry");

/// Since what left at `sent`, to the unit.
constexpr Nanos age(std::uint32_t sent, Nanos now) noexcept {
  return ((sent_units(now) - sent) & sent_mask) * sent_unit;
}

/// From the congestion window.
constexpr bool exempt(PayloadKind payload) noexcept { return payload == PayloadKind::input; }

constexpr bool waited_for(PayloadKind payload) noexcept {
  return payload != PayloadKind::none && payload != PayloadKind::input;
}

bool reports(const AckBlock& block, std::uint64_t sequence) noexcept {
  if (sequence >= block.largest) return sequence == block.largest;
  const std::uint64_t below = block.largest - sequence;
  return below <= 64 && (block.mask >> (below - 1) & 1) != 0;
}

}  // namespace

bool read_ack_block(base::ByteReader& in, AckBlock& out) noexcept {
  out.largest = in.read_varint();
  out.delay = in.read<std::uint16_t>() * ack_delay_unit;
  out.mask = in.read<std::uint64_t>();
  return in.ok() && out.largest != 0;
}

std::size_t ack_block_bytes(const AckBlock& block) noexcept {
  return base::varint_bytes(block.largest) + sizeof(std::uint16_t) + sizeof(std::uint64_t);
}

void write_ack_block(base::ByteWriter& out, const AckBlock& block) noexcept {
  out.write_varint(block.largest);
  out.write(static_cast<std::uint16_t>(std::min<Nanos>(block.delay / ack_delay_unit, 0xFFFF)));
  out.write(block.mask);
}

void ReceivedDatagrams::note(std::uint64_t sequence, AckPolicy policy, Nanos now) noexcept {
  if (sequence > largest_) {
    const std::uint64_t ahead = sequence - largest_;
    mask_ = ahead < 64 ? mask_ << ahead : 0;
    if (largest_ != 0 && ahead <= 64) mask_ |= std::uint64_t{1} << (ahead - 1);
    largest_ = sequence;
    largest_at_ = now;
  } else if (const std::uint64_t behind = largest_ - sequence; behind >= 1 && behind <= 64) {
    mask_ |= std::uint64_t{1} << (behind - 1);
  }
  if (policy == AckPolicy::none) return;
  ++unreported_;
  if (policy == AckPolicy::whenever) return;
  if (!is_soon_) soon_since_ = now;
  is_soon_ = true;
  if (policy == AckPolicy::reliable && reliable_unreported_ < reliable_unreported_max) ++reliable_unreported_;
}

Nanos ReceivedDatagrams::due_at(Nanos delay_max) const noexcept {
  if (unreported_ >= unreported_max || reliable_unreported_ >= reliable_unreported_max) return 0;
  return is_soon_ ? soon_since_ + delay_max : ~Nanos{0};
}

AckBlock ReceivedDatagrams::report(Nanos now) noexcept {
  unreported_ = 0;
  reliable_unreported_ = 0;
  is_soon_ = false;
  return {largest_, now - largest_at_, mask_};
}

void RoundTrip::sample(Nanos rtt) noexcept {
  const auto taken = static_cast<std::uint32_t>(std::min(rtt, sample_max) / unit);
  static_assert(4 * sample_max / unit <= ~std::uint32_t{0});
  if (smoothed_ == 0) {
    smoothed_ = std::max(taken, 1U);
    variance_ = taken / 2;
    return;
  }
  const std::uint32_t error = taken > smoothed_ ? taken - smoothed_ : smoothed_ - taken;
  variance_ = (3 * variance_ + error) / 4;
  smoothed_ = std::max(static_cast<std::uint32_t>((7 * std::uint64_t{smoothed_} + taken) / 8), 1U);
}

Nanos RoundTrip::timeout() const noexcept {
  if (!known()) return 250 * millisecond;
  return std::max((smoothed_ + Nanos{4} * variance_) * unit, 10 * millisecond);
}

void AckLateness::note(Nanos late, Nanos now) noexcept {
  turn_to(now);
  longest_ = std::max(longest_, static_cast<std::uint16_t>((std::min(late, most) + unit - 1) / unit));
}

Nanos AckLateness::allowance() const noexcept { return std::max(longest_, before_) * unit * 5 / 4; }

template <unsigned queue_capacity>
std::uint64_t BasicSentDatagrams<queue_capacity>::next_sequence(bool skip) noexcept {
  if (skip) trap_ = ++last_;
  return ++last_;
}

template <unsigned queue_capacity>
SentPacket BasicSentDatagrams<queue_capacity>::note(std::uint64_t sequence, const SentPacket& packet,
                                                    std::uint16_t bytes, Nanos now) noexcept {
  if (bytes == 0) return {};
  const SentPacket evicted = count_ == capacity ? evict() : SentPacket{};
  if (open_ == count_) timer_from_ = std::max(timer_from_, now);
  Entry& sent = entry(count_++);
  sent.sequence = static_cast<std::uint32_t>(sequence);
  sent.sent = sent_units(now) & sent_mask;
  sent.state = State::in_flight;
  sent.payload = packet.payload;
  sent.bytes = bytes & 0x7FF;
  sent.count = packet.count & 0x1F;
  sent.tag = packet.tag;
  if (exempt(packet.payload)) return evicted;
  bytes_in_flight_ += bytes;
  ++in_flight_;
  return evicted;
}

/// Make room for one; returns the packet that had to go, when its loss matters. Of the expired ones the oldest stays as
/// long as another can go: where the queue covers less than a round trip, only that one can measure it.
template <unsigned queue_capacity>
SentPacket BasicSentDatagrams<queue_capacity>::evict() noexcept {
  Entry& oldest = entry(0);
  SentPacket evicted;
  if (oldest.state == State::in_flight) {
    land(oldest);
    if (waited_for(oldest.payload)) evicted = packet_of(oldest);
  } else if (open_ >= 2) {
    entry(1) = oldest;
  }
  oldest.state = State::settled;
  tidy();
  return evicted;
}

/// Whether a block acks what was never sent: numbers not yet given, bits below sequence 1, and the number that was last
/// left out. Older numbers that were left out are forgotten, which keeps this O(1): the next one finds the liar.
template <unsigned queue_capacity>
bool BasicSentDatagrams<queue_capacity>::is_lie(const AckBlock& block) const noexcept {
  if (block.largest > last_) return true;
  if (block.largest <= 64 && block.mask >> (block.largest - 1) != 0) return true;
  return trap_ != 0 && reports(block, trap_);
}

template <unsigned queue_capacity>
auto BasicSentDatagrams<queue_capacity>::acknowledge(const AckBlock& block, Nanos ack_delay_max, Nanos now,
                                                     Outcome* out, AckResult& result) noexcept -> Verdict {
  result = {};
  if (is_lie(block)) return Verdict::lie;
  ack_delay_ =
      static_cast<std::uint16_t>(std::min<Nanos>((ack_delay_max + ack_delay_unit - 1) / ack_delay_unit, 0xFFFF));
  largest_acked_ = std::max(largest_acked_, block.largest);

  std::uint64_t sampled = 0;
  std::uint32_t sampled_sent = 0, oldest_sent = 0;
  bool is_timed = false, late = false, missing = false;  // the oldest that is acked; of what had expired
  for (unsigned i = 0; i < count_; ++i) {
    Entry& sent = entry(i);
    const std::uint64_t sequence = sequence_of(sent);
    if (sequence > largest_acked_) break;
    if (sent.state == State::settled) continue;
    const bool acked = reports(block, sequence);
    if (!acked && sequence + packet_threshold > largest_acked_) continue;
    if (sequence == block.largest || (acked && sent.state == State::expired)) {
      sampled = sequence;
      sampled_sent = sent.sent;
    }
    if (acked && !is_timed && !exempt(sent.payload)) {
      is_timed = true;
      oldest_sent = sent.sent;
    }
    if (sent.state == State::in_flight)
      tell(sent, acked, out, result);
    else if (!exempt(sent.payload))
      (acked ? late : missing) = true;
    sent.state = State::settled;
  }
  result.too_early = late && !missing;
  if (result.newest_acked != 0) expirations_ = 0;
  // When everything acked had expired, the estimate is too short, and the newest of it is a good enough sample.
  if (sampled != 0 && (sampled == block.largest || result.newest_acked == 0)) {
    const Nanos elapsed = age(sampled_sent, now);
    round_trip_.sample(elapsed - std::min({elapsed, block.delay, ack_delay_max}));
  }
  if (is_timed && round_trip_.known()) {
    lateness_.turn_to(now);
    const Nanos waited = age(oldest_sent, now);
    const Nanos expected = round_trip_.smoothed() + ack_delay_ * ack_delay_unit;
    if (waited > expected + lateness_.longest()) [[unlikely]]
      result.late = waited - expected;
  }
  tidy();
  return Verdict::ok;
}

template <unsigned queue_capacity>
Nanos BasicSentDatagrams<queue_capacity>::timeout(unsigned doublings) const noexcept {
  Nanos plain = round_trip_.timeout();
  if (round_trip_.known())  // samples are without the ack delay
    plain = std::max(plain, round_trip_.smoothed() + lateness_.allowance()) + ack_delay_ * ack_delay_unit;
  return std::min(plain << std::min(doublings, expirations_max), std::max(timeout_max, 2 * round_trip_.smoothed()));
}

template <unsigned queue_capacity>
Nanos BasicSentDatagrams<queue_capacity>::timeout_at() const noexcept {
  return open_ == count_ ? ~Nanos{0} : timer_from_ + timeout(expirations_);
}

template <unsigned queue_capacity>
void BasicSentDatagrams<queue_capacity>::expire(Nanos now, Outcome* out, AckResult& result) noexcept {
  result = {};
  const Nanos old = timeout(0) / sent_unit * sent_unit;
  for (unsigned i = open_; i < count_; ++i) {
    Entry& sent = entry(i);
    if (sent.state == State::settled) continue;
    if (age(sent.sent, now) < old) break;
    tell(sent, false, out, result);
    sent.state = State::expired;
  }
  timer_from_ = std::max(timer_from_, now);
  if (expirations_ != 0xFF) ++expirations_;
  tidy();
}

/// It is no longer in flight; returns the bytes that leave the count.
template <unsigned queue_capacity>
std::uint32_t BasicSentDatagrams<queue_capacity>::land(const Entry& sent) noexcept {
  if (exempt(sent.payload)) return 0;
  bytes_in_flight_ -= sent.bytes;
  --in_flight_;
  return sent.bytes;
}

template <unsigned queue_capacity>
void BasicSentDatagrams<queue_capacity>::tell(const Entry& sent, bool acked, Outcome* out, AckResult& result) noexcept {
  (acked ? result.acked_bytes : result.lost_bytes) += land(sent);
  (acked ? result.newest_acked : result.newest_lost) = sequence_of(sent);  // they come in the order of sending
  if (waited_for(sent.payload)) out[result.outcomes++] = {packet_of(sent), acked};
}

/// What is settled leaves at the front, and the timer follows the oldest in flight.
template <unsigned queue_capacity>
void BasicSentDatagrams<queue_capacity>::tidy() noexcept {
  unsigned gone = 0;
  while (gone != count_ && entry(gone).state == State::settled) ++gone;
  front_ = static_cast<std::uint16_t>((front_ + gone) % capacity);
  count_ = static_cast<std::uint16_t>(count_ - gone);
  unsigned open = open_ > gone ? open_ - gone : 0;
  while (open != count_ && entry(open).state != State::in_flight) ++open;
  open_ = static_cast<std::uint16_t>(open);
  if (open_ == count_) return;
  const std::uint32_t later = (entry(open_).sent - sent_units(timer_from_)) & sent_mask;
  if (later <= sent_mask / 2) timer_from_ = (timer_from_ / sent_unit + later) * sent_unit;
}

template class BasicSentDatagrams<128>;
template class BasicSentDatagrams<1024>;

}  // namespace serried::channel
