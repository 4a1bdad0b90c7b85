#include "kernel/sha256.h"

#include <vector>

#include <gtest/gtest.h>
#include <sodium.h>

#include "base/prng.h"
#include "kernel/isa.h"

namespace serried::kernel {
namespace {

/// Runs by instruction and without, where the CPU has it.
class Sha256Test : public testing::TestWithParam<Isa> {
 protected:
  void SetUp() override {
    if (use_isa(GetParam()) != GetParam()) GTEST_SKIP() << "this CPU has no " << isa_name(GetParam());
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

TEST(Sha256Choice, TheScalarIsaUsesNoInstructionForIt) {
  use_isa(Isa::scalar);
  EXPECT_FALSE(uses_sha_instructions());
  use_isa(detected_isa());
  RecordProperty("by_instruction", uses_sha_instructions() ? "yes" : "no");
}

}  // namespace
}  // namespace serried::kernel
