/// ns a packet of parse, compose, verify and stamp, for bursts of 32 and 64 and bodies of 64, 100 and 1166 bytes.
/// A burst is the next of 512 datagrams at mbuf distance, as it would be behind a NIC's descriptor ring; no stage of
/// wire looks at a session, so their number is not varied here (see crypt_bench.cpp).

#include <algorithm>
#include <vector>

#include <benchmark/benchmark.h>

#include "report.h"
#include "serried/protocol.h"
#include "simd/isa.h"
#include "wire/compose.h"
#include "wire/parse.h"
#include "wire/stamp.h"
#include "wire/verify.h"

namespace {

using namespace serried;
using wire::Batch;

constexpr std::size_t datagrams = 512;
constexpr std::size_t stride = 2048 + 128;  // an mbuf's data room
constexpr std::uint64_t random_seed = 1;

/// 512 valid datagrams, and one batch that takes them burst by burst.
class Ring {
 public:
  Ring(std::size_t burst, std::size_t body) : burst_(burst), memory_(datagrams * stride) {
    base::Prng random(random_seed);
    const auto length = static_cast<std::uint16_t>(wire::header_bytes + body + wire::tag_bytes + wire::crc_bytes);
    for (auto& byte : memory_) byte = static_cast<std::uint8_t>(random.next());
    for (std::size_t i = 0; i < datagrams; ++i) {
      std::uint8_t* const data = memory_.data() + i * stride;
      wire::compose_header(data, {.connection_id = static_cast<std::uint32_t>(random.next() | 1),
                                  .channel = static_cast<std::uint8_t>(random.below(wire::channel_count)),
                                  .flags = wire::flag::sealed,
                                  .sequence = 1 + random.below(1'000'000)});
      wire::stamp_one({data, length}, seed);
    }
    batch.clear();
    for (std::size_t i = 0; i < burst_; ++i) batch.append(memory_.data(), length, nullptr, wire::Path{});
  }

  /// The next burst: pointers only, all rows live again. About 0.3 ns a packet, inside the timed loop.
  void next() {
    if (at_ + burst_ > datagrams) at_ = 0;
    for (std::size_t i = 0; i < burst_; ++i) batch.data[i] = memory_.data() + (at_ + i) * stride;
    at_ += burst_;
    batch.live_rows = batch.rows;
  }

  const wire::CrcSeed seed{default_protocol_id};
  Batch batch;
  metrics::DropCounters drops;

 private:
  std::size_t burst_, at_ = 0;
  std::vector<std::uint8_t> memory_;
};

template <class Stage>
void run_stage(benchmark::State& state, simd::Isa isa, Stage stage) {
  if (simd::use_isa(isa) != isa) {
    state.SkipWithError("this CPU does not have it");
    return;
  }
  const auto burst = static_cast<std::size_t>(state.range(0));
  Ring ring(burst, static_cast<std::size_t>(state.range(1)));
  wire::parse(ring.batch, ring.drops);  // compose wants columns
  bench::ResultHash hash;
  for (std::size_t i = 0; i < datagrams / burst; ++i) {
    ring.next();
    stage(ring);
    hash.add(ring.batch.live_rows);
    for (unsigned row = 0; row < ring.batch.rows; ++row) {
      hash.add(ring.batch.sequence[row]);
      hash.add(ring.batch.data[row], ring.batch.length[row]);
    }
  }
  for (auto _ : state) {
    ring.next();
    stage(ring);
    benchmark::ClobberMemory();
  }
  if (ring.drops.total(metrics::DropUnit::datagram) != 0) state.SkipWithError("a valid datagram was dropped");
  bench::report_packets(state, static_cast<double>(state.iterations()) * static_cast<double>(burst));
  state.SetLabel(hash.text());
  simd::use_isa(simd::detected_isa());
}

void shapes(benchmark::internal::Benchmark* bench) {
  bench->ArgNames({"burst", "body"})->ArgsProduct({{32, 64}, {64, 100, 1166}});
}

void parse(benchmark::State& state) {
  run_stage(state, simd::detected_isa(), [](Ring& ring) { wire::parse(ring.batch, ring.drops); });
}
void compose(benchmark::State& state) {
  run_stage(state, simd::detected_isa(), [](Ring& ring) { wire::compose(ring.batch); });
}
void verify(benchmark::State& state) {
  run_stage(state, simd::detected_isa(), [](Ring& ring) { wire::verify(ring.batch, ring.seed, ring.drops); });
}
void verify_scalar(benchmark::State& state) {
  run_stage(state, simd::Isa::scalar, [](Ring& ring) { wire::verify(ring.batch, ring.seed, ring.drops); });
}
// Beside verify: the same work without the burst.
void verify_one_by_one(benchmark::State& state) {
  run_stage(state, simd::detected_isa(), [](Ring& ring) {
    for (unsigned row = 0; row < ring.batch.rows; ++row)
      if (!wire::verify_one({ring.batch.data[row], ring.batch.length[row]}, ring.seed))
        ring.drops.add(metrics::Drop::bad_crc);
  });
}
void stamp(benchmark::State& state) {
  run_stage(state, simd::detected_isa(), [](Ring& ring) { wire::stamp(ring.batch, ring.seed); });
}

BENCHMARK(parse)->Apply(shapes);
BENCHMARK(compose)->Apply(shapes);
BENCHMARK(verify)->Apply(shapes);
BENCHMARK(verify_one_by_one)->Apply(shapes);
BENCHMARK(verify_scalar)->Apply(shapes);
BENCHMARK(stamp)->Apply(shapes);

}  // namespace

int main(int argc, char** argv) {
  return bench::run(argc, argv,
                    "wire stages; " + std::to_string(datagrams) + " datagrams " + std::to_string(stride) +
                        " bytes apart; isa " + std::string(simd::isa_name(simd::detected_isa())) + "; seed " +
                        std::to_string(random_seed));
}
