#pragma once
/// What a person sees while the swarm runs.

#include <cstddef>

#include "tools/swarm/options.h"
#include "tools/swarm/summary.h"

namespace serried::tools {

class StatusDisplay {
 public:
  explicit StatusDisplay(Status status) noexcept : status_(status) {}
  void show(const Summary& summary);
  /// The last word, whatever the kind of status.
  void finish(const Summary& summary);

 private:
  Status status_;
  std::size_t lines_shown_ = 0;
};

}  // namespace serried::tools
