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
#include "port/ethdev.h"
#include "port/xdp_filter.h"
#include "process/file.h"
#include "process/output.h"
#include "process/rights.h"
#include "process/standard.h"
#include "server/check.h"
#include "server/drawing.h"
#include "server/engine.h"
#include "server/expectation.h"
#include "server/layout.h"
#include "server/placement_file.h"
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

std::vector<Core> lcores(std::span<const CpuPlace> machine) {
  std::vector<Core> cores;
  unsigned lcore = 0;
  RTE_LCORE_FOREACH(lcore) {
    const rte_cpuset_t set = rte_lcore_cpuset(lcore);
    unsigned cpu = 0;
    while (cpu < CPU_SETSIZE && !CPU_ISSET(cpu, &set)) ++cpu;
    cores.push_back({lcore, place_of(machine, cpu), lcore == rte_get_main_lcore()});
  }
  return cores;
}

/// The nodes of the devices, in the order of --port.
Result<std::vector<int>> device_nodes(const config::ServerConfig& config) {
  std::vector<int> nodes;
  if (config.driver == config::Driver::socket) return nodes;
  for (const std::string& port : config.ports) {
    const auto node = port::EthdevDevice::node_of(port);
    if (!node) return node.error();
    nodes.push_back(node.value());
  }
  return nodes;
}

std::vector<DrawnDevice> drawn_devices(const config::ServerConfig& config, const LayoutRequest& request,
                                       const Layout& layout) {
  std::vector<DrawnDevice> devices;
  for (std::size_t i = 0; i < request.device_nodes.size(); ++i) {
    DrawnDevice& device = devices.emplace_back(DrawnDevice{config.ports[i], request.device_nodes[i], {}});
    for (unsigned lane = 0; lane < layout.homes.size(); ++lane)
      if (std::find(layout.homes[lane].begin(), layout.homes[lane].end(), i) != layout.homes[lane].end())
        device.io_lanes.push_back(lane);
  }
  return devices;
}

void log_setup(spdlog::logger& log, const config::ServerConfig& config, const Engine& engine,
               std::span<const std::string> drawn) {
  log.info("serried-server version={} isa={} seed={} tick_rate_hz={} players_max={} npcs={}", SERRIED_VERSION,
           simd::isa_name(simd::active_isa()), config.seed, config.tick_rate_hz, config.players_max, config.npcs);
  if (config.measurement_seed != 0)
    log.warn(
        "measurement mode seed={}: the keys are no secret and nothing is refused as seen before; never for players",
        config.measurement_seed);
  for (const std::string& note : engine.port_notes()) log.info("port {}", note);
  for (const std::string& line : port::take_driver_messages()) log.debug("driver {}", line);
  for (const std::string& line : drawn) log.info("placement {}", line);
}

/// What was read before anything is started.
struct Inputs {
  crypt::TokenKey key;
  config::Assets assets;
  std::vector<ToldLane> told;
};

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

/// A profile that wants hugepages takes them while there are enough.
void add_memory(std::vector<std::string>& eal, const LayoutRequest& request, unsigned shards) {
  const config::ServerConfig& config = *request.config;
  const config::Homes homes = config::home_devices(config, request.device_nodes);
  if (shards == 0) shards = automatic_shards(request.machine_cpus, config.io_lanes);  // options name the cores
  std::uint64_t free = 0;
  for (const machine::Node& node : machine::nodes(machine::View{})) free += machine::free_bytes(node);
  config::add_memory(eal, memory_needed(config, shards, huge_page_bytes, homes),
                     memory_needed(config, shards, small_page_bytes, homes), free);
}

/// EAL's arguments. Where they name no cores, `request` says which lanes need, and `shards` how many of those there
/// are. Error: a placement that names a CPU which is not there.
Result<std::vector<std::string>> eal_arguments(const config::Arguments& arguments, LayoutRequest& request,
                                               const Topology& topology, const std::vector<unsigned>& cpus,
                                               unsigned& shards) {
  std::vector<std::string> eal = config::eal_arguments(arguments, *request.config, getpid());
  request.device_nodes = nodes_before_eal(request.config->ports, eal, topology);
  if (config::read_eal(eal).cores || cpus.empty()) return eal;  // of no CPU it says what is missing
  const auto placement = lanes_before_eal(request, topology, cpus);
  if (!placement) return placement.error();
  shards = placement.value().shards;
  std::vector<unsigned> taken;
  for (const CoreAssignment& assignment : placement.value().assignments) taken.push_back(assignment.core.at.cpu);
  std::sort(taken.begin(), taken.end());
  for (std::string& argument : port::lcore_arguments(taken)) eal.push_back(std::move(argument));
  return eal;
}

