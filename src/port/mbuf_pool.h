#pragma once
/// The mbufs of one lane. Where they lie in memory is the driver's business: most take them one by one, net_af_xdp
/// tells the kernel of one region that has to hold them all.
///
///     paged, 4 KiB pages   | mbuf    .....| mbuf    .....| mbuf    .....|    none crosses a page
///     dense                | mbuf    | mbuf    | mbuf    |                   (mbufs * size of one) bytes

#include <cstdint>
#include <string>

struct rte_mempool;

namespace serried::port {

/// Mbufs that a lane takes and gives without touching the pool's shared ring.
inline constexpr unsigned mbuf_cache = 256;

enum class MbufLayout : std::uint8_t { paged, dense };

/// `mbufs` of RTE_MBUF_DEFAULT_BUF_SIZE on NUMA node `node` (SOCKET_ID_ANY: any). nullptr and rte_errno when there is
/// no memory for it, for MbufLayout::dense: no memory in one piece. `name` must be new.
[[nodiscard]] rte_mempool* make_mbuf_pool(const std::string& name, unsigned mbufs, int node, MbufLayout layout);

/// Whether every mbuf lies in the region of which net_af_xdp tells the kernel: from the first chunk of the pool's
/// memory, (mbufs * size of one) bytes.
[[nodiscard]] bool is_one_dense_region(rte_mempool& pool);

}  // namespace serried::port
