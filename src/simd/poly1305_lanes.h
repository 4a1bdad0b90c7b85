#pragma once
/// Poly1305 of many messages side by side, each with its own key: lane l of every vector belongs to message l.
/// Source  RFC 8439 2.5; limbs of 26 bits from D. J. Bernstein, P. Schwabe, "NEON crypto" (2012)

#include <cstdint>

namespace serried::simd {

/// Numbers modulo 2^130 - 5 in five limbs of 26 bits. V: `product(a, b)`, the 64-bit products of the low 32 bits.
template <class V>
struct Limbs26 {
  using U64 = typename V::U64;
  static constexpr std::uint64_t mask = (1u << 26) - 1;

  struct Number {
    U64 limb[5];
  };
  /// A number to multiply by, and 5 times its upper limbs: 2^130 is 5.
  struct Factor {
    U64 limb[5];
    U64 folded[5];
  };
  /// A sum of products, its limbs not yet carried.
  struct Sum {
    U64 limb[5];
  };

  /// Of 128 bits and what is to stand at bit 128 (0 or 1 in each lane).
  [[gnu::always_inline]] static Number split(const U64& low, const U64& high, const U64& top) noexcept {
    return {{low & mask, (low >> 26) & mask, ((low >> 52) | (high << 12)) & mask, (high >> 14) & mask,
             (high >> 40) | (top << 24)}};
  }
  [[gnu::always_inline]] static Factor factor(const Number& of) noexcept {
    Factor made;
    for (unsigned i = 0; i < 5; ++i) {
      made.limb[i] = of.limb[i];
      made.folded[i] = of.limb[i] + (of.limb[i] << 2);
    }
    return made;
  }
  [[gnu::always_inline]] static void add(Number& to, const Number& other) noexcept {
    for (unsigned i = 0; i < 5; ++i) to.limb[i] += other.limb[i];
  }
  /// Limbs of `a` below 2^28, of `b` below 2^27: four products may be summed up before they are carried.
  [[gnu::always_inline]] static void add_product(Sum& sum, const Number& a, const Factor& b) noexcept {
    const auto times = [](const U64& x, const U64& y) { return V::product(x, y); };
    sum.limb[0] += times(a.limb[0], b.limb[0]) + times(a.limb[1], b.folded[4]) + times(a.limb[2], b.folded[3]) +
                   times(a.limb[3], b.folded[2]) + times(a.limb[4], b.folded[1]);
    sum.limb[1] += times(a.limb[0], b.limb[1]) + times(a.limb[1], b.limb[0]) + times(a.limb[2], b.folded[4]) +
                   times(a.limb[3], b.folded[3]) + times(a.limb[4], b.folded[2]);
    sum.limb[2] += times(a.limb[0], b.limb[2]) + times(a.limb[1], b.limb[1]) + times(a.limb[2], b.limb[0]) +
                   times(a.limb[3], b.folded[4]) + times(a.limb[4], b.folded[3]);
    sum.limb[3] += times(a.limb[0], b.limb[3]) + times(a.limb[1], b.limb[2]) + times(a.limb[2], b.limb[1]) +
                   times(a.limb[3], b.limb[0]) + times(a.limb[4], b.folded[4]);
    sum.limb[4] += times(a.limb[0], b.limb[4]) + times(a.limb[1], b.limb[3]) + times(a.limb[2], b.limb[2]) +
                   times(a.limb[3], b.limb[1]) + times(a.limb[4], b.limb[0]);
  }
  /// Limbs below 2^26 again, but for limb 1 and 4, which may be a little more. Two chains side by side.
  [[gnu::always_inline]] static Number carry(Sum s) noexcept {
    move(s.limb[0], s.limb[1]);
    move(s.limb[3], s.limb[4]);
    move(s.limb[1], s.limb[2]);
    const U64 over = s.limb[4] >> 26;
    s.limb[4] &= mask;
    s.limb[0] += over + (over << 2);
    move(s.limb[2], s.limb[3]);
    move(s.limb[0], s.limb[1]);
    move(s.limb[3], s.limb[4]);
    return {{s.limb[0], s.limb[1], s.limb[2], s.limb[3], s.limb[4]}};
  }
  /// The lowest 128 bits of the number's one representative below 2^130 - 5.
  static void freeze(Number n, U64& low, U64& high) noexcept {
    for (unsigned turn = 0; turn < 2; ++turn) {
      for (unsigned i = 0; i < 4; ++i) move(n.limb[i], n.limb[i + 1]);
      const U64 over = n.limb[4] >> 26;
      n.limb[4] &= mask;
      n.limb[0] += over + (over << 2);
    }
    // n + 5 reaches 2^130 exactly when n is not below the modulus, and is then n - modulus + 2^130.
    Number other = n;
    other.limb[0] += 5;
    for (unsigned i = 0; i < 4; ++i) move(other.limb[i], other.limb[i + 1]);
    const U64 take = U64{} - (other.limb[4] >> 26);
    for (unsigned i = 0; i < 5; ++i) n.limb[i] = (n.limb[i] & ~take) | (other.limb[i] & take);
    // Bit 130 falls off at the top.
    low = n.limb[0] + (n.limb[1] << 26) + (n.limb[2] << 52);
    high = (n.limb[2] >> 12) + (n.limb[3] << 14) + (n.limb[4] << 40);
  }

