/// The way into SHA-256: the portable version, and the choice between it and the instructions.
/// Source  FIPS 180-4 section 6.2.2

#include "simd/sha256.h"

#include <bit>

#include "base/bytes.h"
#include "simd/isa.h"
#include "simd/sha256_constants.h"
#include "simd/wipe.h"

#if defined(__x86_64__)
#include "simd/sha256_ni.h"
#elif defined(__aarch64__)
#include "simd/sha256_arm.h"
#endif

namespace serried::simd {
namespace {

constexpr unsigned rounds = 64;

// A function of its own, so that its frame lies where wipe_stack() looks.
[[gnu::noinline]] void compress(Sha256State& state, const std::uint8_t* block) noexcept {
  std::array<std::uint32_t, rounds> w;
  for (unsigned t = 0; t < 16; ++t) w[t] = base::byte_swapped(base::load<std::uint32_t>(block + 4 * t));
  for (unsigned t = 16; t < rounds; ++t) {
    const std::uint32_t x = w[t - 15], y = w[t - 2];
    const std::uint32_t s0 = std::rotr(x, 7) ^ std::rotr(x, 18) ^ x >> 3;
    const std::uint32_t s1 = std::rotr(y, 17) ^ std::rotr(y, 19) ^ y >> 10;
    w[t] = s1 + w[t - 7] + s0 + w[t - 16];
  }
  auto [a, b, c, d, e, f, g, h] = state;
  for (unsigned t = 0; t < rounds; ++t) {
    const std::uint32_t s1 = std::rotr(e, 6) ^ std::rotr(e, 11) ^ std::rotr(e, 25);
    const std::uint32_t t1 = h + s1 + ((e & f) ^ (~e & g)) + sha256_k[t] + w[t];
    const std::uint32_t s0 = std::rotr(a, 2) ^ std::rotr(a, 13) ^ std::rotr(a, 22);
    const std::uint32_t t2 = s0 + ((a & b) ^ (a & c) ^ (b & c));
    h = g, g = f, f = e, e = d + t1;
    d = c, c = b, b = a, a = t1 + t2;
  }
  const Sha256State last{a, b, c, d, e, f, g, h};
  for (unsigned i = 0; i < state.size(); ++i) state[i] += last[i];
}

}  // namespace

void sha256_blocks(Sha256State& state, const std::uint8_t* blocks, std::size_t count) noexcept {
#if defined(__x86_64__)
  if (uses_sha_instructions()) return sha256_blocks_ni(state.data(), blocks, count);
#elif defined(__aarch64__)
  if (uses_sha_instructions()) return sha256_blocks_arm(state.data(), blocks, count);
#endif
  for (; count != 0; --count, blocks += sha256_block_bytes) compress(state, blocks);
  // The schedule may be a key, and what was added to the state is as good as one: the first state is public.
  wipe_stack<1024>();
}

}  // namespace serried::simd
