// serried-server [EAL options] -- [options]
//
// Reads the configuration, starts EAL, opens the port, places lanes on cores, and hands over to the runner; or, with
// --check, looks whether the machine would let it. Exit codes: 0 done, 1 the machine did not let it start or finish, 2
// the user asked for something that cannot be, 130 told twice.

#include <algorithm>
#include <cstdio>
#include <signal.h>
#include <span>
#include <string>
#include <sys/timex.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_lcore.h>

#include "base/clock.h"
#include "config/args.h"
#include "config/assets.h"
#include "config/config.h"
#include "config/eal.h"
#include "config/engine_config.h"
#include "config/option_table.h"
#include "crypt/keys.h"
#include "games/reference/game.h"
#include "machine/cgroup.h"
#include "machine/memory.h"
#include "port/cpus.h"
#include "port/driver_messages.h"
#include "port/eal.h"
#include "port/xdp_filter.h"
#include "process/file.h"
#include "process/output.h"
#include "process/rights.h"
#include "process/standard.h"
#include "server/check.h"
#include "server/engine.h"
#include "server/expectation.h"
#include "server/quota.h"
#include "server/runner.h"
#include "server/topology.h"
#include "simd/isa.h"
#include "telemetry/log.h"

namespace serried::server {
namespace {

constexpr int failed = 1;
constexpr int misused = 2;

using process::Output;

int fail(Output& output, const std::string& message) {
  for (const std::string& line : port::take_driver_messages()) output.write(Output::Stream::err, line + "\n");
  output.write(Output::Stream::err, "serried-server: " + message + "\n");
  return failed;
}

/// The control thread takes signals with sigtimedwait; every thread, EAL's too, inherits that they are blocked, and
/// that the one by which it is told to give up its rights is not.
void block_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGHUP);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  process::hear_rights_signal();
}

std::vector<Core> lcores() {
  const auto topology = machine_topology();
  std::vector<Core> cores;
  unsigned lcore = 0;
  RTE_LCORE_FOREACH(lcore) {
    const rte_cpuset_t set = rte_lcore_cpuset(lcore);
    unsigned cpu = 0;
    while (cpu < CPU_SETSIZE && !CPU_ISSET(cpu, &set)) ++cpu;
    const CpuPlace place = place_of(topology, cpu);
    cores.push_back({lcore, cpu, place.node, place.sibling, lcore == rte_get_main_lcore()});
  }
  return cores;
}

void log_setup(spdlog::logger& log, const config::ServerConfig& config, const Engine& engine,
               const Placement& placement) {
  log.info("serried-server version={} isa={} seed={} tick_rate_hz={} players_max={} npcs={}", SERRIED_VERSION,
           simd::isa_name(simd::active_isa()), config.seed, config.tick_rate_hz, config.players_max, config.npcs);
  if (config.measurement_seed != 0)
    log.warn(
        "measurement mode seed={}: the keys are no secret and nothing is refused as seen before; never for players",
        config.measurement_seed);
  for (const std::string& note : engine.port_notes()) log.info("port {}", note);
  for (const std::string& line : port::take_driver_messages()) log.debug("driver {}", line);
  std::string lines = placement_text(placement);
  for (std::size_t begin = 0, end; (end = lines.find('\n', begin)) != std::string::npos; begin = end + 1)
    log.info("placement {}", lines.substr(begin, end - begin));
  const int node = engine.numa_node();
  const bool far =
      node != any_node &&
      std::any_of(placement.assignments.begin(), placement.assignments.end(), [&](const CoreAssignment& assignment) {
        return assignment.lanes.front().kind == LaneKind::io && assignment.core.node != static_cast<unsigned>(node);
      });
  if (far)
    log.warn("an io lane runs on another NUMA node than its port (node {}); give cores of that node with -l", node);
}

/// What the server says, and how.
struct Voice {
  Output& output;
  telemetry::StatusPrinter& printer;
  spdlog::logger& log;
};

/// What is still needed when all ports are open: to change and remove what a driver has set on an interface.
std::vector<process::Right> needed_rights() {
  using process::Right;
  std::vector<Right> rights;
  for (const std::string& driver : port::ethdev_drivers()) {
    if (driver == "net_af_xdp")
      rights.insert(rights.end(), {Right::net_admin, process::right_to_bpf()});
    else if (driver == "net_tap")
      rights.push_back(Right::net_admin);
    else if (driver != "net_af_packet" && driver != "net_memif" && driver != "net_ring" && driver != "net_null")
      rights.insert(rights.end(), {Right::net_admin, Right::net_raw, Right::ipc_lock});  // a NIC: rules, registers
  }
  return rights;
}

