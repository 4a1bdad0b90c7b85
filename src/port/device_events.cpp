// Requests of the system for a device are experimental in DPDK 22.11.
#define ALLOW_EXPERIMENTAL_API
#include "port/device_events.h"

#include <cerrno>

#include <rte_dev.h>
#include <rte_errno.h>
#include <rte_ethdev.h>

#include "base/setup.h"

namespace serried::port {
namespace {

constexpr rte_eth_event_type reset_events[] = {RTE_ETH_EVENT_INTR_RESET, RTE_ETH_EVENT_RECOVERY_FAILED};

}  // namespace

struct DeviceEvents::Callbacks {
  static int of_driver(std::uint16_t, rte_eth_event_type event, void* self, void*) noexcept {
    auto& events = *static_cast<DeviceEvents*>(self);
    auto& flag = event == RTE_ETH_EVENT_INTR_RMV ? events.is_leaving_ : events.wants_reset_;
    flag.store(true, std::memory_order_release);
    return 0;
  }
  static void of_system(const char*, rte_dev_event_type event, void* self) noexcept {
    if (event == RTE_DEV_EVENT_REMOVE)
      static_cast<DeviceEvents*>(self)->is_leaving_.store(true, std::memory_order_release);
  }
};

SERRIED_SETUP Result<Done> DeviceEvents::listen(std::uint16_t port_id) {
  stop();
  wants_reset_.store(false, std::memory_order_relaxed);
  is_leaving_.store(false, std::memory_order_relaxed);
  port_id_ = port_id;
  rte_eth_dev_info info{};
  if (rte_eth_dev_info_get(port_id, &info) == 0 && info.device != nullptr) system_name_ = rte_dev_name(info.device);
  listens_ = true;
  int error = rte_eth_dev_callback_register(port_id, RTE_ETH_EVENT_INTR_RMV, Callbacks::of_driver, this);
  for (const rte_eth_event_type event : reset_events)
    if (error == 0) error = rte_eth_dev_callback_register(port_id, event, Callbacks::of_driver, this);
  if (error == 0 && !system_name_.empty())
    error = rte_dev_event_callback_register(system_name_.c_str(), Callbacks::of_system, this);
  if (error == 0) return Done{};
  stop();
  return Error{std::string("its events cannot be had: ") + rte_strerror(-error)};
}

SERRIED_SETUP void DeviceEvents::stop() noexcept {
  if (!listens_) return;
  listens_ = false;
  static_cast<void>(rte_eth_dev_callback_unregister(port_id_, RTE_ETH_EVENT_INTR_RMV, Callbacks::of_driver, this));
  for (const rte_eth_event_type event : reset_events)
    static_cast<void>(rte_eth_dev_callback_unregister(port_id_, event, Callbacks::of_driver, this));
  if (system_name_.empty()) return;
  // Again while one is under way.
  while (rte_dev_event_callback_unregister(system_name_.c_str(), Callbacks::of_system, this) == -EAGAIN) {
  }
  system_name_.clear();
}

}  // namespace serried::port
