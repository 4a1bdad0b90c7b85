/// ns a call of the bookkeeping of acks, in a steady state with nothing lost: each session sends one or six datagrams,
/// the other side notes them and reports with one block, the block is read and believed. Bursts of 64 sessions, out of
/// 1,000, 10,000 and 100,000 in a shuffled order.
///
///     note_sent | note_received | report | acknowledge        per call; `each` is how many datagrams a block tells of
///     reliable                                                per datagram; `each` is how many messages it bundles:
///                                                             send, compose, accept and on_outcome, one
///                                                             session after the other

#include <array>
#include <ctime>
#include <numeric>
#include <vector>

#include <benchmark/benchmark.h>

#include "channel/ack.h"
#include "channel/reliable.h"
#include "report.h"

namespace {

using namespace serried;
using namespace serried::channel;

constexpr unsigned burst = 64;
constexpr std::uint64_t random_seed = 1;
constexpr std::size_t block_bytes_max = 20;
constexpr std::uint16_t datagram_bytes = 600;
constexpr Nanos round_trip = 40 * millisecond;

enum class Step : unsigned { note_sent, note_received, report, acknowledge };

struct alignas(64) Pair {
  SentDatagrams sent;
  ReceivedDatagrams received;
};

double thread_seconds() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

class Steady {
 public:
  Steady(unsigned each, std::size_t sessions) : each_(each), pairs_(sessions), order_(sessions) {
    base::Prng random(random_seed);
    std::iota(order_.begin(), order_.end(), 0U);
    for (std::size_t i = sessions - 1; i != 0; --i) std::swap(order_[i], order_[random.below(i + 1)]);
  }

  /// All four steps for the next 64 sessions; returns the seconds of `timed`.
  double next(Step timed) {
    if (at_ + burst > order_.size()) at_ = 0;
    now_ += second / 60 * burst / order_.size() + 1;
    double seconds = 0;
    for (const Step step : {Step::note_sent, Step::note_received, Step::report, Step::acknowledge}) {
      const double begin = thread_seconds();
      take(step);
      if (step == timed) seconds = thread_seconds() - begin;
    }
    at_ += burst;
    return seconds;
  }
  [[nodiscard]] std::uint64_t outcomes() const { return outcomes_; }
  [[nodiscard]] std::uint64_t wrong() const { return wrong_; }
  [[nodiscard]] std::uint64_t bursts_of_a_round() const { return order_.size() / burst; }

 private:
  void take(Step step) {
    for (unsigned i = 0; i < burst; ++i) {
      Pair& pair = pairs_[order_[at_ + i]];
      switch (step) {
        case Step::note_sent:
          for (unsigned k = 0; k < each_; ++k) {
            sequence_[i][k] = pair.sent.next_sequence(false);
            const auto tag = static_cast<std::uint16_t>(sequence_[i][k] | 1);
            static_cast<void>(pair.sent.note(sequence_[i][k], {PayloadKind::plan, 0, tag}, datagram_bytes, now_));
          }
          break;
        case Step::note_received:
          for (unsigned k = 0; k < each_; ++k)
            pair.received.note(sequence_[i][k], AckPolicy::soon, now_ + round_trip / 2);
          break;
        case Step::report: {
          base::ByteWriter out{block_[i]};
          write_ack_block(out, pair.received.report(now_ + round_trip / 2));
          break;
        }
        case Step::acknowledge: {
          AckBlock block;
          base::ByteReader in{block_[i]};
          AckResult result;
          wrong_ += !read_ack_block(in, block) ||
                    pair.sent.acknowledge(block, 25 * millisecond, now_ + round_trip, outcome_.data(), result) !=
                        SentDatagrams::Verdict::ok ||
                    result.outcomes != each_;
          outcomes_ = outcomes_ * 31 + outcome_[0].packet.tag + result.outcomes;
          break;
        }
      }
    }
  }

