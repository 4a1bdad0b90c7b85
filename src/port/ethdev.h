#pragma once
/// Datagrams through a NIC, or a software driver, that DPDK polls: no system call, no copy. Rows point into the mbufs
/// that the NIC filled; what is sent gets its headers written before it, in the same mbuf.
///
///     mbuf | headroom 128: headers are composed here | datagram | tailroom |
///                                                    ^ row.data           owner = the mbuf
///
/// EthdevDevice is the whole device, set up and read by control. Ethdev is one queue pair of it, a lane's own: its
/// mbufs are acquired, received, freed and transmitted by that lane only. A lane with several of them has them joined
/// (ethdev_queues.h).

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "port/device_events.h"
#include "port/host.h"
#include "port/port.h"
#include "port/silence.h"
#include "port/xdp_program.h"

struct rte_mbuf;
struct rte_mempool;

namespace serried::port {

/// What a lane does with its queues of a device.
enum class QueueUse : std::uint8_t {
  home,     ///< it receives, and all that it sends, by whatever device, comes out of the pool here
  receive,  ///< it receives, and sends what comes out of the pool of another device
  send      ///< the same, and it receives nothing: it has a transmit queue alone, and no pool
};

struct EthdevConfig {
  std::string device;            ///< name ("net_af_xdp0", "0000:03:00.0") or port id ("0")
  unsigned queues = 1;           ///< one lane each
  std::vector<QueueUse> uses{};  ///< of each lane; empty: home
  /// Addresses, ports, VLAN, next hop. A MAC of zeros means the device's own.
  HostConfig host{};
  unsigned rx_descriptors = 1024, tx_descriptors = 1024;
  unsigned buffers = 16384;          ///< mbufs of a lane at home: descriptors, and what the lane holds in rings
  unsigned receive_buffers = 16384;  ///< of one that only receives
  /// Frames of others may be longer than an mbuf: they come in several, where the driver can do that.
  std::uint16_t mtu = 1500;
  Nanos link_timeout = 5 * second;
  unsigned neighbors = 4096;  ///< room in the table of NextHop::arp
  std::uint64_t salt = 0;     ///< of that table; from entropy where strangers can send
};

/// What the device turned out to be, for the operator.
struct EthdevReport {
  std::string device, driver;
  std::uint16_t port_id = 0;
  unsigned rx_queues = 0, tx_queues = 0, rx_descriptors = 0, tx_descriptors = 0;
  std::vector<unsigned> buffers;  ///< mbufs of each lane, 0 of one that only sends
  int numa_node = -1;             ///< -1: not known
  wire::Mac mac{};
  std::uint16_t mtu = 0;
  bool link_up = false;
  std::uint32_t link_mbps = 0;
  bool rx_ip_checksum = false, rx_udp_checksum = false;  ///< verified by the device; else in software
  bool tx_ip_checksum = false, tx_udp_checksum = false;  ///< computed by the device; else in software
  std::vector<std::string> rss_hash_types;               ///< empty with several queues: nothing spreads the load
  std::vector<std::string> notes;                        ///< what was asked and not got

  /// One line for the log.
  [[nodiscard]] std::string text() const;

 private:
  [[nodiscard]] std::string queues_text() const;
  [[nodiscard]] std::string buffers_text() const;
};

class Ethdev {
 public:
  Ethdev(const Ethdev&) = delete;
  Ethdev& operator=(const Ethdev&) = delete;

  void receive(wire::Batch& batch, Nanos now) noexcept {
    batch.clear();
    append(batch, now);
  }
  /// Of what has come, as much as the batch still has room for, behind its rows.
  void append(wire::Batch& batch, Nanos now) noexcept;
  void transmit(wire::Batch& batch, Nanos now) noexcept;
  unsigned acquire(std::span<wire::Buffer> buffers) noexcept;
  void release(wire::Batch& batch) noexcept;
  void release(const wire::Buffer& buffer) noexcept;
  [[nodiscard]] const PortCounters& counters() const noexcept { return *counters_; }
  /// Before the first poll: this queue is of the lane of `first`, which outlives it. It counts with it, is device
  /// `number` in the paths of what it receives, and where it has no pool takes buffers from its.
  void join(Ethdev& first, std::uint8_t number) noexcept;

  /// Where others reach it, by the family of `peer` (its link address: our MAC).
  [[nodiscard]] wire::Path local(bool ipv6 = false) const noexcept;
  /// Buffers that are not in the queue's own pool: with the device, in flight, or held by a lane.
  [[nodiscard]] unsigned outstanding() const noexcept;
  [[nodiscard]] bool receives() const noexcept { return receives_; }

 private:
  friend class EthdevDevice;
  friend class EthdevQueues;
  static constexpr unsigned burst = wire::Batch::capacity;

  struct Offloads {
    bool rx_ip = false, rx_udp = false, tx_ip = false, tx_udp = false;
  };
  /// The numbers of its queues. Without a pool it does not receive.
  struct Queues {
    std::uint16_t rx = 0, tx = 0;
    rte_mempool* pool = nullptr;
  };
  Ethdev(std::uint16_t device, const Queues& queues, const Offloads& offloads, const HostConfig& host,
         Neighbors& neighbors) noexcept
      : device_(device),
        rx_queue_(queues.rx),
        tx_queue_(queues.tx),
        receives_(queues.pool != nullptr),
        pool_(queues.pool),
        offloads_(offloads),
        host_(host, neighbors) {}

