/// serried-swarm: thousands of players in one process.

#include <algorithm>
#include <csignal>
#include <ctime>
#include <optional>
#include <sys/prctl.h>
#include <unistd.h>
#include <vector>

#include "port/cpus.h"
#include "port/driver_messages.h"
#include "port/eal.h"
#include "port/ethdev_queues.h"
#include "port/socket.h"
#include "process/file.h"
#include "process/output.h"
#include "process/rights.h"
#include "process/standard.h"
#include "tools/swarm/options.h"
#include "tools/swarm/recorded_traffic.h"
#include "tools/swarm/report.h"
#include "tools/swarm/run.h"

namespace {

using namespace serried;  // NOLINT: a program's own file
using process::Output;

constexpr int exit_failed = 1, exit_usage = 2;
/// An answer whose bot must be found by trying costs a scalar multiplication a try; more at once would cost more tries.
constexpr unsigned handshakes_per_socket = 8;

void on_signal(int) { tools::interrupted = 1; }

void say(Output& output, const std::string& message) {
  output.write(Output::Stream::err, "serried-swarm: " + message + "\n");
}

int fail(Output& output, const std::string& message) {
  for (const std::string& line : port::take_driver_messages()) output.write(Output::Stream::err, line + "\n");
  say(output, message);
  return exit_usage;
}

struct Play {
  const tools::SwarmOptions& options;
  const crypt::TokenKey& key;
  tools::Recorder* recorder;  ///< null: none
  Output& output;
};

int finish(const tools::Summary& summary, const Play& play) {
  const auto& [options, key, recorder, output] = play;
  if (recorder != nullptr) {
    const Result<Done> written = recorder->finish();
    if (!written) return fail(output, written.error().message);
    say(output, std::to_string(recorder->samples()) + " bodies, " + std::to_string(recorder->bytes() >> 10) +
                    " KiB, recorded in " + options.record_file);
  }
  if (!options.json_file.empty()) {
    const Result<Done> written = process::write_file(options.json_file, tools::json(summary));
    if (!written) return fail(output, "--json: " + written.error().message);
  }
  if (!summary.good())
    say(output, "not good: " + std::to_string(summary.connected) + " of " + std::to_string(summary.players) +
                    " connected, " + std::to_string(summary.errors) + " errors, " +
                    std::to_string(summary.view_mismatches) + " view mismatches");
  return summary.good() ? 0 : exit_failed;
}

int run_socket(const Play& play) {
  const auto& [options, key, recorder, output] = play;
  port::SocketConfig config;
  // The unspecified address of the server's family: the system picks the source by its routes.
  if (options.server.is_ipv4()) config.address = port::ipv4_address(0, 0, 0, 0);
  config.socket_count = std::min(options.sockets, options.bots);
  config.buffers = 8192;
  config.receive_bytes = config.send_bytes = 32 << 20;
  auto socket = port::Socket::open(config);
  if (!socket) return fail(output, socket.error().message);
  if (!socket.value()->report().has_ipv6)
    return fail(output,
                "--server " + options.server_text + ": this system has no IPv6; give an IPv4 address of the server");
  std::vector<std::uint16_t> ports;
  for (unsigned round = 0; round < handshakes_per_socket; ++round)
    for (unsigned i = 0; i < config.socket_count; ++i) ports.push_back(socket.value()->local(i).port);
  return finish(tools::run(*socket.value(), options, key, ports, recorder, output), play);
}

int run_ethdev(const Play& play, const std::vector<std::string>& eal) {
  const auto& [options, key, recorder, output] = play;
  const auto local = port::parse_local_address(options.address);
  if (!local) return fail(output, "--address: " + local.error().message);
  if (port::is_ipv4(local.value().address) != options.server.is_ipv4())
    return fail(output, "--address and --server are of different families: give both as IPv4 or both as IPv6");
  const Result<Done> started = port::start_eal({eal.begin() + 1, eal.end()});
  if (!started) return fail(output, started.error().message);
  const std::vector<std::string> names = port::ethdev_names();
  if (names.empty()) return fail(output, "EAL found no ethdev; name one, as --vdev net_af_xdp0,iface=veth1");

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
  crypt::Entropy{}.fill({reinterpret_cast<std::uint8_t*>(&config.salt), sizeof config.salt});
  auto device = port::EthdevDevice::open(config);
  if (!device) return fail(output, device.error().message);
  if (options.status != tools::Status::none) output.write(Output::Stream::out, device.value()->report().text() + "\n");
  std::vector<std::uint16_t> ports;
  for (std::uint32_t i = config.host.port_first; i <= config.host.port_last; ++i)
    ports.push_back(static_cast<std::uint16_t>(i));
  if (options.pin_cpu >= 0 && !port::run_on({static_cast<unsigned>(options.pin_cpu)}))
    return fail(output, "--pin: EAL was not given this CPU");
  port::EthdevQueues queues{*device.value()};
  const tools::Summary summary = options.queues == 1
                                     ? tools::run(device.value()->lane(0), options, key, ports, recorder, output)
                                     : tools::run(queues, options, key, ports, recorder, output);
  tools::interrupted = 0;  // that ended the playing; what comes from here on ends the lingering
  const int code = finish(summary, play);
  for (timespec rest{options.linger_seconds, 0}; tools::interrupted == 0 && nanosleep(&rest, &rest) != 0;) {
  }
  return code;
}

int write_pcap(const tools::SwarmOptions& options, Output& output) {
  const auto written = tools::write_recorded_traffic(options);
  if (!written) return fail(output, "--write-pcap: " + written.error().message);
  const auto& [files, frames, bytes] = written.value();
  std::string names;
  for (const std::string& file : files) names += " " + file;
  output.write(Output::Stream::out, "serried-swarm: " + std::to_string(frames) + " frames, " +
                                        std::to_string(bytes >> 10) + " KiB, for serried-server --measurement " +
                                        std::to_string(options.seed) + " in" + names + "\n");
  return 0;
}

int run_program(int argc, char** argv) {
  const tools::CommandLine line = tools::parse_command_line(argc, argv, isatty(STDOUT_FILENO) != 0);
  if (line.exit_code >= 0) return line.exit_code;
  process::keep_secrets(false);
  // Outlives EAL, whose drivers may say something to the last.
  Output output{[](std::uint64_t lost) {
    return "serried-swarm: " + std::to_string(lost) + " lines could not be written here\n";
  }};
  const port::EalScope eal{[&output](std::string text) { output.write(Output::Stream::err, std::move(text)); }};
  if (!line.swarm.json_file.empty())
    if (const auto possible = process::can_write_file(line.swarm.json_file); !possible)
      return fail(output, "--json: " + possible.error().message);
  if (!crypt::initialise()) return fail(output, "libsodium cannot be initialised on this machine");
  if (!line.swarm.pcap_file.empty()) return write_pcap(line.swarm, output);
  const Result<crypt::TokenKey> key = crypt::load_token_key(line.swarm.token_key_file);
  if (!key) return fail(output, key.error().message);
  std::signal(SIGINT, on_signal);
  std::signal(SIGTERM, on_signal);
  prctl(PR_SET_TIMERSLACK, 1'000UL);  // naps of 100 us shall not last 150
  if (line.swarm.pin_cpu >= 0 && !port::run_on({static_cast<unsigned>(line.swarm.pin_cpu)}))
    return fail(output, "--pin: CPU " + std::to_string(line.swarm.pin_cpu) + " is not one that this process may use");
  std::optional<tools::Recorder> recorder;
  if (!line.swarm.record_file.empty()) {
    Result<tools::Recorder> opened = tools::Recorder::open(line.swarm.record_file, line.swarm.record_mib << 20);
    if (!opened) return fail(output, "--record: " + opened.error().message);
    recorder.emplace(std::move(opened).value());
  }
  tools::Recorder* const to = recorder ? &*recorder : nullptr;
  const Play play{line.swarm, key.value(), to, output};
  return line.swarm.driver == tools::Driver::socket ? run_socket(play) : run_ethdev(play, line.eal);
}

}  // namespace

int main(int argc, char** argv) {
  process::begin();
  return process::ended("serried-swarm", run_program(argc, argv));
}
