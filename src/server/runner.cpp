#include "server/runner.h"

#include <algorithm>
#include <cstdlib>
#include <signal.h>
#include <thread>

#include <rte_errno.h>
#include <rte_launch.h>
#include <rte_lcore.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/numa.h"
#include "port/cpus.h"
#include "process/file.h"
#include "server/collect.h"
#include "server/topology.h"
#include "telemetry/summary.h"

namespace serried::server {
namespace {

/// What a server that is told twice still waits for those who read what it says.
constexpr Nanos last_words = 200 * millisecond;

struct LaunchArgument {
  LaneLoop* loop;
  const std::atomic<bool>* stop;
};

int run_loop(void* argument) {
  const auto& launch = *static_cast<LaunchArgument*>(argument);
  launch.loop->run(*launch.stop);
  return 0;
}

/// CPUs on cores that no lane polls; else those that no lane polls, and all of them when lanes leave none.
std::vector<unsigned> free_cpus(const RunSetup& setup) {
  const auto without = [&setup](const auto& is_taken) {
    std::vector<unsigned> cpus = setup.cpus;
    std::erase_if(cpus, [&](unsigned cpu) {
      return std::any_of(setup.placement.assignments.begin(), setup.placement.assignments.end(),
                         [&](const CoreAssignment& assignment) { return is_taken(assignment.core.at, cpu); });
    });
    return cpus;
  };
  auto cpus = without([&](const CpuPlace& at, unsigned cpu) { return place_of(setup.machine, cpu).core == at.core; });
  if (cpus.empty()) cpus = without([](const CpuPlace& at, unsigned cpu) { return at.cpu == cpu; });
  return cpus.empty() ? setup.cpus : cpus;
}

std::string ready_line(const config::ServerConfig& config, const Placement& placement, const Engine& engine) {
  return "serried-server: ready on " + engine.endpoints() + " (" +
         (config.driver == config::Driver::socket ? "socket" : "ethdev") + ", " + std::to_string(config.io_lanes) +
         " io, " + std::to_string(placement.shards) + " shard lanes on " +
         std::to_string(placement.assignments.size()) + (placement.assignments.size() == 1 ? " core" : " cores") +
         (config.measurement_seed != 0 ? "; MEASUREMENT)\n" : ")\n");
}

}  // namespace

Runner::Runner(const RunSetup& setup, Engine& engine, process::Output& output, spdlog::logger& log,
               telemetry::StatusPrinter& printer)
    : setup_(setup), engine_(engine), output_(output), log_(log), printer_(printer) {
  facts_.tick_budget_ms = 1'000.0 / setup.config.tick_rate_hz;
  facts_.players_max = setup.config.players_max;
  facts_.measurement = setup.config.measurement_seed != 0;
  const auto& asked = setup.config.idle_sleep_us;
  const IdlePolicy idle = idle_policy(asked.has_value(), asked.value_or(0), setup.placement.alone);
  for (const CoreAssignment& assignment : setup_.placement.assignments) {
    std::vector<LaneEntry*> lanes;
    for (const LaneId lane : assignment.lanes) {
      lanes.push_back(&engine_.lane(lane));
      const auto& rest = setup.config.coalesce_us;
      if (lane.kind == LaneKind::io)
        lanes.back()->rest = rest_policy(rest.has_value(), rest.value_or(0), assignment.lanes.size() == 1);
    }
    loops_.push_back(std::make_unique<LaneLoop>(std::move(lanes), idle));
  }
  log_.info("idle sleep_us={} alone={}", idle.sleep / microsecond, setup.placement.alone);
}

int Runner::run() {
  std::vector<LaunchArgument> arguments;
  for (auto& loop : loops_) arguments.push_back({loop.get(), &stop_});
  LaneLoop* own = nullptr;
  for (std::size_t i = 0; i < loops_.size(); ++i) {
    const Core& core = setup_.placement.assignments[i].core;
    if (core.main)
      own = loops_[i].get();
    else
      SERRIED_CHECK(rte_eal_remote_launch(&run_loop, &arguments[i], core.lcore) == 0);
  }
  // A thread of its own: the one that started the program is EAL's main lcore, and may have lanes to poll.
  std::thread control_thread{[this] { control(); }};
  if (own != nullptr) own->run(stop_);
  control_thread.join();
  rte_eal_mp_wait_lcore();
  // How EAL waits is not seen from here, neither by a reader nor by the thread sanitizer.
  for (const auto& loop : loops_) SERRIED_CHECK(loop->ended());
  const int code = report();
  if (setup_.admin != nullptr) setup_.admin->stop();  // it gives bans to the ports
  engine_.close();
  for (const PortBuffers& buffers : engine_.close_ports()) {
    if (buffers.missing == 0)
      log_.info("buffers of {}: all {} came back", buffers.device, buffers.all);
    else  // net_af_xdp leaves those that the kernel was to fill
      log_.info("buffers of {}: {} of {} did not come back", buffers.device, buffers.missing, buffers.all);
  }
  return code;
}

void Runner::control() {
  if (!port::run_on(free_cpus(setup_))) log_.warn("control thread stays on the main core");
  count_pages();
  sample();
  if (setup_.admin != nullptr) setup_.admin->start();
  output_.write(process::Output::Stream::out, ready_line(setup_.config, setup_.placement, engine_));
  log_.info("ready endpoints=\"{}\"", engine_.endpoints());
  wait_for_end();
  sample();
  drain();
  stop_.store(true, std::memory_order_relaxed);
}

void Runner::wait_for_end() {
  const Nanos begin = base::now();
  const Nanos end = setup_.config.seconds == 0 ? ~Nanos{0} : begin + setup_.config.seconds * second;
  for (Nanos next = begin + second; base::now() < end; next += second) {
    if (signalled(std::min(next, end))) {
      log_.info("told to stop");
      return;
    }
    if (base::now() < next) continue;
    sample();
    print_status();
    watch_links();
    watch_clock();
    if (!mend_ports()) return;
  }
  log_.info("time is up seconds={}", setup_.config.seconds);
}

void Runner::drain() {
  draining_ = true;
  const Nanos begin = base::now();
  engine_.begin_drain();
  while (!engine_.drained() && base::now() < begin + drain_max) signalled(base::now() + 20 * millisecond);
  if (engine_.drained())
    log_.info("drained ms={}", (base::now() - begin) / millisecond);
  else
    log_.warn("not every client was sent Disconnect within {} s; the others will time out", drain_max / second);
}

bool Runner::signalled(Nanos until) {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGHUP);
  for (int signal = SIGHUP; signal == SIGHUP;) {
    const Nanos at = base::now();
    const Nanos left = until > at ? until - at : 0;
    const timespec time{static_cast<time_t>(left / second), static_cast<long>(left % second)};
    signal = sigtimedwait(&signals, nullptr, &time);
    if (signal <= 0) return false;
    if (signal == SIGHUP) open_log_anew();
  }
  if (draining_) {
    log_.warn("told to stop again: at once");
    output_.flush(last_words);  // nothing that was said before is lost, where it is read
    std::_Exit(130);
  }
  return true;
}

