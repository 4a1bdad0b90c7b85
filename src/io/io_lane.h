#pragma once
/// The io lane: one queue of each device, its sessions, and the order of the stages. Everything a datagram goes through
/// on its way in and out is one line here, under the name that the stage has in stage.def.

#include <array>

#include "guard/guard.h"
#include "io/connect.h"
#include "io/dispatch.h"
#include "io/gather.h"
#include "io/handover.h"
#include "io/housekeeping.h"
#include "io/io_state.h"
#include "io/measured_sessions.h"
#include "io/record_received.h"
#include "io/reliable.h"
#include "io/stage.h"
#include "io/to_shard.h"
#include "port/port.h"
#include "session/open.h"
#include "wire/compose.h"
#include "wire/parse.h"
#include "wire/stamp.h"

namespace serried::io {

/// `port` and the links outlive the lane. `Probe` sees each stage begin and end.
/// Owner   one thread at a time
template <port::Port P, StageProbe Probe = NoProbe, session::Peers peers = session::Peers::live>
class IoLane {
 public:
  IoLane(const IoConfig& config, P& port, std::vector<link::IoShardLink*> shards, link::HandshakeLink& handshake,
         const crypt::CookieJar& jar, const crypt::Entropy& entropy)
      : port_(port), state_(config, std::move(shards), handshake, jar, entropy) {}

  /// Some bursts in, some out, a slice of housekeeping. Returns how much there was to do; 0: idle.
  unsigned poll(Nanos now) noexcept {
    run(Stage::refill, [&] { refill(); });
    unsigned done = bursts([&] { return inbound(now); });
    done += bursts([&] { return inbound_handed(now); });
    done += run(Stage::housekeeping, [&] { return housekeeping(state_, now); });
    done += run(Stage::run_commands, [&] { return run_commands(state_, now); });
    return done + outbound(now);
  }

  /// Take commands from the admin thread. Before the first poll; `link` outlives the lane.
  void attach(link::AdminLink& link) noexcept { state_.admin.link = &link; }

  /// Share the server with other io lanes. Before the first poll.
  void attach(HandoverLinks links) noexcept { state_.handover.links = std::move(links); }

  /// Open the sessions of a measurement that are this lane's. Before the first poll.
  void open_sessions(const session::Measurement& measurement, Nanos now) noexcept
      requires(peers == session::Peers::recorded) {
    open_measured_sessions(state_, measurement, now);
  }

  /// Refuse newcomers and send every client Disconnect, three times each.
  void begin_drain() noexcept { state_.draining = true; }
  [[nodiscard]] bool drained() const noexcept {
    return state_.draining && state_.table.in_use() == 0 && state_.replies.empty() && state_.ready.empty();
  }
  [[nodiscard]] const IoCounters& counters() const noexcept { return state_.counters; }
  [[nodiscard]] const Probe& probe() const noexcept { return probe_; }

  /// Give every buffer back to the port: after the last poll of this lane and of its shards.
  void close() noexcept {
    const auto take_home = [this](const wire::Buffer& buffer) {
      if (buffer.data != nullptr) port_.release(buffer);
    };
    for (link::IoShardLink* link : state_.shards) {
      link::OutRow row;
      while (link->filled.pop(&row, 1) == 1) take_home(row.buffer());
      wire::Buffer buffer;
      while (link->empties.pop(&buffer, 1) == 1) port_.release(buffer);
      link::GameMessage unread;
      while (link->game_messages.pop(&unread, 1) == 1)
        if (unread.lies_in_buffer()) port_.release(unread.buffer());
    }
    discard_handed(state_);
    while (!state_.replies.empty()) port_.release(state_.replies.pop().buffer());
    while (!state_.ready.empty()) port_.release(state_.ready.pop().buffer);
    trim(0);
  }

 private:
  /// A burst that is nearly full was perhaps a full one, of which the port kept some frames for itself.
  template <class Take>
  static unsigned bursts(Take&& take) noexcept {
    unsigned done = 0, received = wire::Batch::capacity;
    for (unsigned burst = 0; burst < bursts_per_poll && received > wire::Batch::capacity / 2; ++burst)
      done += received = take();
    return done;
  }

