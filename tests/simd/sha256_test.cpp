#include "simd/sha256.h"

#include <fstream>
#include <iterator>
#include <string>
#include <sys/auxv.h>
#include <vector>

#include <gtest/gtest.h>
#include <sodium.h>

#include "base/prng.h"
#include "scanned_stack.h"
#include "simd/isa.h"
#include "support/sanitized.h"

namespace serried::simd {
namespace {

/// Runs by instruction and without, where the CPU has it.
class Sha256Test : public testing::TestWithParam<Isa> {
 protected:
  void SetUp() override {
    const bool by_instruction = GetParam() != Isa::scalar;
    use_isa(GetParam());
    if (uses_sha_instructions() != by_instruction) GTEST_SKIP() << "this CPU has no instructions for SHA-256";
  }
  void TearDown() override { use_isa(detected_isa()); }
};
INSTANTIATE_TEST_SUITE_P(Isa, Sha256Test, testing::Values(Isa::scalar, Isa::sse42));

TEST_P(Sha256Test, Fips180AbcInOneBlock) {
  std::uint8_t block[sha256_block_bytes]{'a', 'b', 'c', 0x80};
  block[63] = 24;
  Sha256State state = sha256_initial;
  sha256_blocks(state, block, 1);
  EXPECT_EQ(state, (Sha256State{0xBA7816BF, 0x8F01CFEA, 0x414140DE, 0x5DAE2223, 0xB00361A3, 0x96177A9C, 0xB410FF61,
                                0xF20015AD}));
}

TEST_P(Sha256Test, AgreesWithTheReferenceFromAnyStateOverAnyNumberOfBlocks) {
  base::Prng random(180);
  for (unsigned round = 0; round < 2'000; ++round) {
    const std::size_t count = random.below(6), offset = random.below(17);
    std::vector<std::uint8_t> bytes(offset + count * sha256_block_bytes);
    for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random.next());
    crypto_hash_sha256_state reference{};
    Sha256State state;
    for (std::size_t i = 0; i < state.size(); ++i)
      reference.state[i] = state[i] = static_cast<std::uint32_t>(random.next());
    crypto_hash_sha256_update(&reference, bytes.data() + offset, count * sha256_block_bytes);
    sha256_blocks(state, bytes.data() + offset, count);
    for (std::size_t i = 0; i < state.size(); ++i) ASSERT_EQ(state[i], reference.state[i]) << round << ", word " << i;
  }
}

// Run on a stack of its own, of which every byte is looked at afterwards: neither the block, which may be a key, nor
// the state after it, nor what was added to the public one may be left there.
struct ScannedHash {
  ScannedStack stack;
  Sha256State state;
  std::uint8_t block[sha256_block_bytes];
};
ScannedHash scanned_hash;

TEST_P(Sha256Test, NothingOfAKeyIsLeftOnTheStack) {
  if (sanitized) GTEST_SKIP() << "the sanitizer lays out the stack";
  base::Prng random(2104);
  for (auto& byte : scanned_hash.block) byte = static_cast<std::uint8_t>(random.next());
  scanned_hash.state = sha256_initial;
  scanned_hash.stack.run([] { sha256_blocks(scanned_hash.state, scanned_hash.block, 1); });
  ASSERT_TRUE(scanned_hash.stack.was_enough()) << "the stack is too small to say";

  Sha256State added;
  for (std::size_t i = 0; i < added.size(); ++i) added[i] = scanned_hash.state[i] - sha256_initial[i];
  for (std::size_t i = 0; i < added.size(); ++i) {
    EXPECT_FALSE(scanned_hash.stack.holds(&scanned_hash.state[i], 4)) << "word " << i << " of the state";
    EXPECT_FALSE(scanned_hash.stack.holds(&added[i], 4)) << "word " << i << " of what was added";
  }
  for (std::size_t at = 0; at < sha256_block_bytes; at += 4) {
    const std::uint8_t turned[]{scanned_hash.block[at + 3], scanned_hash.block[at + 2], scanned_hash.block[at + 1],
                                scanned_hash.block[at]};
    EXPECT_FALSE(scanned_hash.stack.holds(scanned_hash.block + at, 4)) << "word at " << at;
    EXPECT_FALSE(scanned_hash.stack.holds(turned, 4)) << "word at " << at << ", turned";
  }
}

TEST(Sha256Choice, ByInstructionWhereTheKernelSaysTheCpuHasItUnlessScalarIsAskedFor) {
#if defined(__aarch64__)  // under qemu-user that file is the host's
  const bool kernel_says = (getauxval(AT_HWCAP) & HWCAP_SHA2) != 0;
#else
  std::ifstream info("/proc/cpuinfo");
  const std::string words{std::istreambuf_iterator<char>(info), {}};
  const bool kernel_says = words.find(" sha_ni") != std::string::npos;
#endif
  const bool present = kernel_says && detected_isa() != Isa::scalar;
  use_isa(Isa::scalar);
  EXPECT_FALSE(uses_sha_instructions());
  use_isa(Isa::sse42);
  EXPECT_EQ(uses_sha_instructions(), present);
  use_isa(detected_isa());
  EXPECT_EQ(uses_sha_instructions(), present);
}

}  // namespace
}  // namespace serried::simd
