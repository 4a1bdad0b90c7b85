#include "port/mbuf_pool.h"

#include <cerrno>
#include <cstddef>

#include <rte_errno.h>
#include <rte_mbuf.h>
#include <rte_mbuf_pool_ops.h>
#include <rte_mempool.h>

namespace serried::port {
namespace {

/// AF_XDP tells the kernel of one region of (mbufs * size of an mbuf) bytes, but a pool normally lets no mbuf cross a
/// page, which leaves gaps: with 4 KiB pages one mbuf takes a page, and the latter two fifths of the pool lie outside
/// the region. The kernel refuses those one by one as they reach the fill ring, until reception is dead. Without the
/// demand for contiguous physical memory, which AF_XDP does not need, there are no gaps.
int fill_dense(rte_mempool& pool) {
  rte_pktmbuf_pool_private sizes{};
  sizes.mbuf_data_room_size = RTE_MBUF_DEFAULT_BUF_SIZE;
  if (const int error = rte_mempool_set_ops_byname(&pool, rte_mbuf_best_mempool_ops(), nullptr); error != 0)
    return error;
  rte_pktmbuf_pool_init(&pool, &sizes);
  if (const int populated = rte_mempool_populate_default(&pool); populated < 0) return populated;
  rte_mempool_obj_iter(&pool, rte_pktmbuf_init, nullptr);
  // Fragmented memory makes a pool of several chunks, of which the kernel would hear of the first one only.
  return is_one_dense_region(pool) ? 0 : -ENOMEM;
}

}  // namespace

rte_mempool* make_mbuf_pool(const std::string& name, unsigned mbufs, int node, MbufLayout layout) {
  if (layout == MbufLayout::paged)
    return rte_pktmbuf_pool_create(name.c_str(), mbufs, mbuf_cache, 0, RTE_MBUF_DEFAULT_BUF_SIZE, node);
  rte_mempool* const pool =
      rte_mempool_create_empty(name.c_str(), mbufs, sizeof(rte_mbuf) + RTE_MBUF_DEFAULT_BUF_SIZE, mbuf_cache,
                               sizeof(rte_pktmbuf_pool_private), node, RTE_MEMPOOL_F_NO_IOVA_CONTIG);
  if (pool == nullptr) return nullptr;
  if (const int error = fill_dense(*pool); error != 0) {
    rte_mempool_free(pool);
    rte_errno = -error;
    return nullptr;
  }
  return pool;
}

bool is_one_dense_region(rte_mempool& pool) {
  struct Region {
    const char *begin = nullptr, *end = nullptr;
    std::size_t mbuf_bytes = 0;
    unsigned outside = 0;
  } region;
  const rte_mempool_memhdr* const first = STAILQ_FIRST(&pool.mem_list);
  if (first == nullptr) return false;
  region.mbuf_bytes = std::size_t{pool.header_size} + pool.elt_size + pool.trailer_size;
  region.begin = static_cast<const char*>(first->addr);
  region.end = region.begin + pool.populated_size * region.mbuf_bytes;
  const auto look = [](rte_mempool* of, void* opaque, void* object, unsigned) {
    auto& within = *static_cast<Region*>(opaque);
    const char* const begin = static_cast<const char*>(object) - of->header_size;
    if (begin < within.begin || begin + within.mbuf_bytes > within.end) ++within.outside;
  };
  rte_mempool_obj_iter(&pool, look, &region);
  return region.outside == 0;
}

}  // namespace serried::port
