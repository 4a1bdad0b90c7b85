#include "channel/chunk_pool.h"

#include <algorithm>
#include <array>
#include <vector>

#include <gtest/gtest.h>

#include "base/prng.h"
#include "noise.h"

namespace serried::channel {
namespace {

using Bytes = std::vector<std::uint8_t>;

Bytes read(const ChunkPool& pool, const Chain& chain) {
  Bytes out(chain.bytes);
  pool.copy(chain, out);
  return out;
}

TEST(ChunkPool, CopiesOutWhatWasStoredAtEveryEdgeOfAChunk) {
  base::Prng random{1};
  ChunkPool pool{8};
  for (const std::size_t bytes : {1U, 2U, 251U, 252U, 253U, 503U, 504U, 505U, 1142U, 2016U}) {
    const Bytes message = noise(random, bytes);
    Chain chain;
    ASSERT_TRUE(pool.store(message, chain));
    EXPECT_EQ(chain.bytes, bytes);
    EXPECT_EQ(pool.in_use(), ChunkPool::chunks_for(bytes));
    EXPECT_EQ(read(pool, chain), message);
    const auto view = pool.view(chain);
    if (bytes <= ChunkPool::payload_bytes) {
      EXPECT_TRUE(std::equal(view.begin(), view.end(), message.begin(), message.end()));
    } else {
      EXPECT_TRUE(view.empty());
    }
    pool.free(chain);
    EXPECT_EQ(chain.first, Chain::none);
    EXPECT_EQ(pool.in_use(), 0U);
  }
}

TEST(ChunkPool, JoinsTwoPiecesWhereverTheyMeet) {
  base::Prng random{2};
  ChunkPool pool{8};
  const Bytes message = noise(random, 700);
  for (std::size_t head = 0; head <= message.size(); ++head) {
    Chain chain;
    ASSERT_TRUE(pool.store(std::span{message}.first(head), std::span{message}.subspan(head), chain));
    ASSERT_EQ(read(pool, chain), message) << "head " << head;
    pool.free(chain);
  }
}

TEST(ChunkPool, StoresAllOrNothing) {
  ChunkPool pool{3};
  const Bytes two(300), one(10);
  Chain first, second, third;
  ASSERT_TRUE(pool.store(two, first));
  EXPECT_FALSE(pool.store(two, second));
  EXPECT_EQ(second.first, Chain::none);
  EXPECT_EQ(pool.in_use(), 2U);
  ASSERT_TRUE(pool.store(one, second));
  EXPECT_FALSE(pool.store(one, third));
  pool.free(first);
  pool.free(second);
  pool.free(third);
  EXPECT_EQ(pool.in_use(), 0U);
}

TEST(ChunkPool, RefusesWhatAChainCannotName) {
  ChunkPool pool{300};
  Chain chain;
  EXPECT_FALSE(pool.store({}, chain));
  EXPECT_FALSE(pool.store(Bytes(65'536), chain));
  ASSERT_TRUE(pool.store(Bytes(65'535), chain));
  pool.free(chain);
  ChunkPool empty{0};
  EXPECT_FALSE(empty.store(Bytes(1), chain));
}

TEST(ChunkPool, ChainsNeverShareAChunk) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    base::Prng random{seed};
    ChunkPool pool{64};
    std::vector<std::pair<Chain, Bytes>> held;
    std::uint32_t chunks = 0;
    for (unsigned step = 0; step < 2'000; ++step) {
      if (random.chance(0.5) || held.empty()) {
        Bytes message = noise(random, 1 + random.below(1'200));
        Chain chain;
        const bool fits = chunks + ChunkPool::chunks_for(message.size()) <= pool.capacity();
        ASSERT_EQ(pool.store(message, chain), fits);
        if (!fits) continue;
        chunks += ChunkPool::chunks_for(message.size());
        held.emplace_back(chain, std::move(message));
      } else {
        std::swap(held[random.below(held.size())], held.back());
        ASSERT_EQ(read(pool, held.back().first), held.back().second);
        chunks -= ChunkPool::chunks_for(held.back().second.size());
        pool.free(held.back().first);
        held.pop_back();
      }
      ASSERT_EQ(pool.in_use(), chunks);
    }
    for (auto& [chain, message] : held) {
      ASSERT_EQ(read(pool, chain), message);
      pool.free(chain);
    }
    EXPECT_EQ(pool.in_use(), 0U);
  }
}

}  // namespace
}  // namespace serried::channel
