#pragma once
/// The swarm's loop over one port: bursts in, bursts out. A template over port and clock, so that tests run it over the
/// loop port by a clock of their own.

#include <cstdint>
#include <span>
#include <vector>

#include "crypt/aead.h"
#include "port/port.h"
#include "tools/swarm/fleet.h"
#include "wire/parse.h"
#include "wire/stamp.h"
#include "wire/verify.h"

namespace serried::tools {

template <port::Port P, class Clock>
class Engine {
 public:
  Engine(P& port, Fleet& fleet, Clock clock)
      : port_(port), fleet_(fleet), clock_(clock), composed_in_(fleet.bots().size(), 0) {}
  ~Engine() {
    for (unsigned i = 0; i < spare_count_; ++i) port_.release(spare_[i]);
  }
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  /// One round: receive, connect, serve the bots that are due. True: there was work.
  bool poll(std::int64_t unix_now_s, const EngineTotals& totals) {
    bool work = receive();
    now_ = clock_();
    work |= fleet_.advance(now_, unix_now_s, totals);
    work |= fleet_.turn(now_, [this](std::uint32_t index) { serve(index); }) != 0;
    flush();
    return work;
  }

 private:
  /// Few, so that inputs leave on time while the burst of a server's tick is being received.
  static constexpr unsigned bursts_per_round = 2;

  bool receive() {
    for (unsigned i = 0; i < bursts_per_round; ++i) {
      port_.receive(in_, clock_());
      if (in_.rows == 0) return i != 0;
      const Nanos now = clock_();
      wire::parse(in_, fleet_.drops());
      wire::verify(in_, fleet_.crc(), fleet_.drops());
      fleet_.accept(in_, now);
      port_.release(in_);
    }
    return true;
  }

  void serve(std::uint32_t index) {
    // A session that is served twice in one turn: its first datagram must be sealed before the session runs on.
    if (out_.rows == wire::Batch::capacity || composed_in_[index] == flushes_) flush();
    if (spare_count_ == 0) spare_count_ = port_.acquire(spare_);
    if (spare_count_ == 0) {
      fleet_.drops().add(metrics::Drop::no_buffer);
      fleet_.postpone(index, now_);
      return;
    }
    const wire::Buffer buffer = spare_[spare_count_ - 1];
    const peer::Outgoing out = fleet_.compose(index, {buffer.data, wire::datagram_bytes_max}, now_);
    if (out.bytes == 0) return;
    --spare_count_;
    composed_in_[index] = flushes_;
    out_.append(buffer.data, out.bytes, buffer.owner, fleet_.path(index));
    if (out.key == nullptr) return;
    const unsigned row = seal_.rows++;
    seal_.key[row] = out.key;
    seal_.connection_id[row] = out.connection_id;
    seal_.sequence[row] = out.sequence;
    seal_.data[row] = buffer.data;
    seal_.clear_bytes[row] = 0;
    seal_.body_bytes[row] = out.body_bytes;
  }

  /// Before anything else is received: what was composed names keys of sessions that the next datagram may end.
  void flush() {
    if (out_.rows == 0) return;
    crypt::seal_batch(seal_);
    seal_.rows = 0;
    wire::stamp(out_, fleet_.crc());
    now_ = clock_();
    port_.transmit(out_, now_);
    ++flushes_;
  }

  P& port_;
  Fleet& fleet_;
  Clock clock_;
  Nanos now_ = 0;  ///< at the beginning of the round, or the last flush: one look at the clock serves a burst
  wire::Batch in_, out_;
  crypt::AeadBatch seal_;
  wire::Buffer spare_[wire::Batch::capacity];
  unsigned spare_count_ = 0;
  std::uint64_t flushes_ = 1;
  std::vector<std::uint64_t> composed_in_;  ///< by bot: value of flushes_ when it last composed
};

}  // namespace serried::tools