/// Once all ports and files are open. Error: what is still to be written could not be, without root's rights.
Result<Done> give_up_rights(const config::ServerConfig& config, spdlog::logger& log) {
  const auto locked = process::lock_memory();
  if (!locked) log.warn("memory is not locked, keys may get into swap: {}", locked.error().message);
  std::string kept = "all";
  if (!config.keep_privileges) {
    std::vector<process::Right> needed = needed_rights();
    if (locked) needed.insert(needed.end(), locked.value().begin(), locked.value().end());
    const auto names = process::keep_only(needed);
    if (names) {
      kept.clear();
      for (const std::string& name : names.value()) kept += (kept.empty() ? "" : " ") + name;
    } else {
      log.warn("privileges: {}", names.error().message);
      kept = "unknown";  // of some thread; this one may have none
    }
  }
  log.info("privileges uid={} kept=\"{}\" core_dumps={} memory_locked={}", geteuid(), kept,
           config.core_dumps ? "on" : "off", static_cast<bool>(locked));
  if (config.json_summary.empty()) return Done{};
  const auto possible = process::can_write_file(config.json_summary);
  if (possible) return Done{};
  return Error{"--json-summary: " + possible.error().message +
               " (without root's rights over files of others, which --keep-privileges on would keep)"};
}

/// With what EAL was started, and what of it a profile expects and a device has not.
void log_profile(spdlog::logger& log, const config::Profile& profile, const Engine& engine, unsigned io_lanes,
                 const std::vector<std::string>& eal) {
  std::string arguments;
  for (const std::string& argument : eal) arguments += (arguments.empty() ? "" : " ") + argument;
  log.info("profile {} eal=\"{}\"", profile.name, arguments);
  for (const port::EthdevReport& report : engine.port_reports())
    for (const std::string& line : unmet_expectations(profile, report, io_lanes))
      log.warn("profile {}: {} {}", profile.name, report.device, line);
}

/// A profile that wants hugepages takes them while there are enough.
void add_memory(std::vector<std::string>& eal, const config::ServerConfig& config, unsigned cpus) {
  constexpr std::uint64_t huge_page = 2U << 20, small_page = 4U << 10;
  const unsigned shards = config.shards != 0 ? config.shards : automatic_shards(cpus, config.io_lanes);
  std::uint64_t free = 0;
  for (const machine::Node& node : machine::nodes(machine::View{})) free += machine::free_bytes(node);
  config::add_memory(eal, memory_needed(config, shards, huge_page), memory_needed(config, shards, small_page), free);
}

/// The cores that a quota of CPU time is enough for, where no option names cores.
std::vector<Core> within_quota(std::vector<Core> cores, double quota_cpus) {
  std::stable_partition(cores.begin(), cores.end(), [](const Core& core) { return core.sibling == 0; });
  cores.resize(std::min<std::size_t>(cores.size(), cores_within(quota_cpus)));
  return cores;
}

/// --check: what the machine has of what this configuration needs.
int check(const config::Reading& reading, std::vector<std::string> eal) {
  const machine::View view{reading.machine_root};
  std::optional<bool> synchronised;
  if (timex time{}; view.here() && adjtimex(&time) >= 0) synchronised = (time.status & STA_UNSYNC) == 0;
  const Needs needs = needs_of(reading, std::move(eal), view);
  const std::vector<Finding> findings = check_machine(needs, {view, synchronised});
  const std::string text =
      reading.json ? check_json(needs, findings) : check_text(needs, findings, isatty(STDOUT_FILENO) != 0);
  std::fputs(text.c_str(), stdout);
  return exit_code(findings);
}

int serve(const config::Arguments& arguments, const config::Reading& reading, const crypt::TokenKey& key,
          const config::Assets& assets, const Voice& voice) {
  const config::ServerConfig& config = reading.config;
  const auto fail = [&voice](const std::string& message) { return server::fail(voice.output, message); };
  spdlog::logger& log = voice.log;
  const std::vector<unsigned> cpus = port::allowed_cpus();
  block_signals();
  std::vector<std::string> eal = config::eal_arguments(arguments, config, getpid());
  if (reading.profile && reading.profile->hugepages == config::Pages::wanted && config.driver == config::Driver::ethdev)
    add_memory(eal, config, static_cast<unsigned>(cpus.size()));
  if (config.xdp_filter) {
    const auto program = port::find_xdp_program();
    if (!program) return fail("--xdp-filter: " + program.error().message);
    config::add_xdp_program(eal, program.value());
  }
  if (auto started = port::start_eal(eal); !started)
    return fail(started.error().message + "; --check with the same arguments says what the machine lacks");

  std::vector<Core> cores = lcores();
  const bool cores_named = config::read_eal(eal).cores;
  const auto quota = machine::cpu_quota(machine::View{});
  if (quota && !cores_named) cores = within_quota(std::move(cores), quota->cpus);
  const auto count = static_cast<unsigned>(cores.size());
  const games::reference::Game game{config::reference_config(config, &assets)};
  EngineSetup setup{config, key, 1, base::now(), &assets, game.callbacks()};
  setup.shards = config.shards != 0 ? config.shards : automatic_shards(count, config.io_lanes);
  auto engine = Engine::open(setup);
  if (!engine) return fail(engine.error().message);

  admin::Admin admin{engine.value()->admin_links(), engine.value()->ban_sinks()};
  std::unique_ptr<admin::AdminSocket> socket;
  if (!config.control_socket.empty()) {
    auto opened = admin::AdminSocket::open(config.control_socket, admin);
    if (!opened) return fail(opened.error().message);
    socket = std::move(opened).value();
  }
  RunSetup run{config, {}, cpus, socket.get()};
  run.placement =
      place(cores, config.io_lanes, setup.shards, engine.value()->numa_node(), static_cast<unsigned>(cpus.size()));
  log_setup(log, config, *engine.value(), run.placement);
  const unsigned asked = cores_named ? count : config.io_lanes + setup.shards;
  if (const std::string warning =
          quota_warning(quota, std::min(asked, static_cast<unsigned>(cpus.size())), cores_named);
      !warning.empty())
    log.warn("{}", warning);
  if (reading.profile) log_profile(log, *reading.profile, *engine.value(), config.io_lanes, eal);
  if (const auto done = give_up_rights(config, log); !done) return fail(done.error().message);
  return Runner{run, *engine.value(), voice.output, log, voice.printer}.run();
}

