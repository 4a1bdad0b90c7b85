#include "server/engine.h"

#include <optional>
#include <utility>

#include "base/check.h"
#include "base/clock.h"
#include "server/collect.h"
#include "server/engine_on.h"

namespace serried::server {
namespace {

shard::ShardSetup shard_setup(const EngineSetup& setup) {
  shard::ShardSetup shard;
  shard.world = config::world_config(setup.config);
  shard.replicate = config::replicate_config(setup.config);
  shard.shards = setup.shards;
  shard.io_lanes = setup.config.io_lanes;
  shard.sessions_per_lane = config::session_places_per_lane(setup.config);
  shard.seed = setup.config.seed;
  shard.game = setup.game;
  shard.clock = [] { return base::now(); };
  if (setup.nodes.several) shard.nodes = setup.nodes.shards;
  return shard;
}

template <class Link>
std::vector<Link*> pointers(const std::vector<std::unique_ptr<Link>>& owners) {
  std::vector<Link*> links;
  links.reserve(owners.size());
  for (const auto& owner : owners) links.push_back(owner.get());
  return links;
}

unsigned poll_shard(void* lane, Nanos at) noexcept { return static_cast<shard::ShardLane*>(lane)->poll(at); }
unsigned poll_handshake(void* lane, Nanos at) noexcept {
  return static_cast<handshake::HandshakeLane*>(lane)->poll(at, base::unix_now());
}

void add_drops(telemetry::Snapshot& snapshot, const metrics::DropCounters& drops) {
  for (std::size_t i = 0; i < metrics::drop_count; ++i) snapshot.drops[i] += drops.value(static_cast<metrics::Drop>(i));
}

/// What a lane counted, and what its core measured of it.
template <class... Counters>
telemetry::LaneFigures figures(const LaneEntry& entry, const Counters&... counters) {
  telemetry::LaneFigures lane;
  lane.name = entry.name;
  collect(lane.counters, entry.meter);
  (collect(lane.counters, counters), ...);
  return lane;
}

template <class Ports, session::Peers peers = session::Peers::live>
Result<std::unique_ptr<Engine>> open_on(const EngineSetup& setup) {
  LaneBuilder builder{setup.nodes};
  auto ports = Ports::open(setup, builder);
  if (!ports) return ports.error();
  return std::unique_ptr<Engine>{std::make_unique<EngineOn<Ports, peers>>(setup, std::move(ports).value(), builder)};
}

}  // namespace

Result<std::unique_ptr<Engine>> Engine::open(const EngineSetup& setup) {
  std::string faults;
  const std::vector<std::string> found = shard_setup(setup).validate();
  for (const std::string& fault : found) faults += (faults.empty() ? "" : "; ") + fault;
  if (!faults.empty()) return Error{"with " + std::to_string(setup.shards) + " shard lanes: " + faults};
  if (setup.config.driver == config::Driver::socket) return open_on<SocketPorts>(setup);
  return setup.config.measurement_seed != 0 ? open_on<DevicePorts, session::Peers::recorded>(setup)
                                            : open_on<DevicePorts>(setup);
}

Engine::Engine(const EngineSetup& setup, LaneBuilder& builder)
    : setup_(setup),
      handover_(setup.config.io_lanes, io::HandoverMesh::waiting_max,
                [&](unsigned lane, const auto& make) {
                  builder.build({LaneKind::io, lane}, make);
                }),
      simulation_(shard_setup(setup)) {
  for (unsigned i = 0; i < setup.config.io_lanes; ++i) {
    auto& entry = io_entries_.emplace_back(std::make_unique<LaneEntry>());
    entry->name = lane_name({LaneKind::io, i});
    make_links_of_io(i, builder);
  }
  for (unsigned i = 0; i < setup.shards; ++i) {
    builder.build({LaneKind::shard, i}, [&] {
      shard_lanes_.push_back(std::make_unique<shard::ShardLane>(simulation_, i, links_of_shard(i)));
    });
    auto& entry = shard_entries_.emplace_back(std::make_unique<LaneEntry>());
    entry->name = lane_name({LaneKind::shard, i});
    entry->lane = shard_lanes_.back().get();
    entry->poll = &poll_shard;
  }
  builder.build({LaneKind::handshake, 0}, [&] {
    handshake_lane_ = std::make_unique<handshake::HandshakeLane>(
        config::handshake_config(setup.config, setup.key, setup.started_at), pointers(handshake_links_));
  });
  handshake_entry_.name = lane_name({LaneKind::handshake, 0});
  handshake_entry_.lane = handshake_lane_.get();
  handshake_entry_.poll = &poll_handshake;
}

/// Of one io lane with every shard lane, the handshake lane and the operator.
void Engine::make_links_of_io(unsigned io_lane, LaneBuilder& builder) {
  const config::LinkSizes sizes = config::link_sizes(setup_.config, setup_.shards);
  for (unsigned shard = 0; shard < setup_.shards; ++shard) {
    std::optional<link::RingsToShard> to_shard;
    builder.build({LaneKind::shard, shard}, [&] { to_shard.emplace(sizes.rows, sizes.buffers); });
    builder.build({LaneKind::io, io_lane}, [&] {
      links_.push_back(std::make_unique<link::IoShardLink>(std::move(*to_shard), link::RingsToIo{sizes.buffers}));
    });
  }
  builder.build({LaneKind::io, io_lane}, [&] {
    handshake_links_.push_back(
        std::make_unique<link::HandshakeLink>(sizes.jobs, config::session_places_per_lane(setup_.config)));
    admin_links_.push_back(std::make_unique<link::AdminLink>());
  });
}

std::vector<link::AdminLink*> Engine::admin_links() const { return pointers(admin_links_); }

LaneEntry& Engine::lane(LaneId id) noexcept {
  switch (id.kind) {
    case LaneKind::io:
      return *io_entries_[id.index];
    case LaneKind::shard:
      return *shard_entries_[id.index];
    case LaneKind::handshake:
      break;
  }
  return handshake_entry_;
}

std::vector<link::IoShardLink*> Engine::links_of_io(unsigned io_lane) const {
  std::vector<link::IoShardLink*> links;
  for (unsigned shard = 0; shard < setup_.shards; ++shard)
    links.push_back(links_[io_lane * setup_.shards + shard].get());
  return links;
}

std::vector<link::IoShardLink*> Engine::links_of_shard(unsigned shard) const {
  std::vector<link::IoShardLink*> links;
  for (unsigned io = 0; io < setup_.config.io_lanes; ++io) links.push_back(links_[io * setup_.shards + shard].get());
  return links;
}

void Engine::add_io(telemetry::Snapshot& snapshot, const LaneEntry& entry, const io::IoCounters& io,
                    const port::PortCounters& port) {
  snapshot.add(figures(entry, io, port));
  add_drops(snapshot, port.drops);
  add_drops(snapshot, io.drops);
}

std::optional<std::vector<telemetry::PlacedMemory>> Engine::placed() const {
  std::vector<telemetry::PlacedMemory> report;
  bool allowed = true;
  for (const LaneMemory& memory : memory_)
    allowed = count_memory(report, memory.lane, "lane", memory.node,
                           [&memory](const auto& visit) {
                             for (const auto range : memory.ranges) visit(range);
                           }) &&
              allowed;
  for (unsigned i = 0; i < setup_.shards; ++i) {
    const LaneId lane{LaneKind::shard, i};
    allowed = count_memory(report, lane, "world", setup_.nodes.of(lane),
                           [&](const auto& visit) { simulation_.each_memory(i, visit); }) &&
              allowed;
  }
  allowed = count_buffers(report) && allowed;
  if (!allowed) return std::nullopt;
  return report;
}

void Engine::collect(telemetry::Snapshot& snapshot) const {
  snapshot.at = base::now();
  collect_io(snapshot);
  for (std::size_t i = 0; i < shard_lanes_.size(); ++i) {
    const shard::ShardCounters& shard = shard_lanes_[i]->counters();
    snapshot.add(figures(*shard_entries_[i], shard, shard.plan));
    snapshot.tick_ns.merge(shard.tick_total);
    add_drops(snapshot, shard.drops);
  }
  snapshot.add(figures(handshake_entry_, handshake_lane_->counters()));
  // While lanes run the tick may be overwritten under us; then the snapshot has none.
  const std::uint32_t tick = simulation_.hashed_tick();
  if (simulation_.world_hash(tick, snapshot.world_hash)) snapshot.world_tick = tick;
  telemetry::measure_memory(snapshot);
}

}  // namespace serried::server
