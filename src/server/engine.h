#pragma once
/// One server without its threads: ports, rings, lanes, world, and what may be asked of them from outside. Which port
/// it stands on is decided once, at open; behind that decision everything is compiled for the port (engine_on.h).
///
/// Lanes are polled by their cores through LaneEntry. The control thread reads counters and sets one flag, drain; it
/// touches nothing else that a lane owns while lanes run.

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "admin/admin.h"
#include "config/config.h"
#include "config/engine_config.h"
#include "game/host.h"
#include "handshake/handshake_lane.h"
#include "io/handover.h"
#include "link/admin_link.h"
#include "port/ethdev.h"
#include "serried/result.h"
#include "server/lane_loop.h"
#include "server/lane_memory.h"
#include "server/placement.h"
#include "shard/shard_lane.h"
#include "telemetry/snapshot.h"

namespace serried::server {

/// The link of one device.
struct PortLink {
  std::string device;
  bool up = false;
  bool silent = false;  ///< nothing comes by it, though frames go out
};

/// What happened to one device, and what came of it.
struct PortMishap {
  std::string device;
  std::string text;    ///< a sentence about the device
  bool fatal = false;  ///< nothing will arrive by it any more
};

/// What became of the buffers of a closed device.
struct PortBuffers {
  std::string device;
  unsigned all = 0, missing = 0;
};

struct EngineSetup {
  config::ServerConfig config;
  crypt::TokenKey key;
  unsigned shards = 1;
  Nanos started_at = 0;
  const config::Assets* assets = nullptr;  ///< null: none; outlives the engine
  game::Callbacks game{};                  ///< what is played; outlives the engine
  config::Homes homes{};                   ///< devices of each io lane; empty: as if nothing were known of nodes
  LaneNodes nodes{};                       ///< where each lane will run; without: it does not matter
};

class Engine {
 public:
  /// Opens the port and builds everything. Preconditions: no faults in the configuration, EAL runs.
  /// Error: the port cannot be opened, a set-up that the world refuses.
  static Result<std::unique_ptr<Engine>> open(const EngineSetup& setup);
  virtual ~Engine() = default;
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  [[nodiscard]] LaneEntry& lane(LaneId id) noexcept;
  /// "10.0.0.1:40000, [fd00::1]:40000"
  [[nodiscard]] virtual std::string endpoints() const = 0;
  /// What each device turned out to be; none of sockets.
  [[nodiscard]] virtual std::vector<port::EthdevReport> port_reports() const = 0;
  /// What the port turned out to be, a line each.
  [[nodiscard]] virtual std::vector<std::string> port_notes() const = 0;

  /// Any thread: io lanes refuse newcomers and send every client Disconnect, as soon as they are polled.
  void begin_drain() noexcept { drain_.store(true, std::memory_order_relaxed); }
  [[nodiscard]] virtual bool drained() const noexcept = 0;

  /// Control thread only: ask ports what they lost below us. Lanes count it with their next receive.
  virtual void poll_missed() noexcept = 0;
  /// Control thread only. Of each device, in the order in which they are given; sockets have none to lose.
  [[nodiscard]] virtual std::vector<PortLink> links() const = 0;
  /// Control thread only. Look whether the devices still have what they receive through, and put back what was taken.
  [[nodiscard]] virtual std::vector<PortMishap> mend() = 0;
  /// Control thread only. Precondition: a fresh snapshot. Leaves out cores, and which lane is on which: the loops have
  /// those.
  void collect(telemetry::Snapshot& snapshot) const;
  /// Control thread only. The memory of every lane whose node is known, by where its pages are. None: the system
  /// forbids to look.
  [[nodiscard]] std::optional<std::vector<telemetry::PlacedMemory>> placed() const;
  /// What drops banned addresses before the lanes. For the thread that has the admin links.
  [[nodiscard]] virtual std::vector<admin::BanSink> ban_sinks() = 0;
  /// One an io lane: through it bans reach the lane, and what the lane found comes back. For one thread.
  [[nodiscard]] std::vector<link::AdminLink*> admin_links() const;
  /// Give buffers back to the port. After the last poll of every lane.
  virtual void close() noexcept = 0;
  /// Control thread only, after close(): the devices end. Of each, in the order in which they are given; none of
  /// sockets.
  virtual std::vector<PortBuffers> close_ports() = 0;

 protected:
  Engine(const EngineSetup& setup, LaneBuilder& builder);
  /// After the last lane is built.
  void keep(std::vector<LaneMemory> memory) noexcept { memory_ = std::move(memory); }
  /// Counters of the io lanes and their ports, added to `snapshot`.
  virtual void collect_io(telemetry::Snapshot& snapshot) const = 0;
  /// The buffers of the io lanes, added to `report`. False: the system forbids to look.
  [[nodiscard]] virtual bool count_buffers(std::vector<telemetry::PlacedMemory>& report) const = 0;

  void make_links_of_io(unsigned io_lane, LaneBuilder& builder);
  [[nodiscard]] std::vector<link::IoShardLink*> links_of_io(unsigned io_lane) const;
  [[nodiscard]] std::vector<link::IoShardLink*> links_of_shard(unsigned shard) const;

  /// What one io lane and its port counted, in the words of a snapshot.
  static void add_io(telemetry::Snapshot& snapshot, const LaneEntry& entry, const io::IoCounters& io,
                     const port::PortCounters& port);

  EngineSetup setup_;
  std::vector<std::unique_ptr<link::IoShardLink>> links_;  ///< [io lane * shards + shard]
  std::vector<std::unique_ptr<link::HandshakeLink>> handshake_links_;
  std::vector<std::unique_ptr<link::AdminLink>> admin_links_;  ///< by io lane
  io::HandoverMesh handover_;
  shard::Simulation simulation_;
  std::vector<std::unique_ptr<shard::ShardLane>> shard_lanes_;
  std::unique_ptr<handshake::HandshakeLane> handshake_lane_;
  std::vector<std::unique_ptr<LaneEntry>> io_entries_, shard_entries_;
  LaneEntry handshake_entry_;
  std::atomic<bool> drain_{false};
  std::vector<LaneMemory> memory_;
};

}  // namespace serried::server