int main_of(std::span<const char* const> argv) {
  config::Arguments arguments = config::split_arguments(argv);
  config::Reading reading = config::read_config(arguments.own);
  if (reading.profile) arguments.eal = config::merge_eal(reading.profile->eal, arguments.eal);
  switch (reading.action) {
    case config::Action::help:
      std::fputs(config::help_text().c_str(), stdout);
      return 0;
    case config::Action::version:
      std::puts("serried-server " SERRIED_VERSION);
      return 0;
    case config::Action::example:
      std::fputs(config::example_toml().c_str(), stdout);
      return 0;
    case config::Action::profiles:
      std::fputs(config::profiles_text(config::profile_folders()).c_str(), stdout);
      return 0;
    case config::Action::check:
      if (reading.faults.empty()) return check(reading, config::eal_arguments(arguments, reading.config, getpid()));
      std::fputs(config::fault_text(reading.faults).c_str(), stderr);
      return misused;
    case config::Action::option_table:
      std::fputs(config::option_table().c_str(), stdout);
      return 0;
    case config::Action::run:
      break;
  }
  process::keep_secrets(reading.config.core_dumps);
  // Outlives EAL, whose drivers may say something to the last.
  Output output{[](std::uint64_t lost) {
    return "serried-server: " + std::to_string(lost) + " lines could not be written here\n";
  }};
  if (!crypt::initialise()) return fail(output, "libsodium does not start; the machine offers no entropy");
  crypt::TokenKey key;
  if (reading.config.measurement_seed != 0 && reading.faults.empty()) {
    key = config::measurement_of(reading.config).token_key();
  } else if (!reading.config.token_key.empty()) {
    auto loaded = crypt::load_token_key(reading.config.token_key);
    if (loaded)
      key = loaded.value();
    else
      reading.faults.push_back({"--token-key " + reading.config.token_key + ":", loaded.error().message});
  }
  const config::Assets assets = config::load_assets(reading.config, reading.faults);
  if (std::string fault = config::isa_fault(reading.config.isa, simd::detected_isa()); !fault.empty())
    reading.faults.push_back({"--isa", std::move(fault)});
  if (!reading.config.json_summary.empty())
    if (const auto possible = process::can_write_file(reading.config.json_summary); !possible)
      reading.faults.push_back({"--json-summary", possible.error().message});
  telemetry::StatusPrinter printer{reading.config.status, output, isatty(STDOUT_FILENO) != 0};
  const auto logger = telemetry::make_logger(reading.config, output, [&printer] { printer.interrupt(); });
  if (!logger) reading.faults.push_back({"--log-file", logger.error().message});
  if (!reading.faults.empty()) {
    output.write(Output::Stream::err, config::fault_text(reading.faults));
    return misused;
  }
  simd::use_isa(config::isa_of(reading.config.isa));
  const port::EalScope eal{[&output](std::string text) { output.write(Output::Stream::err, std::move(text)); }};
  const int code = serve(arguments, reading, key, assets, {output, printer, *logger.value()});
  // EAL leaves its folder behind; one that was named after this process is of no use to the next.
  const bool own_folder = reading.config.driver == config::Driver::socket && arguments.eal.empty() && port::eal_runs();
  const std::string folder = own_folder ? rte_eal_get_runtime_dir() : "";
  port::stop_eal();
  if (own_folder) rmdir(folder.c_str());
  return code;
}

}  // namespace
}  // namespace serried::server

int main(int argc, char** argv) {
  serried::process::begin();
  return serried::process::ended("serried-server", serried::server::main_of({argv, static_cast<std::size_t>(argc)}));
}