 private:
  [[gnu::always_inline]] static void move(U64& from, U64& to) noexcept {
    to += from >> 26;
    from &= mask;
  }
};

/// The same in limbs of 44, 44 and 42 bits. V: `low(sum, a, b)` and `high(sum, a, b)`, which add the lower and the
/// upper 52 bits of the 104-bit product of the low 52 bits.
template <class V>
struct Limbs44 {
  using U64 = typename V::U64;
  static constexpr std::uint64_t mask = (std::uint64_t{1} << 44) - 1, top_mask = (std::uint64_t{1} << 42) - 1;

  struct Number {
    U64 limb[3];
  };
  /// folded: 20 times the limb, as 2^132 is 20.
  struct Factor {
    U64 limb[3];
    U64 folded[3];
  };
  struct Sum {
    U64 low[3];
    U64 high[3];  ///< each 52 bits above its limb
  };

  [[gnu::always_inline]] static Number split(const U64& low, const U64& high, const U64& top) noexcept {
    return {{low & mask, ((low >> 44) | (high << 20)) & mask, (high >> 24) | (top << 40)}};
  }
  [[gnu::always_inline]] static Factor factor(const Number& of) noexcept {
    Factor made;
    for (unsigned i = 0; i < 3; ++i) {
      made.limb[i] = of.limb[i];
      made.folded[i] = (of.limb[i] << 4) + (of.limb[i] << 2);
    }
    return made;
  }
  [[gnu::always_inline]] static void add(Number& to, const Number& other) noexcept {
    for (unsigned i = 0; i < 3; ++i) to.limb[i] += other.limb[i];
  }
  [[gnu::always_inline]] static void add_product(Sum& sum, const Number& a, const Factor& b) noexcept {
    term(sum, 0, a.limb[0], b.limb[0]);
    term(sum, 1, a.limb[0], b.limb[1]);
    term(sum, 2, a.limb[0], b.limb[2]);
    term(sum, 0, a.limb[1], b.folded[2]);
    term(sum, 1, a.limb[1], b.limb[0]);
    term(sum, 2, a.limb[1], b.limb[1]);
    term(sum, 0, a.limb[2], b.folded[1]);
    term(sum, 1, a.limb[2], b.folded[2]);
    term(sum, 2, a.limb[2], b.limb[0]);
  }
  [[gnu::always_inline]] static Number carry(Sum s) noexcept {
    U64 over = s.low[0] >> 44;
    s.low[0] &= mask;
    s.low[1] += over + (s.high[0] << 8);
    over = s.low[1] >> 44;
    s.low[1] &= mask;
    s.low[2] += over + (s.high[1] << 8);
    over = (s.low[2] >> 42) + (s.high[2] << 10);
    s.low[2] &= top_mask;
    s.low[0] += over + (over << 2);
    over = s.low[0] >> 44;
    s.low[0] &= mask;
    s.low[1] += over;
    return {{s.low[0], s.low[1], s.low[2]}};
  }
  static void freeze(Number n, U64& low, U64& high) noexcept {
    for (unsigned turn = 0; turn < 2; ++turn) {
      up(n);
      const U64 over = n.limb[2] >> 42;
      n.limb[2] &= top_mask;
      n.limb[0] += over + (over << 2);
    }
    Number other = n;
    other.limb[0] += 5;
    up(other);
    const U64 take = U64{} - (other.limb[2] >> 42);
    for (unsigned i = 0; i < 3; ++i) n.limb[i] = (n.limb[i] & ~take) | (other.limb[i] & take);
    low = n.limb[0] + (n.limb[1] << 44);
    high = (n.limb[1] >> 20) + (n.limb[2] << 24);
  }

 private:
  [[gnu::always_inline]] static void term(Sum& sum, unsigned limb, const U64& a, const U64& b) noexcept {
    sum.low[limb] = V::low(sum.low[limb], a, b);
    sum.high[limb] = V::high(sum.high[limb], a, b);
  }
  [[gnu::always_inline]] static void up(Number& n) noexcept {
    for (unsigned i = 0; i < 2; ++i) {
      n.limb[i + 1] += n.limb[i] >> 44;
      n.limb[i] &= mask;
    }
  }
};

}  // namespace serried::simd