void Runner::open_log_anew() {
  if (setup_.config.log_file.empty()) {
    log_.info("told to open the log anew (SIGHUP): it is no file");
  } else if (const auto opened = telemetry::reopen_log(setup_.config, output_); opened) {
    log_.info("log opened anew");
  } else {
    log_.warn("told to open the log anew: {}", opened.error().message);
  }
}

void Runner::sample() {
  engine_.poll_missed();
  auto snapshot = std::make_unique<telemetry::Snapshot>();
  engine_.collect(*snapshot);
  for (telemetry::LaneFigures& lane : snapshot->lanes) {
    for (std::size_t i = 0; i < loops_.size(); ++i) {
      const CoreAssignment& assignment = setup_.placement.assignments[i];
      const bool here = std::any_of(assignment.lanes.begin(), assignment.lanes.end(),
                                    [&](LaneId id) { return lane_name(id) == lane.name; });
      if (!here) continue;
      lane.lcore = assignment.core.lcore;
      lane.cpu = assignment.core.at.cpu;
      lane.node = assignment.core.at.node;
    }
  }
  for (std::size_t i = 0; i < loops_.size(); ++i) {
    telemetry::CoreFigures core{setup_.placement.assignments[i].core.lcore, {}};
    collect(core.counters, loops_[i]->meter());
    snapshot->add(core);
  }
  collect(snapshot->counters, output_.counters());
  snapshot->placed = placed_;
  meter_.sample(*snapshot);
  snapshot_ = std::move(snapshot);
  if (setup_.admin != nullptr)
    setup_.admin->admin().publish(telemetry::summary_json(*snapshot_, meter_, facts_, setup_.config));
}

