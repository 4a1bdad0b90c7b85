#include "control/engine.h"

#include <algorithm>

#include "base/check.h"
#include "control/clock.h"
#include "control/engine_on.h"

namespace serried::control {
namespace {

lane::ShardSetup shard_setup(const EngineSetup& setup) {
  lane::ShardSetup shard;
  shard.world = world_config(setup.config);
  shard.replicate = replicate_config(setup.config);
  shard.shards = setup.shards;
  shard.io_lanes = setup.config.io_lanes;
  shard.sessions_per_lane = sessions_per_lane(setup.config);
  shard.seed = setup.config.seed;
  shard.game = setup.game;
  shard.clock = [] { return now(); };
  return shard;
}

std::vector<std::unique_ptr<lane::IoShardLink>> make_links(const EngineSetup& setup) {
  const LinkSizes sizes = link_sizes(setup.config, setup.shards);
  std::vector<std::unique_ptr<lane::IoShardLink>> links;
  for (unsigned i = 0; i < setup.config.io_lanes * setup.shards; ++i)
    links.push_back(std::make_unique<lane::IoShardLink>(sizes.rows, sizes.buffers));
  return links;
}

std::vector<std::unique_ptr<lane::HandshakeLink>> make_handshake_links(const EngineSetup& setup) {
  const LinkSizes sizes = link_sizes(setup.config, setup.shards);
  std::vector<std::unique_ptr<lane::HandshakeLink>> links;
  for (unsigned i = 0; i < setup.config.io_lanes; ++i)
    links.push_back(std::make_unique<lane::HandshakeLink>(sizes.jobs, sessions_per_lane(setup.config)));
  return links;
}

template <class Link>
std::vector<Link*> pointers(const std::vector<std::unique_ptr<Link>>& owners) {
  std::vector<Link*> links;
  for (const auto& owner : owners) links.push_back(owner.get());
  return links;
}

unsigned poll_shard(void* lane, Nanos at) noexcept { return static_cast<lane::ShardLane*>(lane)->poll(at); }
unsigned poll_handshake(void* lane, Nanos at) noexcept {
  return static_cast<lane::HandshakeLane*>(lane)->poll(at, unix_now());
}

using Counts = std::vector<std::pair<std::string, std::uint64_t>>;

void add(Counts& counts, const char* name, const base::Counter& counter) {
  for (auto& [known, count] : counts) {
    if (known != name) continue;
    count += counter.value();
    return;
  }
  counts.emplace_back(name, counter.value());
}

void add_drops(Snapshot& snapshot, const observe::DropCounters& drops) {
  for (std::size_t i = 0; i < observe::drop_count; ++i) snapshot.drops[i] += drops.value(static_cast<observe::Drop>(i));
}

LaneFigures figures(const LaneEntry& entry) {
  LaneFigures lane;
  lane.name = entry.name;
  lane.busy_ns = entry.meter.busy_ns.value();
  lane.longest_ns = entry.meter.longest_ns.value();
  lane.polls = entry.meter.polls.value();
  lane.items = entry.meter.items.value();
  lane.allocations = entry.meter.allocations.value();
  return lane;
}

template <class Ports>
Result<std::unique_ptr<Engine>> open_on(const EngineSetup& setup) {
  auto ports = Ports::open(setup.config, setup.shards);
  if (!ports) return ports.error();
  return std::unique_ptr<Engine>{std::make_unique<EngineOn<Ports>>(setup, std::move(ports).value())};
}

}  // namespace

Result<std::unique_ptr<Engine>> Engine::open(const EngineSetup& setup) {
  std::string faults;
  for (const std::string& fault : shard_setup(setup).validate()) faults += (faults.empty() ? "" : "; ") + fault;
  if (!faults.empty()) return Error{"with " + std::to_string(setup.shards) + " shard lanes: " + faults};
  return setup.config.driver == Driver::socket ? open_on<SocketPorts>(setup) : open_on<DevicePorts>(setup);
}

Engine::Engine(const EngineSetup& setup)
    : setup_(setup),
      links_(make_links(setup)),
      handshake_links_(make_handshake_links(setup)),
      simulation_(shard_setup(setup)),
      handshake_lane_(handshake_config(setup.config, setup.key, setup.started_unix_s), pointers(handshake_links_)) {
  for (unsigned i = 0; i < setup.shards; ++i) {
    shard_lanes_.push_back(std::make_unique<lane::ShardLane>(simulation_, i, links_of_shard(i)));
    auto& entry = shard_entries_.emplace_back(std::make_unique<LaneEntry>());
    entry->name = lane_name({LaneKind::shard, i});
    entry->lane = shard_lanes_.back().get();
    entry->poll = &poll_shard;
  }
  for (unsigned i = 0; i < setup.config.io_lanes; ++i) {
    auto& entry = io_entries_.emplace_back(std::make_unique<LaneEntry>());
    entry->name = lane_name({LaneKind::io, i});
    order_links_.push_back(std::make_unique<lane::OrderLink>());
  }
  handshake_entry_.name = lane_name({LaneKind::handshake, 0});
  handshake_entry_.lane = &handshake_lane_;
  handshake_entry_.poll = &poll_handshake;
}

std::vector<lane::OrderLink*> Engine::order_links() const { return pointers(order_links_); }

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

std::vector<lane::IoShardLink*> Engine::links_of_io(unsigned io_lane) const {
  std::vector<lane::IoShardLink*> links;
  for (unsigned shard = 0; shard < setup_.shards; ++shard)
    links.push_back(links_[io_lane * setup_.shards + shard].get());
  return links;
}

std::vector<lane::IoShardLink*> Engine::links_of_shard(unsigned shard) const {
  std::vector<lane::IoShardLink*> links;
  for (unsigned io = 0; io < setup_.config.io_lanes; ++io) links.push_back(links_[io * setup_.shards + shard].get());
  return links;
}

void Engine::add_io(Snapshot& snapshot, const LaneEntry& entry, const lane::IoCounters& io,
                    const port::PortCounters& port) {
  snapshot.lanes.push_back(figures(entry));
  snapshot.lanes.back().packets = port.delivered_datagrams.value() + port.sent_datagrams.value();
  snapshot.rx_packets += port.delivered_datagrams.value();
  snapshot.rx_bytes += port.received_bytes.value();
  snapshot.tx_packets += port.sent_datagrams.value();
  snapshot.tx_bytes += port.sent_bytes.value();
  snapshot.received += port.received_frames.value();
  snapshot.host += port.host_frames.value();
  snapshot.delivered += io.delivered.value() + io.answered.value();
  add_drops(snapshot, port.drops);
  add_drops(snapshot, io.drops);
  snapshot.sessions += io.sessions.value();
  add(snapshot.session_counts, "established", io.established);
  add(snapshot.session_counts, "joined", io.joined);
  add(snapshot.session_counts, "ended", io.ended);
  add(snapshot.session_counts, "timed_out", io.timed_out);
  add(snapshot.session_counts, "inputs", io.inputs);
  add(snapshot.session_counts, "input_copies", io.input_copies);
  add(snapshot.session_counts, "mail_in", io.mail_in);
  add(snapshot.session_counts, "mail_out", io.mail_out);
  add(snapshot.session_counts, "retransmission_timeouts", io.timeouts);
  add(snapshot.session_counts, "rekeys", io.rekeys);
  add(snapshot.session_counts, "roamed", io.roamed);
  add(snapshot.session_counts, "integrity_challenges", io.challenges);
  add(snapshot.session_counts, "packed_from_bytes", io.packed_from);
  add(snapshot.session_counts, "packed_to_bytes", io.packed_to);
  add(snapshot.session_counts, "waiting_chunks", io.chunks);
  add(snapshot.session_counts, "fragment_bytes", io.block_bytes);
  add(snapshot.handshake_counts, "cookies", io.cookies);
}

void Engine::collect(Snapshot& snapshot) const {
  snapshot.at = now();
  collect_io(snapshot);
  for (const auto& shard : shard_lanes_) {
    const lane::ShardCounters& counters = shard->counters();
    snapshot.players += counters.viewers.value();
    snapshot.tick_ns.merge(counters.tick_total);
    snapshot.interval_ticks = std::max(snapshot.interval_ticks, counters.interval_ticks.value());
    snapshot.interval_ticks_max = std::max(snapshot.interval_ticks_max, counters.interval_ticks_max.value());
    snapshot.far_staleness_ticks = std::max(snapshot.far_staleness_ticks, counters.far_staleness_ticks.value());
    snapshot.far_crossings_missed += counters.plan.far_crossings_missed.value();
    add_drops(snapshot, counters.drops);
    add(snapshot.session_counts, "absent", counters.absent);
    add(snapshot.session_counts, "resumed", counters.resumed);
    add(snapshot.session_counts, "chat_lines", counters.lines);
  }
  const lane::ShardCounters& first = shard_lanes_.front()->counters();
  snapshot.ticks = first.ticks.value();
  snapshot.ticks_late = first.ticks_late.value();
  // While lanes run the tick may be overwritten under us; then the snapshot has none.
  const std::uint32_t tick = simulation_.hashed_tick();
  if (simulation_.world_hash(tick, snapshot.world_hash)) snapshot.world_tick = tick;
  const lane::HandshakeCounters& handshakes = handshake_lane_.counters();
  add(snapshot.handshake_counts, "accepted", handshakes.accepted);
  add(snapshot.handshake_counts, "confirmed", handshakes.confirmed);
  add(snapshot.handshake_counts, "superseded", handshakes.superseded);
  add(snapshot.handshake_counts, "denied_invalid", handshakes.denied_invalid);
  add(snapshot.handshake_counts, "denied_expired", handshakes.denied_expired);
  add(snapshot.handshake_counts, "denied_used", handshakes.denied_used);
  add(snapshot.handshake_counts, "denied_wrong_server", handshakes.denied_wrong_server);
  add(snapshot.handshake_counts, "denied_full", handshakes.denied_full);

  for (const auto& entry : shard_entries_) snapshot.lanes.push_back(figures(*entry));
  snapshot.lanes.push_back(figures(handshake_entry_));
  measure_memory(snapshot);
}

}  // namespace serried::control
