#pragma once
/// An io lane between its wire and its rings, as the engine has it, with the bench in the place of the shard: it takes
/// input rows out of the ring and puts bodies in. Time is virtual: every session sends and is answered 60 times a
/// second, whatever the measurement takes.
///
///     crowd -> far port ~ wire ~ near port -> lane -> inputs          prepared and checked outside, timed inside
///     crowd <- far port ~ wire ~ near port <- lane <- filled

#include <numeric>
#include <optional>
#include <time.h>

#include "crowd.h"
#include "stage_cycles.h"
#include "support/server.h"

namespace serried::bench {

inline constexpr std::uint64_t protocol_id = 0x68636e6562;
inline constexpr unsigned cookie_rate_per_s = 200'000;  ///< and as many at once: soon spent by a client that wants to

struct BedOptions {
  unsigned lane = 0;  ///< number of the io lane
  unsigned sessions = 10'000;
  unsigned inputs = 3;
  unsigned chunk = 1'024;  ///< datagrams on the wire at a time
  Nanos settle = 0;        ///< what was sent takes so long to arrive
  bool lingers = false;    ///< answers may take longer than that
  bool answers = true;     ///< what the lane sends reaches the crowd
};

/// What one measured piece came to.
struct Piece {
  Stopwatch watch;
  StageCycles::ByStage stages{};
  std::uint64_t packets = 0;
  std::uint64_t polls = 0, idle_polls = 0;
};

template <port::Port P, port::Port F, io::StageProbe Probe>
class Bed {
 public:
  Bed(P& near, F& far, const wire::Path& address, const BedOptions& bed_options)
      : options(bed_options),
        port(near),
        crowd(far, address, protocol_id, bed_options.inputs),
        server(setup_of(bed_options), {&near}) {}

  /// Give the players an order in which they are visited, far from that of their slots.
  void shuffle() {
    order_.resize(crowd.size());
    std::iota(order_.begin(), order_.end(), 0U);
    base::Prng random(5);
    for (std::size_t i = order_.size() - 1; i != 0; --i) std::swap(order_[i], order_[random.below(i + 1)]);
  }
  /// The next players of the order, at most a chunk of them; the order begins anew behind its end.
  std::span<const std::uint32_t> next_chunk() {
    if (at_ == order_.size()) at_ = 0;
    const std::size_t count = std::min<std::size_t>(options.chunk, order_.size() - at_);
    const std::span<const std::uint32_t> who{order_.data() + at_, count};
    at_ += count;
    return who;
  }

  /// A datagram of each, through the lane: to input rows if they are valid.
  void receive(std::span<const std::uint32_t> who, Kind kind, Piece& piece) {
    sent_inputs += kind == Kind::valid ? who.size() : 0;
    take(who.size(), piece, [&] { crowd.send(who, kind, now); });
  }
  /// What `send` sends, so many datagrams, through the lane.
  template <class Send>
  void take(std::size_t count, Piece& piece, Send&& send) {
    send();
    settle();
    measure(piece, count, 0, [] {});
    drain();
  }
  /// A body for each, through the lane to the wire.
  void send(std::span<const std::uint32_t> who, std::size_t body_bytes, Piece& piece) {
    write_bodies(who, body_bytes);
    push_bodies(static_cast<unsigned>(who.size()));
    measure(piece, 0, who.size(), [] {});
    collect(who.size());
  }
  /// Both, a burst in and a burst out with each poll, as in a server whose shards keep up.
  void exchange(std::span<const std::uint32_t> who, std::size_t body_bytes, Piece& piece) {
    write_bodies(who, body_bytes);
    crowd.send(who, Kind::valid, now);
    sent_inputs += who.size();
    settle();
    measure(piece, who.size(), who.size(), [&] { push_bodies(wire::Batch::capacity); });
    drain();
    collect(who.size());
  }

