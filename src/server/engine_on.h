#pragma once
/// The part of an engine that knows its port: io lanes as templates over it.

#include <utility>

#include "io/io_lane.h"
#include "port/ethdev_queues.h"
#include "port/flow_rules.h"
#include "port/socket.h"
#include "port/xdp_filter.h"
#include "server/engine.h"

namespace serried::server {

/// One kernel socket a lane, all on one UDP port.
class SocketPorts {
 public:
  using Port = port::Socket;
  static Result<SocketPorts> open(const EngineSetup& setup, LaneBuilder& builder);
  [[nodiscard]] Port& lane(unsigned index) noexcept { return *sockets_[index]; }
  [[nodiscard]] const Port& lane(unsigned index) const noexcept { return *sockets_[index]; }
  void poll_missed() noexcept;
  [[nodiscard]] std::vector<PortLink> links() const { return {}; }
  [[nodiscard]] std::vector<port::EthdevReport> reports() const { return {}; }
  [[nodiscard]] std::vector<PortMishap> mend() { return {}; }
  std::vector<PortBuffers> close() { return {}; }
  [[nodiscard]] std::string endpoints() const;
  [[nodiscard]] std::vector<std::string> notes() const;
  [[nodiscard]] std::vector<admin::BanSink> ban_sinks() { return {}; }
  void collect_filtered(telemetry::Snapshot& snapshot) const;
  /// Theirs are of the lane itself.
  [[nodiscard]] bool count_buffers(const LaneNodes&, std::vector<telemetry::PlacedMemory>&) const { return true; }

 private:
  std::unique_ptr<port::LocalAddresses> local_addresses_ = std::make_unique<port::LocalAddresses>();
  std::vector<std::unique_ptr<Port>> sockets_;
  std::string steering_;     ///< what the kernel does for several lanes, as a note
  std::string not_steered_;  ///< why it does nothing; empty: it does, or there is one lane
};

/// One queue of each device a lane.
class DevicePorts {
 public:
  using Port = port::EthdevQueues;
  static Result<DevicePorts> open(const EngineSetup& setup, LaneBuilder& builder);
  DevicePorts(DevicePorts&&) = default;
  DevicePorts& operator=(DevicePorts&&) = delete;
  ~DevicePorts();
  [[nodiscard]] Port& lane(unsigned index) noexcept { return *lanes_[index]; }
  [[nodiscard]] const Port& lane(unsigned index) const noexcept { return *lanes_[index]; }
  void poll_missed() noexcept;
  [[nodiscard]] std::vector<PortLink> links() const;
  [[nodiscard]] std::vector<port::EthdevReport> reports() const;
  [[nodiscard]] std::vector<PortMishap> mend();
  /// What a device has not sent yet came out of the buffers of others: all are closed before any is counted, or goes.
  std::vector<PortBuffers> close();
  [[nodiscard]] std::string endpoints() const { return endpoints_; }
  [[nodiscard]] std::vector<std::string> notes() const;
  [[nodiscard]] std::vector<admin::BanSink> ban_sinks();
  /// Frames that the kernel dropped for us count as received and dropped. What it passed on to itself was never ours.
  /// And what devices do of their own accord.
  void collect_filtered(telemetry::Snapshot& snapshot) const;
  /// A row for each lane and device, whose node it is to be on.
  [[nodiscard]] bool count_buffers(const LaneNodes& nodes, std::vector<telemetry::PlacedMemory>& report) const;

 private:
  /// A device, and what drops bans before its lanes.
  struct Device {
    std::unique_ptr<port::EthdevDevice> ethdev;
    std::unique_ptr<port::XdpFilter> xdp;  ///< none: not asked for
    std::unique_ptr<port::FlowRules> flow;
    port::XdpFilter::Counts filtered;
    std::uint64_t xdp_restored = 0;  ///< times that its program was put back

    [[nodiscard]] const std::string& name() const { return ethdev->report().device; }
  };

  DevicePorts() = default;
  Result<Done> open_device(const EngineSetup& setup, const config::Homes& homes, unsigned index, Nanos waited);
  static Result<Done> open_filters(const config::ServerConfig& config, unsigned index, Device& device);
  static void open_rules(const config::ServerConfig& config, unsigned index, Device& device);
  [[nodiscard]] static std::vector<std::string> notes_of(const Device& device);
  /// " of DEVICE" where there are several.
  [[nodiscard]] std::string of(const Device& device) const;

