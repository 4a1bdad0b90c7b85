#include "port/ethdev.h"

#include <algorithm>

#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include "base/setup.h"

namespace serried::port {
namespace {

using metrics::Drop;

std::span<const std::uint8_t> bytes_of(const rte_mbuf& frame) noexcept {
  return {rte_pktmbuf_mtod(&frame, const std::uint8_t*), frame.data_len};
}

Checked checked(std::uint64_t flags, std::uint64_t mask, std::uint64_t good, std::uint64_t bad,
                std::uint64_t none) noexcept {
  flags &= mask;
  // "None" is of paravirtual drivers: the checksum is not filled in, because the frame never left memory.
  if (flags == good || flags == none) return Checked::good;
  return flags == bad ? Checked::bad : Checked::unknown;
}

}  // namespace

Host::Offloaded Ethdev::offloaded(const rte_mbuf& frame) const noexcept {
  Host::Offloaded known;
  known.vlan_stripped = (frame.ol_flags & RTE_MBUF_F_RX_VLAN_STRIPPED) != 0;
  known.vlan = known.vlan_stripped ? frame.vlan_tci : std::uint16_t{0};
  if (offloads_.rx_ip)
    known.ip = checked(frame.ol_flags, RTE_MBUF_F_RX_IP_CKSUM_MASK, RTE_MBUF_F_RX_IP_CKSUM_GOOD,
                       RTE_MBUF_F_RX_IP_CKSUM_BAD, RTE_MBUF_F_RX_IP_CKSUM_NONE);
  if (offloads_.rx_udp)
    known.udp = checked(frame.ol_flags, RTE_MBUF_F_RX_L4_CKSUM_MASK, RTE_MBUF_F_RX_L4_CKSUM_GOOD,
                        RTE_MBUF_F_RX_L4_CKSUM_BAD, RTE_MBUF_F_RX_L4_CKSUM_NONE);
  return known;
}

SERRIED_SETUP void Ethdev::join(Ethdev& first, std::uint8_t number) noexcept {
  counters_ = first.counters_;
  number_ = number;
  if (pool_ == nullptr) pool_ = first.pool_;
}

void Ethdev::append(wire::Batch& batch, Nanos now) noexcept {
  if (const std::uint64_t missed = missed_.load(std::memory_order_relaxed); missed != missed_counted_) [[unlikely]] {
    counters_->rx_frames.add(missed - missed_counted_);
    counters_->drops.add(Drop::nic_missed, missed - missed_counted_);
    missed_counted_ = missed;
  }
  rte_mbuf* frames[burst];
  rte_mbuf* done[burst];
  unsigned done_count = 0;
  std::uint64_t bytes = 0;
  const unsigned before = batch.rows;
  const unsigned count = rte_eth_rx_burst(device_, rx_queue_, frames, static_cast<std::uint16_t>(burst - before));
  for (unsigned i = 0; i < count && i < 4; ++i) rte_prefetch0(rte_pktmbuf_mtod(frames[i], void*));
  for (unsigned i = 0; i < count; ++i) {
    if (i + 4 < count) rte_prefetch0(rte_pktmbuf_mtod(frames[i + 4], void*));
    rte_mbuf& frame = *frames[i];
    bytes += frame.pkt_len;
    Host::Verdict verdict;
    if (frame.nb_segs != 1) [[unlikely]]
      verdict.drop = Drop::bad_frame;
    else
      verdict = host_.examine(bytes_of(frame), offloaded(frame));
    if (verdict.kind == Host::Kind::datagram) [[likely]] {
      verdict.path.device = number_;
      batch.append(rte_pktmbuf_mtod_offset(&frame, std::uint8_t*, verdict.payload_offset), verdict.payload_bytes,
                   &frame, verdict.path);
      continue;
    }
    if (verdict.kind == Host::Kind::service)
      serve(frame, now);
    else
      counters_->drops.add(verdict.drop);
    done[done_count++] = &frame;
  }
  if (done_count > 0) rte_pktmbuf_free_bulk(done, done_count);
  if (count == 0) return;
  counters_->rx_frames.add(count);
  counters_->rx_bytes.add(bytes);
  counters_->rx_packets.add(batch.rows - before);
}

void Ethdev::serve(const rte_mbuf& frame, Nanos now) noexcept {
  rte_mbuf* const answer = rte_pktmbuf_alloc(pool_);
  std::span<std::uint8_t> room;  // none without a buffer: the host learns all the same
  if (answer != nullptr) room = {rte_pktmbuf_mtod(answer, std::uint8_t*), rte_pktmbuf_tailroom(answer)};
  const Host::Service service = host_.serve(bytes_of(frame), offloaded(frame), now, room);
  if (service.drop == Drop::none)
    counters_->rx_host_frames.add(1);
  else
    counters_->drops.add(service.drop);
  if (answer != nullptr) send_host_frame(answer, service.answer_bytes);
}

void Ethdev::ask(const Host::Hop& hop) noexcept {
  rte_mbuf* const question = rte_pktmbuf_alloc(pool_);
  if (question == nullptr) return;
  send_host_frame(question, host_.compose_question(hop, rte_pktmbuf_mtod(question, std::uint8_t*)));
}

void Ethdev::send_host_frame(rte_mbuf* frame, std::size_t bytes) noexcept {
  frame->data_len = static_cast<std::uint16_t>(bytes);
  frame->pkt_len = static_cast<std::uint32_t>(bytes);
  if (bytes > 0 && rte_eth_tx_burst(device_, tx_queue_, &frame, 1) == 1) {
    counters_->tx_host_frames.add(1);
    return;
  }
  if (bytes > 0) counters_->drops.add(Drop::transmit_full);
  rte_pktmbuf_free(frame);
}

/// Headers before the row's bytes, wherever in its mbuf they lie; false when there is no room for them.
bool Ethdev::compose(wire::Batch& batch, unsigned row, const wire::Mac& station) noexcept {
  auto& frame = *static_cast<rte_mbuf*>(batch.owner[row]);
  const wire::Path& path = batch.path[row];
  const HostConfig& host = host_.config();
  const bool ipv6 = !path.is_ipv4();
  wire::UdpFrame headers;
  headers.link = {station, host.mac, path.vlan != 0 ? path.vlan : host.vlan, 0, 0};
  const auto* const begin = static_cast<const std::uint8_t*>(frame.buf_addr);
  const std::size_t header_bytes = wire::udp_headers_bytes(ipv6, headers.link.vlan != 0);
  if (batch.data[row] < begin + header_bytes || batch.data[row] + batch.length[row] > begin + frame.buf_len)
    return false;
  headers.source = host_.own_address(path.address);
  headers.destination = path.address;
  headers.source_port = path.local_port != 0 ? path.local_port : host.port_first;
  headers.destination_port = path.port;
  headers.payload_bytes = batch.length[row];
  headers.ip_checksum = offloads_.tx_ip ? wire::ChecksumBy::nic : wire::ChecksumBy::software;
  headers.udp_checksum = offloads_.tx_udp ? wire::ChecksumBy::nic : wire::ChecksumBy::software;
  wire::compose_udp(batch.data[row], headers);

  frame.data_off = static_cast<std::uint16_t>(batch.data[row] - begin - static_cast<std::ptrdiff_t>(header_bytes));
  frame.data_len = static_cast<std::uint16_t>(header_bytes + batch.length[row]);
  frame.pkt_len = frame.data_len;
  // A received mbuf still carries what the NIC said about it; whose memory it is must stay.
  frame.ol_flags &= RTE_MBUF_F_EXTERNAL | RTE_MBUF_F_INDIRECT;
  if (offloads_.tx_ip || offloads_.tx_udp) {
    frame.ol_flags |= ipv6 ? RTE_MBUF_F_TX_IPV6 : RTE_MBUF_F_TX_IPV4;
    if (offloads_.tx_ip && !ipv6) frame.ol_flags |= RTE_MBUF_F_TX_IP_CKSUM;
    if (offloads_.tx_udp) frame.ol_flags |= RTE_MBUF_F_TX_UDP_CKSUM;
    frame.l2_len = headers.link.vlan != 0 ? wire::ethernet_bytes + wire::vlan_bytes : wire::ethernet_bytes;
    frame.l3_len = static_cast<std::uint8_t>(ipv6 ? wire::ipv6_bytes : wire::ipv4_bytes);
  }
  return true;
}

void Ethdev::transmit(wire::Batch& batch, Nanos now) noexcept {
  rte_mbuf* frames[burst];
  std::uint16_t payload_bytes[burst];
  std::uint16_t count = 0;
  for (unsigned i = 0; i < batch.live_rows; ++i) {
    const unsigned row = batch.live[i];
    const Host::Hop hop = host_.next_hop(batch.path[row], now);
    if (hop.ask) [[unlikely]]
      ask(hop);
    if (!hop.known) {
      counters_->drops.add(Drop::no_next_hop);
    } else if (!compose(batch, row, hop.mac)) {
      counters_->drops.add(Drop::no_buffer);
    } else {
      payload_bytes[count] = batch.length[row];
      frames[count++] = static_cast<rte_mbuf*>(batch.owner[row]);
      batch.owner[row] = nullptr;
    }
  }
  const std::uint16_t sent = count == 0 ? std::uint16_t{0} : rte_eth_tx_burst(device_, tx_queue_, frames, count);
  std::uint64_t bytes = 0;
  for (unsigned i = 0; i < sent; ++i) bytes += payload_bytes[i];
  counters_->tx_packets.add(sent);
  counters_->tx_bytes.add(bytes);
  if (sent < count) {
    rte_pktmbuf_free_bulk(frames + sent, count - sent);
    counters_->drops.add(Drop::transmit_full, count - sent);
  }
  release(batch);  // what was not handed to the device
}

unsigned Ethdev::acquire(std::span<wire::Buffer> buffers) noexcept {
  unsigned count = 0;
  while (count < buffers.size()) {
    rte_mbuf* taken[burst];
    unsigned wanted = static_cast<unsigned>(std::min<std::size_t>(burst, buffers.size() - count));
    // Bulk is all or nothing: near the end of the pool, singly.
    if (rte_pktmbuf_alloc_bulk(pool_, taken, wanted) != 0) {
      taken[0] = rte_pktmbuf_alloc(pool_);
      if (taken[0] == nullptr) return count;
      wanted = 1;
    }
    for (unsigned i = 0; i < wanted; ++i) buffers[count++] = {rte_pktmbuf_mtod(taken[i], std::uint8_t*), taken[i]};
  }
  return count;
}

void Ethdev::release(wire::Batch& batch) noexcept {
  rte_mbuf* frames[burst];
  unsigned count = 0;
  for (unsigned row = 0; row < batch.rows; ++row)
    if (batch.owner[row] != nullptr) frames[count++] = static_cast<rte_mbuf*>(batch.owner[row]);
  if (count > 0) rte_pktmbuf_free_bulk(frames, count);
  batch.clear();
}

void Ethdev::release(const wire::Buffer& buffer) noexcept {
  if (buffer.owner != nullptr) rte_pktmbuf_free(static_cast<rte_mbuf*>(buffer.owner));
}

wire::Path Ethdev::local(bool ipv6) const noexcept {
  const HostConfig& host = host_.config();
  wire::Path path = endpoint(ipv6 ? host.ipv6.address : host.ipv4.address, host.port_first);
  path.link = host.mac;
  path.vlan = host.vlan;
  return path;
}

unsigned Ethdev::outstanding() const noexcept { return receives_ ? rte_mempool_in_use_count(pool_) : 0; }

}  // namespace serried::port
