#include "channel/ack.h"

#include <algorithm>

namespace serried::channel {

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

void ReceivedDatagrams::note(std::uint64_t sequence, bool wants_ack, Nanos now) noexcept {
  if (sequence > largest_) {
    const std::uint64_t ahead = sequence - largest_;
    mask_ = ahead < 64 ? mask_ << ahead : 0;
    if (largest_ != 0 && ahead <= 64) mask_ |= std::uint64_t{1} << (ahead - 1);
    largest_ = sequence;
    largest_at_ = now;
  } else if (const std::uint64_t behind = largest_ - sequence; behind >= 1 && behind <= 64) {
    mask_ |= std::uint64_t{1} << (behind - 1);
  }
  if (!wants_ack) return;
  if (unreported_++ == 0) oldest_unreported_at_ = now;
}

bool ReceivedDatagrams::due(Nanos now, Nanos delay_max) const noexcept {
  return unreported_ != 0 && (unreported_ >= unreported_max || now - oldest_unreported_at_ >= delay_max);
}

Nanos ReceivedDatagrams::due_at(Nanos delay_max) const noexcept {
  return unreported_ == 0 ? ~Nanos{0} : oldest_unreported_at_ + delay_max;
}

AckBlock ReceivedDatagrams::report(Nanos now) noexcept {
  unreported_ = 0;
  return {largest_, now - largest_at_, mask_};
}

void RoundTrip::sample(Nanos rtt) noexcept {
  rtt = std::min(rtt, sample_max);
  if (smoothed_ == 0) {
    smoothed_ = std::max<Nanos>(rtt, 1);
    variance_ = rtt / 2;
    return;
  }
  const Nanos error = rtt > smoothed_ ? rtt - smoothed_ : smoothed_ - rtt;
  variance_ = (3 * variance_ + error) / 4;
  smoothed_ = std::max<Nanos>((7 * smoothed_ + rtt) / 8, 1);
}

Nanos RoundTrip::timeout() const noexcept {
  if (!known()) return 250 * millisecond;
  return std::max(smoothed_ + 4 * variance_, 10 * millisecond);
}

std::uint64_t SentDatagrams::next_sequence(bool skip) noexcept {
  if (skip) {
    trap_ = ++last_;
    entry(trap_) = {};
  }
  entry(++last_) = {};
  return last_;
}

void SentDatagrams::note(std::uint64_t sequence, std::uint16_t tag, bool wants_ack, Nanos now) noexcept {
  entry(sequence) = {static_cast<std::uint32_t>(now / microsecond), tag, State::in_flight, wants_ack};
}

SentDatagrams::Verdict SentDatagrams::acknowledge(const AckBlock& block, Nanos ack_delay_max, Nanos now, Outcome* out,
                                                  unsigned& count) noexcept {
  count = 0;
  if (block.largest > last_) return Verdict::lie;
  const std::uint64_t remembered = last_ >= capacity ? last_ - capacity + 1 : 1;
  const std::uint64_t reach = block.largest > 64 ? block.largest - 64 : 1;

  // The traps first: bits below sequence 1, and the number that was last left out. Older ones are forgotten, which
  // keeps this O(1): a liar meets the next.
  if (block.largest <= 64 && block.mask >> (block.largest - 1) != 0) return Verdict::lie;
  if (trap_ != 0 && trap_ <= block.largest) {
    const std::uint64_t below = block.largest - trap_;
    if (below == 0 || (below <= 64 && (block.mask >> (below - 1) & 1) != 0)) return Verdict::lie;
  }

  oldest_open_ = std::max(oldest_open_, remembered);
  for (std::uint64_t s = std::max(oldest_open_, reach); s <= block.largest; ++s) {
    if (s != block.largest && (block.mask >> (block.largest - 1 - s) & 1) == 0) continue;
    Entry& sent = entry(s);
    if (sent.state != State::in_flight) continue;
    sent.state = State::settled;
    if (s == block.largest && sent.wants_ack) {
      const Nanos elapsed = (static_cast<std::uint32_t>(now / microsecond) - sent.sent_us) * microsecond;
      round_trip_.sample(elapsed - std::min({elapsed, block.delay, ack_delay_max}));
    }
    if (sent.tag != 0) out[count++] = {sent.tag, true};
  }
  largest_acked_ = std::max(largest_acked_, block.largest);

  for (; oldest_open_ <= largest_acked_; ++oldest_open_) {
    Entry& sent = entry(oldest_open_);
    if (sent.state != State::in_flight) continue;
    if (oldest_open_ + packet_threshold > largest_acked_) break;
    sent.state = State::settled;
    if (sent.tag != 0) out[count++] = {sent.tag, false};
  }
  return Verdict::ok;
}

}  // namespace serried::channel
