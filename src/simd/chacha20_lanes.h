#pragma once
/// ChaCha20 blocks of many keys side by side: lane l of every vector belongs to block l, vector w holds word w of all.
/// Source  RFC 8439 2.3

#include <cstdint>
#include <cstring>

namespace serried::simd {

/// V: vectors (wide256.h, wide512.h) and `rotate<bits>(U32)`.
template <class V>
struct ChaCha20 {
  using U32 = typename V::U32;
  using U64 = typename V::U64;
  static constexpr unsigned lanes = V::lanes;
  static constexpr unsigned block_bytes = 64;

  /// What a block comes from, and what it becomes.
  struct State {
    U32 word[16];
  };
  /// Row l: the bytes of block l.
  struct Blocks {
    alignas(64) std::uint8_t row[lanes][block_bytes];
  };
  /// The lanes' keys, nonces and counters.
  struct Inputs {
    const std::uint8_t* key[lanes];
    alignas(64) std::uint32_t counter[lanes];
    alignas(64) std::uint32_t nonce[3][lanes];
  };

  static void fill(State& state, const Inputs& from) noexcept {
    fill_constants(state);
    keys(from.key, state.word + 4);
    state.word[12] = load(from.counter);
    for (unsigned i = 0; i < 3; ++i) state.word[13 + i] = load(from.nonce[i]);
  }
  /// All lanes of one key and nonce, with counters from `counter` upwards.
  static void fill(State& state, const std::uint8_t* key, const std::uint32_t (&nonce)[3],
                   std::uint32_t counter) noexcept {
    fill_constants(state);
    std::uint32_t words[8];
    std::memcpy(words, key, sizeof words);
    for (unsigned i = 0; i < 8; ++i) state.word[4 + i] = U32{} + words[i];
    for (unsigned i = 0; i < 3; ++i) state.word[13 + i] = U32{} + nonce[i];
    alignas(64) std::uint32_t counters[lanes];
    for (unsigned i = 0; i < lanes; ++i) counters[i] = counter + i;
    state.word[12] = load(counters);
  }

  static void run(const State& from, Blocks& out) noexcept {
    State x = from;
    for (unsigned i = 0; i < 10; ++i) {
      quarters<0, 4, 8, 12>(x);
      quarters<0, 5, 10, 15>(x);
    }
    for (unsigned i = 0; i < 16; ++i) x.word[i] += from.word[i];
    bytes(x, out);
  }

 private:
  static U32 load(const std::uint32_t* from) noexcept {
    U32 vector;
    std::memcpy(&vector, from, sizeof vector);
    return vector;
  }
  static void fill_constants(State& state) noexcept {
    // "expand 32-byte k"
    state.word[0] = U32{} + 0x61707865;
    state.word[1] = U32{} + 0x3320646e;
    state.word[2] = U32{} + 0x79622d32;
    state.word[3] = U32{} + 0x6b206574;
  }

  // Word `first` of a row of four, turned by `by`: the columns and the diagonals of the square of words.
  static constexpr unsigned at(unsigned first, unsigned by) { return first / 4 * 4 + (first + by) % 4; }

  // Four quarter rounds at once, step by step: each step has four independent instructions, which hides their latency.
  template <unsigned A, unsigned B, unsigned C, unsigned D>
  [[gnu::always_inline]] static void quarters(State& x) noexcept {
    step<A, B, D, 16>(x);
    step<C, D, B, 12>(x);
    step<A, B, D, 8>(x);
    step<C, D, B, 7>(x);
  }
  template <unsigned To, unsigned From, unsigned Turned, unsigned Bits>
  [[gnu::always_inline]] static void step(State& x) noexcept {
    one<at(To, 0), at(From, 0), at(Turned, 0), Bits>(x);
    one<at(To, 1), at(From, 1), at(Turned, 1), Bits>(x);
    one<at(To, 2), at(From, 2), at(Turned, 2), Bits>(x);
    one<at(To, 3), at(From, 3), at(Turned, 3), Bits>(x);
  }
  template <unsigned To, unsigned From, unsigned Turned, unsigned Bits>
  [[gnu::always_inline]] static void one(State& x) noexcept {
    x.word[To] += x.word[From];
    x.word[Turned] = V::template rotate<Bits>(x.word[Turned] ^ x.word[To]);
  }

