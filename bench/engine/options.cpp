#include "options.h"

#include <cstdio>

#include <CLI/CLI.hpp>

#include "lane/rows.h"

namespace serried::bench {

CommandLine parse_command_line(int argc, char** argv) {
  CommandLine line;
  Options& options = line.options;
  CLI::App app{"How many packets a second one core of the engine takes in and gives out, with real sessions."};
  app.add_option("--driver", options.driver, "what lies below the lane")
      ->check(CLI::IsMember({"memory", "ring", "null", "af_xdp", "socket"}))
      ->capture_default_str();
  app.add_option(
         "--direction", options.direction,
         "what to measure; share: what the lane leaves of the rate that its driver delivers to it alone; scaling: "
         "several io lanes with so many sessions each, and several shards with a fifth as many viewers each")
      ->check(CLI::IsMember({"in", "out", "both", "share", "scaling"}))
      ->capture_default_str();
  app.add_option("--sessions", options.sessions, "players, visited in a shuffled order")
      ->check(CLI::Range(64U, 120'000U))
      ->capture_default_str();
  app.add_option("--payload", options.payloads, "bytes of an outgoing body, once or more")
      ->check(CLI::Range(16U, static_cast<unsigned>(lane::out_body_bytes_max)));
  app.add_option("--inputs", options.inputs, "inputs in an incoming datagram: one new, the others sent before")
      ->check(CLI::Range(1U, 40U))
      ->capture_default_str();
  app.add_option("--packets", options.packets, "datagrams of one repeat")
      ->check(CLI::Range(64U, 100'000'000U))
      ->capture_default_str();
  app.add_option("--repeats", options.repeats, "repeats of each row")
      ->check(CLI::Range(1U, 1'000U))
      ->capture_default_str();
  app.add_option("--seconds", options.seconds, "time for each row, instead of repeats")
      ->check(CLI::Range(0.01, 3'600.0));
  app.add_option("--isa", options.isa, "instruction set of the kernels, or the best below it that the CPU has")
      ->check(CLI::IsMember({"auto", "scalar", "sse42", "avx2", "avx512"}))
      ->capture_default_str();
  app.add_option("--cpu", options.cpu, "pin to this CPU")->check(CLI::Range(0, 1'023));
  app.add_option("--far-cpu", options.far_cpu, "CPU of the sender, for the direction share")
      ->check(CLI::Range(0, 1'023))
      ->capture_default_str();
  app.add_flag("!--no-stages", options.stages, "leave the table of stages out");
  app.add_flag("!--no-refusals", options.refusals, "leave out what refusing costs");
  app.add_flag("--quick", options.quick, "small: 1,000 sessions, 2 repeats of 2,000 datagrams");
  app.add_option("--json", options.json_file, "write the figures to this file");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& fault) {
    const int code = app.exit(fault);
    line.exit_code = code == 0 ? 0 : 2;
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
