/// What compression costs a datagram: the glance that comes first, packing, unpacking; and what a name costs a message.

#include "channel/pack.h"

#include <string>
#include <utility>
#include <vector>

#include <benchmark/benchmark.h>

#include "base/prng.h"
#include "message/symbol_pool.h"
#include "report.h"

namespace {

using namespace serried;

using Bytes = std::vector<std::uint8_t>;
constexpr std::size_t bodies = 256;

enum Kind : std::int64_t { records, text };

/// Records of moving entities hold nothing that comes twice; text is what a game without a schema of its own says.
Bytes body(base::Prng& random, std::int64_t kind, std::size_t bytes) {
  static constexpr const char* words[] = {"component.health", "component.mana", "position", "velocity", "inventory"};
  Bytes made;
  while (made.size() < bytes) {
    if (kind == records) {
      made.push_back(static_cast<std::uint8_t>(made.size() % 16 == 2 ? 0x11 : random.next()));
    } else {
      const std::string said = words[random.below(5)] + ('=' + std::to_string(random.below(10'000))) + ';';
      made.insert(made.end(), said.begin(), said.end());
    }
  }
  made.resize(bytes);
  return made;
}
std::vector<Bytes> many(std::int64_t kind, std::size_t bytes) {
  base::Prng random(1);
  std::vector<Bytes> made;
  for (std::size_t i = 0; i < bodies; ++i) made.push_back(body(random, kind, bytes));
  return made;
}
channel::Dictionary example_dictionary() {
  base::Prng random(2);
  return std::move(channel::Dictionary::make(1, body(random, text, 16'384))).value();
}

void promise(benchmark::State& state) {
  const auto all = many(state.range(0), static_cast<std::size_t>(state.range(1)));
  unsigned taken = 0;
  for (auto _ : state)
    for (const Bytes& one : all) taken += channel::promises_gain(one) ? 1 : 0;
  benchmark::DoNotOptimize(taken);
  bench::report_packets(state, static_cast<double>(state.iterations()) * bodies);
}

/// By LZ4 alone, which is what the glance saves where it says no: noise of four bits passes it and does not shrink.
void pack(benchmark::State& state) {
  auto all = many(state.range(0), static_cast<std::size_t>(state.range(1)));
  if (state.range(0) == records)
    for (Bytes& one : all)
      for (auto& byte : one) byte &= 0x0F;
  const channel::Dictionary dictionary = example_dictionary();
  const channel::Dictionary* const used = state.range(2) != 0 ? &dictionary : nullptr;
  channel::Packer packer;
  Bytes to(channel::unpacked_bytes_max);
  std::size_t before = 0, after = 0;
  for (auto _ : state) {
    for (const Bytes& one : all) {
      const std::size_t bytes = packer.pack(one, to, used);
      before += one.size();
      after += bytes != 0 ? bytes : one.size();
    }
  }
  state.counters["ratio"] = static_cast<double>(after) / static_cast<double>(before);
  bench::report_packets(state, static_cast<double>(state.iterations()) * bodies);
}

void unpack(benchmark::State& state) {
  const channel::Dictionary dictionary = example_dictionary();
  const channel::Dictionary* const used = state.range(1) != 0 ? &dictionary : nullptr;
  channel::Packer packer;
  std::vector<Bytes> packed;
  for (const Bytes& one : many(text, static_cast<std::size_t>(state.range(0)))) {
    Bytes to(one.size());
    to.resize(packer.pack(one, to, used));
    packed.push_back(to);
  }
  Bytes to(channel::unpacked_bytes_max);
  for (auto _ : state)
    for (const Bytes& one : packed)
      if (channel::unpack(one, to, used) == 0) state.SkipWithError("a body was refused");
  bench::report_packets(state, static_cast<double>(state.iterations()) * bodies);
}

constexpr std::string_view names[] = {"attack", "craft", "drop", "emote", "equip", "jump", "trade", "use"};
static_assert(message::strictly_rising(names));

void resolve_symbol(benchmark::State& state) {
  message::SymbolTable table;
  for (std::uint16_t id = 1; id <= message::symbols_min; ++id)
    static_cast<void>(table.bind(names, {id, names[id % std::size(names)]}));
  base::Prng random(3);
  std::vector<message::SymbolRef> asked;
  for (std::size_t i = 0; i < bodies; ++i) {
    if (state.range(0) != 0)
      asked.push_back({static_cast<std::uint16_t>(1 + random.below(message::symbols_min)), {}});
    else
      asked.push_back({0, names[random.below(std::size(names))]});
  }
  unsigned sum = 0;
  for (auto _ : state)
    for (const message::SymbolRef& one : asked) sum += table.resolve(names, one);
  benchmark::DoNotOptimize(sum);
  bench::report_packets(state, static_cast<double>(state.iterations()) * bodies);
}

BENCHMARK(promise)->ArgNames({"text", "body"})->ArgsProduct({{records, text}, {600, 1140, 8192}});
BENCHMARK(pack)->ArgNames({"text", "body", "dictionary"})->ArgsProduct({{records, text}, {600, 1140, 8192}, {0, 1}});
BENCHMARK(unpack)->ArgNames({"body", "dictionary"})->ArgsProduct({{600, 1140, 8192}, {0, 1}});
BENCHMARK(resolve_symbol)->ArgNames({"id"})->Arg(0)->Arg(1);

}  // namespace

BENCHMARK_MAIN();
