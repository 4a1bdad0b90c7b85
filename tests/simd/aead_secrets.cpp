/// Run under valgrind: keys and text are poisoned, so that memcheck reports every branch and every address that depends
/// on them. Sealing is the production object with AVX2; opening is the same source built here, because which tags
/// verified becomes public in its midst. valgrind knows no AVX-512: of that function this sees what it shares.

#include <cstdio>
#include <cstring>
#include <valgrind/memcheck.h>
#include <vector>

#include "base/prng.h"
#include "simd/aead.h"
#include "simd/aead_avx2.h"
#include "simd/aead_avx2_vectors.h"
#include "simd/aead_lanes.h"

namespace {

using namespace serried;
using simd::AeadBurst;

struct Watched {
  static std::uint64_t publish(std::uint64_t mask) noexcept {
    VALGRIND_MAKE_MEM_DEFINED(&mask, sizeof mask);
    return mask;
  }
};
using Lanes = simd::AeadLanes<simd::Avx2<Watched>>;

/// Keeps to itself that the mask is public.
struct Secretive {
  static std::uint64_t publish(std::uint64_t mask) noexcept { return mask; }
};
using Unpublished = simd::AeadLanes<simd::Avx2<Secretive>>;

struct Datagrams {
  std::vector<std::vector<std::uint8_t>> keys, bytes;
  AeadBurst burst;

  Datagrams(base::Prng& random, unsigned rows) {
    burst.rows = rows;
    for (unsigned row = 0; row < rows; ++row) {
      const auto body = static_cast<std::uint16_t>(random.below(row % 3 == 0 ? 1185 : 130));
      keys.emplace_back(32);
      bytes.emplace_back(AeadBurst::header_bytes + body + AeadBurst::tag_bytes);
      for (auto& byte : keys.back()) byte = static_cast<std::uint8_t>(random.next());
      for (auto& byte : bytes.back()) byte = static_cast<std::uint8_t>(random.next());
      burst.connection_id[row] = row;
      burst.sequence[row] = random.next();
      burst.clear_bytes[row] = 0;
      burst.body_bytes[row] = body;
    }
    for (unsigned row = 0; row < rows; ++row) {
      burst.key[row] = keys[row].data();
      burst.data[row] = bytes[row].data();
    }
  }
  void poison(bool text) {
    for (auto& key : keys) VALGRIND_MAKE_MEM_UNDEFINED(key.data(), key.size());
    for (unsigned row = 0; text && row < burst.rows; ++row)
      VALGRIND_MAKE_MEM_UNDEFINED(burst.data[row] + AeadBurst::header_bytes, burst.body_bytes[row]);
  }
  void reveal() {
    for (auto& each : bytes) VALGRIND_MAKE_MEM_DEFINED(each.data(), each.size());
  }
};

}  // namespace

int main(int count, char**) {
  if (RUNNING_ON_VALGRIND == 0) {
    std::puts("to be run under valgrind");
    return 1;
  }
  base::Prng random(1);
  if (count > 1) {  // shows that the method sees what it is for: the branch on tags that are not declared public
    Datagrams datagrams(random, 4);
    datagrams.poison(false);
    static_cast<void>(Unpublished::open(datagrams.burst));
    return VALGRIND_COUNT_ERRORS != 0 ? 0 : 1;
  }
  for (unsigned rows = 2; rows <= AeadBurst::capacity; rows += rows < 10 ? 1 : 9) {
    Datagrams datagrams(random, rows);
    datagrams.poison(true);
    simd::aead_seal_avx2(datagrams.burst);
    datagrams.reveal();
    for (unsigned row = 0; row < rows; row += 3) datagrams.bytes[row][3] ^= 1;
    datagrams.poison(false);
    const std::uint64_t authentic = Lanes::open(datagrams.burst);
    for (unsigned row = 0; row < rows; ++row)
      if ((authentic >> row & 1) != (row % 3 != 0)) {
        std::printf("row %u of %u: the wrong verdict\n", row, rows);
        return 1;
      }
  }
  std::printf("%u errors\n", static_cast<unsigned>(VALGRIND_COUNT_ERRORS));
  return VALGRIND_COUNT_ERRORS == 0 ? 0 : 1;
}
