/// serried-impair: a UDP relay that loses, delays, reorders and repeats what passes, as one seed decides.

#include <csignal>
#include <ctime>

#include "base/clock.h"
#include "port/cpus.h"
#include "process/file.h"
#include "process/output.h"
#include "process/standard.h"
#include "tools/impair/options.h"
#include "tools/impair/report.h"

namespace {

using namespace serried;  // NOLINT: a program's own file
using process::Output;

constexpr int exit_failed = 1, exit_usage = 2;
constexpr Nanos nap_least = 50 * microsecond, nap_most = 500 * microsecond;

volatile std::sig_atomic_t interrupted = 0;
void on_signal(int) { interrupted = 1; }

int fail(Output& output, const std::string& message, int code) {
  output.write(Output::Stream::err, "serried-impair: " + message + "\n");
  return code;
}

void nap(Nanos span) {
  const timespec time{0, static_cast<long>(span)};
  nanosleep(&time, nullptr);
}

double seconds_since(Nanos began) { return static_cast<double>(base::now() - began) * 1e-9; }

void run(tools::Relay& relay, const tools::ImpairOptions& options, Nanos began, Output& output) {
  Nanos said = began, nap_next = nap_least;
  for (Nanos now = began; interrupted == 0; now = base::now()) {
    if (options.seconds > 0 && seconds_since(began) >= options.seconds) break;
    if (relay.poll(now) != 0) {
      nap_next = nap_least;
    } else {
      // Sockets are looked at again soon after something came, and less often when nothing does.
      const Nanos due = relay.next_due();
      nap(due > now ? std::min(nap_next, due - now) : nap_least);
      nap_next = std::min(nap_next + nap_next / 8, nap_most);
    }
    if (now - said < second) continue;
    said = now;
    relay.count_missed();
    if (!options.quiet) output.write(Output::Stream::out, tools::impair_line(relay, seconds_since(began)) + "\n");
  }
}

int run_program(int argc, char** argv) {
  const tools::ImpairOptions options = tools::parse_impair_line(argc, argv);
  if (options.exit_code >= 0) return options.exit_code;
  Output output{[](std::uint64_t lost) {
    return "serried-impair: " + std::to_string(lost) + " lines could not be written here\n";
  }};
  if (!options.json_file.empty())
    if (const auto possible = process::can_write_file(options.json_file); !possible)
      return fail(output, "--json-summary: " + possible.error().message, exit_usage);
  std::signal(SIGINT, on_signal);
  std::signal(SIGTERM, on_signal);
  if (options.cpu >= 0 && !port::run_on({static_cast<unsigned>(options.cpu)}))
    return fail(output, "--cpu: CPU " + std::to_string(options.cpu) + " is not one that this process may use",
                exit_usage);
  const auto opened = tools::Relay::open(options.relay);
  if (!opened) return fail(output, opened.error().message, exit_failed);
  tools::Relay& relay = *opened.value();
  output.write(Output::Stream::out, "serried-impair: ready on " + port::format_endpoint(relay.local()) + " for " +
                                        port::format_endpoint(options.relay.server) + "\n");
  const Nanos began = base::now();
  run(relay, options, began, output);
  relay.count_missed();
  const double seconds = seconds_since(began);
  output.write(Output::Stream::out, tools::impair_table(relay, seconds));
  if (!options.json_file.empty())
    if (const auto written = process::write_file(options.json_file, tools::impair_json(relay, seconds)); !written)
      return fail(output, "--json-summary: " + written.error().message, exit_failed);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  process::begin();
  return process::ended("serried-impair", run_program(argc, argv));
}
