#pragma once
/// What a person sees while the swarm runs.

#include <cstddef>

#include "process/output.h"
#include "tools/swarm/options.h"
#include "tools/swarm/summary.h"

namespace serried::tools {

class StatusDisplay {
 public:
  /// `output` outlives it.
  StatusDisplay(Status status, process::Output& output) noexcept : status_(status), output_(output) {}
  void show(const Summary& summary);
  /// The last word, whatever the kind of status.
  void finish(const Summary& summary);

 private:
  void write(std::string text, bool over);

  Status status_;
  process::Output& output_;
  std::size_t lines_shown_ = 0;
};

}  // namespace serried::tools
