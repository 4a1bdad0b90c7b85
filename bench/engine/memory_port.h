#pragma once
/// Two ports in memory that hand each other their buffers: no driver at all, so that what is left is the engine. One
/// thread; one pool for both, so a buffer may go home from either end.

#include <cstring>

#include "base/fixed_fifo.h"
#include "port/address.h"
#include "port/pool.h"
#include "port/port.h"

namespace serried::bench {

class MemoryPort {
 public:
  MemoryPort(port::BufferPool& pool, const port::Address& address, std::uint16_t port)
      : pool_(pool), local_(port::endpoint(address, port)), inbox_(pool.capacity()) {}
  void connect(MemoryPort& peer) { peer_ = &peer; }

  void receive(wire::Batch& batch, Nanos) noexcept {
    batch.clear();
    while (batch.rows < wire::Batch::capacity && !inbox_.empty()) {
      const Item item = inbox_.pop();
      batch.append(item.buffer.data, item.bytes, item.buffer.owner, item.from);
    }
    counters_.rx_packets.add(batch.rows);
    counters_.rx_frames.add(batch.rows);
  }
  /// The other end's inbox has room for every buffer there is.
  void transmit(wire::Batch& batch, Nanos) noexcept {
    unsigned next_live = 0;
    for (unsigned row = 0; row < batch.rows; ++row) {
      if (next_live == batch.live_rows || batch.live[next_live] != row) {
        pool_.give(batch.owner[row]);
        continue;
      }
      ++next_live;
      wire::Path from = local_;
      if (batch.path[row].local_port != 0) from.port = batch.path[row].local_port;
      from.local_port = batch.path[row].port;
      peer_->inbox_.push({{batch.data[row], batch.owner[row]}, batch.length[row], from});
    }
    counters_.tx_packets.add(batch.live_rows);
    batch.clear();
  }
  unsigned acquire(std::span<wire::Buffer> buffers) noexcept { return pool_.take(buffers); }
  void release(wire::Batch& batch) noexcept { pool_.give(batch); }
  void release(const wire::Buffer& buffer) noexcept { pool_.give(buffer.owner); }
  [[nodiscard]] const port::PortCounters& counters() const noexcept { return counters_; }
  [[nodiscard]] wire::Path local() const noexcept { return local_; }

 private:
  struct Item {
    wire::Buffer buffer;
    std::uint16_t bytes = 0;
    wire::Path from;
  };
  port::BufferPool& pool_;
  wire::Path local_;
  MemoryPort* peer_ = nullptr;
  base::FixedFifo<Item> inbox_;
  port::PortCounters counters_;
};
static_assert(port::Port<MemoryPort>);

/// Hears through memory and speaks through `P`, so that a device which only swallows (net_null) can be measured with
/// sessions that came about over a wire which also answers. Until `divert`, what is to be sent goes through memory too.
template <port::Port P>
class DivertedPort {
 public:
  DivertedPort(MemoryPort& memory, P& device) : memory_(memory), device_(device) {}
  void divert(bool diverted) { diverted_ = diverted; }

  void receive(wire::Batch& batch, Nanos now) noexcept { memory_.receive(batch, now); }
  void transmit(wire::Batch& batch, Nanos now) noexcept {
    const unsigned live = batch.live_rows;
    if (diverted_) {
      device_.transmit(batch, now);
    } else {
      wire::Batch copies;
      for (unsigned i = 0; i < live; ++i) {
        const unsigned row = batch.live[i];
        wire::Buffer copy;
        if (memory_.acquire({&copy, 1}) == 0) break;
        std::memcpy(copy.data, batch.data[row], batch.length[row]);
        copies.append(copy.data, batch.length[row], copy.owner, batch.path[row]);
      }
      memory_.transmit(copies, now);
      device_.release(batch);
    }
    counters_.tx_packets.add(live);
  }
  unsigned acquire(std::span<wire::Buffer> buffers) noexcept { return device_.acquire(buffers); }
  void release(wire::Batch& batch) noexcept { memory_.release(batch); }
  void release(const wire::Buffer& buffer) noexcept { device_.release(buffer); }
  [[nodiscard]] const port::PortCounters& counters() const noexcept { return counters_; }
  [[nodiscard]] wire::Path local() const noexcept { return memory_.local(); }

 private:
  MemoryPort& memory_;
  P& device_;
  bool diverted_ = false;
  port::PortCounters counters_;
};

}  // namespace serried::bench
