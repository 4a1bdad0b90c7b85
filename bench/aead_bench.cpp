/// The vector AEAD of this CPU against libsodium, datagram after datagram, over the same bursts: in turns within one
/// run, so that whatever else the machine does disturbs both. Bursts are of different sessions in a shuffled order,
/// with warm datagrams, as in crypt_bench.

#include "crypt/aead.h"

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <numeric>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/prng.h"
#include "crypt/keys.h"
#include "engine/cost.h"
#include "simd/isa.h"
#include "tools/arguments.h"

namespace {

using namespace serried;

struct Options {
  std::vector<unsigned> bodies{64, 100, 256, 512, 1166};
  std::vector<unsigned> bursts{2, 4, 8, 16, 32, 64};
  unsigned sessions = 10'000, repeats = 15, datagrams = 20'000;
  std::string isa, json_file;
};

struct Figures {
  unsigned body, burst;
  std::string direction;
  double libsodium_min, libsodium_med, vector_min, vector_med, ratio;  // ns a datagram; ratio: median of the pairs
};

/// Keys of many sessions, and one burst that is sealed for them, some at a time.
class Bed {
 public:
  Bed(unsigned sessions, unsigned burst, unsigned body)
      : keys_(sessions * crypt::key_bytes), order_(sessions), burst_(burst), datagram_bytes_(body + 30) {
    base::Prng random(1);
    for (auto& byte : keys_) byte = static_cast<std::uint8_t>(random.next());
    std::iota(order_.begin(), order_.end(), 0u);
    for (std::size_t i = order_.size() - 1; i != 0; --i) std::swap(order_[i], order_[random.below(i + 1)]);
    plain_.resize(burst * datagram_bytes_);
    for (auto& byte : plain_) byte = static_cast<std::uint8_t>(random.next());
    buffers_ = plain_;
    batch_.rows = burst;
    for (unsigned row = 0; row < burst; ++row) {
      batch_.data[row] = buffers_.data() + row * datagram_bytes_;
      batch_.clear_bytes[row] = 0;
      batch_.body_bytes[row] = static_cast<std::uint16_t>(body);
    }
  }

  void aim() {
    if (at_ + burst_ > order_.size()) at_ = 0;
    for (unsigned row = 0; row < burst_; ++row) {
      const std::uint32_t session = order_[at_ + row];
      batch_.key[row] = keys_.data() + session * crypt::key_bytes;
      batch_.connection_id[row] = session;
      batch_.sequence[row] = at_;
    }
    at_ += burst_;
  }
  void seal() {
    aim();
    crypt::seal_batch(batch_);
  }
  bool open() { return crypt::open_batch(batch_) == ~std::uint64_t{0} >> (64 - burst_); }
  void refresh() { buffers_ = plain_; }
  [[nodiscard]] std::uint64_t hash() const {
    std::uint64_t sum = 0;
    for (const std::uint8_t byte : buffers_) sum = base::mix(sum, byte);
    return sum;
  }