int serve(const config::Arguments& arguments, const config::Reading& reading, const Inputs& inputs,
          const Voice& voice) {
  const config::ServerConfig& config = reading.config;
  const auto fail = [&voice](const std::string& message) { return server::fail(voice.output, message); };
  spdlog::logger& log = voice.log;
  const std::vector<unsigned> cpus = port::allowed_cpus();
  block_signals();
  const Topology topology = machine_topology();
  const auto quota = machine::cpu_quota(machine::View{});
  const std::vector<unsigned> usable = usable_cpus(machine::View{});
  LayoutRequest request{&config, inputs.told, {}, static_cast<unsigned>(usable.size())};
  if (quota) request.cores_max = cores_within(quota->cpus);
  unsigned shards = config.shards;
  auto eal = eal_arguments(arguments, request, topology, usable, shards);
  if (!eal) {
    fail(eal.error().message);
    return misused;
  }
  const bool cores_named = config::read_eal(arguments.eal).cores;
  if (reading.profile && reading.profile->hugepages == config::Pages::wanted && config.driver == config::Driver::ethdev)
    add_memory(eal.value(), request, shards);
  if (config.xdp_filter) {
    const auto program = port::find_xdp_program();
    if (!program) return fail("--xdp-filter: " + program.error().message);
    config::add_xdp_program(eal.value(), program.value());
  }
  if (auto started = port::start_eal(eal.value()); !started)
    return fail(started.error().message + "; --check with the same arguments says what the machine lacks");

  const std::vector<int> nodes_before = cores_named ? std::vector<int>{} : request.device_nodes;
  auto nodes = device_nodes(config);
  if (!nodes) return fail(nodes.error().message);
  request.device_nodes = std::move(nodes).value();
  const std::vector<Core> cores = lcores(topology.cpus);
  auto layout = lay_out(request, topology, cores, shards);
  if (!layout) {
    fail(layout.error().message);
    return misused;
  }
  const games::reference::Game game{config::reference_config(config, &inputs.assets)};
  EngineSetup setup{config,
                    inputs.key,
                    layout.value().placement.shards,
                    base::now(),
                    &inputs.assets,
                    game.callbacks(),
                    layout.value().homes,
                    layout.value().nodes};
  auto engine = Engine::open(setup);
  if (!engine) return fail(engine.error().message);

  admin::Admin admin{engine.value()->admin_links(), engine.value()->ban_sinks()};
  std::unique_ptr<admin::AdminSocket> socket;
  if (!config.control_socket.empty()) {
    auto opened = admin::AdminSocket::open(config.control_socket, admin);
    if (!opened) return fail(opened.error().message);
    socket = std::move(opened).value();
  }
  log_setup(log, config, *engine.value(),
            drawing(layout.value().placement, cores, topology.cpus, drawn_devices(config, request, layout.value())));
  const unsigned asked = cores_named ? static_cast<unsigned>(cores.size()) : config.io_lanes + setup.shards;
  std::vector<std::string> warnings = layout_warnings(request, layout.value(), nodes_before);
  warnings.push_back(quota_warning(quota, std::min(asked, request.machine_cpus), cores_named));
  for (const std::string& warning : warnings)
    if (!warning.empty()) log.warn("{}", warning);
  if (reading.profile) log_profile(log, *reading.profile, *engine.value(), config.io_lanes, eal.value());
  if (const auto done = give_up_rights(config, log); !done) return fail(done.error().message);
  const RunSetup run{config, std::move(layout).value().placement, cpus, topology.cpus, socket.get()};
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
  Inputs inputs;
  if (reading.config.measurement_seed != 0 && reading.faults.empty()) {
    inputs.key = config::measurement_of(reading.config).token_key();
  } else if (!reading.config.token_key.empty()) {
    auto loaded = crypt::load_token_key(reading.config.token_key);
    if (loaded)
      inputs.key = loaded.value();
    else
      reading.faults.push_back({"--token-key " + reading.config.token_key + ":", loaded.error().message});
  }
  inputs.assets = config::load_assets(reading.config, reading.faults);
  inputs.told = load_placement(reading.config, reading.faults);
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
  const int code = serve(arguments, reading, inputs, {output, printer, *logger.value()});
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
