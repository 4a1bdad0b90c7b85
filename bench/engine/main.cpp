/// serried-bench-engine: what one core of the engine takes in and gives out, in packets a second, and where the time
/// goes. The wire's far end and the lane take turns on one thread, so that each side's work is told apart exactly and
/// no scheduler has a say: the far end prepares a chunk, the clock starts, the lane works it off, the clock stops, the
/// far end checks what came.

#include <cstdio>

#include "crypt/keys.h"
#include "pin.h"
#include "simd/isa.h"
#include "wires.h"

namespace {

using namespace serried;  // NOLINT: a program's own file

constexpr int exit_failed = 1, exit_usage = 2, exit_skipped = 77;

simd::Isa isa_named(std::string_view name) {
  if (name == "scalar") return simd::Isa::scalar;
  if (name == "sse42") return simd::Isa::sse42;
  if (name == "avx2") return simd::Isa::avx2;
  return name == "avx512" ? simd::Isa::avx512 : simd::detected_isa();
}

bench::Outcome run(const bench::Options& options, bench::Report& report) {
  if (options.direction == "scaling") return bench::run_scaling(options, report);
  if (options.driver == "socket") return bench::run_socket(options, report);
  if (options.driver == "ring") return bench::run_ring(options, report);
  if (options.driver == "null") return bench::run_null(options, report);
  if (options.driver == "af_xdp") return bench::run_af_xdp(options, report);
  return bench::run_memory(options, report);
}

}  // namespace

int main(int argc, char** argv) {
  const bench::CommandLine line = bench::parse_command_line(argc, argv);
  if (line.exit_code >= 0) return line.exit_code;
  const bench::Options& options = line.options;
  if (!crypt::initialise()) return exit_failed;
  simd::use_isa(isa_named(options.isa));
  if (options.cpu >= 0 && !bench::pin(options.cpu)) {
    std::fprintf(stderr, "serried-bench-engine: CPU %d is not one that this process may use\n", options.cpu);
    return exit_usage;
  }
  bench::Report report;
  report.configuration = bench::describe(options);
  const bench::Outcome outcome = run(options, report);
  if (!outcome.message.empty()) {
    std::fprintf(stderr, "serried-bench-engine: %s%s\n", outcome.skipped ? "skipped: " : "", outcome.message.c_str());
    return outcome.skipped ? exit_skipped : exit_failed;
  }
  report.print();
  if (!options.json_file.empty())
    if (const auto written = report.write_json(options.json_file); !written) {
      std::fprintf(stderr, "serried-bench-engine: %s\n", written.error().message.c_str());
      return exit_usage;
    }
  return report.problems.empty() ? 0 : exit_failed;
}
