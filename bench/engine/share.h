#pragma once
/// What the lane leaves of what its driver delivers: another core sends valid datagrams as fast as it can, and this one
/// takes them, in turns with nothing behind the driver and with the whole lane. Where the sender, or the kernel on its
/// core, is the limit, the lane has time to spare, and the share is one.

#include <atomic>
#include <thread>

#include <rte_lcore.h>

#include "bed.h"
#include "options.h"
#include "pin.h"
#include "report.h"

namespace serried::bench {

template <class AnyBed>
class Sharer {
 public:
  Sharer(AnyBed& bed, const Options& options, Report& report) : bed_(bed), options_(options), report_(report) {}

  void run() {
    std::thread sender([this, now = bed_.now] { send_all(now); });
    Row alone{.name = "driver alone"}, lane{.name = "driver and lane"};
    take(nullptr, true);  // caches, windows and timers as in the middle of a game
    for (unsigned i = 0; i < options_.repeats; ++i) {
      take(&alone, false);
      take(&lane, true);
    }
    stop_.store(true, std::memory_order_relaxed);
    sender.join();
    alone.datagram_bytes = lane.datagram_bytes = bed_.crowd.datagram_bytes();
    report_.rows.push_back(std::move(alone));
    report_.rows.push_back(std::move(lane));
    if (bed_.crowd.wrong != 0)
      report_.problems.push_back(std::to_string(bed_.crowd.wrong) + " datagrams were not as they should be");
    if (unpinned_) report_.problems.push_back("the sender may not use CPU " + std::to_string(options_.far_cpu));
    if (taken_ == 0) report_.problems.push_back("nothing came through the lane");
  }

 private:
  static constexpr std::uint64_t slice_ns = 400'000'000, settle_ns = 50'000'000;

  void send_all(Nanos now) {
    if (!pin(options_.far_cpu)) {
      unpinned_ = true;
      return;
    }
    rte_thread_register();  // for the pool's cache; a port of the socket does without
    while (!stop_.load(std::memory_order_relaxed)) {
      const auto who = bed_.next_chunk();
      for (std::size_t at = 0; at < who.size(); at += wire::Batch::capacity) {
        now += 1;
        bed_.crowd.send(who.subspan(at, std::min<std::size_t>(who.size() - at, wire::Batch::capacity)), Kind::valid,
                        now);
        bed_.crowd.collect(now);
      }
    }
    rte_thread_unregister();
  }

  // Wall time a datagram over one slice; what was under way when the slice begins does not count.
  void take(Row* row, bool work) {
    const auto run_for = [&](std::uint64_t span) {
      const std::uint64_t begin = clock_ns(CLOCK_MONOTONIC);
      std::uint64_t count = 0, end = begin;
      for (unsigned turn = 0; end - begin < span; ++turn) {
        count += work ? work_once() : drop_once();
        if (turn % 16 == 0) end = clock_ns(CLOCK_MONOTONIC);
      }
      return std::pair{count, end - begin};
    };
    run_for(settle_ns);
    const std::uint64_t cpu = clock_ns(CLOCK_THREAD_CPUTIME_ID);
    const auto [count, ns] = run_for(slice_ns);
    if (row == nullptr || count == 0) return;
    row->packets += count;
    row->wall_ns.add(static_cast<double>(ns) / static_cast<double>(count));
    row->cpu_ns.add(static_cast<double>(clock_ns(CLOCK_THREAD_CPUTIME_ID) - cpu) / static_cast<double>(count));
  }

  unsigned drop_once() {
    bed_.port.receive(batch_, bed_.now);
    const unsigned rows = batch_.rows;
    if (rows != 0) bed_.port.release(batch_);
    advance(rows);
    return rows;
  }
  unsigned work_once() {
    const std::uint64_t before = bed_.port.counters().rx_packets.value();
    bed_.lane.poll(bed_.now);
    const auto rows = static_cast<unsigned>(bed_.port.counters().rx_packets.value() - before);
    advance(rows);
    std::array<link::InputRow, wire::Batch::capacity> inputs;
    for (unsigned popped; (popped = bed_.link.inputs.pop(inputs.data(), wire::Batch::capacity)) != 0;) taken_ += popped;
    return rows;
  }
  // Every session sends 60 times a second of the lane's clock.
  void advance(unsigned rows) { bed_.now += second / 60 * rows / bed_.crowd.size(); }

  AnyBed& bed_;
  const Options& options_;
  Report& report_;
  std::atomic<bool> stop_{false};
  bool unpinned_ = false;
  wire::Batch batch_;
  std::uint64_t taken_ = 0;
};

}  // namespace serried::bench
