/// Bursts of any shape, sealed and opened by the vector functions and by libsodium: the same bytes, the same verdicts.
/// Input: per datagram two bytes of length, one of what to flip; the rest of the input is key, nonce and text for all.

#include <cstdint>
#include <cstdlib>
#include <span>
#include <vector>

#include "base/prng.h"
#include "crypt/aead.h"
#include "crypt/keys.h"
#include "simd/isa.h"

namespace {

using namespace serried;
using Bytes = std::vector<std::uint8_t>;

void demand(bool condition) {
  if (!condition) std::abort();
}

struct Burst {
  std::vector<Bytes> keys, datagrams;
  crypt::AeadBatch batch;

  void point() {
    for (unsigned row = 0; row < batch.rows; ++row) {
      batch.key[row] = keys[row].data();
      batch.data[row] = datagrams[row].data();
    }
  }
};

Burst burst_of(std::span<const std::uint8_t> input, std::vector<std::uint8_t>& flips) {
  Burst burst;
  const std::size_t rows = std::min<std::size_t>(input.size() / 3, crypt::AeadBatch::capacity);
  const std::span<const std::uint8_t> seed = input.subspan(3 * rows);
  std::uint64_t mixed = 0;
  for (const std::uint8_t byte : seed) mixed = mixed * 0x9E3779B97F4A7C15 + byte;
  base::Prng random(mixed);
  std::size_t next = 0;
  // What the input has first, so that the fuzzer can shape it, and pseudo-random bytes behind that.
  const auto byte = [&] { return next < seed.size() ? seed[next++] : static_cast<std::uint8_t>(random.next()); };
  for (std::size_t row = 0; row < rows; ++row) {
    const auto body =
        static_cast<std::uint16_t>((input[3 * row] | input[3 * row + 1] << 8) % (wire::body_bytes_max + 1));
    flips.push_back(input[3 * row + 2]);
    burst.keys.emplace_back(32);
    for (auto& each : burst.keys.back()) each = byte();
    burst.datagrams.emplace_back(wire::header_bytes + body + wire::tag_bytes);
    for (auto& each : burst.datagrams.back()) each = byte();
    burst.batch.connection_id[row] = static_cast<std::uint32_t>(random.next());
    burst.batch.sequence[row] = random.next();
    burst.batch.clear_bytes[row] = 0;
    burst.batch.body_bytes[row] = body;
  }
  burst.batch.rows = static_cast<unsigned>(rows);
  return burst;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const bool ready = crypt::initialise();
  demand(ready);
  std::vector<std::uint8_t> flips;
  const Burst plain = burst_of({data, size}, flips);
  Burst reference = plain;
  reference.point();
  simd::use_isa(simd::Isa::scalar);
  crypt::seal_batch(reference.batch);
  for (const simd::Isa isa : {simd::Isa::avx2, simd::Isa::avx512}) {
    if (simd::use_isa(isa) != isa) continue;
    Burst sealed = plain;
    sealed.point();
    crypt::seal_batch(sealed.batch);
    demand(sealed.datagrams == reference.datagrams);
    for (unsigned row = 0; row < sealed.batch.rows; ++row)
      if (flips[row] >= 128) {
        Bytes& datagram = sealed.datagrams[row];
        datagram[flips[row] * std::size_t{37} % datagram.size()] ^= static_cast<std::uint8_t>(1u << flips[row] % 8);
      }
    Burst by_library = sealed;
    by_library.point();
    const std::uint64_t authentic = crypt::open_batch(sealed.batch);
    simd::use_isa(simd::Isa::scalar);
    demand(crypt::open_batch(by_library.batch) == authentic);
    demand(by_library.datagrams == sealed.datagrams);
    for (unsigned row = 0; row < sealed.batch.rows; ++row) demand((authentic >> row & 1) == (flips[row] < 128));
  }
  return 0;
}
