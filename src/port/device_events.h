#pragma once
/// What the driver, or the system, says of a device at any time: that it must be reset, that it goes away. It is said
/// on a thread of EAL's, while lanes poll; here it is noted, and control acts upon it (EthdevDevice).

#include <atomic>
#include <cstdint>
#include <string>

#include "serried/result.h"

namespace serried::port {

class DeviceEvents {
 public:
  DeviceEvents() = default;
  ~DeviceEvents() { stop(); }
  DeviceEvents(const DeviceEvents&) = delete;
  DeviceEvents& operator=(const DeviceEvents&) = delete;

  /// Of the device with this port id, from now on. What was said of it before is forgotten.
  /// Error: its events cannot be had; the device works without.
  Result<Done> listen(std::uint16_t port_id);
  /// No more. Precondition: not called from an event.
  void stop() noexcept;

  /// The driver cannot go on until the device is reset.
  [[nodiscard]] bool wants_reset() const noexcept { return wants_reset_.load(std::memory_order_acquire); }
  /// The device is gone, or is wanted back: what unbinds it from vfio-pci waits until the process lets go of it.
  [[nodiscard]] bool is_leaving() const noexcept { return is_leaving_.load(std::memory_order_acquire); }

 private:
  /// EAL's side: it is given `this`.
  struct Callbacks;

  std::atomic<bool> wants_reset_{false}, is_leaving_{false};
  bool listens_ = false;
  std::uint16_t port_id_ = 0;
  std::string system_name_;  ///< of the device below the port; empty: it has none
};

}  // namespace serried::port
