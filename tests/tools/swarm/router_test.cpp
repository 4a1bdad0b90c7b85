#include "tools/swarm/router.h"

#include <gtest/gtest.h>

namespace serried {
namespace {

using tools::Router;

constexpr std::uint32_t id_of(std::uint32_t lane, std::uint32_t slot, std::uint32_t random) {
  return lane << 28 | slot << 11 | random;
}

TEST(Router, FindsByWholeId) {
  Router router;
  router.bind(id_of(1, 70, 5), 3);
  EXPECT_EQ(router.find(id_of(1, 70, 5)), 3U);
  EXPECT_EQ(router.find(id_of(1, 70, 6)), Router::none);
  EXPECT_EQ(router.find(id_of(2, 70, 5)), Router::none);
  EXPECT_EQ(router.find(id_of(1, 131'071, 5)), Router::none);
  router.unbind(id_of(1, 70, 5));
  EXPECT_EQ(router.find(id_of(1, 70, 5)), Router::none);
}

/// Ids of a server that does not put slots where ours does.
TEST(Router, FindsIdsThatCollide) {
  Router router;
  for (std::uint32_t i = 0; i < 100; ++i) router.bind(id_of(0, 9, i), i);
  for (std::uint32_t i = 0; i < 100; ++i) EXPECT_EQ(router.find(id_of(0, 9, i)), i);
  for (std::uint32_t i = 0; i < 100; i += 2) router.unbind(id_of(0, 9, i));
  for (std::uint32_t i = 0; i < 100; ++i) EXPECT_EQ(router.find(id_of(0, 9, i)), i % 2 == 0 ? Router::none : i);
}

TEST(Router, QueuesHandshakesForAPort) {
  Router router;
  EXPECT_TRUE(router.shaking(5000).empty());
  router.shake(5000, 8);
  router.shake(5000, 9);
  router.shake(5001, 7);
  EXPECT_EQ(router.shaking(5000), (std::vector<std::uint32_t>{8, 9}));
  router.shake(5000, 8);
  EXPECT_EQ(router.shaking(5000), (std::vector<std::uint32_t>{9, 8}));
  router.settle(5000, 9);
  router.settle(5000, 9);
  EXPECT_EQ(router.shaking(5000), (std::vector<std::uint32_t>{8}));
}

}  // namespace
}  // namespace serried
