#include "port/bridge.h"

#include <atomic>

#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include "base/setup.h"
#include "port/mbuf_pool.h"
#include "wire/batch.h"

namespace serried::port {
namespace {

constexpr std::uint16_t descriptors = 512;
constexpr unsigned mbufs = 4'096;
static_assert(wire::headroom_bytes + Bridge::frame_bytes_max <= RTE_MBUF_DEFAULT_BUF_SIZE);

}  // namespace

SERRIED_SETUP Result<std::unique_ptr<Bridge>> Bridge::open(const std::string& left, const std::string& right) {
  if (left == right) return Error{"a bridge has two ends, and both are '" + left + "'"};
  std::unique_ptr<Bridge> bridge(new Bridge);
  static std::atomic<unsigned> made{0};
  bridge->pool_ =
      make_mbuf_pool("serried_bridge_" + std::to_string(made.fetch_add(1)), mbufs, SOCKET_ID_ANY, MbufLayout::paged);
  if (bridge->pool_ == nullptr)
    return Error{"cannot make " + std::to_string(mbufs) + " mbufs: " + rte_strerror(rte_errno) +
                 "; give EAL more memory (hugepages, or -m with --no-huge)"};
  if (const auto done = bridge->start(0, left); !done) return done.error().within(left);
  if (const auto done = bridge->start(1, right); !done) return done.error().within(right);
  if (rte_pktmbuf_alloc_bulk(bridge->pool_, bridge->own_.data(), burst) != 0) return Error{"no mbufs for own frames"};
  return bridge;
}

SERRIED_SETUP Result<Done> Bridge::start(unsigned side, const std::string& name) {
  Device& device = devices_[side];
  if (rte_eth_dev_get_port_by_name(name.c_str(), &device.id) != 0) return Error{"there is no such ethdev"};
  rte_eth_dev_info info{};
  if (const int error = rte_eth_dev_info_get(device.id, &info); error != 0)
    return Error{std::string("cannot be asked: ") + rte_strerror(-error)};
  const rte_eth_conf conf{};
  std::uint16_t rx = descriptors, tx = descriptors;
  int error = rte_eth_dev_configure(device.id, 1, 1, &conf);
  device.configured = error == 0;
  if (error == 0) error = rte_eth_dev_adjust_nb_rx_tx_desc(device.id, &rx, &tx);
  if (error == 0) error = rte_eth_rx_queue_setup(device.id, 0, rx, SOCKET_ID_ANY, &info.default_rxconf, pool_);
  if (error == 0) error = rte_eth_tx_queue_setup(device.id, 0, tx, SOCKET_ID_ANY, &info.default_txconf);
  if (error == 0) error = rte_eth_dev_start(device.id);
  if (error != 0) return Error{std::string("does not start: ") + rte_strerror(-error)};
  // Frames for others are what passes here. Drivers that have no filter refuse, and need none.
  static_cast<void>(rte_eth_promiscuous_enable(device.id));
  return Done{};
}

SERRIED_SETUP Bridge::~Bridge() {
  for (unsigned i = 0; i < count_; ++i) rte_pktmbuf_free(frames_[i]);
  for (rte_mbuf* const own : own_) rte_pktmbuf_free(own);
  for (const Device& device : devices_) {
    if (!device.configured) continue;
    static_cast<void>(rte_eth_dev_stop(device.id));
    rte_eth_dev_close(device.id);
  }
  // A driver that still holds mbufs keeps the pool; one that does not lets it go.
  if (pool_ != nullptr && rte_mempool_full(pool_) != 0) rte_mempool_free(pool_);
}

std::span<const std::span<const std::uint8_t>> Bridge::receive(Side from) noexcept {
  from_ = static_cast<unsigned>(from);
  count_ = rte_eth_rx_burst(devices_[from_].id, 0, frames_.data(), burst);
  for (unsigned i = 0; i < count_; ++i)
    views_[i] = {rte_pktmbuf_mtod(frames_[i], const std::uint8_t*), frames_[i]->data_len};
  return {views_.data(), count_};
}

void Bridge::pass_on(std::uint64_t kept) noexcept {
  std::array<rte_mbuf*, burst> going, done;
  std::uint16_t going_count = 0;
  unsigned done_count = 0;
  for (unsigned i = 0; i < count_; ++i) {
    if ((kept >> i & 1) != 0)
      done[done_count++] = frames_[i];
    else
      going[going_count++] = frames_[i];
  }
  count_ = 0;
  const unsigned sent = rte_eth_tx_burst(devices_[1 - from_].id, 0, going.data(), going_count);
  lost_ += going_count - sent;
  for (unsigned i = sent; i < going_count; ++i) rte_pktmbuf_free(going[i]);
  rte_pktmbuf_free_bulk(done.data(), done_count);
}

std::uint8_t* Bridge::room(unsigned i) noexcept {
  return static_cast<std::uint8_t*>(own_[i]->buf_addr) + wire::headroom_bytes;
}

unsigned Bridge::send(Side to, std::span<const Piece> pieces) noexcept {
  const auto count = static_cast<std::uint16_t>(pieces.size());
  std::array<rte_mbuf*, burst> fresh;
  if (rte_pktmbuf_alloc_bulk(pool_, fresh.data(), count) != 0) return 0;
  for (unsigned i = 0; i < count; ++i) {
    own_[i]->data_off = static_cast<std::uint16_t>(wire::headroom_bytes - pieces[i].headers);
    own_[i]->data_len = static_cast<std::uint16_t>(pieces[i].headers + pieces[i].bytes);
    own_[i]->pkt_len = own_[i]->data_len;
  }
  const unsigned sent = rte_eth_tx_burst(devices_[static_cast<unsigned>(to)].id, 0, own_.data(), count);
  for (unsigned i = 0; i < sent; ++i) own_[i] = fresh[i];
  rte_pktmbuf_free_bulk(fresh.data() + sent, count - sent);
  return sent;
}

}  // namespace serried::port
