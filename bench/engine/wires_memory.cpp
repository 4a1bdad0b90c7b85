/// Wires that need no EAL.

#include "measure.h"
#include "memory_port.h"
#include "port/socket.h"
#include "wires.h"

namespace serried::bench {
namespace {

constexpr unsigned buffers = 32'768;

Outcome outcome_of(const Result<Done>& done) { return {false, done ? "" : done.error().message}; }

}  // namespace

Outcome run_memory(const Options& options, Report& report) {
  port::BufferPool pool(buffers);
  MemoryPort near(pool, port::ipv4_address(10, 0, 0, 1), 40'000), far(pool, port::ipv4_address(10, 0, 0, 2), 20'000);
  near.connect(far);
  far.connect(near);
  std::vector<std::uint16_t> ports;
  for (std::uint16_t i = 0; i < 256; ++i) ports.push_back(static_cast<std::uint16_t>(20'000 + i));
  BedOptions bed;
  bed.sessions = options.sessions;
  bed.inputs = options.inputs;
  return outcome_of(run_on(near, far, near.local(), ports, bed, options, report, [](bool) {}));
}

/// Loopback. The chunk is smaller than what the system's default socket buffer holds.
Outcome run_socket(const Options& options, Report& report) {
  const port::Address loopback = port::ipv4_address(127, 0, 0, 1);
  port::SocketConfig near_config;
  near_config.address = loopback;
  near_config.buffers = buffers;
  auto near = port::Socket::open(near_config);
  if (!near) return {false, near.error().message};
  port::SocketConfig far_config = near_config;
  far_config.socket_count = 64;
  far_config.receive_bytes = far_config.send_bytes = 64 << 20;
  auto far = port::Socket::open(far_config);
  if (!far) return {false, far.error().message};
  std::vector<std::uint16_t> ports;
  for (unsigned i = 0; i < far_config.socket_count; ++i) ports.push_back(far.value()->local(i).port);
  BedOptions bed;
  bed.sessions = options.sessions;
  bed.inputs = options.inputs;
  bed.chunk = 128;
  bed.lingers = true;
  return outcome_of(
      run_on(*near.value(), *far.value(), near.value()->local(), ports, bed, options, report, [](bool) {}));
}

}  // namespace serried::bench
