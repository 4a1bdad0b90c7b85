#pragma once
/// The kernel mostly hands over what was sent over loopback or a veth within the call that sends it. When the CPU's
/// ksoftirqd is at work it comes a little later, so that a test which looks once fails on a busy machine.

#include <chrono>
#include <thread>

#include "port/socket.h"

namespace serried::port {

/// Call `done` until it is true, 10 s at most; the first times without a pause. False: it never was.
template <class Done>
bool eventually(const Done& done) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds{10};
  for (unsigned tries = 0; !done(); ++tries) {
    if (std::chrono::steady_clock::now() > end) return false;
    if (tries > 2) std::this_thread::sleep_for(std::chrono::milliseconds{1});
  }
  return true;
}

/// The next burst that is not empty. `batch` is empty when none comes.
inline void receive_some(Socket& socket, wire::Batch& batch) {
  eventually([&] {
    socket.receive(batch, 0);
    return batch.rows != 0;
  });
}

}  // namespace serried::port
