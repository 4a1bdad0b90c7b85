#pragma once
/// The io lane's stages in the io lane's order (lane/io_lane.h), with a look at the CPU's time stamp between any two of
/// them: some 10 ns a burst and stage, which are inside. The figures that count come from IoLane itself; this one says
/// where they go.

#include <array>
#include <string_view>

#include <rte_cycles.h>

#include "lane/io_lane.h"

namespace serried::bench {

enum class Stage : unsigned {
  refill,
  receive,
  parse,
  guard,
  verify,
  greet,
  admit,
  open,
  accept,
  decode,
  steer,
  blame,
  release,
  upkeep,
  gather,
  account,
  compose,
  seal,
  stamp,
  transmit,
  count_
};
inline constexpr std::size_t stage_count = static_cast<std::size_t>(Stage::count_);
inline constexpr std::array<std::string_view, stage_count> stage_names = {
    "refill", "receive", "parse",   "guard",  "verify", "greet",   "admit",   "open", "accept", "decode",
    "steer",  "blame",   "release", "upkeep", "gather", "account", "compose", "seal", "stamp",  "transmit"};
using StageTimes = std::array<std::uint64_t, stage_count>;

template <port::Port P>
class StagedLane {
 public:
  StagedLane(const lane::IoConfig& config, P& port, std::vector<lane::IoShardLink*> shards,
             lane::HandshakeLink& handshake, const crypt::CookieJar& jar, const crypt::Entropy& entropy)
      : port_(port), state_(config, std::move(shards), handshake, jar, entropy) {}

  unsigned poll(Nanos now) noexcept {
    last_ = rte_rdtsc();
    refill();
    took(Stage::refill);
    unsigned done = inbound(now);
    last_ = rte_rdtsc();
    done += upkeep(state_, now);
    took(Stage::upkeep);
    return done + outbound(now);
  }
  [[nodiscard]] const lane::IoCounters& counters() const noexcept { return state_.counters; }
  /// Time stamps spent in each stage since the beginning.
  [[nodiscard]] const StageTimes& stages() const noexcept { return times_; }

  void close() noexcept {
    for (lane::IoShardLink* link : state_.shards) {
      lane::OutRow row;
      while (link->filled.pop(&row, 1) == 1) port_.release(wire::Buffer{row.body - lane::body_offset, row.owner});
      wire::Buffer buffer;
      while (link->empties.pop(&buffer, 1) == 1) port_.release(buffer);
    }
    while (!state_.replies.empty()) {
      const lane::OutRow row = state_.replies.pop();
      port_.release(wire::Buffer{row.body - lane::body_offset, row.owner});
    }
    while (!state_.ready.empty()) port_.release(state_.ready.pop().buffer);
    while (!state_.spare.empty()) port_.release(state_.spare.pop());
  }

 private:
  void took(Stage stage) noexcept {
    const std::uint64_t now = rte_rdtsc();
    times_[static_cast<std::size_t>(stage)] += now - last_;
    last_ = now;
  }

  unsigned inbound(Nanos now) noexcept {
    observe::DropCounters& drops = state_.counters.drops;
    port_.receive(batch_, now);
    took(Stage::receive);
    const unsigned received = batch_.rows;
    if (received == 0) return 0;
    wire::parse(batch_, drops);
    took(Stage::parse);
    session::guard(batch_, state_.waf, drops, now);
    took(Stage::guard);
    wire::verify(batch_, state_.crc, drops);
    took(Stage::verify);
    greet(state_, batch_, now);
    took(Stage::greet);
    session::admit(batch_, state_.table, state_.limits, state_.waf, drops, now);
    took(Stage::admit);
    session::open(batch_, state_.table, drops);
    took(Stage::open);
    accept(state_, batch_, now);
    took(Stage::accept);
    decode(state_, batch_, now);
    took(Stage::decode);
    steer(state_);
    took(Stage::steer);
    session::blame(batch_, state_.waf, now);
    took(Stage::blame);
    port_.release(batch_);
    took(Stage::release);
    return received;
  }

  unsigned outbound(Nanos now) noexcept {
    unsigned sent = 0;
    for (gather_ready(state_, batch_); batch_.rows != 0; gather_ready(state_, batch_)) sent += transmit(now);
    for (unsigned burst = 0; burst < bursts_per_poll; ++burst) {
      gather(state_, batch_, freight_, now);
      took(Stage::gather);
      if (batch_.rows == 0) break;
      session::account(batch_, state_.table, freight_, state_.random.next(), now);
      settle_lost(state_, freight_, now);
      took(Stage::account);
      wire::compose(batch_);
      took(Stage::compose);
      session::seal(batch_, state_.table);
      took(Stage::seal);
      wire::stamp(batch_, state_.crc);
      took(Stage::stamp);
      sent += transmit(now);
    }
    return sent;
  }

  unsigned transmit(Nanos now) noexcept {
    const unsigned rows = batch_.rows;
    port_.transmit(batch_, now);
    took(Stage::transmit);
    return rows;
  }

  void refill() noexcept {
    constexpr unsigned burst = wire::Batch::capacity;
    std::array<wire::Buffer, burst> fresh;
    const unsigned target = state_.config.spare_buffers;
    while (state_.spare.size() < target) {
      const unsigned got = port_.acquire(fresh);
      for (unsigned i = 0; i < got; ++i) state_.spare.push(fresh[i]);
      if (got < fresh.size()) break;
    }
    for (lane::IoShardLink* link : state_.shards) {
      while (state_.spare.size() > burst && link->empties.size() < target) {
        const unsigned pushed = link->empties.push(state_.spare.newest(burst), burst);
        state_.spare.drop_of_newest(burst, pushed);
        if (pushed < burst) break;
      }
    }
    while (state_.spare.size() > 2 * target) port_.release(state_.spare.pop());
  }

  static constexpr unsigned bursts_per_poll = 4;

  P& port_;
  lane::IoState state_;
  wire::Batch batch_;
  session::Freight freight_;
  StageTimes times_{};
  std::uint64_t last_ = 0;
};

}  // namespace serried::bench