  static void store(std::uint8_t* at, const U64& vector) noexcept { std::memcpy(at, &vector, sizeof vector); }

  // Four vectors become four others: within each 128 bits, a 4x4 transposition of words.
  [[gnu::always_inline]] static void transpose4(const U32& a, const U32& b, const U32& c, const U32& d,
                                                U64 (&out)[4]) noexcept {
    const U64 ab_low = wide(V::unpack_low(a, b)), ab_high = wide(V::unpack_high(a, b));
    const U64 cd_low = wide(V::unpack_low(c, d)), cd_high = wide(V::unpack_high(c, d));
    out[0] = V::unpack_low(ab_low, cd_low);
    out[1] = V::unpack_high(ab_low, cd_low);
    out[2] = V::unpack_low(ab_high, cd_high);
    out[3] = V::unpack_high(ab_high, cd_high);
  }
  [[gnu::always_inline]] static U64 wide(const U32& vector) noexcept { return reinterpret_cast<U64>(vector); }
  [[gnu::always_inline]] static U32 narrow(const U64& vector) noexcept { return reinterpret_cast<U32>(vector); }

  // 32 bytes of each lane into eight vectors.
  static void keys(const std::uint8_t* const (&key)[lanes], U32* out) noexcept {
    U32 row[8];
    for (unsigned i = 0; i < 8; ++i) {
      std::memcpy(&row[i], key[i], 32);
      if constexpr (lanes == 16) std::memcpy(reinterpret_cast<std::uint8_t*>(&row[i]) + 32, key[i + 8], 32);
    }
    U64 first[4], second[4];
    transpose4(row[0], row[1], row[2], row[3], first);
    transpose4(row[4], row[5], row[6], row[7], second);
    for (unsigned i = 0; i < 4; ++i) {
      if constexpr (lanes == 8) {
        out[i] = narrow(V::halves_low(first[i], second[i]));
        out[4 + i] = narrow(V::halves_high(first[i], second[i]));
      } else {
        out[i] = narrow(V::quarters_even(first[i], second[i]));
        out[4 + i] = narrow(V::quarters_odd(first[i], second[i]));
      }
    }
  }

  // Sixteen vectors of words into a row of bytes for each lane.
  static void bytes(const State& x, Blocks& out) noexcept {
    U64 quad[4][4];  // [words 4q to 4q + 3][lane modulo 4]
    for (unsigned q = 0; q < 4; ++q)
      transpose4(x.word[4 * q], x.word[4 * q + 1], x.word[4 * q + 2], x.word[4 * q + 3], quad[q]);
    for (unsigned lane = 0; lane < 4; ++lane) {
      const U64 left_low = V::halves_low(quad[0][lane], quad[1][lane]);
      const U64 left_high = V::halves_high(quad[0][lane], quad[1][lane]);
      const U64 right_low = V::halves_low(quad[2][lane], quad[3][lane]);
      const U64 right_high = V::halves_high(quad[2][lane], quad[3][lane]);
      if constexpr (lanes == 8) {
        store(out.row[lane], left_low);
        store(out.row[lane] + 32, right_low);
        store(out.row[lane + 4], left_high);
        store(out.row[lane + 4] + 32, right_high);
      } else {
        store(out.row[lane], V::even_behind(left_low, right_low));
        store(out.row[lane + 4], V::odd_behind(left_low, right_low));
        store(out.row[lane + 8], V::even_behind(left_high, right_high));
        store(out.row[lane + 12], V::odd_behind(left_high, right_high));
      }
    }
  }
};

}  // namespace serried::simd
