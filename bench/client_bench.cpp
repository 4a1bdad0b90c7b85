/// The client's path: ns a record of a view that applies datagrams, and ns a datagram of a whole swarm, received and
/// sent, as serried-swarm does it but for the port. With thousands of clients in one process none of them is in the
/// cache when its turn comes, and that is what there is to measure. Work of the server stands outside the time.

#include <ctime>
#include <map>
#include <memory>
#include <numeric>
#include <vector>

#include <benchmark/benchmark.h>

#include "../tests/peer/mini_server.h"
#include "report.h"
#include "tools/swarm/engine.h"
#include "view/view.h"

namespace {

using namespace serried;

constexpr std::uint64_t random_seed = 1;
constexpr unsigned tracked = 120;               // of each view
constexpr unsigned records = 60;                // of a datagram
constexpr unsigned groups = tracked / records;  // datagrams until all have had a record

double thread_seconds() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

std::uint16_t slot_of(unsigned entity) { return static_cast<std::uint16_t>(entity * 37 % 12'000); }

message::EntityState state_of(unsigned entity, std::uint32_t tick) {
  message::EntityState state;
  state.section = {static_cast<std::uint16_t>(3 + entity % 2), 4, 1};
  for (unsigned axis = 0; axis < 2; ++axis) {
    state.position[axis] = static_cast<std::int16_t>(entity * 211 + tick * 7 + axis);
    state.velocity[axis] = static_cast<std::int16_t>(100 + (entity + tick) % 64);
  }
  return state;
}

void write_create(base::ByteWriter& out, unsigned entity) {
  message::CreateEntity create;
  create.slot = slot_of(entity);
  create.own = entity == 0;
  create.id = 1 + entity;
  create.state = state_of(entity, 0);
  message::encode(out, create);
}

void write_records(base::ByteWriter& out, std::uint32_t tick) {
  std::uint8_t bytes[message::record_bytes_max];
  for (unsigned i = 0; i < records; ++i) {
    const unsigned entity = tick % groups * records + i;
    const std::uint8_t* const end = message::write_record(
        bytes, slot_of(entity), message::delta::position | message::delta::velocity, state_of(entity, tick));
    out.write_bytes({bytes, static_cast<std::size_t>(end - bytes)});
  }
}

/// So many views take a datagram of 60 records each, one after the other; with a delay they remember what they draw by.
/// `drawn`: the time is that of drawing all entities of each, once a datagram.
void view_apply(benchmark::State& state, Nanos delay, bool drawn) {
  const auto count = static_cast<std::size_t>(state.range(0));
  view::ViewOptions options;
  options.interpolation_delay = delay;
  std::vector<view::View> views(count, view::View(options));
  std::array<std::uint8_t, 1200> bytes;
  message::ConnectionAccepted accepted;
  accepted.tracked_max = tracked;
  for (view::View& view : views) view.configure(accepted);
  for (unsigned entity = 0; entity < tracked; ++entity)
    for (view::View& view : views) {
      base::ByteWriter out(bytes);
      write_create(out, entity);
      base::ByteReader in(out.written());
      message::Framed framed;
      view.begin(1, second);
      if (!message::next(in, framed) || view.apply(framed) != metrics::Drop::none)
        return state.SkipWithError("an entity was refused");
    }
  std::uint32_t tick = 0;
  const auto round = [&] {
    ++tick;
    base::ByteWriter out(bytes);
    out.write(tick);
    out.write(std::uint16_t{0});
    write_records(out, tick);
    const message::Framed framed{message::Type::delta_sync, out.written()};
    const Nanos now = second + tick * (second / 30);
    double begin = thread_seconds();
    for (view::View& view : views) {
      view.begin(1 + tick, now);
      static_cast<void>(view.apply(framed));
    }
    if (!drawn) return thread_seconds() - begin;
    begin = thread_seconds();
    float place = 0;
    for (const view::View& view : views)
      view.for_each_shown(now + 5 * millisecond,
                          [&](const view::Tracked&, const view::Drawn& seen) { place += seen.position[0]; });
    benchmark::DoNotOptimize(place);
    return thread_seconds() - begin;
  };
  bench::ResultHash hash;
  for (unsigned i = 0; i < (delay != 0 ? 10 : 2) * groups; ++i) static_cast<void>(round());
  for (unsigned entity = 0; entity < tracked; ++entity) {
    const view::Tracked* const known = views[entity % count].find(slot_of(entity));
    hash.add(known == nullptr ? 0 : message::state_hash(known->state));
  }
  std::size_t held = 0;
  for (auto _ : state) state.SetIterationTime(round());
  for (const view::View& view : views) {
    held += sizeof view + view.memory_bytes();
    if (view.counters().records != std::uint64_t{records} * tick) state.SkipWithError("a record was not applied");
  }
  using benchmark::Counter;
  state.counters[drawn ? "per_entity" : "per_record"] =
      Counter(static_cast<double>(state.iterations()) * static_cast<double>(count) * (drawn ? tracked : records),
              Counter::kIsRate | Counter::kInvert);
  state.counters["bytes_per_view"] = static_cast<double>(held) / static_cast<double>(count);
  state.SetLabel(hash.text());
}
void view_apply(benchmark::State& state) { view_apply(state, 0, false); }
BENCHMARK(view_apply)->ArgName("views")->Arg(1)->Arg(100)->Arg(2'000)->Arg(10'000)->UseManualTime();
void scene_apply(benchmark::State& state) { view_apply(state, 100 * millisecond, false); }
BENCHMARK(scene_apply)->ArgName("views")->Arg(1)->Arg(625)->UseManualTime();
void scene_draw(benchmark::State& state) { view_apply(state, 100 * millisecond, true); }
BENCHMARK(scene_draw)->ArgName("views")->Arg(1)->Arg(625)->UseManualTime();

/// Hands out what lies in `in`, and keeps what is sent in `out`, without a copy inside the time.
class BenchPort {
 public:
  struct Item {
    wire::Buffer buffer;
    std::size_t bytes;
    wire::Path path;
  };
  explicit BenchPort(unsigned buffers) : memory_(std::size_t{buffers} * buffer_bytes) {
    for (unsigned i = 0; i < buffers; ++i) {
      std::uint8_t* const at = memory_.data() + std::size_t{i} * buffer_bytes;
      free_.push_back({at + wire::headroom_bytes, at});
    }
  }
  void receive(wire::Batch& batch, Nanos) noexcept {
    batch.clear();
    for (; next_ != in.size() && batch.rows < wire::Batch::capacity; ++next_)
      batch.append(in[next_].buffer.data, in[next_].bytes, in[next_].buffer.owner, in[next_].path);
    counters_.rx_packets.add(batch.rows);
    if (next_ != in.size()) return;
    in.clear();
    next_ = 0;
  }
  void transmit(wire::Batch& batch, Nanos) noexcept {
    counters_.tx_packets.add(batch.live_rows);
    for (unsigned row = 0; row < batch.rows; ++row)
      out.push_back({{batch.data[row], batch.owner[row]}, batch.length[row], batch.path[row]});
    batch.clear();
  }
  unsigned acquire(std::span<wire::Buffer> buffers) noexcept {
    unsigned count = 0;
    for (; count < buffers.size() && !free_.empty(); ++count) {
      buffers[count] = free_.back();
      free_.pop_back();
    }
    return count;
  }
  void release(wire::Batch& batch) noexcept {
    for (unsigned row = 0; row < batch.rows; ++row) free_.push_back({batch.data[row], batch.owner[row]});
    batch.clear();
  }
  void release(const wire::Buffer& buffer) noexcept { free_.push_back(buffer); }
  [[nodiscard]] const port::PortCounters& counters() const noexcept { return counters_; }

  std::vector<Item> in, out;

 private:
  static constexpr std::size_t buffer_bytes = 2048;
  std::vector<std::uint8_t> memory_;
  std::vector<wire::Buffer> free_;
  std::size_t next_ = 0;
  port::PortCounters counters_;
};
static_assert(port::Port<BenchPort>);

struct Hand {
  const Nanos* now;
  Nanos operator()() const { return *now; }
};

/// Bots and a server that know each other, 30 inputs a second and 30 updates of 60 records.
class Crowd {
 public:
  static constexpr Nanos step = 500 * microsecond;
  static constexpr unsigned steps = 66;  // of a round: one server tick
  static constexpr std::uint16_t port_first = 20'000;

  /// `drawn`: one bot in so many draws; 0: none does.
  explicit Crowd(std::uint32_t bots, std::uint32_t drawn = 0)
      : port_(std::max(4'096U, 2 * bots)), random_(random_seed) {
    options_.bots = bots;
    options_.rate_hz = 30;
    options_.connect_rate = 1e6;
    options_.audit = false;
    options_.draw_every = drawn;
    options_.server = test::path_of(4'000);
    server_.parameters.tracked_max = tracked;
    if (drawn != 0) server_.parameters.tick_rate_hz = 30;  // as it is: a scene follows the clock that it is told of
    std::vector<std::uint16_t> ports;
    for (std::uint32_t i = 0; i < 1'000; ++i) ports.push_back(static_cast<std::uint16_t>(port_first + i));
    fleet_ = std::make_unique<tools::Fleet>(options_, server_.key, random_.entropy(), ports, now_);
    engine_ = std::make_unique<tools::Engine<BenchPort, Hand>>(port_, *fleet_, Hand{&now_});
    totals_.port = &port_.counters();
    // The first DeltaSync makes them players, so that ticks may begin before all are in.
    for (unsigned i = 0; fleet_->phase() == tools::Fleet::Phase::connecting && i < 100'000; ++i) {
      if (i % steps == 0) server_.tick(now_);
      static_cast<void>(advance(~0U));
    }
    for (unsigned entity = 0; entity < tracked; entity += 20) {
      server_.tick(now_, {}, [&](base::ByteWriter& out) {
        for (unsigned i = 0; i < 20; ++i) write_create(out, entity + i);
      });
      for (unsigned i = 0; i < steps; ++i) static_cast<void>(advance(~0U));
    }
    for (unsigned i = 0; i < 2 * groups; ++i) static_cast<void>(round());
  }

  /// One tick of the server, and the time that the bots need until the next.
  double round() {
    server_.tick(now_, [&](base::ByteWriter& out) { write_records(out, server_.tick_number); });
    const auto share = static_cast<unsigned>(server_.outbox.size() / steps + 1);
    double seconds = 0;
    for (unsigned i = 0; i < steps; ++i) seconds += advance(share);
    return seconds;
  }
  [[nodiscard]] std::uint64_t datagrams() const {
    return port_.counters().rx_packets.value() + port_.counters().tx_packets.value();
  }
  [[nodiscard]] std::uint64_t result() const {
    bench::ResultHash hash;
    std::uint64_t sum = 0;
    for (const tools::Bot& bot : fleet_->bots()) {
      const view::View& view = bot.session.view();
      sum = base::mix(sum, view.counters().records, bot.session.last_input(), bot.session.applied_input());
      view.for_each([&](const view::Tracked& entity) { sum += message::state_hash(entity.state); });
    }
    return sum;
  }
  [[nodiscard]] bool good() const {
    std::uint64_t records_applied = 0;
    for (const tools::Bot& bot : fleet_->bots()) {
      if (!bot.session.connected() || bot.session.faults().total() != 0) return false;
      records_applied += bot.session.view().counters().records;
    }
    return server_.bad == 0 && records_applied != 0;
  }

 private:
  double advance(unsigned share) {
    for (; share != 0 && at_ != server_.outbox.size(); --share, ++at_) {
      const auto& sent = server_.outbox[at_];
      wire::Buffer buffer;
      if (port_.acquire({&buffer, 1}) == 0) break;
      std::copy(sent.bytes.begin(), sent.bytes.end(), buffer.data);
      wire::Path from = options_.server;
      from.local_port = sent.to.local_port;
      port_.in.push_back({buffer, sent.bytes.size(), from});
    }
    if (at_ == server_.outbox.size()) {
      server_.outbox.clear();
      at_ = 0;
    }
    now_ += step;
    double seconds = 0;
    do {
      const double begin = thread_seconds();
      engine_->poll(test::MiniServer::unix_time, totals_);
      seconds += thread_seconds() - begin;
    } while (!port_.in.empty());
    for (const BenchPort::Item& item : port_.out) {
      server_.receive({item.buffer.data, item.buffer.data + item.bytes}, item.path, now_);
      port_.release(item.buffer);
    }
    port_.out.clear();
    return seconds;
  }

  Nanos now_ = 1'000 * second;
  test::MiniServer server_;
  std::size_t at_ = 0;  ///< in the server's outbox
  BenchPort port_;
  test::SeededEntropy random_;
  tools::SwarmOptions options_;
  std::unique_ptr<tools::Fleet> fleet_;
  std::unique_ptr<tools::Engine<BenchPort, Hand>> engine_;
  tools::EngineTotals totals_;
};

void swarm(benchmark::State& state) {
  Crowd crowd(static_cast<std::uint32_t>(state.range(0)));
  bench::ResultHash hash;
  hash.add(crowd.result());
  const std::uint64_t before = crowd.datagrams();
  for (auto _ : state) state.SetIterationTime(crowd.round());
  bench::report_packets(state, static_cast<double>(crowd.datagrams() - before));
  state.SetLabel(hash.text());
  if (!crowd.good()) state.SkipWithError("a session broke, or a view got nothing");
}
BENCHMARK(swarm)->ArgName("bots")->Arg(100)->Arg(2'000)->Arg(10'000)->Iterations(30)->UseManualTime();

/// The same with one bot in so many that draws: what all of them cost by it.
void swarm_drawing(benchmark::State& state) {
  Crowd crowd(2'000, static_cast<std::uint32_t>(state.range(0)));
  const std::uint64_t before = crowd.datagrams();
  for (auto _ : state) state.SetIterationTime(crowd.round());
  bench::report_packets(state, static_cast<double>(crowd.datagrams() - before));
  if (!crowd.good()) state.SkipWithError("a session broke, or a view got nothing");
}
BENCHMARK(swarm_drawing)->ArgName("one_in")->Arg(0)->Arg(16)->Arg(1)->Iterations(30)->UseManualTime();

}  // namespace

int main(int argc, char** argv) {
  if (!crypt::initialise()) return 1;
  return bench::run(argc, argv,
                    "client; datagrams of " + std::to_string(records) + " records, views of " +
                        std::to_string(tracked) +
                        " entities; swarm: 30 inputs and 30 updates a second of each bot, sizeof(Bot) " +
                        std::to_string(sizeof(tools::Bot)) + "; seed " + std::to_string(random_seed));
}