  unsigned each_;
  std::vector<Pair> pairs_;
  std::vector<std::uint32_t> order_;
  std::size_t at_ = 0;
  Nanos now_ = second;
  std::array<std::array<std::uint64_t, 8>, burst> sequence_{};
  std::array<std::array<std::uint8_t, block_bytes_max>, burst> block_{};
  std::array<SentDatagrams::Outcome, SentDatagrams::capacity> outcome_{};
  std::uint64_t outcomes_ = 0, wrong_ = 0;
};

void run_step(benchmark::State& state, Step step, bool per_datagram) {
  const auto each = static_cast<unsigned>(state.range(0));
  Steady steady(each, static_cast<std::size_t>(state.range(1)));
  for (std::uint64_t i = 0; i < 2 * steady.bursts_of_a_round(); ++i) static_cast<void>(steady.next(step));
  bench::ResultHash hash;
  hash.add(steady.outcomes());
  for (auto _ : state) state.SetIterationTime(steady.next(step));
  if (steady.wrong() != 0) state.SkipWithError("a block was misread, or told of other datagrams than were sent");
  bench::report_packets(state, static_cast<double>(state.iterations()) * burst * (per_datagram ? each : 1));
  state.SetLabel(hash.text());
}

void note_sent(benchmark::State& state) { run_step(state, Step::note_sent, true); }
void note_received(benchmark::State& state) { run_step(state, Step::note_received, true); }
void report(benchmark::State& state) { run_step(state, Step::report, false); }
void acknowledge(benchmark::State& state) { run_step(state, Step::acknowledge, false); }

/// One datagram of `each` messages of 40 bytes on channel 1, from one end of every session to the other.
void reliable(benchmark::State& state) {
  const auto each = static_cast<unsigned>(state.range(0));
  struct Ends {
    Reliable from, to;
  };
  std::vector<Ends> sessions(static_cast<std::size_t>(state.range(1)));
  for (Ends& ends : sessions) {
    ends.from.open(message_bytes_max);
    ends.to.open(message_bytes_max);
  }
  Pools pools{64, 0, 0};
  std::uint64_t taken = 0;
  const Receiver receiver{[](void* count, wire::Channel, message::Type, std::span<const std::uint8_t> content) {
                            *static_cast<std::uint64_t*>(count) += content[0];
                            return true;
                          },
                          nullptr, &taken};
  const std::array<std::uint8_t, 40> content{1};
  std::array<std::uint8_t, wire::body_bytes_max> body;
  std::uint64_t wrong = 0;
  std::size_t at = 0;
  for (auto _ : state) {
    const double begin = thread_seconds();
    for (unsigned i = 0; i < burst; ++i) {
      auto& [from, to] = sessions[at];
      at = (at + 1) % sessions.size();
      for (unsigned k = 0; k < each; ++k)
        wrong += from.send(pools, wire::Channel::reliable_ordered, message::Type::game_first, content, Urgency::bundled,
                           0) != Queued::yes;
      base::ByteWriter out{body};
      const SentPacket packet = from.compose(pools, out, 0).packet;
      wrong += to.accept(pools, wire::Channel::reliable_ordered, base::ByteReader{out.written()}, receiver, 0) !=
               Accepted::yes;
      from.on_outcome(pools, packet, true);
    }
    state.SetIterationTime(thread_seconds() - begin);
  }
  const double datagrams = static_cast<double>(state.iterations()) * burst;
  if (wrong != 0 || static_cast<double>(taken) != datagrams * each)
    state.SkipWithError("a message was refused, or did not come out at the other end");
  bench::report_packets(state, datagrams);
}

void sizes(benchmark::internal::Benchmark* bench) {
  bench->ArgNames({"each", "sessions"})->ArgsProduct({{1, 6}, {1'000, 10'000, 100'000}})->UseManualTime();
}
BENCHMARK(note_sent)->Apply(sizes);
BENCHMARK(note_received)->Apply(sizes);
BENCHMARK(report)->Apply(sizes);
BENCHMARK(acknowledge)->Apply(sizes);
BENCHMARK(reliable)->Apply(sizes);

}  // namespace

int main(int argc, char** argv) {
  return bench::run(
      argc, argv,
      "acks, bursts of 64 sessions, queues of " + std::to_string(SentDatagrams::capacity) +
          " datagrams; per_packet is a datagram for note_* and reliable, a block for report and acknowledge; seed " +
          std::to_string(random_seed));
}
