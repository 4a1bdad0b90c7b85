/// Wires of DPDK's software drivers. EAL runs once a process, and so does each of these.

#include <cstdlib>
#include <net/if.h>
#include <sched.h>
#include <unistd.h>

#include "measure.h"
#include "memory_port.h"
#include "port/eal.h"
#include "port/ethdev.h"
#include "wires.h"

namespace serried::bench {
namespace {

constexpr unsigned buffers = 16'384;
constexpr std::uint16_t far_port_first = 20'000, far_port_last = 20'255;

Result<Done> start_eal(const Options& options, const std::vector<std::string>& more) {
  const int cpu = options.cpu >= 0 ? options.cpu : ::sched_getcpu();
  std::vector<std::string> arguments{"--no-huge", "--no-pci", "--no-telemetry",           "--no-shconf", "-m",
                                     "512",       "--lcores", "0@" + std::to_string(cpu), "--log-level", "error"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return port::start_eal(arguments);
}

port::EthdevConfig config_of(const std::string& device, std::uint8_t host, std::uint16_t first, std::uint16_t last) {
  port::EthdevConfig config;
  config.device = device;
  config.host.has_ipv4 = true;
  config.host.ipv4 = {port::ipv4_address(10, 0, 0, host), 24};
  config.host.port_first = first;
  config.host.port_last = last;
  config.host.answers_per_second = 1'000'000;
  config.rx_descriptors = config.tx_descriptors = 2'048;
  config.buffers = buffers;
  return config;
}

/// Two devices that hear one another.
Outcome run_pair(const std::string& first, const std::string& second, bool asynchronous, const Options& options,
                 Report& report) {
  auto near = port::EthdevDevice::open(config_of(first, 1, 40'000, 40'000));
  if (!near) return {false, near.error().message};
  auto far = port::EthdevDevice::open(config_of(second, 2, far_port_first, far_port_last));
  if (!far) return {false, far.error().message};
  std::vector<std::uint16_t> ports;
  for (unsigned i = far_port_first; i <= far_port_last; ++i) ports.push_back(static_cast<std::uint16_t>(i));
  BedOptions bed;
  bed.sessions = options.sessions;
  bed.inputs = options.inputs;
  bed.chunk = asynchronous ? 256 : 1'024;
  bed.settle = asynchronous ? 200 * microsecond : 0;
  bed.lingers = asynchronous;
  port::Ethdev& lane = near.value()->lane(0);
  const auto done = run_on(lane, far.value()->lane(0), lane.local(), ports, bed, options, report, [](bool) {});
  return {false, done ? "" : done.error().message};
}

}  // namespace

Outcome run_ring(const Options& options, Report& report) {
  if (const auto started = start_eal(options, {}); !started) return {false, started.error().message};
  Outcome outcome;
  if (const auto pair = port::make_ring_pair("bench", 1, 4'096); pair)
    outcome = run_pair(pair.value().first, pair.value().second, false, options, report);
  else
    outcome.message = pair.error().message;
  port::stop_eal();
  return outcome;
}

Outcome run_null(const Options& options, Report& report) {
  if (const auto started = start_eal(options, {"--vdev", "net_null0,size=64"}); !started)
    return {false, started.error().message};
  Outcome outcome;
  {
    auto device = port::EthdevDevice::open(config_of("net_null0", 1, 40'000, 40'000));
    if (!device) return {false, device.error().message};
    port::BufferPool pool(buffers);
    MemoryPort near(pool, port::ipv4_address(10, 0, 0, 1), 40'000), far(pool, port::ipv4_address(10, 0, 0, 2), 20'000);
    near.connect(far);
    far.connect(near);
    std::vector<std::uint16_t> ports;
    for (unsigned i = far_port_first; i <= far_port_last; ++i) ports.push_back(static_cast<std::uint16_t>(i));
    DivertedPort diverted(near, device.value()->lane(0));
    BedOptions bed;
    bed.sessions = options.sessions;
    bed.inputs = options.inputs;
    bed.answers = false;
    Options outbound = options;
    outbound.direction = "out";
    const auto done = run_on(diverted, far, near.local(), ports, bed, outbound, report,
                             [&](bool established) { diverted.divert(established); });
    if (!done) outcome.message = done.error().message;
  }
  port::stop_eal();
  return outcome;
}

Outcome run_af_xdp(const Options& options, Report& report) {
  if (::geteuid() != 0) return {true, "af_xdp needs root: it loads an XDP program and makes a network namespace"};
  // Of this process alone, and gone with it; so is the veth pair.
  if (::unshare(CLONE_NEWNET) != 0) return {true, "af_xdp needs the right to make a network namespace"};
  // The kernel's own words on a new interface (router solicitations) would count as frames of strangers.
  if (std::system("echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6; ip link add veth0 type veth peer name veth1 "
                  "&& ip link set veth0 up && ip link set veth1 up") != 0)
    return {true, "af_xdp needs a veth pair, and ip cannot make one"};
  const auto started = start_eal(
      options, {"--vdev", "net_af_xdp0,iface=veth0,busy_budget=0", "--vdev", "net_af_xdp1,iface=veth1,busy_budget=0"});
  if (!started) return {false, started.error().message};
  Outcome outcome = run_pair("net_af_xdp0", "net_af_xdp1", true, options, report);
  port::stop_eal();
  return outcome;
}

}  // namespace serried::bench
