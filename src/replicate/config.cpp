#include "replicate/config.h"

#include "base/setup.h"

namespace serried::replicate {

SERRIED_SETUP std::vector<std::string> Config::validate() const {
  std::vector<std::string> faults;
  const auto within = [&](unsigned value, unsigned least, unsigned most, const char* name) {
    if (value < least || value > most)
      faults.push_back(std::string("replicate.") + name + " must be " + std::to_string(least) + " to " +
                       std::to_string(most) + ", not " + std::to_string(value));
  };
  within(datagram_bytes, 256, 1'146, "datagram_bytes");
  within(tracked_max, 1, tracked_rows - 8, "tracked_max");
  within(distant_interval_ticks, 1, 1'000, "distant_interval_ticks");
  within(resting_interval_ticks, 1, 1'000, "resting_interval_ticks");
  within(refresh_ticks, 1, 10'000, "refresh_ticks");
  within(rescan_ticks, 1, 1'000, "rescan_ticks");
  within(rescan_ticks_max, rescan_ticks, 1'000, "rescan_ticks_max");
  within(candidates, 16, 512, "candidates");
  within(rescan_cells, 1, 4'096, "rescan_cells");
  within(exchanges_max, 0, tracked_rows, "exchanges_max");
  within(create_percent, 5, 90, "create_percent");
  within(far_percent, 0, 80, "far_percent");
  within(far_cycle_ticks, 1, 10'000, "far_cycle_ticks");
  within(far_cells, 1, 4'096, "far_cells");
  within(interval_max_ticks, 1, 60, "interval_max_ticks");
  within(quiet_ticks, 1, 1'000, "quiet_ticks");
  within(foe_steps, 2, 255, "foe_steps");
  within(audit_per_second, 0, 1'000, "audit_per_second");
  if (!(near_distance > 0.0F)) faults.emplace_back("replicate.near_distance must be above 0");
  return faults;
}

}  // namespace serried::replicate
