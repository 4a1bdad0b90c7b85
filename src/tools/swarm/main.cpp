/// serried-swarm: thousands of players in one process.

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <ctime>
#include <iostream>
#include <optional>
#include <sched.h>
#include <sys/prctl.h>
#include <unistd.h>
#include <vector>

#include "port/driver_messages.h"
#include "port/eal.h"
#include "port/ethdev_queues.h"
#include "port/socket.h"
#include "tools/swarm/options.h"
#include "tools/swarm/report.h"
#include "tools/swarm/run.h"

namespace {

using namespace serried;  // NOLINT: a program's own file

constexpr int exit_failed = 1, exit_usage = 2;
/// An answer whose bot must be found by trying costs a scalar multiplication a try; more at once would cost more tries.
constexpr unsigned handshakes_per_socket = 8;

void on_signal(int) { tools::interrupted = 1; }

int fail(const std::string& message) {
  for (const std::string& line : port::take_driver_messages()) std::cerr << line << '\n';
  std::cerr << "serried-swarm: " << message << '\n';
  return exit_usage;
}

int pin(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(static_cast<unsigned>(cpu), &set);
  return sched_setaffinity(0, sizeof set, &set);
}

int finish(const tools::Summary& summary, const tools::SwarmOptions& options, tools::Recorder* recorder) {
  if (recorder != nullptr) {
    const Result<Done> written = recorder->finish();
    if (!written) return fail(written.error().message);
    std::fprintf(stderr, "serried-swarm: %llu bodies, %.1f MiB, recorded in %s\n",
                 static_cast<unsigned long long>(recorder->samples()),
                 static_cast<double>(recorder->bytes()) / (1 << 20), options.record_file.c_str());
  }
  if (!options.json_file.empty()) {
    const Result<Done> written = tools::write_json(summary, options.json_file);
    if (!written) return fail(written.error().message);
  }
  if (!summary.good())
    std::fprintf(stderr, "serried-swarm: not good: %u of %u connected, %llu errors, %llu view mismatches\n",
                 summary.connected, summary.players, static_cast<unsigned long long>(summary.errors),
                 static_cast<unsigned long long>(summary.view_mismatches));
  return summary.good() ? 0 : exit_failed;
}

int run_socket(const tools::SwarmOptions& options, const crypt::TokenKey& key, tools::Recorder* recorder) {
  port::SocketConfig config;
  // The unspecified address of the server's family: the system picks the source by its routes.
  if (options.server.is_ipv4()) config.address = port::ipv4_address(0, 0, 0, 0);
  config.socket_count = std::min(options.sockets, options.bots);
  config.buffers = 8192;
  config.receive_bytes = config.send_bytes = 32 << 20;
  auto socket = port::Socket::open(config);
  if (!socket) return fail(socket.error().message);
  if (!socket.value()->report().has_ipv6)
    return fail("--server " + options.server_text + ": this system has no IPv6; give an IPv4 address of the server");
  std::vector<std::uint16_t> ports;
  for (unsigned round = 0; round < handshakes_per_socket; ++round)
    for (unsigned i = 0; i < config.socket_count; ++i) ports.push_back(socket.value()->local(i).port);
  return finish(tools::run(*socket.value(), options, key, ports, recorder), options, recorder);
}

int run_ethdev(const tools::SwarmOptions& options, const std::vector<std::string>& eal, const crypt::TokenKey& key,
               tools::Recorder* recorder) {
  const auto local = port::parse_local_address(options.address);
  if (!local) return fail("--address: " + local.error().message);
  if (port::is_ipv4(local.value().address) != options.server.is_ipv4())
    return fail("--address and --server are of different families: give both as IPv4 or both as IPv6");
  const Result<Done> started = port::start_eal({eal.begin() + 1, eal.end()});
  if (!started) return fail(started.error().message);
  const std::vector<std::string> names = port::ethdev_names();
  if (names.empty()) return fail("EAL found no ethdev; name one, as --vdev net_af_xdp0,iface=veth1");

  port::EthdevConfig config;
  config.device = names.front();
  config.queues = options.queues;
  (options.server.is_ipv4() ? config.host.has_ipv4 : config.host.has_ipv6) = true;
  (options.server.is_ipv4() ? config.host.ipv4 : config.host.ipv6) = local.value();
  // A port a bot, so that all may shake hands at once; more bots than ports share them.
  const std::uint32_t ports_max = 65'535U - options.port_first + 1U;
  const auto port_count = static_cast<std::uint16_t>(std::min(options.bots, ports_max) - 1);
  config.host.port_first = options.port_first;
  config.host.port_last = static_cast<std::uint16_t>(options.port_first + port_count);
  config.host.next_hop = port::NextHop::arp;
  int code = exit_usage;
  {
    auto device = port::EthdevDevice::open(config);
    if (!device) return fail(device.error().message);
    if (options.status != tools::Status::none) std::printf("%s\n", device.value()->report().text().c_str());
    std::vector<std::uint16_t> ports;
    for (std::uint32_t i = config.host.port_first; i <= config.host.port_last; ++i)
      ports.push_back(static_cast<std::uint16_t>(i));
    if (options.pin_cpu >= 0 && pin(options.pin_cpu) != 0) return fail("--pin: EAL was not given this CPU");
    port::EthdevQueues queues{*device.value()};
    const tools::Summary summary = options.queues == 1
                                       ? tools::run(device.value()->lane(0), options, key, ports, recorder)
                                       : tools::run(queues, options, key, ports, recorder);
    tools::interrupted = 0;  // that ended the playing; what comes from here on ends the lingering
    code = finish(summary, options, recorder);
    for (timespec rest{options.linger_seconds, 0}; tools::interrupted == 0 && nanosleep(&rest, &rest) != 0;) {
    }
  }
  port::stop_eal();
  return code;
}

}  // namespace

int main(int argc, char** argv) {
  const tools::CommandLine line = tools::parse_command_line(argc, argv, isatty(STDOUT_FILENO) != 0);
  if (line.exit_code >= 0) return line.exit_code;
  if (!crypt::initialise()) return fail("libsodium cannot be initialised on this machine");
  const Result<crypt::TokenKey> key = crypt::load_token_key(line.swarm.token_key_file);
  if (!key) return fail(key.error().message);
  std::signal(SIGINT, on_signal);
  std::signal(SIGTERM, on_signal);
  prctl(PR_SET_TIMERSLACK, 1'000UL);  // naps of 100 us shall not last 150
  if (line.swarm.pin_cpu >= 0 && pin(line.swarm.pin_cpu) != 0)
    return fail("--pin: CPU " + std::to_string(line.swarm.pin_cpu) + " is not one that this process may use");
  std::optional<tools::Recorder> recorder;
  if (!line.swarm.record_file.empty()) {
    Result<tools::Recorder> opened = tools::Recorder::open(line.swarm.record_file, line.swarm.record_mib << 20);
    if (!opened) return fail("--record: " + opened.error().message);
    recorder.emplace(std::move(opened).value());
  }
  tools::Recorder* const to = recorder ? &*recorder : nullptr;
  return line.swarm.driver == tools::Driver::socket ? run_socket(line.swarm, key.value(), to)
                                                    : run_ethdev(line.swarm, line.eal, key.value(), to);
}
