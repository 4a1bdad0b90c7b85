/// serried-attack: sends to one's own server what it must refuse, and counts what it answers.

#include <csignal>
#include <ctime>
#include <optional>

#include "base/clock.h"
#include "port/cpus.h"
#include "port/driver_messages.h"
#include "port/eal.h"
#include "process/file.h"
#include "process/output.h"
#include "process/standard.h"
#include "tools/attack/assault.h"
#include "tools/attack/bridge_gun.h"
#include "tools/attack/options.h"
#include "tools/attack/raw_gun.h"
#include "tools/attack/report.h"
#include "tools/attack/udp_gun.h"

namespace {

using namespace serried;  // NOLINT: a program's own file
using process::Output;

constexpr int exit_failed = 1, exit_usage = 2;
constexpr std::size_t samples_kept = 16'384;
constexpr std::uint32_t overhear_one_in = 16;  ///< enough to know every player, too few to slow the wire
constexpr unsigned overheard_at_a_time = 512;
constexpr Nanos look_every = millisecond, last_answers = 200 * millisecond;
constexpr timespec nap{0, 50'000};

volatile std::sig_atomic_t interrupted = 0, begun = 0;
void on_signal(int signal) { (signal == SIGUSR1 ? begun : interrupted) = 1; }

int fail(Output& output, const std::string& message, int code = exit_usage) {
  for (const std::string& line : port::take_driver_messages()) output.write(Output::Stream::err, line + "\n");
  output.write(Output::Stream::err, "serried-attack: " + message + "\n");
  return code;
}

void overhear(tools::PacketTap& tap, tools::Samples& samples) {
  for (unsigned i = 0; i < overheard_at_a_time; ++i) {
    const auto frame = tap.next();
    if (frame.empty()) return;
    samples.add_frame(frame);
  }
}

/// On the wire, the tool lets the others' frames pass in every round. Returns how many passed.
template <class Gun>
unsigned carry(Gun& gun, tools::Samples& samples) {
  if constexpr (requires { gun.carry(samples); })
    return gun.carry(samples);
  else
    return 0;
}

template <class Gun>
int attack(Gun& gun, const tools::AttackOptions& options, tools::Samples& samples, tools::PacketTap* tap,
           Output& output) {
  tools::Forge forge({options.protocol_id, options.seed, options.source}, samples);
  while (options.wait && begun == 0 && interrupted == 0)
    if (carry(gun, samples) == 0) nanosleep(&nap, nullptr);
  const Nanos began = base::now();
  tools::Assault assault(gun, forge, options.kinds, options.rate, began);
  tools::AttackSummary summary;
  const auto look = [&](Nanos now) {
    assault.hear();
    if (tap != nullptr) overhear(*tap, samples);
    summary.tally = assault.tally();
    summary.samples = samples.taken();
    summary.seconds = static_cast<double>(now - began) * 1e-9;
  };
  Nanos looked = began, said = began;
  std::uint64_t datagrams_said = 0;
  for (Nanos now = began; interrupted == 0; now = base::now()) {
    if (options.seconds > 0 && static_cast<double>(now - began) * 1e-9 >= options.seconds) break;
    const unsigned passed = carry(gun, samples);
    if (assault.strike(now) + passed == 0) nanosleep(&nap, nullptr);
    if (now - looked < look_every) continue;
    look(looked = now);
    if (options.quiet || now - said < second) continue;
    const std::uint64_t sent = summary.datagrams() - datagrams_said;
    const double rate = static_cast<double>(sent) * 1e9 / static_cast<double>(now - said);
    output.write(Output::Stream::out, tools::attack_line(summary, rate) + "\n");
    said = now;
    datagrams_said = summary.datagrams();
  }
  const Nanos ended = base::now();
  while (base::now() - ended < last_answers) {
    const unsigned passed = carry(gun, samples);
    look(ended);
    if (passed == 0) nanosleep(&nap, nullptr);
  }
  output.write(Output::Stream::out, tools::attack_table(summary));
  if (!options.json_file.empty())
    if (const auto written = process::write_file(options.json_file, tools::attack_json(summary)); !written)
      return fail(output, "--json-summary: " + written.error().message);
  if (summary.datagrams() == 0) return fail(output, "nothing could be sent", exit_failed);
  return 0;
}

int run_bridge(const tools::AttackOptions& options, const std::vector<std::string>& eal, tools::Samples& samples,
               Output& output) {
  if (const auto started = port::start_eal(eal); !started) return fail(output, started.error().message, exit_failed);
  const std::vector<std::string> names = port::ethdev_names();
  if (names.size() < 2)
    return fail(output, "--bridge needs two ethdevs, as --vdev net_memif0,... --vdev net_memif1,...");
  auto bridge = port::Bridge::open(names[0], names[1]);
  if (!bridge) return fail(output, "--bridge: " + bridge.error().message);
  tools::BridgeGun gun(std::move(bridge).value(), options.server);
  output.write(Output::Stream::out, "serried-attack: ready between " + names[0] + " and " + names[1] + "\n");
  const int code = attack(gun, options, samples, nullptr, output);
  if (gun.lost() != 0)
    output.write(Output::Stream::out,
                 "serried-attack: " + std::to_string(gun.lost()) + " frames of others found no room\n");
  return code;
}

int run(const tools::AttackOptions& options, const std::vector<std::string>& eal, Output& output) {
  tools::Samples samples(options.server, options.source, samples_kept);
  if (!options.replay_file.empty()) {
    const auto added = samples.add_pcap(options.replay_file);
    if (!added) return fail(output, "--replay: " + added.error().message);
    if (added.value() == 0)
      return fail(output, "--replay: no sealed datagram for the server in '" + options.replay_file + "'");
  }
  if (options.bridge) return run_bridge(options, eal, samples, output);
  std::optional<tools::PacketTap> tap;
  if (!options.sniff.empty()) {
    auto opened = tools::PacketTap::of_some(options.sniff, overhear_one_in);
    if (!opened) return fail(output, "--sniff: " + opened.error().message);
    tap.emplace(std::move(opened).value());
  }
  tools::PacketTap* const overheard = tap ? &*tap : nullptr;
  if (options.interface.empty()) {
    auto gun = tools::UdpGun::open(options.server, options.kinds, options.has_source ? &options.source : nullptr,
                                   options.seed);
    if (!gun) return fail(output, gun.error().message);
    return attack(gun.value(), options, samples, overheard, output);
  }
  wire::Mac mac = options.server_mac;
  if (mac == wire::Mac{}) {
    const auto found = tools::neighbor_mac(options.server.address, options.interface);
    if (!found) return fail(output, found.error().message);
    mac = found.value();
  }
  auto gun = tools::RawGun::open(options.interface, options.server, mac);
  if (!gun) return fail(output, gun.error().message);
  return attack(gun.value(), options, samples, overheard, output);
}

int run_program(int argc, char** argv) {
  const tools::AttackCommandLine line = tools::parse_attack_line(argc, argv);
  if (line.exit_code >= 0) return line.exit_code;
  // Outlives EAL, whose drivers may say something to the last.
  Output output{[](std::uint64_t lost) {
    return "serried-attack: " + std::to_string(lost) + " lines could not be written here\n";
  }};
  const port::EalScope eal{[&output](std::string text) { output.write(Output::Stream::err, std::move(text)); }};
  if (!line.options.json_file.empty())
    if (const auto possible = process::can_write_file(line.options.json_file); !possible)
      return fail(output, "--json-summary: " + possible.error().message);
  std::signal(SIGINT, on_signal);
  std::signal(SIGTERM, on_signal);
  std::signal(SIGUSR1, on_signal);
  if (line.options.cpu >= 0 && !port::run_on({static_cast<unsigned>(line.options.cpu)}))
    return fail(output, "--cpu: CPU " + std::to_string(line.options.cpu) + " is not one that this process may use");
  return run(line.options, line.eal, output);
}

}  // namespace

int main(int argc, char** argv) {
  process::begin();
  return process::ended("serried-attack", run_program(argc, argv));
}
