/// ns a packet of the stages that look at sessions: find, admit, open, record_sent and seal, for bursts of 32 and 64
/// and 1,000, 10,000 and 100,000 sessions. Each burst is of as many different sessions, visited in a shuffled order, so
/// that their rows miss the caches as they do in a server. Then what refusing costs.

#include <algorithm>
#include <ctime>
#include <memory>
#include <numeric>
#include <vector>

#include <benchmark/benchmark.h>

#include "crypt/aead.h"
#include "guard/guard.h"
#include "report.h"
#include "serried/protocol.h"
#include "session/admit.h"
#include "session/open.h"
#include "session/record_sent.h"
#include "wire/compose.h"

namespace {

using namespace serried;
using metrics::Drop;

constexpr std::uint64_t random_seed = 1;
constexpr std::size_t body_bytes = 66;  // 100 bytes in all, as inputs come
constexpr std::size_t datagram_bytes = wire::header_bytes + body_bytes + wire::tag_bytes + wire::crc_bytes;
constexpr session::AdmitLimits limits{.interval_us = 5'000, .burst_us = 320'000};  // what 128 inputs a second get

wire::Path path_of(std::uint32_t player) {
  wire::Path path;
  path.address = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 10, static_cast<std::uint8_t>(player >> 16), 0, 1};
  path.port = static_cast<std::uint16_t>(player);
  return path;
}

/// Sessions that play, the order in which they are visited, and one burst of theirs.
class Crowd {
 public:
  explicit Crowd(const benchmark::State& state)
      : Crowd(static_cast<unsigned>(state.range(0)), static_cast<unsigned>(state.range(1))) {}
  Crowd(unsigned burst, unsigned sessions)
      : burst_(burst),
        table(0, sessions),
        slots_(sessions),
        buffers_(burst * datagram_bytes),
        interval_(second / 60 * burst / sessions + 1) {
    base::Prng random(random_seed);
    for (std::uint32_t player = 0; player < sessions; ++player) {
      const std::uint32_t slot = table.allocate(random.next(), second);
      table.admission(slot).state = session::State::playing;
      table.peer(slot).path = path_of(player);
      for (auto& byte : table.peer(slot).receive_key.bytes()) byte = static_cast<std::uint8_t>(random.next());
      for (auto& byte : table.outbound(slot).send_key.bytes()) byte = static_cast<std::uint8_t>(random.next());
      slots_[player] = slot;
      ids_.push_back(table.admission(slot).connection_id);
    }
    order_.resize(sessions);
    std::iota(order_.begin(), order_.end(), 0U);
    for (std::size_t i = order_.size() - 1; i != 0; --i) std::swap(order_[i], order_[random.below(i + 1)]);
    batch.clear();
    for (unsigned row = 0; row < burst; ++row)
      batch.append(buffers_.data() + row * datagram_bytes, datagram_bytes, nullptr, {});
  }

  /// Everything that the stages before admission would have written, for the next burst of sessions. `round` counts the
  /// visits of a session, from 1: a sequence that it has not used. Ids come from an array of their own, as a datagram
  /// brings them, so that the table stays cold.
  void next() {
    if (at_ + burst_ > order_.size()) {
      at_ = 0;
      ++round;
    }
    now += interval_;
    for (unsigned row = 0; row < burst_; ++row) {
      const std::uint32_t player = order_[at_ + row];
      batch.connection_id[row] = ids_[player];
      batch.session[row] = slots_[player];
      batch.path[row] = path_of(player);
      batch.sequence[row] = round;
      batch.flags[row] = wire::flag::sealed;
    }
    batch.live_rows = burst_;
    at_ += burst_;
  }
  [[nodiscard]] unsigned burst() const { return burst_; }
  [[nodiscard]] std::vector<std::uint32_t>& ids() { return ids_; }
  [[nodiscard]] const std::uint8_t* bytes() const { return buffers_.data(); }

 private:
  unsigned burst_;

 public:
  session::Table table;
  wire::Batch batch;
  metrics::DropCounters drops;
  guard::AbuseGuard abuse_guard{{}, random_seed};
  std::uint64_t round = 1;
  Nanos now = second;

 private:
  std::vector<std::uint32_t> slots_, order_, ids_;
  std::vector<std::uint8_t> buffers_;
  std::size_t at_ = 0;
  Nanos interval_;  ///< every session sends 60 times a second
};

double thread_seconds() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