  [[nodiscard]] Host::Offloaded offloaded(const rte_mbuf& frame) const noexcept;
  void serve(const rte_mbuf& frame, Nanos now) noexcept;
  void ask(const Host::Hop& hop) noexcept;
  void send_host_frame(rte_mbuf* frame, std::size_t bytes) noexcept;
  bool compose(wire::Batch& batch, unsigned row, const wire::Mac& station) noexcept;

  std::uint16_t device_, rx_queue_, tx_queue_;
  bool receives_;
  std::uint8_t number_ = 0;  ///< wire::Path::device
  rte_mempool* pool_;        ///< of a queue that only sends, once it has joined: that of its lane's home
  Offloads offloads_;
  Host host_;
  PortCounters own_counters_;
  PortCounters* counters_ = &own_counters_;
  std::atomic<std::uint64_t> missed_{0};  ///< control writes, the lane adds it to its counters
  std::uint64_t missed_counted_ = 0;      ///< the part of it that the lane has added
};

static_assert(Port<Ethdev>);

class EthdevDevice {
 public:
  /// Set the device up and start it; waits for its link, which may stay down (report().link_up).
  /// Error: no such device, more queues or fewer buffers than it can work with, a driver that refuses.
  static Result<std::unique_ptr<EthdevDevice>> open(const EthdevConfig& config);
  /// Stops and closes the device, and frees its buffers. No lane may poll any more.
  ~EthdevDevice();
  /// The first half of that: other devices send buffers of this one, and must have given them back before the second.
  void close() noexcept;
  /// The port id of a device. Error: EAL has none of that name or number.
  static Result<std::uint16_t> find(const std::string& device);
  /// Its NUMA node; less than 0: not known. Error: the same.
  static Result<int> node_of(const std::string& device);
  EthdevDevice(const EthdevDevice&) = delete;
  EthdevDevice& operator=(const EthdevDevice&) = delete;

  [[nodiscard]] Ethdev& lane(unsigned queue) noexcept { return *lanes_[queue]; }
  [[nodiscard]] unsigned lanes() const noexcept { return static_cast<unsigned>(lanes_.size()); }
  /// The number of the receive queue of a lane; none of one that only sends.
  [[nodiscard]] std::optional<std::uint16_t> receive_queue(unsigned lane) const noexcept;
  /// Whether the pool of what the lane sends is here.
  [[nodiscard]] bool is_home_of(unsigned queue) const noexcept { return use_of(queue) == QueueUse::home; }
  [[nodiscard]] const EthdevReport& report() const noexcept { return report_; }

  /// Read what the device lost before we saw it, and whether anything comes by it; the first lane that receives
  /// counts the former as nic_missed with its next receive. Control only.
  void poll_missed(Nanos now) noexcept;
  /// As of the last poll_missed().
  [[nodiscard]] bool silent() const noexcept { return silence_.silent(); }
  /// As the driver says, and, where the device stands on an interface of the kernel, as the kernel says too: net_af_xdp
  /// and net_af_packet never learn that a link is lost.
  [[nodiscard]] bool link_up() const noexcept;
  /// Buffers of all lanes that are not in their pool. None, once no lane holds one and all devices are closed. Control
  /// only.
  [[nodiscard]] unsigned outstanding() const noexcept;
  /// The memory that the buffers of a queue lie in. Control only.
  void each_buffer_range(unsigned queue, const std::function<void(std::span<const std::byte>)>& visit) const;
  /// The XDP program through which net_af_xdp receives; none of other drivers. Control only.
  [[nodiscard]] const XdpProgram& xdp_program() const noexcept { return program_; }
  /// What driver and system said of the device since it was opened. Control only.
  [[nodiscard]] const DeviceEvents& events() const noexcept { return events_; }

 private:
  struct Plan;
  explicit EthdevDevice(const EthdevConfig& config);
  [[nodiscard]] QueueUse use_of(unsigned queue) const noexcept {
    return queue < config_.uses.size() ? config_.uses[queue] : QueueUse::home;
  }
  [[nodiscard]] std::uint16_t receiving() const noexcept;
  void receive_everywhere();
  Result<Done> query(Plan& plan);
  void choose_hash(Plan& plan);
  Result<Done> configure(Plan& plan);
  void plan_mtu(Plan& plan);
  Result<Done> set_up_queues(const Plan& plan);
  void look_at_rings();
  void choose_buffers();
  Result<Done> set_up_receiving(const Plan& plan, unsigned lane, std::uint16_t queue);
  Result<Done> start(const Plan& plan);
  void set_filters();
  void wait_for_link();

  EthdevConfig config_;
  EthdevReport report_;
  unsigned interface_index_ = 0;  ///< of the kernel's interface that it stands on; 0: on none
  XdpProgram program_;
  Neighbors neighbors_;
  std::vector<rte_mempool*> pools_;  ///< of each lane; null of one that only sends
  std::vector<std::unique_ptr<Ethdev>> lanes_;
  std::uint64_t losses_before_ = 0;
  SilenceWatch silence_;
  bool configured_ = false, started_ = false;
  DeviceEvents events_;
};

}  // namespace serried::port
