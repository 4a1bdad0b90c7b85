/// serried-swarm: thousands of players in one process.

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <iostream>
#include <sched.h>
#include <sys/prctl.h>
#include <unistd.h>
#include <vector>

#include "port/socket.h"
#include "tools/swarm/options.h"
#include "tools/swarm/report.h"
#include "tools/swarm/run.h"

namespace {

using namespace serried;  // NOLINT: a program's own file

constexpr int exit_failed = 1, exit_usage = 2;

void on_signal(int) { tools::interrupted = 1; }

int fail(const std::string& message) {
  std::cerr << "serried-swarm: " << message << '\n';
  return exit_usage;
}

int pin(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(static_cast<unsigned>(cpu), &set);
  return sched_setaffinity(0, sizeof set, &set);
}

int finish(const tools::Summary& summary, const tools::SwarmOptions& options) {
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

int run_socket(const tools::SwarmOptions& options, const crypt::TokenKey& key) {
  port::SocketConfig config;
  // The unspecified address of the server's family: the system picks the source by its routes.
  if (options.server.is_ipv4()) config.address = port::ipv4_address(0, 0, 0, 0);
  config.socket_count = std::min(options.sockets, options.bots);
  config.buffers = 8192;
  config.receive_bytes = config.send_bytes = 32 << 20;
  auto socket = port::Socket::open(config);
  if (!socket) return fail(socket.error().message);
  std::vector<std::uint16_t> ports;
  for (unsigned i = 0; i < config.socket_count; ++i) ports.push_back(socket.value()->local(i).port);
  return finish(tools::run(*socket.value(), options, key, ports), options);
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
  return run_socket(line.swarm, key.value());
}