// Bursts are prepared outside the time measured; looking at the clock twice a burst costs less than 10 ns a packet,
// which are inside (`clock_alone` says how many).
template <class Prepare, class Stage>
void measure(benchmark::State& state, Crowd& crowd, Prepare&& prepare, Stage&& stage) {
  const auto next = [&](std::uint64_t& result) {
    crowd.next();
    prepare();
    const double begin = thread_seconds();
    result = stage();
    return thread_seconds() - begin;
  };
  bench::ResultHash hash;
  std::uint64_t result = 0;
  while (crowd.round == 1) {  // every session once
    static_cast<void>(next(result));
    hash.add(result);
  }
  for (auto _ : state) state.SetIterationTime(next(result));
  bench::report_packets(state, static_cast<double>(state.iterations()) * crowd.burst());
  state.SetLabel(hash.text());
}

constexpr auto nothing = [] {};

void sizes(benchmark::internal::Benchmark* bench) {
  bench->ArgNames({"burst", "sessions"})->ArgsProduct({{32, 64}, {1'000, 10'000, 100'000}})->UseManualTime();
}

void clock_alone(benchmark::State& state) {
  Crowd crowd(state);
  measure(state, crowd, nothing, [] { return 0; });
}
BENCHMARK(clock_alone)->Apply(sizes);

/// The look-up without what admission asks of the session.
void find(benchmark::State& state) {
  Crowd crowd(state);
  measure(state, crowd, nothing, [&] {
    std::uint64_t sum = 0;
    for (unsigned row = 0; row < crowd.burst(); ++row) crowd.table.prefetch(crowd.batch.connection_id[row]);
    for (unsigned row = 0; row < crowd.burst(); ++row) sum += crowd.table.find(crowd.batch.connection_id[row]);
    return sum;
  });
}
BENCHMARK(find)->Apply(sizes);

/// Every row must come to the same verdict: `expected`.
void admit_all(benchmark::State& state, Crowd& crowd, Drop expected) {
  std::uint64_t wrong = 0;
  measure(state, crowd, nothing, [&] {
    session::admit(crowd.batch, crowd.table, limits, crowd.abuse_guard, crowd.drops, crowd.now);
    std::uint64_t sum = crowd.batch.live_rows;
    wrong += crowd.batch.live_rows != (expected == Drop::none ? crowd.burst() : 0);
    for (unsigned i = 0; i < crowd.batch.live_rows; ++i) sum = sum * 31 + crowd.batch.session[crowd.batch.live[i]];
    return sum;
  });
  if (wrong != 0 || (expected != Drop::none && crowd.drops.value(expected) == 0))
    state.SkipWithError("a datagram was judged wrongly");
}

void admit(benchmark::State& state) {
  Crowd crowd(state);
  admit_all(state, crowd, Drop::none);
}
BENCHMARK(admit)->Apply(sizes);

/// The random part of the id is wrong.
void admit_unknown(benchmark::State& state) {
  Crowd crowd(state);
  for (std::uint32_t& id : crowd.ids()) id ^= 0x7FF;
  admit_all(state, crowd, Drop::unknown_session);
}
BENCHMARK(admit_unknown)->Apply(sizes);

/// From addresses that are not the sessions', when the budget for such is spent.
void admit_foreign(benchmark::State& state) {
  Crowd crowd(state);
  std::uint64_t wrong = 0;
  const Nanos frozen = crowd.now;
  while (crowd.abuse_guard.admit_foreign(path_of(0).address, {.needy = true}, frozen) == Drop::none) {
  }
  const auto move_away = [&] {
    for (unsigned row = 0; row < crowd.burst(); ++row) crowd.batch.path[row].address[15] ^= 0xFF;
  };
  measure(state, crowd, move_away, [&] {
    session::admit(crowd.batch, crowd.table, {}, crowd.abuse_guard, crowd.drops, frozen);
    wrong += crowd.batch.live_rows;
    return crowd.batch.live_rows;
  });
  if (wrong != 0) state.SkipWithError("a foreign source was let in");
}
BENCHMARK(admit_foreign)->Apply(sizes);

void admit_replay(benchmark::State& state) {
  Crowd crowd(state);
  for (const std::uint32_t id : crowd.ids())
    for (std::uint64_t sequence = 1; sequence <= 400; ++sequence)
      static_cast<void>(crowd.table.admission(session::slot_of(id)).replay.commit(1ULL << 40 | sequence));
  admit_all(state, crowd, Drop::replay_old);
}
BENCHMARK(admit_replay)->Apply(sizes);

/// session::open over datagrams that were sealed just before, which puts their keys into the cache: what the AEAD costs
/// with cold keys, crypt_bench says. Here are the batch's set-up and the replay window.
void open(benchmark::State& state) {
  Crowd crowd(state);
  std::uint64_t wrong = 0;
  const auto seal_first = [&] {
    for (unsigned row = 0; row < crowd.burst(); ++row)
      crypt::seal_in_place(crowd.table.peer(crowd.batch.session[row]).receive_key.data(),
                           crowd.batch.connection_id[row], crowd.batch.sequence[row], crowd.batch.data[row], 0,
                           body_bytes);
  };
  measure(state, crowd, seal_first, [&] {
    session::open(crowd.batch, crowd.table, crowd.abuse_guard, crowd.drops, crowd.now);
    wrong += crowd.batch.live_rows != crowd.burst();
    return crowd.batch.live_rows;
  });
  if (wrong != 0) state.SkipWithError("a valid datagram was refused");
}
BENCHMARK(open)->Apply(sizes);

/// The guard over datagrams that are not banned, with so many bans of addresses, and of networks of three lengths.
void guard_with(benchmark::State& state, unsigned bans) {
  Crowd crowd(state);
  constexpr unsigned lengths[] = {128, 128, guard::mapped_bits + 24, guard::mapped_bits + 16};
  for (unsigned i = 0; i < bans; ++i) {
    const guard::Address banned = {0,
                                   0,
                                   0,
                                   0,
                                   0,
                                   0,
                                   0,
                                   0,
                                   0,
                                   0,
                                   0xFF,
                                   0xFF,
                                   172,
                                   16,
                                   static_cast<std::uint8_t>(i >> 8),
                                   static_cast<std::uint8_t>(i)};
    static_cast<void>(crowd.abuse_guard.operator_bans.add(guard::prefix_of(banned, lengths[i % 4]), ~Nanos{0}));
  }
  std::uint64_t wrong = 0;
  measure(state, crowd, nothing, [&] {
    guard::guard(crowd.batch, crowd.abuse_guard, crowd.drops, crowd.now);
    wrong += crowd.batch.live_rows != crowd.burst();
    return crowd.batch.live_rows;
  });
  if (wrong != 0) state.SkipWithError("a datagram was judged wrongly");
}

void guard(benchmark::State& state) { guard_with(state, 0); }
BENCHMARK(guard)->Apply(sizes);

void guard_bans_1000(benchmark::State& state) { guard_with(state, 1'000); }
BENCHMARK(guard_bans_1000)->Apply(sizes);

/// The whole burst is malformed, each datagram from another source, as a flood of made-up addresses is.
void penalize(benchmark::State& state) {
  Crowd crowd(state);
  const auto spoil = [&] { crowd.batch.filter(crowd.drops, [](unsigned) noexcept { return Drop::bad_crc; }); };
  measure(state, crowd, spoil, [&] {
    guard::penalize(crowd.batch, crowd.abuse_guard, crowd.now);
    return crowd.batch.rows;
  });
}
BENCHMARK(penalize)->Apply(sizes);

void record_sent(benchmark::State& state) {
  Crowd crowd(state);
  session::SendBatchInfo info{};
  for (unsigned row = 0; row < crowd.burst(); ++row) {
    info.packet[row] = {channel::PayloadKind::plan, 0, static_cast<std::uint16_t>(row + 1)};
    info.ack_eliciting[row] = true;
  }
  base::Prng random(random_seed);
  measure(state, crowd, nothing, [&] {
    session::record_sent(crowd.batch, crowd.table, info, random.next(), crowd.now);
    std::uint64_t sum = 0;
    for (unsigned row = 0; row < crowd.burst(); ++row) sum = sum * 31 + crowd.batch.sequence[row];
    return sum;
  });
}
BENCHMARK(record_sent)->Apply(sizes);

void seal(benchmark::State& state) {
  Crowd crowd(state);
  measure(state, crowd, nothing, [&] {
    session::seal(crowd.batch, crowd.table);
    return std::uint64_t{crowd.bytes()[wire::header_bytes]};
  });
}
BENCHMARK(seal)->Apply(sizes);

}  // namespace

int main(int argc, char** argv) {
  if (!crypt::initialise()) return 1;
  return bench::run(argc, argv,
                    "session stages; datagrams of " + std::to_string(datagram_bytes) + " bytes; tables of " +
                        std::to_string(session::Table::bytes_per_session()) +
                        " bytes a session in shuffled order; seed " + std::to_string(random_seed));
}
