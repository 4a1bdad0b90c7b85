// Echoes datagrams on any ethdev until its time is up, or, with --to, speaks first and counts the answers. For the live
// tests: one port, no engine.
//
//   port_echo SECONDS DEVICE IPV4/PREFIX IPV6/PREFIX PORT [--to ADDRESS PORT] -- EAL arguments

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "port/eal.h"
#include "port/ethdev.h"

namespace {

using namespace serried;

Nanos clock_now() { return static_cast<Nanos>(std::chrono::steady_clock::now().time_since_epoch().count()); }

[[noreturn]] void fail(const std::string& message) {
  std::fprintf(stderr, "port_echo: %s\n", message.c_str());
  std::exit(1);
}

void print(const port::PortCounters& counters) {
#define SERRIED_PORT_COUNTER(group, name, ...) std::printf(#name " %lu ", counters.name.value());
#include "metrics/counter.def"
  for (std::size_t i = 0; i < metrics::drop_count; ++i) {
    const auto drop = static_cast<metrics::Drop>(i);
    if (counters.drops.value(drop) > 0)
      std::printf("%s %lu ", std::string(metrics::drop_name(drop)).c_str(), counters.drops.value(drop));
  }
  std::printf("\n");
}

/// A burst every 20 ms, of sizes from 1 to 1200 bytes.
void speak(port::Ethdev& lane, const wire::Path& to, Nanos now, unsigned& number) {
  wire::Buffer buffers[16];
  wire::Batch batch;
  const unsigned count = lane.acquire(buffers);
  for (unsigned i = 0; i < count; ++i) {
    const std::size_t bytes = 1 + number++ * 37 % 1200;
    std::memset(buffers[i].data, static_cast<int>(number & 0xFF), bytes);
    batch.append(buffers[i].data, bytes, buffers[i].owner, to);
  }
  lane.transmit(batch, now);
}

}  // namespace

int main(int count, char** words) {
  std::vector<std::string> arguments(words + 1, words + count), eal;
  for (std::size_t i = 0; i < arguments.size(); ++i)
    if (arguments[i] == "--") {
      eal.assign(arguments.begin() + static_cast<std::ptrdiff_t>(i) + 1, arguments.end());
      arguments.resize(i);
    }
  if (arguments.size() != 5 && arguments.size() != 8) fail("see the head of its source for the arguments");
  port::EthdevConfig config;
  config.device = arguments[1];
  config.host.has_ipv4 = config.host.has_ipv6 = true;
  const auto ipv4 = port::parse_local_address(arguments[2]), ipv6 = port::parse_local_address(arguments[3]);
  if (!ipv4) fail(ipv4.error().message);
  if (!ipv6) fail(ipv6.error().message);
  config.host.ipv4 = ipv4.value();
  config.host.ipv6 = ipv6.value();
  config.host.port_first = static_cast<std::uint16_t>(std::stoul(arguments[4]));
  config.rx_descriptors = config.tx_descriptors = 512;
  config.buffers = 8192;
  wire::Path to;
  const bool speaks = arguments.size() == 8;
  if (speaks) {
    config.host.next_hop = port::NextHop::arp;
    to =
        port::endpoint(port::parse_address(arguments[6]).value(), static_cast<std::uint16_t>(std::stoul(arguments[7])));
  }
  if (auto started = port::start_eal(eal); !started) fail(started.error().message);
  auto device = port::EthdevDevice::open(config);
  if (!device) fail(device.error().message);
  std::printf("ready: %s\n", device.value()->report().text().c_str());
  std::fflush(stdout);

  port::Ethdev& lane = device.value()->lane(0);
  wire::Batch batch;
  const Nanos end = clock_now() + static_cast<Nanos>(std::stod(arguments[0]) * 1e9);
  Nanos next_word = 0;
  unsigned number = 0;
  for (Nanos now = clock_now(); now < end; now = clock_now()) {
    lane.receive(batch, now);
    if (!speaks) {
      lane.transmit(batch, now);
      continue;
    }
    lane.release(batch);
    if (now < next_word || now + second / 2 > end) continue;  // the last half second is for answers
    next_word = now + 20 * millisecond;
    speak(lane, to, now, number);
  }
  device.value()->poll_missed(clock_now());
  lane.receive(batch, end);
  lane.release(batch);
  print(lane.counters());
  device.value().reset();
  port::stop_eal();
  return 0;
}
