/// The edges of the limbs, which no tag of a random key ever meets: numbers next to the modulus, and limbs that a carry
/// left a little too large. Against sums of 320 bits by hand.

#include "simd/poly1305_lanes.h"

#include <array>
#include <vector>

#include <gtest/gtest.h>

#include "aead_plain_vectors.h"
#include "base/prng.h"

namespace serried::simd {
namespace {

__extension__ using Wide = unsigned __int128;

/// A natural number, 32 bits a word, the lowest first.
using Natural = std::array<std::uint64_t, 12>;

void add_shifted(Natural& to, Wide value, unsigned bits) {
  for (unsigned at = bits / 32, shift = bits % 32; value != 0; ++at) {
    const auto low = static_cast<std::uint64_t>(value) & 0xFFFFFFFF;
    to[at] += low << shift & 0xFFFFFFFF;
    to[at + 1] += low >> (32 - shift) * (shift != 0) & (shift != 0 ? 0xFFFFFFFF : 0);
    value >>= 32;
  }
  for (std::size_t i = 0; i + 1 < to.size(); ++i) to[i + 1] += to[i] >> 32, to[i] &= 0xFFFFFFFF;
}

// Modulo 2^130 - 5: what lies above bit 130 counts five times.
Natural reduced(Natural n) {
  for (unsigned turn = 0; turn < 40; ++turn) {
    Natural high{};
    bool any = false;
    for (std::size_t i = 4; i < n.size(); ++i) {
      const std::uint64_t above = i == 4 ? n[4] >> 2 : n[i];
      any |= above != 0;
      add_shifted(high, Wide{above} * 5, i == 4 ? 0 : static_cast<unsigned>(32 * i - 130));
      n[i] = i == 4 ? n[4] & 3 : 0;
    }
    for (std::size_t i = 0; i < n.size(); ++i) add_shifted(n, high[i], static_cast<unsigned>(32 * i));
    if (any) continue;
    // Below 2^130: take the modulus off when 5 more would reach it.
    Natural more = n;
    add_shifted(more, 5, 0);
    if (more[4] >> 2 == 0) return n;
    more[4] &= 3;
    return more;
  }
  ADD_FAILURE() << "does not come down";
  return n;
}

template <class V>
class Limbs : public testing::Test {
 public:
  using Field = typename V::Field;
  using Number = typename Field::Number;
  static constexpr unsigned count = std::tuple_size_v<decltype(std::to_array(Number{}.limb))>;
  static constexpr unsigned bits = count == 5 ? 26 : 44;

  static Natural value(const Number& number, unsigned lane) {
    Natural sum{};
    for (unsigned i = 0; i < count; ++i) add_shifted(sum, number.limb[i][lane], bits * i);
    return sum;
  }
  static void expect_frozen(const Number& number) {
    typename V::U64 low, high;
    Field::freeze(number, low, high);
    for (unsigned lane = 0; lane < V::messages; ++lane) {
      const Natural expected = reduced(value(number, lane));
      ASSERT_EQ(low[lane], expected[0] | expected[1] << 32);
      ASSERT_EQ(high[lane], expected[2] | expected[3] << 32);
    }
  }
};

using Widths = testing::Types<Plain256, Plain512>;
TYPED_TEST_SUITE(Limbs, Widths);

TYPED_TEST(Limbs, FreezeNextToTheModulusAndWithLimbsALittleTooLarge) {
  using Case = Limbs<TypeParam>;
  constexpr std::uint64_t full = (std::uint64_t{1} << Case::bits) - 1;
  const std::uint64_t top = Case::count == 5 ? full : (std::uint64_t{1} << 42) - 1;
  // 2^130 - 1 - less, for the modulus and what is next to it; and each limb with an excess that a carry may leave.
  for (std::uint64_t less = 0; less < 16; ++less)
    for (unsigned excess = 0; excess < 4; ++excess) {
      typename Case::Number number{};
      for (unsigned lane = 0; lane < TypeParam::messages; ++lane)
        for (unsigned i = 0; i < Case::count; ++i) number.limb[i][lane] = i + 1 == Case::count ? top : full;
      for (unsigned lane = 0; lane < TypeParam::messages; ++lane) {
        number.limb[0][lane] -= less;
        if (excess == 1) number.limb[1][lane] += 200 + lane;
        if (excess == 2) number.limb[Case::count - 1][lane] += 1 + lane;
        if (excess == 3) number.limb[1][lane] += 1 + lane, number.limb[Case::count - 1][lane] += 5;
      }
      ASSERT_NO_FATAL_FAILURE(Case::expect_frozen(number));
    }
  for (std::uint64_t small = 0; small < 16; ++small) {
    typename Case::Number number{};
    for (unsigned lane = 0; lane < TypeParam::messages; ++lane) number.limb[0][lane] = small + lane;
    ASSERT_NO_FATAL_FAILURE(Case::expect_frozen(number));
  }
}

// The largest that sums of products come to, and random ones: the carry keeps the value, and limbs small enough for the
// next product.
TYPED_TEST(Limbs, CarryKeepsTheValue) {
  using Case = Limbs<TypeParam>;
  using Sums = typename Case::Field;
  base::Prng random(1);
  constexpr std::uint64_t full = (std::uint64_t{1} << Case::bits) - 1;
  for (unsigned round = 0; round < 500; ++round) {
    typename Sums::Sum sum{};
    std::vector<Natural> expected(TypeParam::messages);
    for (unsigned product = 0; product < TypeParam::powers; ++product) {
      typename Case::Number a{}, b{};
      for (unsigned lane = 0; lane < TypeParam::messages; ++lane)
        for (unsigned i = 0; i < Case::count; ++i) {
          const std::uint64_t limb_b = i == 2 && Case::count == 3 ? full >> 2 : full;
          a.limb[i][lane] = round == 0 ? 2 * full : random.next() & full;
          b.limb[i][lane] = round == 0 ? limb_b : random.next() & limb_b;
        }
      Sums::add_product(sum, a, Sums::factor(b));
      for (unsigned lane = 0; lane < TypeParam::messages; ++lane)
        for (unsigned i = 0; i < Case::count; ++i)
          for (unsigned k = 0; k < Case::count; ++k)
            add_shifted(expected[lane], Wide{a.limb[i][lane]} * b.limb[k][lane], Case::bits * (i + k));
    }
    const typename Case::Number carried = Sums::carry(sum);
    for (unsigned lane = 0; lane < TypeParam::messages; ++lane) {
      ASSERT_EQ(reduced(Case::value(carried, lane)), reduced(expected[lane])) << "round " << round;
      for (unsigned i = 0; i < Case::count; ++i) ASSERT_LT(carried.limb[i][lane], full + full / 16);
    }
  }
}

}  // namespace
}  // namespace serried::simd
