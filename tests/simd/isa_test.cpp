#include "simd/isa.h"

#include <set>

#include <gtest/gtest.h>

#include "support/isas.h"

namespace serried::simd {
namespace {

class IsaTest : public testing::Test {
  void TearDown() override { use_isa(detected_isa()); }
};

TEST_F(IsaTest, BestIsUsedUnlessLessIsAskedFor) { EXPECT_EQ(active_isa(), detected_isa()); }

TEST_F(IsaTest, LessMayBeAskedForAndMoreIsNotGiven) {
  for (const Isa wanted : test::isas) {
    const Isa used = use_isa(wanted);
    EXPECT_EQ(used, wanted < detected_isa() ? wanted : detected_isa());
    EXPECT_EQ(active_isa(), used);
  }
}

TEST_F(IsaTest, WhatAnotherArchitectureHasIsTheNearestBelowThatThisOneHas) {
#if defined(__aarch64__)
  EXPECT_EQ(use_isa(Isa::avx512), detected_isa());
#else
  EXPECT_EQ(use_isa(Isa::arm), Isa::scalar);
#endif
}

TEST_F(IsaTest, NamesDiffer) {
  std::set<std::string_view> names;
  for (const Isa isa : {Isa::scalar, Isa::arm, Isa::sse42, Isa::avx2, Isa::avx512}) names.insert(isa_name(isa));
  EXPECT_EQ(names.size(), 5u);
  EXPECT_FALSE(names.contains("unknown"));
}

}  // namespace
}  // namespace serried::simd