  /// What a player that has just come must be told of the entities around: encoded into bodies, and through the lane.
  void welcome(std::uint32_t index, unsigned records, Piece& piece) {
    for (unsigned tries = 0; link.empties.size() < wire::Batch::capacity && tries < 1'000; ++tries) lane.poll(now);
    const Player& player = crowd.player(index);
    out_.clear();
    pushed_ = 0;
    crowd.welcoming = true;
    message::CreateEntity created;
    created.type = 1;
    piece.watch.start();
    for (unsigned record = 0; record < records;) {
      wire::Buffer buffer;
      if (link.empties.pop(&buffer, 1) == 0) break;  // and the records are missed at the other end
      base::ByteWriter writer{{buffer.data + link::body_offset, link::out_body_bytes_max}};
      std::size_t bytes = 0;
      for (; record < records; ++record) {
        created.id = record;
        created.slot = static_cast<std::uint16_t>(record);
        created.state.health = static_cast<std::uint8_t>(record);
        message::encode(writer, created);
        if (!writer.ok()) break;
        bytes = writer.size();
      }
      add_body(buffer, player, bytes);
    }
    const auto bodies_now = static_cast<unsigned>(out_.size());
    push_bodies(bodies_now);
    piece.watch.stop();
    measure(piece, 0, bodies_now, [] {});
    piece.packets += records - bodies_now;
    collect(bodies_now);
    crowd.welcoming = false;
    sent_creates += records;
  }

  /// Take the input rows as the shard does.
  void drain() {
    std::array<link::InputRow, wire::Batch::capacity> rows;
    for (unsigned count; (count = link.inputs.pop(rows.data(), wire::Batch::capacity)) != 0;)
      for (unsigned i = 0; i < count; ++i) {
        const link::InputRow& row = rows[i];
        inputs += row.has_input;
        plans_acked += static_cast<unsigned>(__builtin_popcount(row.plan_acked_mask));
        if (row.has_input != 0)
          hash.add(base::mix(session::slot_of(row.connection_id), row.input_sequence),
                   base::mix(static_cast<std::uint8_t>(row.move_x), static_cast<std::uint8_t>(row.move_y),
                             static_cast<std::uint16_t>(row.yaw), row.buttons));
      }
  }

  BedOptions options;
  P& port;
  Crowd<F> crowd;
  test::Server<P, Probe> server;
  io::IoLane<P, Probe>& lane = *server.ios.front();
  link::IoShardLink& link = *server.links.front();
  Nanos now = 100 * second;
  std::optional<Nanos> pace;  ///< of virtual time a burst; without it as long as one of all sessions takes

  ResultHash hash;  ///< of all inputs that came out
  std::uint64_t inputs = 0, plans_acked = 0, bodies = 0;
  std::uint64_t sent_inputs = 0, sent_bodies = 0, sent_creates = 0;

 private:
  static constexpr unsigned rows_max = 4'096;

  static test::ServerSetup setup_of(const BedOptions& options) {
    test::ServerSetup setup;
    setup.seed = 11;
    setup.io = lane_config(options);
    setup.tokens_remembered = setup.players_max = options.sessions + 1;
    setup.jobs = 512;
    setup.link_rows = setup.link_buffers = rows_max;
    return setup;
  }
  static io::IoConfig lane_config(const BedOptions& options) {
    io::IoConfig config;
    config.lane = options.lane;
    config.sessions_max = options.sessions;
    config.cookie_rate_per_s = cookie_rate_per_s;
    config.spare_buffers = 2 * options.chunk;
    config.protocol_id = protocol_id;
    config.parameters.input_rate_max_hz = 128;
    // The handshakes of many take hours of virtual time; no client is to be sent away meanwhile.
    config.parameters.idle_ping_ms = config.parameters.timeout_ms = 86'400'000;
    return config;
  }

  static void sleep(Nanos span) {
    const timespec moment{0, static_cast<long>(span)};
    ::nanosleep(&moment, nullptr);
  }
  void settle() const {
    if (options.settle != 0) sleep(options.settle);
  }

  /// Poll until so many datagrams went in and out, or for long nothing came.
  template <class Before>
  void measure(Piece& piece, std::size_t packets_in, std::size_t packets_out, Before&& before) {
    constexpr unsigned patience = 10'000;
    const Nanos interval = pace.value_or(second / 60 * wire::Batch::capacity / std::max<std::size_t>(order_.size(), 1));
    const port::PortCounters& counters = port.counters();
    const std::uint64_t goal_in = counters.rx_packets.value() + packets_in;
    const std::uint64_t goal_out = counters.tx_packets.value() + packets_out;
    const auto done = [&] { return counters.rx_packets.value() >= goal_in && counters.tx_packets.value() >= goal_out; };
    StageCycles::ByStage stages{};
    if constexpr (requires { lane.probe().sums(); }) stages = lane.probe().sums();
    piece.watch.start();
    for (unsigned idle = 0; !done() && idle < patience;) {
      before();
      // As much time passes as the datagrams of the last poll stand for: one interval a burst.
      now += interval * std::max<std::uint64_t>(1, (moved_ + wire::Batch::capacity - 1) / wire::Batch::capacity);
      const std::uint64_t in = counters.rx_packets.value(), out = counters.tx_packets.value();
      const bool worked = lane.poll(now) != 0;
      moved_ = std::max(counters.rx_packets.value() - in, counters.tx_packets.value() - out);
      idle = worked ? 0 : idle + 1;
      ++piece.polls;
      piece.idle_polls += worked ? 0 : 1;
    }
    piece.watch.stop();
    piece.packets += std::max(packets_in, packets_out);
    if constexpr (requires { lane.probe().sums(); })
      for (std::size_t i = 0; i < stages.size(); ++i) piece.stages[i] += lane.probe().sums()[i] - stages[i];
  }

  void write_bodies(std::span<const std::uint32_t> who, std::size_t body_bytes) {
    out_.clear();
    pushed_ = 0;
    for (const std::uint32_t index : who) {
      wire::Buffer buffer;
      for (unsigned tries = 0; link.empties.pop(&buffer, 1) == 0 && tries < 1'000; ++tries) lane.poll(now);
      const Player& player = crowd.player(index);
      crowd.pattern().write(buffer.data + link::body_offset, body_bytes, player.connection_id);
      add_body(buffer, player, body_bytes);
    }
  }
  void add_body(const wire::Buffer& buffer, const Player& player, std::size_t bytes) {
    out_.push_back(link::OutRow::Datagram{.session = player.session,
                                          .connection_id = player.connection_id,
                                          .body_bytes = static_cast<std::uint16_t>(bytes),
                                          .plan = ++plan_ == 0 ? ++plan_ : plan_,
                                          .owner = buffer.owner,
                                          .body = buffer.data + link::body_offset});
  }
  void push_bodies(unsigned count) {
    const auto left = static_cast<unsigned>(out_.size()) - pushed_;
    pushed_ += link.filled.push(out_.data() + pushed_, std::min(count, left));
  }
  void collect(std::size_t expected) {
    unsigned got = crowd.collect(now);
    for (unsigned tries = 0; options.lingers && got < expected && tries < 50; ++tries) {
      sleep(200 * microsecond);
      got += crowd.collect(now);
    }
    bodies += got;
    sent_bodies += expected;
  }

  std::vector<std::uint32_t> order_;
  std::size_t at_ = 0;
  std::vector<link::OutRow> out_;
  unsigned pushed_ = 0;
  std::uint64_t moved_ = 0;  ///< datagrams of the last poll
  std::uint16_t plan_ = 0;
};

}  // namespace serried::bench
