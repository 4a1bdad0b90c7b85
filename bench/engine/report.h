#pragma once
/// What a run found, as text and as JSON.

#include <string>
#include <vector>

#include "cost.h"
#include "options.h"
#include "serried/result.h"

namespace serried::bench {

/// One thing that was measured; ns are of one packet.
struct Row {
  std::string name;
  std::size_t datagram_bytes = 0;
  std::uint64_t packets = 0;
  double idle_share = 0;  ///< of polls that found nothing, inside the time measured
  Samples cpu_ns, wall_ns;
};

struct StageRow {
  std::string name, what;
  std::vector<Samples> ns;  ///< by column of Report::stage_columns; 0: does not take part
};

struct Report {
  std::string configuration;
  std::vector<Row> rows;
  std::vector<std::string> stage_columns;
  std::vector<StageRow> stages;
  std::uint64_t hash = 0;
  std::vector<std::string> problems;  ///< why the figures are not to be believed

  void print() const;
  [[nodiscard]] Result<Done> write_json(const std::string& file) const;
};

/// CPU, kernel, DPDK, build, instruction set, and what the run was made of.
[[nodiscard]] std::string describe(const Options& options);

}  // namespace serried::bench
