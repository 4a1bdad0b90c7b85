#include "options.h"

#include <cstdio>

#include "link/rows.h"
#include "tools/arguments.h"

namespace serried::bench {

CommandLine parse_command_line(int argc, char** argv) {
  CommandLine line;
  Options& options = line.options;
  tools::Arguments app("serried-bench-engine",
                       "How many packets a second one core of the engine takes in and gives out, with real sessions.");
  app.add("--driver", options.driver, "what lies below the lane")
      .one_of({"memory", "ring", "null", "af_xdp", "socket"})
      .shown();
  app.add("--direction", options.direction,
          "what to measure; share: what the lane leaves of the rate that its driver delivers to it alone; scaling: "
          "several io lanes with so many sessions each, and several shards with a fifth as many viewers each")
      .one_of({"in", "out", "both", "share", "scaling"})
      .shown();
  app.add("--sessions", options.sessions, "players, visited in a shuffled order").range(64U, 120'000U).shown();
  app.add("--payload", options.payloads, "bytes of an outgoing body, once or more")
      .range(16U, static_cast<unsigned>(link::out_body_bytes_max));
  app.add("--inputs", options.inputs, "inputs in an incoming datagram: one new, the others sent before")
      .range(1U, 40U)
      .shown();
  app.add("--packets", options.packets, "datagrams of one repeat").range(64U, 100'000'000U).shown();
  app.add("--repeats", options.repeats, "repeats of each row").range(1U, 1'000U).shown();
  app.add("--seconds", options.seconds, "time for each row, instead of repeats").range(0.01, 3'600.0);
  app.add("--isa", options.isa, "instruction set of the simd functions, or the best below it that the CPU has")
      .one_of({"auto", "scalar", "sse42", "avx2", "avx512"})
      .shown();
  app.add("--cpu", options.cpu, "pin to this CPU").range(0, 1'023);
  app.add("--far-cpu", options.far_cpu, "CPU of the sender, for the direction share").range(0, 1'023).shown();
  app.add_flag("!--no-stages", options.stages, "leave the table of stages out");
  app.add_flag("!--no-refusals", options.refusals, "leave out what refusing costs");
  app.add_flag("--quick", options.quick, "small: 1,000 sessions, 2 repeats of 2,000 datagrams");
  app.add("--json", options.json_file, "write the figures to this file");
  if (const auto ended = app.parse(argc, argv)) {
    line.exit_code = *ended;
    return line;
  }
  if (options.direction == "share" && options.driver != "socket" && options.driver != "af_xdp" &&
      options.driver != "ring") {
    std::fprintf(
        stderr, "serried-bench-engine: the direction share needs a driver between two cores: ring, af_xdp or socket\n");
    line.exit_code = 2;
    return line;
  }
  if (options.direction == "scaling" && options.driver != "memory") {
    std::fprintf(stderr, "serried-bench-engine: the direction scaling is measured over memory alone\n");
    line.exit_code = 2;
    return line;
  }
  if (options.quick) {
    options.sessions = 1'000;
    options.packets = 2'000;
    options.repeats = 2;
    options.seconds = 0;
  }
  return line;
}

}  // namespace serried::bench
