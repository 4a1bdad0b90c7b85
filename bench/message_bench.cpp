/// Cost of the hot codecs: writing and merging records, far records by the block, inputs. Each reports the time of one
/// item (`per_record`, `per_input`), over states and masks that no branch predictor has seen before.

#include <array>
#include <vector>

#include <benchmark/benchmark.h>

#include "base/prng.h"
#include "message/entity.h"
#include "message/input.h"

namespace {

using namespace serried;
using namespace serried::message;

constexpr unsigned record_count = 4096;
constexpr unsigned block_records = 64;

struct Source {
  std::uint8_t mask;
  EntityState state;
};

// Moving entities: always a position, and what else changed at random.
std::vector<Source> sources() {
  base::Prng random(1);
  std::vector<Source> made(record_count);
  for (auto& source : made) {
    source.mask = static_cast<std::uint8_t>((random.next() & (delta::all | 0xC0)) | delta::position);
    if (random.chance(0.02)) source.mask |= delta::section;
    for (auto& value : source.state.section) value = static_cast<std::uint16_t>(random.below(2));
    for (auto& value : source.state.position) value = static_cast<std::int16_t>(random.next());
    for (auto& value : source.state.velocity) value = static_cast<std::int16_t>(random.next());
    source.state.yaw = static_cast<std::int16_t>(random.next());
    source.state.health = static_cast<std::uint8_t>(random.next());
  }
  return made;
}

void per_item(benchmark::State& state, const char* name, unsigned items) {
  state.counters[name] = benchmark::Counter(static_cast<double>(state.iterations()) * items,
                                            benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

void write_records(benchmark::State& state) {
  const auto made = sources();
  std::array<std::uint8_t, 1200> datagram;
  for (auto _ : state) {
    std::uint8_t* to = datagram.data();
    std::uint16_t slot = 0;
    for (const Source& source : made) {
      if (to > datagram.data() + datagram.size() - record_bytes_max) to = datagram.data();
      to = write_record(to, slot++, source.mask, source.state);
    }
    benchmark::DoNotOptimize(to);
    benchmark::ClobberMemory();
  }
  per_item(state, "per_record", record_count);
}
BENCHMARK(write_records);

void read_and_apply_records(benchmark::State& state) {
  const auto made = sources();
  std::vector<std::uint8_t> bytes(record_count * record_bytes_max);
  std::uint8_t* to = bytes.data();
  for (unsigned i = 0; i < record_count; ++i)
    to = write_record(to, static_cast<std::uint16_t>(i), made[i].mask, made[i].state);
  const std::span<const std::uint8_t> records{bytes.data(), to};
  std::vector<EntityState> known(record_count);
  for (auto _ : state) {
    base::ByteReader in(records);
    Record record;
    unsigned applied = 0;
    while (in.remaining() != 0 && read_record(in, record)) applied += apply_record(record, known[record.slot]) ? 1 : 0;
    if (applied != record_count) state.SkipWithError("a record was refused");
    benchmark::ClobberMemory();
  }
  per_item(state, "per_record", record_count);
}
BENCHMARK(read_and_apply_records);

std::vector<FarRecord> far_records() {
  base::Prng random(2);
  std::vector<FarRecord> made(block_records);
  for (auto& record : made) {
    record = {static_cast<std::uint16_t>(random.next()),     static_cast<std::uint8_t>(random.below(4)),
              static_cast<std::uint16_t>(random.below(512)), static_cast<std::uint16_t>(random.below(512)),
              static_cast<std::uint8_t>(random.below(128)),  static_cast<std::uint8_t>(random.below(32))};
  }
  return made;
}

void write_far_block(benchmark::State& state) {
  const auto made = far_records();
  std::array<std::uint8_t, block_records * far_record_bytes> block;
  for (auto _ : state) {
    for (unsigned i = 0; i < block_records; ++i) write_far_record(block.data() + i * far_record_bytes, made[i]);
    benchmark::DoNotOptimize(block.data());
    benchmark::ClobberMemory();
  }
  per_item(state, "per_record", block_records);
}
BENCHMARK(write_far_block);

void read_far_block(benchmark::State& state) {
  const auto made = far_records();
  std::array<std::uint8_t, block_records * far_record_bytes> block;
  for (unsigned i = 0; i < block_records; ++i) write_far_record(block.data() + i * far_record_bytes, made[i]);
  std::array<FarRecord, block_records> got;
  for (auto _ : state) {
    benchmark::DoNotOptimize(block.data());
    for (unsigned i = 0; i < block_records; ++i) got[i] = read_far_record(block.data() + i * far_record_bytes);
    benchmark::DoNotOptimize(got.data());
    benchmark::ClobberMemory();
  }
  per_item(state, "per_record", block_records);
}
BENCHMARK(read_far_block);

void quantise_positions(benchmark::State& state) {
  base::Prng random(3);
  const Geometry geometry;
  std::vector<std::array<float, 3>> positions(record_count);
  for (auto& position : positions)
    for (auto& value : position) value = static_cast<float>(random.unit() * 25'600);
  EntityState out;
  for (auto _ : state) {
    for (const auto& position : positions) {
      quantise_position(geometry, position, out);
      benchmark::DoNotOptimize(out);
    }
  }
  per_item(state, "per_record", record_count);
}
BENCHMARK(quantise_positions);

void decode_inputs(benchmark::State& state) {
  base::Prng random(4);
  constexpr unsigned inputs = 1024;
  std::vector<std::uint8_t> bytes(inputs * framed_bytes(input_quantised_content_bytes));
  base::ByteWriter out(bytes);
  for (unsigned i = 0; i < inputs; ++i) {
    Input input;
    input.sequence = static_cast<std::uint16_t>(i);
    input.yaw = static_cast<std::int16_t>(random.next());
    input.buttons = static_cast<std::uint8_t>(random.below(16));
    encode(out, input);
  }
  Input input;
  for (auto _ : state) {
    base::ByteReader body(out.written());
    unsigned decoded = 0;
    for (Framed framed; next(body, framed);) decoded += decode_sync_entity_quantized(framed.content, input) ? 1 : 0;
    if (decoded != inputs) state.SkipWithError("an input was refused");
    benchmark::DoNotOptimize(input);
  }
  per_item(state, "per_input", inputs);
}
BENCHMARK(decode_inputs);

}  // namespace

BENCHMARK_MAIN();
