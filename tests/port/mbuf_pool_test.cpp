#include "port/mbuf_pool.h"

#include <cstdint>
#include <fstream>
#include <memory>
#include <set>
#include <string>
#include <unistd.h>
#include <vector>

#include <gtest/gtest.h>
#include <rte_errno.h>
#include <rte_mbuf.h>
#include <rte_mempool.h>
#include <rte_memzone.h>

#include "port/eal.h"
#include "shared_eal.h"

namespace serried::port {
namespace {

using Pool = std::unique_ptr<rte_mempool, decltype(&rte_mempool_free)>;

Pool make(unsigned mbufs, MbufLayout layout) {
  static int number = 0;
  const std::string name = "pool_test_" + std::to_string(number++);
  return {make_mbuf_pool(name, mbufs, SOCKET_ID_ANY, layout), &rte_mempool_free};
}

std::vector<rte_mbuf*> take_all(rte_mempool& pool) {
  std::vector<rte_mbuf*> all;
  while (rte_mbuf* const mbuf = rte_pktmbuf_alloc(&pool)) all.push_back(mbuf);
  return all;
}

/// The mbufs of `all` with a byte outside the region that net_af_xdp names: (mbufs * size of one) bytes, from the start
/// of the first chunk. Found from the mbufs themselves, not by what the code under test says.
unsigned outside(rte_mempool& pool, const std::vector<rte_mbuf*>& all) {
  const auto begin = reinterpret_cast<std::uintptr_t>(STAILQ_FIRST(&pool.mem_list)->addr);
  const std::uintptr_t bytes = rte_mempool_calc_obj_size(pool.elt_size, pool.flags, nullptr);
  unsigned count = 0;
  for (const rte_mbuf* mbuf : all) {
    const auto data = reinterpret_cast<std::uintptr_t>(mbuf->buf_addr);
    const bool object = reinterpret_cast<std::uintptr_t>(mbuf) - pool.header_size >= begin;
    if (!object || data < begin || data + mbuf->buf_len > begin + pool.populated_size * bytes) ++count;
  }
  return count;
}

void expect_usable(rte_mempool& pool, unsigned mbufs, const std::vector<rte_mbuf*>& all) {
  EXPECT_EQ(all.size(), mbufs);
  EXPECT_EQ(pool.populated_size, mbufs);
  EXPECT_EQ(std::set<rte_mbuf*>(all.begin(), all.end()).size(), mbufs);
  for (const rte_mbuf* mbuf : all) {
    ASSERT_EQ(mbuf->pool, &pool);
    ASSERT_EQ(mbuf->data_off, RTE_PKTMBUF_HEADROOM);
    ASSERT_EQ(mbuf->buf_len, RTE_MBUF_DEFAULT_BUF_SIZE);
    ASSERT_EQ(mbuf->buf_addr, reinterpret_cast<const char*>(mbuf) + sizeof(rte_mbuf));
    ASSERT_EQ(mbuf->nb_segs, 1);
  }
}

void give_back(rte_mempool& pool, std::vector<rte_mbuf*>& all) {
  rte_pktmbuf_free_bulk(all.data(), static_cast<unsigned>(all.size()));
  EXPECT_TRUE(rte_mempool_full(&pool));
}

void expect_dense(unsigned mbufs) {
  const Pool pool = make(mbufs, MbufLayout::dense);
  ASSERT_TRUE(pool != nullptr) << rte_strerror(rte_errno);
  std::vector<rte_mbuf*> all = take_all(*pool);
  expect_usable(*pool, mbufs, all);
  EXPECT_EQ(outside(*pool, all), 0U) << "of " << mbufs;
  EXPECT_TRUE(is_one_dense_region(*pool));
  give_back(*pool, all);
}

/// What the kernel would refuse of a paged pool: much with small pages, hence the other layout, and next to nothing
/// with huge ones, of which one ends in a gap of less than an mbuf.
void expect_paged(unsigned mbufs, bool small_pages) {
  const Pool pool = make(mbufs, MbufLayout::paged);
  ASSERT_TRUE(pool != nullptr) << rte_strerror(rte_errno);
  std::vector<rte_mbuf*> all = take_all(*pool);
  expect_usable(*pool, mbufs, all);
  const unsigned lost = outside(*pool, all);
  if (small_pages)
    EXPECT_GT(lost, mbufs / 4);
  else
    EXPECT_LT(lost, mbufs / 100 + 1);
  EXPECT_EQ(is_one_dense_region(*pool), lost == 0);
  give_back(*pool, all);
}

TEST(MbufPool, DenseHasNoGaps) {
  ASSERT_TRUE(shared_eal_runs());
  for (const unsigned mbufs : {1024U, 2047U, 10'000U}) expect_dense(mbufs);
}

TEST(MbufPool, PagedHasThem) {
  ASSERT_TRUE(shared_eal_runs());
  ASSERT_EQ(sysconf(_SC_PAGESIZE), 4096) << "one mbuf a page is told of pages of 4 KiB";
  for (const unsigned mbufs : {1024U, 10'000U}) expect_paged(mbufs, true);
}

TEST(MbufPool, ReportsWhyItCannotBeMade) {
  ASSERT_TRUE(shared_eal_runs());
  for (const MbufLayout layout : {MbufLayout::paged, MbufLayout::dense}) {
    EXPECT_EQ(make(10'000'000, layout), nullptr);  // 25 GB
    EXPECT_TRUE(rte_errno == ENOMEM || rte_errno == ENOBUFS) << rte_strerror(rte_errno);
    const Pool pool(make_mbuf_pool("pool_test_twice", 1024, SOCKET_ID_ANY, layout), &rte_mempool_free);
    ASSERT_TRUE(pool != nullptr);
    EXPECT_EQ(make_mbuf_pool("pool_test_twice", 1024, SOCKET_ID_ANY, layout), nullptr);
    EXPECT_EQ(rte_errno, EEXIST);
  }
  expect_dense(1024);  // and what failed has left nothing behind that is in the way
}

/// Where memory is enough but in pieces, a pool takes several: then it is not dense, and there is none.
TEST(MbufPool, DenseIsInOnePieceOrNotAtAll) {
  in_fresh_process([] {
    const auto started = start_eal({"--no-huge", "--no-pci", "-m", "96", "--no-shconf", "--no-telemetry", "--lcores",
                                    "0", "--log-level", "error", "--log-level", "lib.eal:critical"});
    ASSERT_TRUE(started) << started.error().message;
    constexpr std::size_t piece_bytes = std::size_t{6} << 20;
    constexpr unsigned fit_a_piece = 1500, fit_two = 4000;  // of 2.4 KiB each
    std::vector<const rte_memzone*> pieces;
    while (const rte_memzone* const piece =
               rte_memzone_reserve(("piece" + std::to_string(pieces.size())).c_str(), piece_bytes, SOCKET_ID_ANY, 0))
      pieces.push_back(piece);
    ASSERT_GT(pieces.size(), 8U);
    for (std::size_t i = 1; i + 1 < pieces.size(); i += 2) ASSERT_EQ(rte_memzone_free(pieces[i]), 0);
    EXPECT_EQ(make(fit_two, MbufLayout::dense), nullptr);
    EXPECT_EQ(rte_errno, ENOMEM);
    EXPECT_NE(make(fit_two, MbufLayout::paged), nullptr);
    expect_dense(fit_a_piece);
    stop_eal();
  });
}

/// Bytes of free hugepages of 2 MiB.
std::size_t hugepage_bytes() {
  std::ifstream file("/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages");
  std::size_t pages = 0;
  file >> pages;
  return pages << 21;
}

TEST(MbufPool, LaysOutHugepages) {
  if (hugepage_bytes() < std::size_t{64} << 20) GTEST_SKIP() << "needs 32 free hugepages of 2 MiB";
  in_fresh_process([] {
    const auto started = start_eal({"--in-memory", "--no-pci", "-m", "64", "--no-telemetry", "--lcores", "0",
                                    "--log-level", "error", "--huge-unlink"});
    ASSERT_TRUE(started) << started.error().message;
    for (const unsigned mbufs : {1024U, 10'000U}) {
      expect_dense(mbufs);
      expect_paged(mbufs, false);
    }
    stop_eal();
  });
}

}  // namespace
}  // namespace serried::port
