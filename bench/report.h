#pragma once
/// What the stage benchmarks share: how they say what was measured, so that two runs can be compared.

#include <cstdint>
#include <cstdio>
#include <string>

#include <benchmark/benchmark.h>

#include "base/prng.h"

namespace serried::bench {

/// Time a packet, as a counter of the row: printed in ns, seconds in JSON. Nothing else may be inside the timed loop.
inline void report_packets(benchmark::State& state, double packets) {
  using benchmark::Counter;
  state.counters["per_packet"] = Counter(packets, Counter::kIsRate | Counter::kInvert);
  state.counters["packets/s"] = Counter(packets, Counter::kIsRate);
}

/// Gathers results, in any order that is itself deterministic; the same code on any CPU must print the same hash.
class ResultHash {
 public:
  void add(std::uint64_t value) noexcept { hash_ = base::mix(hash_, value); }
  void add(const std::uint8_t* bytes, std::size_t count) noexcept {
    for (std::size_t i = 0; i < count; ++i) hash_ = (hash_ ^ bytes[i]) * 0x100000001B3U;
  }
  [[nodiscard]] std::string text() const {
    char text[32];
    std::snprintf(text, sizeof text, "hash=%016llx", static_cast<unsigned long long>(hash_));
    return text;
  }

 private:
  std::uint64_t hash_ = 0;
};

/// A main function: the configuration goes into the header of the output, and into its JSON.
inline int run(int argc, char** argv, const std::string& configuration) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::AddCustomContext("configuration", configuration);
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}

}  // namespace serried::bench
