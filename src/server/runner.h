#pragma once
/// The life of a server once everything is set up: lanes run on their cores, the control thread waits for the end
/// beside them, players are sent Disconnect, figures are left behind.
///
///     run:  launch lanes -> ready -> [a second passes: sample, status]* -> drain -> stop lanes -> report
///                                     ^ until a signal, or --seconds

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include <spdlog/logger.h>

#include "admin/admin_socket.h"
#include "base/clock_watch.h"
#include "process/output.h"
#include "server/engine.h"
#include "server/lane_loop.h"
#include "server/placement.h"
#include "telemetry/log.h"
#include "telemetry/meter.h"
#include "telemetry/status.h"

namespace serried::server {

struct RunSetup {
  config::ServerConfig config;
  Placement placement;
  std::vector<unsigned> cpus;           ///< that the process might use before EAL pinned its main thread
  std::vector<CpuPlace> machine{};      ///< all CPUs, as far as it is known where they are
  admin::AdminSocket* admin = nullptr;  ///< null: there is no control socket
};

class Runner {
 public:
  /// The longest time in which players are sent Disconnect.
  static constexpr Nanos drain_max = 5 * second;

  /// All outlive the runner. Preconditions: EAL runs, signals SIGINT, SIGTERM and SIGHUP are blocked in every thread.
  Runner(const RunSetup& setup, Engine& engine, process::Output& output, spdlog::logger& log,
         telemetry::StatusPrinter& printer);

  /// Until told to stop, or a device is lost for good. Returns the exit code: 0, or 1 for such a device and when a
  /// summary could not be written.
  int run();

 private:
  void control();
  void wait_for_end();
  void drain();
  /// Take a snapshot and feed the meter; every second, and at the turns of a run.
  void sample();
  void count_pages();
  void print_status();
  void watch_links();
  /// False: a device is lost for good, and the server is to end.
  bool mend_ports();
  void watch_clock();
  int report();
  /// Sleep until `until`, or a signal. A first one asks for the drain, one while draining ends the process. SIGHUP only
  /// opens the log anew.
  bool signalled(Nanos until);
  void open_log_anew();

  RunSetup setup_;
  Engine& engine_;
  process::Output& output_;
  spdlog::logger& log_;
  telemetry::StatusPrinter& printer_;
  telemetry::StatusFacts facts_;
  std::vector<std::unique_ptr<LaneLoop>> loops_;  ///< by assignment
  std::atomic<bool> stop_{false};
  telemetry::Meter meter_;
  std::unique_ptr<telemetry::Snapshot> snapshot_;
  std::vector<telemetry::PlacedMemory> placed_;  ///< as it was at the start, and then at the end
  bool draining_ = false;
  bool failed_ = false;              ///< it ends because it cannot go on
  std::vector<std::string> mended_;  ///< devices of which a mishap was logged
  std::vector<PortLink> links_;      ///< by device, as of the last look; what is new was up
  base::ClockWatch clock_watch_;
};

}  // namespace serried::server
