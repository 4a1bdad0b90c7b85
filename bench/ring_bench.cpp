/// What a row costs on its way between two lanes: on one core, and between two. Rows are those of lanes (32 bytes).

#include <array>
#include <atomic>
#include <chrono>
#include <memory>
#include <thread>

#include "link/spsc.h"
#include "report.h"

namespace {

using namespace serried;

struct Row {
  std::uint64_t number = 0;
  std::array<std::uint64_t, 3> rest{};
};
static_assert(sizeof(Row) == 32);

constexpr unsigned burst_max = 64;

/// Push a burst, pop it again: both ends on this core.
void same_core(benchmark::State& state) {
  const auto burst = static_cast<unsigned>(state.range(0));
  link::Spsc<Row> ring{1'024};
  std::array<Row, burst_max> rows{};
  std::uint64_t next = 0;
  bench::ResultHash hash;
  for (auto _ : state) {
    for (unsigned i = 0; i < burst; ++i) rows[i].number = next + i;
    if (ring.push(rows.data(), burst) != burst || ring.pop(rows.data(), burst) != burst ||
        rows[burst - 1].number != next + burst - 1) {
      state.SkipWithError("a row was lost");
      break;
    }
    next += burst;
  }
  hash.add(burst);
  bench::report_packets(state, static_cast<double>(next));
  state.SetLabel(hash.text());
}

/// Another thread pushes bursts of numbered rows, this one pops and checks them. Per row of wall time: the slower end.
void between_threads(benchmark::State& state) {
  const auto burst = static_cast<unsigned>(state.range(0));
  constexpr std::uint64_t rows_each = 1'000'000;
  std::uint64_t total = 0;
  for (auto _ : state) {
    link::Spsc<Row> ring{4'096};
    std::atomic<bool> go{false};
    std::thread producer{[&] {
      std::array<Row, burst_max> rows{};
      while (!go.load(std::memory_order_acquire)) std::this_thread::yield();
      for (std::uint64_t next = 0; next < rows_each;) {
        for (unsigned i = 0; i < burst; ++i) rows[i].number = next + i;
        unsigned pushed = 0;
        while (pushed < burst) pushed += ring.push(rows.data() + pushed, burst - pushed);
        next += burst;
      }
    }};
    std::array<Row, burst_max> rows{};
    std::uint64_t expected = 0;
    bool whole = true;
    const auto began = std::chrono::steady_clock::now();
    go.store(true, std::memory_order_release);
    while (expected < rows_each) {
      const unsigned count = ring.pop(rows.data(), burst);
      for (unsigned i = 0; i < count; ++i) whole = whole && rows[i].number == expected + i;
      expected += count;
    }
    state.SetIterationTime(std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count());
    producer.join();
    if (!whole) {
      state.SkipWithError("a row was lost, or out of order");
      break;
    }
    total += expected;
  }
  bench::ResultHash hash;
  hash.add(rows_each);
  bench::report_packets(state, static_cast<double>(total));
  state.SetLabel(hash.text());
}

BENCHMARK(same_core)->ArgName("burst")->Arg(8)->Arg(32)->Arg(64);
BENCHMARK(between_threads)->ArgName("burst")->Arg(8)->Arg(32)->Arg(64)->UseManualTime();

}  // namespace

int main(int argc, char** argv) {
  return serried::bench::run(argc, argv, "rows of 32 bytes; per_packet is one row pushed and popped");
}
