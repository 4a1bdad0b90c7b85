#include "report.h"

#include <cinttypes>
#include <cstdio>
#include <fstream>
#include <sys/utsname.h>

#include <rte_version.h>

#include "base/json.h"
#include "session/table.h"
#include "simd/isa.h"
#include "wire/batch.h"

namespace serried::bench {
namespace {

std::string cpu_model() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);)
    if (line.starts_with("model name")) return line.substr(line.find(':') + 2);
  return "unknown CPU";
}

base::Json to_json(const Samples& samples) {
  return {{"minimum", samples.minimum()}, {"median", samples.median()}, {"samples", samples.values.size()}};
}

std::string hex(std::uint64_t value) {
  char text[24];
  std::snprintf(text, sizeof text, "%016" PRIx64, value);
  return text;
}

}  // namespace

std::string describe(const Options& options) {
  utsname system{};
  ::uname(&system);
  std::string payloads;
  for (const unsigned payload : options.payloads)
    payloads.append(payloads.empty() ? "" : ",").append(std::to_string(payload));
  return cpu_model() + "; Linux " + system.release + "; " + rte_version() + "; build " SERRIED_BUILD_TYPE "; isa " +
         std::string(simd::isa_name(simd::active_isa())) + "; driver " + options.driver + "; sessions " +
         std::to_string(options.sessions) + "; payload " + payloads + "; burst " +
         std::to_string(wire::Batch::capacity) + "; packets " + std::to_string(options.packets) +
         (options.seconds > 0 ? "; seconds " + std::to_string(options.seconds)
                              : " x " + std::to_string(options.repeats));
}

void Report::print() const {
  std::printf("configuration: %s\n\n", configuration.c_str());
  std::printf("%-34s %6s %9s %9s %9s %9s %8s %9s %6s\n", "row", "bytes", "cpu min", "cpu med", "wall min", "wall med",
              "Mpps", "packets", "idle");
  for (const Row& row : rows)
    std::printf("%-34s %6zu %9.1f %9.1f %9.1f %9.1f %8.3f %9" PRIu64 " %5.1f%%\n", row.name.c_str(), row.datagram_bytes,
                row.cpu_ns.minimum(), row.cpu_ns.median(), row.wall_ns.minimum(), row.wall_ns.median(),
                row.cpu_ns.minimum() > 0 ? 1e3 / row.cpu_ns.minimum() : 0.0, row.packets, 100 * row.idle_share);
  std::printf(
      "ns a packet: CPU time of the lane's thread, and wall time; Mpps: of one core, from the least CPU time\n");
  if (!stages.empty()) {
    std::printf("\n%-12s", "stage");
    for (const std::string& column : stage_columns) std::printf(" %20s", (column + " min/med").c_str());
    std::printf("\n");
    for (const StageRow& stage : stages) {
      std::printf("%-12s", stage.name.c_str());
      for (const Samples& samples : stage.ns) std::printf(" %11.1f /%7.1f", samples.minimum(), samples.median());
      std::printf("  %s\n", stage.what.c_str());
    }
    std::printf("ns a packet, by the CPU's time stamps around each stage\n");
  }
  std::printf("\nresult hash=%s\n", hex(hash).c_str());
  for (const std::string& problem : problems) std::printf("problem: %s\n", problem.c_str());
}

Result<Done> Report::write_json(const std::string& file) const {
  base::Json all;
  all["configuration"] = configuration;
  all["hash"] = hex(hash);
  all["problems"] = problems;
  all["session_bytes"] = session::Table::bytes_per_session();
  for (const Row& row : rows)
    all["rows"].push_back({{"name", row.name},
                           {"datagram_bytes", row.datagram_bytes},
                           {"packets", row.packets},
                           {"idle_share", row.idle_share},
                           {"cpu_ns", to_json(row.cpu_ns)},
                           {"wall_ns", to_json(row.wall_ns)}});
  for (const StageRow& stage : stages)
    for (std::size_t i = 0; i < stage.ns.size(); ++i)
      all["stages"][stage_columns[i]][stage.name] = to_json(stage.ns[i]);
  std::ofstream out(file);
  out << all.text(2) << '\n';
  if (!out.flush()) return Error{"cannot write " + file};
  return Done{};
}

}  // namespace serried::bench