 private:
  std::vector<std::uint8_t> keys_, plain_, buffers_;
  std::vector<std::uint32_t> order_;
  unsigned burst_;
  std::size_t datagram_bytes_, at_ = 0;
  crypt::AeadBatch batch_;
};

/// ns a datagram. Opening is in place, so what is opened is sealed before, by the same code, while the clock stands.
double time_once(Bed& bed, bool open, unsigned bursts, unsigned burst, bool& right) {
  bench::Stopwatch watch;
  for (unsigned i = 0; i < bursts; ++i) {
    if (open) bed.seal();
    watch.start();
    if (open)
      right &= bed.open();
    else
      bed.seal();
    watch.stop();
  }
  return static_cast<double>(watch.cpu_ns) / bursts / burst;
}

double clock_alone() {
  bench::Stopwatch watch;
  constexpr unsigned turns = 10'000;
  for (unsigned i = 0; i < turns; ++i) {
    watch.start();
    watch.stop();
  }
  return static_cast<double>(watch.cpu_ns) / turns;
}

Figures measure(const Options& options, simd::Isa isa, unsigned body, unsigned burst, bool open, std::uint64_t& hash,
                bool& right) {
  Bed bed(options.sessions, burst, body);
  const unsigned bursts = std::max(1u, options.datagrams / burst);
  const double clock = clock_alone() / burst;
  bench::Samples library, vectors, ratios;
  for (unsigned i = 0; i < options.repeats; ++i) {
    simd::use_isa(simd::Isa::scalar);
    library.add(std::max(0.1, time_once(bed, open, bursts, burst, right) - clock));
    simd::use_isa(isa);
    vectors.add(std::max(0.1, time_once(bed, open, bursts, burst, right) - clock));
    ratios.add(library.values.back() / vectors.values.back());
  }
  bed.refresh();
  bed.seal();
  hash = base::mix(hash, bed.hash());
  return {body,
          burst,
          open ? "open" : "seal",
          library.minimum(),
          library.median(),
          vectors.minimum(),
          vectors.median(),
          ratios.median()};
}

simd::Isa isa_named(const std::string& name) {
  for (const simd::Isa isa : {simd::Isa::avx2, simd::Isa::avx512})
    if (simd::isa_name(isa) == name) return isa;
  return simd::detected_isa();
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  bool quick = false;
  tools::Arguments app("aead_bench",
                       "ChaCha20-Poly1305 over bursts: vector function and libsodium in turns, ns a datagram");
  app.add("--body", options.bodies, "bytes of a sealed body, once or more").range(0, 1184);
  app.add("--burst", options.bursts, "datagrams of a burst, once or more").range(1, 64);
  app.add("--sessions", options.sessions, "keys, visited in a shuffled order").range(64, 1'000'000);
  app.add("--repeats", options.repeats, "pairs of measurements").range(1, 1000);
  app.add("--datagrams", options.datagrams, "of one measurement").range(64, 100'000'000);
  app.add("--isa", options.isa, "instead of the best").one_of({"avx2", "avx512"});
  app.add_flag("--quick", quick, "small: 2 repeats of 640 datagrams");
  app.add("--json", options.json_file, "write the figures to this file");
  if (const auto ended = app.parse(argc, argv)) return *ended;
  if (quick) options.repeats = 2, options.datagrams = 640;
  if (!crypt::initialise()) return 1;
  const simd::Isa isa = simd::use_isa(isa_named(options.isa));
  if (isa < simd::Isa::avx2 || (!options.isa.empty() && simd::isa_name(isa) != options.isa)) {
    std::fprintf(stderr, "aead_bench: skipped: no vector function for this CPU%s%s\n",
                 options.isa.empty() ? "" : ", not ", options.isa.c_str());
    return 77;
  }
  const std::string configuration =
      "isa " + std::string(simd::isa_name(isa)) + "; sessions " + std::to_string(options.sessions) + "; datagrams " +
      std::to_string(options.datagrams) + " x " + std::to_string(options.repeats) + " pairs; CPU time of the thread";
  std::printf("configuration: %s\n\n%-10s %6s %6s %12s %12s %8s\n", configuration.c_str(), "direction", "burst",
              "bytes", "libsodium", "vector", "ratio");
  base::Json rows = base::Json::array();
  std::uint64_t hash = 0;
  bool right = true;
  for (const bool open : {true, false})
    for (const unsigned burst : options.bursts)
      for (const unsigned body : options.bodies) {
        const Figures f = measure(options, isa, body, burst, open, hash, right);
        std::printf("%-10s %6u %6u %5.0f /%5.0f %5.0f /%5.0f %7.2fx\n", f.direction.c_str(), burst, body,
                    f.libsodium_min, f.libsodium_med, f.vector_min, f.vector_med, f.ratio);
        std::fflush(stdout);
        rows.push_back({{"direction", f.direction},
                        {"burst", burst},
                        {"bytes", body},
                        {"libsodium_ns", {{"min", f.libsodium_min}, {"median", f.libsodium_med}}},
                        {"vector_ns", {{"min", f.vector_min}, {"median", f.vector_med}}},
                        {"ratio", f.ratio}});
      }
  std::printf("ns a datagram, least / median; ratio: median of the pairs\n\nresult hash=%016llx\n",
              static_cast<unsigned long long>(hash));
  if (!right) {
    std::fprintf(stderr, "aead_bench: a datagram was judged wrongly\n");
    return 1;
  }
  if (!options.json_file.empty()) {
    std::ofstream out(options.json_file);
    out << base::Json{{"configuration", configuration}, {"isa", simd::isa_name(isa)}, {"rows", rows}}.text(2) << '\n';
    if (!out.flush()) {
      std::fprintf(stderr, "aead_bench: cannot write %s\n", options.json_file.c_str());
      return 2;
    }
  }
  return 0;
}
