#include "port/flow_driver.h"

#include <rte_flow.h>

#include "base/setup.h"

namespace serried::port {
namespace {

constexpr rte_flow_attr incoming() {
  rte_flow_attr attributes{};
  attributes.ingress = 1;
  attributes.priority = 0;  // the highest there is
  return attributes;
}

class DpdkFlowDriver final : public FlowDriver {
 public:
  explicit DpdkFlowDriver(std::uint16_t port_id) : port_id_(port_id) {}

  int validate(const rte_flow_item* pattern, const rte_flow_action* actions, rte_flow_error& error) override {
    const rte_flow_attr attributes = incoming();
    return rte_flow_validate(port_id_, &attributes, pattern, actions, &error);
  }
  rte_flow* create(const rte_flow_item* pattern, const rte_flow_action* actions, rte_flow_error& error) override {
    const rte_flow_attr attributes = incoming();
    return rte_flow_create(port_id_, &attributes, pattern, actions, &error);
  }
  int destroy(rte_flow* rule, rte_flow_error& error) override { return rte_flow_destroy(port_id_, rule, &error); }
  int flush(rte_flow_error& error) override { return rte_flow_flush(port_id_, &error); }

 private:
  std::uint16_t port_id_;
};

}  // namespace

SERRIED_SETUP std::unique_ptr<FlowDriver> flow_driver_of(std::uint16_t port_id) {
  return std::make_unique<DpdkFlowDriver>(port_id);
}

bool keeps_to_masks(std::string_view driver) noexcept { return driver.starts_with("mlx5") || driver == "net_tap"; }

}  // namespace serried::port