void Runner::print_status() {
  if (printer_.mode() == config::StatusMode::table) printer_.print(telemetry::status_table(*snapshot_, meter_, facts_));
  if (printer_.mode() == config::StatusMode::line) printer_.print(telemetry::status_line(*snapshot_, meter_, facts_));
}

void Runner::watch_links() {
  const std::vector<PortLink> links = engine_.links();
  links_.resize(links.size(), {{}, true, false});
  for (std::size_t i = 0; i < links.size(); ++i) {
    const auto& [device, up, silent] = links[i];
    if (up && !links_[i].up)
      log_.info("link of {} is up again", device);
    else if (!up && links_[i].up)
      log_.warn("link of {} is down; nothing arrives by it until it is up again", device);
    if (!silent && links_[i].silent)
      log_.info("frames come by {} again", device);
    else if (silent && !links_[i].silent)
      log_.warn(
          "nothing came by {} for {} s, though frames went out: its network is cut, all its players are gone, or it "
          "was reset by another program, and then only a new start helps",
          device, port::SilenceWatch::patience / second);
    links_[i] = links[i];
  }
}

void Runner::watch_clock() {
  const std::int64_t step_s = clock_watch_.note(base::now(), base::unix_now());
  if (step_s == 0) return;
  log_.warn("the wall clock was set {} by {} s; login tokens are judged by what it shows now",
            step_s > 0 ? "forward" : "back", step_s > 0 ? step_s : -step_s);
}

bool Runner::mend_ports() {
  for (const PortMishap& mishap : engine_.mend()) {
    if (mishap.fatal) {
      log_.error("{}: {}; the server ends", mishap.device, mishap.text);
      failed_ = true;
    } else if (std::find(mended_.begin(), mended_.end(), mishap.device) == mended_.end()) {
      log_.warn("{}: {}; further times are counted (port.xdp_restored)", mishap.device, mishap.text);
      mended_.push_back(mishap.device);
    }
  }
  return !failed_;
}

/// A few pages are of others: what a lane was given begins and ends within pages of malloc.
void Runner::count_pages() {
  constexpr std::uint64_t few = 16;
  const auto placed = engine_.placed();
  if (!placed) log_.warn("memory is not counted by node: the system forbids move_pages");
  placed_ = placed.value_or(std::vector<telemetry::PlacedMemory>{});
  if (const std::string refused = base::refused_policy(); !refused.empty())
    log_.warn("memory is not placed by node: the system refuses {}", refused);
  for (const telemetry::PlacedMemory& memory : placed_)
    if (memory.pages_elsewhere > memory.pages_there / few)
      log_.warn("memory of {} ({}): {} of {} pages are not on node {}; is that node full?", memory.lane, memory.part,
                memory.pages_elsewhere, memory.pages_there + memory.pages_elsewhere, memory.node);
}

int Runner::report() {
  placed_ = engine_.placed().value_or(std::vector<telemetry::PlacedMemory>{});
  sample();  // lanes stand still: the accounts are exact
  output_.write(process::Output::Stream::out, telemetry::final_table(*snapshot_, meter_, facts_));
  if (!snapshot_->balanced()) log_.error("packets received are not all accounted for; this is a bug, please report it");
  const int code = failed_ ? 1 : 0;
  if (setup_.config.json_summary.empty()) return code;
  const auto written = process::write_file(setup_.config.json_summary,
                                           telemetry::summary_json(*snapshot_, meter_, facts_, setup_.config));
  if (written) return code;
  output_.write(process::Output::Stream::err, "serried-server: " + written.error().message + "\n");
  return 1;
}

}  // namespace serried::server
