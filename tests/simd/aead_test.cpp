/// Every vector function that this CPU can run, and both widths in plain C++, against libsodium, byte for byte.

#include "simd/aead.h"

#include <algorithm>
#include <cstring>
#include <span>
#include <sys/mman.h>
#include <vector>

#include <gtest/gtest.h>
#include <sodium.h>

#include "aead_plain_vectors.h"
#include "base/bytes.h"
#include "base/prng.h"
#include "scanned_stack.h"
#include "simd/aead_lanes.h"
#include "simd/isa.h"
#include "support/isas.h"
#include "support/sanitized.h"

#if defined(__x86_64__)
#include "simd/aead_avx2.h"
#include "simd/aead_avx512.h"
#endif

namespace serried::simd {
namespace {

using Bytes = std::vector<std::uint8_t>;
constexpr std::size_t header = AeadBurst::header_bytes, tag = AeadBurst::tag_bytes;
constexpr unsigned body_most = 1184;

struct Variant {
  const char* name;
  Isa needs;
  std::uint64_t (*open)(const AeadBurst&);
  void (*seal)(const AeadBurst&);
};
const Variant variants[] = {
    {"plain256", Isa::scalar, AeadLanes<Plain256>::open, AeadLanes<Plain256>::seal},
    {"plain512", Isa::scalar, AeadLanes<Plain512>::open, AeadLanes<Plain512>::seal},
#if defined(__x86_64__)
    {"avx2", Isa::avx2, aead_open_avx2, aead_seal_avx2},
    {"avx512", Isa::avx512, aead_open_avx512, aead_seal_avx512},
#endif
};

// Datagrams of a burst, each in memory of its own that ends with it.
struct Datagrams {
  std::vector<Bytes> keys, bytes;
  AeadBurst burst;