  unsigned inbound(Nanos now) noexcept {
    metrics::DropCounters& drops = state_.counters.drops;
    run(Stage::receive, [&] { port_.receive(batch_, now); });
    const unsigned received = batch_.rows;
    if (received == 0) return 0;
    run(Stage::parse, [&] { wire::parse(batch_, drops); });
    run(Stage::guard, [&] { guard::guard(batch_, state_.abuse_guard, drops, now); });
    run(Stage::verify, [&] { wire::verify(batch_, state_.crc, drops); });
    run(Stage::connect, [&] { connect(state_, batch_, now); });
    run(Stage::hand_over, [&] { hand_over(state_, batch_); });
    serve(now);
    run(Stage::release, [&] { port_.release(batch_); });
    return received;
  }

  unsigned inbound_handed(Nanos now) noexcept {
    const unsigned received = run(Stage::take_over, [&] { return take_over(state_, batch_); });
    if (received == 0) return 0;
    serve(now);
    run(Stage::give_back, [&] { give_back(state_, batch_); });
    return received;
  }

  /// The part of the inbound path that needs the sessions.
  void serve(Nanos now) noexcept {
    metrics::DropCounters& drops = state_.counters.drops;
    run(Stage::admit, [&] { session::admit(batch_, state_.table, state_.limits, state_.abuse_guard, drops, now); });
    run(Stage::open, [&] { session::open<peers>(batch_, state_.table, state_.abuse_guard, drops, now); });
    run(Stage::record_received, [&] { record_received(state_, batch_, now); });
    run(Stage::dispatch, [&] { dispatch(state_, batch_, now); });
    run(Stage::steer, [&] { steer(state_); });
    run(Stage::penalize, [&] { guard::penalize(batch_, state_.abuse_guard, now); });
  }

  unsigned outbound(Nanos now) noexcept {
    unsigned sent = 0;
    for (;;) {
      run(Stage::gather_ready, [&] { gather_ready(state_, batch_); });
      if (batch_.rows == 0) break;
      sent += transmit(now);
    }
    for (unsigned burst = 0; burst < bursts_per_poll; ++burst) {
      run(Stage::gather, [&] { gather(state_, batch_, send_info_, now); });
      if (batch_.rows == 0) break;
      run(Stage::record_sent, [&] { record_sent(now); });
      run(Stage::compose, [&] { wire::compose(batch_); });
      run(Stage::seal, [&] { session::seal(batch_, state_.table); });
      run(Stage::stamp, [&] { wire::stamp(batch_, state_.crc); });
      sent += transmit(now);
    }
    return sent;
  }

  void record_sent(Nanos now) noexcept {
    session::record_sent<peers>(batch_, state_.table, send_info_, state_.secrets.next(), now);
    on_evicted(state_, send_info_, now);
  }

  unsigned transmit(Nanos now) noexcept {
    const unsigned rows = batch_.rows;
    run(Stage::transmit, [&] { port_.transmit(batch_, now); });
    return rows;
  }

  /// Empty buffers: for the lane's own answers, and for the shards to write into.
  void refill() noexcept {
    constexpr unsigned burst = wire::Batch::capacity;
    std::array<wire::Buffer, burst> fresh;
    const unsigned target = state_.config.spare_buffers;
    while (state_.spare.size() < target) {
      const unsigned got = port_.acquire(fresh);
      for (unsigned i = 0; i < got; ++i) state_.spare.push(fresh[i]);
      if (got < fresh.size()) break;
    }
    for (link::IoShardLink* link : state_.shards) {
      while (state_.spare.size() > burst && link->empties.size() < target) {
        const unsigned pushed = link->empties.push(state_.spare.newest(burst), burst);
        state_.spare.drop_of_newest(burst, pushed);
        if (pushed < burst) break;
      }
    }
    trim(2 * target);
  }

  void trim(std::size_t most) noexcept {
    while (state_.spare.size() > most) port_.release(state_.spare.pop());
  }

  /// One stage, watched by the probe.
  template <class Work>
  [[gnu::always_inline]] decltype(auto) run(Stage stage, Work&& work) noexcept {
    [[maybe_unused]] const auto watched = probe_.watch(stage);
    return work();
  }

  static constexpr unsigned bursts_per_poll = 4;

  P& port_;
  IoState state_;
  wire::Batch batch_;
  session::SendBatchInfo send_info_;
  [[no_unique_address]] Probe probe_;
};

}  // namespace serried::io