  std::vector<Device> devices_;
  std::vector<std::unique_ptr<Port>> lanes_;
  std::string endpoints_;
};

template <class Ports, session::Peers peers = session::Peers::live>
class EngineOn final : public Engine {
 public:
  EngineOn(const EngineSetup& setup, Ports ports, LaneBuilder& builder)
      : Engine(setup, builder), ports_(std::move(ports)) {
    const crypt::Entropy entropy;
    crypt::Secret cookie_root;
    entropy.fill(cookie_root.bytes());
    const crypt::CookieJar jar{cookie_root};
    for (unsigned i = 0; i < setup.config.io_lanes; ++i) {
      builder.build({LaneKind::io, i}, [&] {
        hosts_.push_back(
            std::make_unique<LaneHost>(config::io_config(setup.config, setup.key, setup.assets, setup.shards, i),
                                       ports_.lane(i), links_of_io(i), *handshake_links_[i], jar, entropy, drain_));
      });
      hosts_.back()->lane.attach(*admin_links_[i]);
      hosts_.back()->lane.attach(handover_.links_of(i));
      if constexpr (peers == session::Peers::recorded)
        hosts_.back()->lane.open_sessions(config::measurement_of(setup.config), setup.started_at);
      io_entries_[i]->lane = hosts_.back().get();
      io_entries_[i]->poll = &LaneHost::poll;
    }
    keep(builder.take());
  }

  [[nodiscard]] std::string endpoints() const override { return ports_.endpoints(); }
  [[nodiscard]] std::vector<port::EthdevReport> port_reports() const override { return ports_.reports(); }
  [[nodiscard]] std::vector<std::string> port_notes() const override { return ports_.notes(); }
  [[nodiscard]] std::vector<admin::BanSink> ban_sinks() override { return ports_.ban_sinks(); }
  void poll_missed() noexcept override { ports_.poll_missed(); }
  [[nodiscard]] std::vector<PortLink> links() const override { return ports_.links(); }
  [[nodiscard]] std::vector<PortMishap> mend() override { return ports_.mend(); }

  [[nodiscard]] bool drained() const noexcept override {
    for (const auto& host : hosts_)
      if (!host->drained.load(std::memory_order_acquire)) return false;
    return true;
  }

  void close() noexcept override {
    for (const auto& shard : shard_lanes_) shard->close();  // into the rings that the io lanes empty
    for (auto& host : hosts_) host->lane.close();
  }
  std::vector<PortBuffers> close_ports() override { return ports_.close(); }

 private:
  using Lane = io::IoLane<typename Ports::Port, io::NoProbe, peers>;

  /// A lane, and the two flags through which the control thread speaks with it: a lane's own functions are its core's
  /// to call.
  struct LaneHost {
    LaneHost(const io::IoConfig& config, typename Ports::Port& port, std::vector<link::IoShardLink*> links,
             link::HandshakeLink& handshake, const crypt::CookieJar& jar, const crypt::Entropy& entropy,
             const std::atomic<bool>& drain_flag)
        : lane(config, port, std::move(links), handshake, jar, entropy), drain(drain_flag) {}

    static unsigned poll(void* self, Nanos now) noexcept {
      auto& host = *static_cast<LaneHost*>(self);
      if (host.drain.load(std::memory_order_relaxed)) [[unlikely]] {
        if (!host.draining) host.lane.begin_drain();
        host.draining = true;
        const unsigned work = host.lane.poll(now);
        if (host.lane.drained()) host.drained.store(true, std::memory_order_release);
        return work;
      }
      return host.lane.poll(now);
    }

    Lane lane;
    const std::atomic<bool>& drain;
    bool draining = false;
    std::atomic<bool> drained{false};
  };

  void collect_io(telemetry::Snapshot& snapshot) const override {
    for (unsigned i = 0; i < hosts_.size(); ++i)
      add_io(snapshot, *io_entries_[i], hosts_[i]->lane.counters(), ports_.lane(i).counters());
    ports_.collect_filtered(snapshot);
  }

  [[nodiscard]] bool count_buffers(std::vector<telemetry::PlacedMemory>& report) const override {
    return ports_.count_buffers(setup_.nodes, report);
  }

  Ports ports_;
  std::vector<std::unique_ptr<LaneHost>> hosts_;
};

}  // namespace serried::server