  Datagrams() = default;
  Datagrams(const Datagrams& other) : keys(other.keys), bytes(other.bytes), burst(other.burst) { point(); }
  void add(base::Prng& random, std::size_t body, std::size_t clear = 0) {
    const auto some = [&](std::size_t count) {
      Bytes made(count);
      for (auto& byte : made) byte = static_cast<std::uint8_t>(random.next());
      return made;
    };
    const unsigned row = burst.rows++;
    keys.push_back(some(32));
    bytes.push_back(some(header + clear + body + tag));
    burst.connection_id[row] = static_cast<std::uint32_t>(random.next());
    burst.sequence[row] = random.next();
    burst.clear_bytes[row] = static_cast<std::uint16_t>(clear);
    burst.body_bytes[row] = static_cast<std::uint16_t>(body);
    point();
  }
  void point() {
    for (unsigned row = 0; row < burst.rows; ++row) {
      burst.key[row] = keys[row].data();
      burst.data[row] = bytes[row].data();
    }
  }
  void seal_by_libsodium() {
    for (unsigned row = 0; row < burst.rows; ++row) {
      std::uint8_t nonce[12];
      base::store(nonce, burst.connection_id[row]);
      base::store(nonce + 4, burst.sequence[row]);
      std::uint8_t* const body = burst.data[row] + header + burst.clear_bytes[row];
      crypto_aead_chacha20poly1305_ietf_encrypt_detached(body, body + burst.body_bytes[row], nullptr, body,
                                                         burst.body_bytes[row], burst.data[row], header, nullptr, nonce,
                                                         burst.key[row]);
    }
  }
};

class AeadVariant : public testing::TestWithParam<Variant> {
 protected:
  void SetUp() override {
    ASSERT_GE(sodium_init(), 0);
    if (detected_isa() < GetParam().needs) GTEST_SKIP() << "this CPU has no " << isa_name(GetParam().needs);
  }
  // Sealed by both, alike; opened again, and what was flipped by `harm` refused and left alone.
  template <class Harm>
  void check(const Datagrams& plain, Harm harm) {
    Datagrams expected = plain, sealed = plain;
    expected.seal_by_libsodium();
    GetParam().seal(sealed.burst);
    ASSERT_EQ(sealed.bytes, expected.bytes);
    std::uint64_t authentic = 0;
    for (unsigned row = 0; row < sealed.burst.rows; ++row)
      if (!harm(sealed, row)) authentic |= std::uint64_t{1} << row;
    const std::vector<Bytes> came = sealed.bytes;
    ASSERT_EQ(GetParam().open(sealed.burst), authentic);
    for (unsigned row = 0; row < sealed.burst.rows; ++row) {
      const Bytes& now = sealed.bytes[row];
      if ((authentic >> row & 1) == 0) {
        ASSERT_EQ(now, came[row]) << "row " << row << " is forged";
      } else {
        ASSERT_TRUE(std::equal(now.begin(), now.end() - tag, plain.bytes[row].begin())) << "row " << row;
        ASSERT_TRUE(std::equal(now.end() - tag, now.end(), came[row].end() - tag)) << "row " << row << ", the tag";
      }
    }
  }
  void check(const Datagrams& plain) {
    check(plain, [](Datagrams&, unsigned) { return false; });
  }
};

TEST_P(AeadVariant, EveryLengthInBurstsOfOneLength) {
  base::Prng random(1);
  for (unsigned body = 0; body <= body_most; ++body) {
    Datagrams datagrams;
    for (unsigned row = 0; row < 9; ++row) datagrams.add(random, body);
    SCOPED_TRACE(testing::Message() << body << " bytes");
    ASSERT_NO_FATAL_FAILURE(check(datagrams));
  }
}

TEST_P(AeadVariant, EveryLengthInABatchWithOtherLengths) {
  base::Prng random(2);
  for (unsigned body = 0; body <= body_most; body += AeadBurst::capacity) {
    Datagrams datagrams;
    for (unsigned row = 0; row < AeadBurst::capacity; ++row) datagrams.add(random, (body + 37 * row) % (body_most + 1));
    ASSERT_NO_FATAL_FAILURE(check(datagrams));
  }
}

TEST_P(AeadVariant, RandomBurstsOfOneTo64WithForgeries) {
  base::Prng random(3);
  for (unsigned round = 0; round < 400; ++round) {
    SCOPED_TRACE(testing::Message() << "round " << round);
    Datagrams datagrams;
    const std::uint64_t rows = 1 + round % AeadBurst::capacity, around = random.below(body_most + 1),
                        spread = random.chance(0.5) ? 1 : random.below(body_most + 1) + 1;
    for (unsigned row = 0; row < rows; ++row)
      datagrams.add(random, std::min<std::uint64_t>(body_most, around + random.below(spread)),
                    random.chance(0.1) ? 48 : 0);
    ASSERT_NO_FATAL_FAILURE(check(datagrams, [&](Datagrams& sealed, unsigned row) {
      if (!random.chance(0.25)) return false;
      // A bit of the header, of the body or of the tag; the clear part is not covered.
      const std::size_t clear = sealed.burst.clear_bytes[row];
      std::size_t at = random.below(sealed.bytes[row].size() - clear);
      if (at >= header) at += clear;
      sealed.bytes[row][at] ^= static_cast<std::uint8_t>(1u << random.below(8));
      return true;
    }));
  }
}

// 64 copies of one datagram, in each another bit of header, text or tag flipped; then of the nonce and of the key.
TEST_P(AeadVariant, EverySingleBitFlipIsRefused) {
  base::Prng random(4);
  for (const unsigned body : {0u, 1u, 15u, 16u, 17u, 64u, 100u}) {
    Datagrams one;
    one.add(random, body);
    GetParam().seal(one.burst);
    const auto refused = [&](std::size_t bits, auto&& flip) {
      for (std::size_t first = 0; first < bits; first += AeadBurst::capacity) {
        Datagrams copies;
        const auto rows = static_cast<unsigned>(std::min<std::size_t>(AeadBurst::capacity, bits - first));
        for (unsigned row = 0; row < rows; ++row) {
          copies.add(random, body);
          copies.keys[row] = one.keys[0];
          copies.bytes[row] = one.bytes[0];
          copies.burst.connection_id[row] = one.burst.connection_id[0];
          copies.burst.sequence[row] = one.burst.sequence[0];
          flip(copies, row, first + row);
        }
        copies.point();
        ASSERT_EQ(GetParam().open(copies.burst), 0u) << "body of " << body << ", bits from " << first;
      }
    };
    refused(one.bytes[0].size() * 8, [](Datagrams& copies, unsigned row, std::size_t bit) {
      copies.bytes[row][bit / 8] ^= static_cast<std::uint8_t>(1u << bit % 8);
    });
    refused(96, [](Datagrams& copies, unsigned row, std::size_t bit) {
      if (bit < 32)
        copies.burst.connection_id[row] ^= 1u << bit;
      else
        copies.burst.sequence[row] ^= std::uint64_t{1} << (bit - 32);
    });
    refused(256, [](Datagrams& copies, unsigned row, std::size_t bit) {
      copies.keys[row][bit / 8] ^= static_cast<std::uint8_t>(1u << bit % 8);
    });
  }
}

// Carries that random text hardly meets: ciphertext of all zeros, of all ones, and of blocks next to the modulus, at
// many lengths and under many keys.
TEST_P(AeadVariant, CiphertextOfOnesAndZeros) {
  base::Prng random(5);
  for (const auto value : std::initializer_list<std::uint8_t>{0x00, 0xFF, 0xFB}) {
    for (unsigned body = 0; body < 400; body += 7) {
      Datagrams sealed;
      for (unsigned row = 0; row < 32; ++row) sealed.add(random, body);
      // What seals to the ciphertext wanted: its own opening.
      for (auto& bytes : sealed.bytes) std::fill(bytes.begin(), bytes.end(), value);
      Datagrams stream = sealed;
      stream.seal_by_libsodium();
      for (unsigned row = 0; row < 32; ++row)
        for (std::size_t i = 0; i < body; ++i) sealed.bytes[row][header + i] = stream.bytes[row][header + i];
      ASSERT_NO_FATAL_FAILURE(check(sealed));
    }
  }
}

// Datagrams that end where memory ends. A vector function may read the tag's 16 bytes behind a body, but none behind
// those.
TEST_P(AeadVariant, BytesBehindADatagramStayUnchanged) {
  constexpr std::size_t page = 4096;
  base::Prng random(6);
  constexpr unsigned rows = 8;
  auto* const memory = static_cast<std::uint8_t*>(
      mmap(nullptr, rows * 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  ASSERT_NE(memory, MAP_FAILED);
  for (unsigned row = 0; row < rows; ++row) ASSERT_EQ(mprotect(memory + (2 * row + 1) * page, page, PROT_NONE), 0);
  for (unsigned body = 0; body <= body_most; ++body) {
    Datagrams expected;
    for (unsigned row = 0; row < rows; ++row) expected.add(random, (body + row) % (body_most + 1));
    Datagrams edge = expected;
    for (unsigned row = 0; row < rows; ++row) {
      edge.burst.data[row] = memory + (2 * row + 1) * page - edge.bytes[row].size();
      std::copy(edge.bytes[row].begin(), edge.bytes[row].end(), edge.burst.data[row]);
    }
    const auto now = [&](unsigned row) {
      return Bytes(edge.burst.data[row], edge.burst.data[row] + edge.bytes[row].size());
    };
    GetParam().seal(edge.burst);
    expected.seal_by_libsodium();
    for (unsigned row = 0; row < rows; ++row) ASSERT_EQ(now(row), expected.bytes[row]) << body;
    ASSERT_EQ(GetParam().open(edge.burst), (1u << rows) - 1);
  }
  munmap(memory, rows * 2 * page);
}

// Run on a stack of its own, of which every byte is looked at afterwards: neither a key, nor a one-time key, nor key
// stream may be left there.
struct Scanned {
  ScannedStack stack;
  const Variant* variant;
  Datagrams* datagrams;
  bool open;
  std::uint64_t authentic;
};
Scanned scanned;

void run_there() {
  if (scanned.open)
    scanned.authentic = scanned.variant->open(scanned.datagrams->burst);
  else
    scanned.variant->seal(scanned.datagrams->burst);
}

void run_on_scanned_stack(const Variant& variant, Datagrams& datagrams, bool open) {
  scanned.variant = &variant;
  scanned.datagrams = &datagrams;
  scanned.open = open;
  scanned.stack.run(run_there);
}

void look_for_secrets(const Datagrams& datagrams) {
  for (unsigned row = 0; row < datagrams.burst.rows; ++row) {
    std::uint8_t nonce[12], stream[64 + 1100];
    base::store(nonce, datagrams.burst.connection_id[row]);
    base::store(nonce + 4, datagrams.burst.sequence[row]);
    crypto_stream_chacha20_ietf(stream, sizeof stream, nonce, datagrams.keys[row].data());
    // Eight bytes are enough not to be met by chance in a quarter of a megabyte.
    for (std::size_t at = 0; at < 32; at += 8)
      ASSERT_FALSE(scanned.stack.holds(datagrams.keys[row].data() + at, 8)) << "key of row " << row;
    for (std::size_t at = 0; at < sizeof stream; at += 8)
      ASSERT_FALSE(scanned.stack.holds(stream + at, 8)) << "stream of row " << row << " from " << at;
  }
  // In a vector the same words stand side by side: of one datagram's blocks, of neighbours, and of every second where
  // those between are of another length.
  for (const unsigned apart : {0u, 1u, 2u})
    for (unsigned row = 0; row + apart < datagrams.burst.rows; ++row)
      for (std::size_t word = 0; word < 8; ++word) {
        std::uint8_t beside[8];
        std::memcpy(beside, datagrams.keys[row].data() + 4 * word, 4);
        std::memcpy(beside + 4, datagrams.keys[row + apart].data() + 4 * word, 4);
        ASSERT_FALSE(scanned.stack.holds(beside, 8))
            << "words " << word << " of rows " << row << " and " << row + apart;
      }
}

TEST_P(AeadVariant, LeavesNoSecretOnTheStack) {
  if (sanitized) GTEST_SKIP() << "the sanitizer lays out the stack";
  if (GetParam().needs == Isa::scalar) GTEST_SKIP() << "compiled as tests are, not as vector functions";
  base::Prng random(7);
  Datagrams datagrams;
  // Some that fill vectors of blocks by themselves and some that do not, and more than one vector of messages.
  for (unsigned row = 0; row < 20; ++row) datagrams.add(random, row % 2 == 0 ? 1100 : 90);
  Datagrams sealed = datagrams;
  run_on_scanned_stack(GetParam(), sealed, false);
  ASSERT_TRUE(scanned.stack.was_enough()) << "the stack is too small to say";
  look_for_secrets(datagrams);
  run_on_scanned_stack(GetParam(), sealed, true);
  ASSERT_EQ(scanned.authentic, (1u << 20) - 1);
  look_for_secrets(datagrams);
}

INSTANTIATE_TEST_SUITE_P(, AeadVariant, testing::ValuesIn(variants),
                         [](const auto& instance) { return std::string(instance.param.name); });

// What the way in chooses, said in the test's output.
TEST(Aead, TheChoiceFollowsTheInstructionSet) {
  ASSERT_GE(sodium_init(), 0);
  for (const Isa wanted : test::isas) {
    const Isa used = use_isa(wanted);
    if (used < Isa::avx2) {
      EXPECT_GT(aead_rows_min(), AeadBurst::capacity) << isa_name(used);
      continue;
    }
    EXPECT_EQ(aead_rows_min(), 2u);
    base::Prng random(8);
    Datagrams datagrams;
    for (unsigned row = 0; row < 20; ++row) datagrams.add(random, 50 * row);
    Datagrams expected = datagrams;
    expected.seal_by_libsodium();
    aead_seal(datagrams.burst);
    EXPECT_EQ(datagrams.bytes, expected.bytes);
    EXPECT_EQ(aead_open(datagrams.burst), (1u << 20) - 1);
    RecordProperty(std::string(isa_name(wanted)), std::string(isa_name(used)));
    std::printf("asked for %s: bursts by %s\n", isa_name(wanted).data(), isa_name(used).data());
  }
  use_isa(detected_isa());
}

}  // namespace
}  // namespace serried::simd
