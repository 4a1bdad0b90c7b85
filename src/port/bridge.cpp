#include "port/bridge.h"

#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include "wire/batch.h"

namespace serried::port {

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
