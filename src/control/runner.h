#pragma once
/// The life of a server once everything is set up: lanes run on their cores, control waits for the end beside them,
/// players are told, figures are left behind.
///
///     run:  launch lanes -> ready -> [a second passes: sample, status]* -> drain -> stop lanes -> report
///                                     ^ until a signal, or --seconds

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include <spdlog/logger.h>

#include "control/admin_socket.h"
#include "control/engine.h"
#include "control/lane_loop.h"
#include "control/log.h"
#include "control/meter.h"
#include "control/placement.h"
#include "control/status.h"

namespace serried::control {

struct RunSetup {
  ServerConfig config;
  Placement placement;
  std::vector<unsigned> cpus;    ///< that the process might use before EAL pinned its main thread
  AdminSocket* admin = nullptr;  ///< none: no orders come
};

class Runner {
 public:
  /// Longest time that is given to goodbyes.
  static constexpr Nanos drain_max = 5 * second;

  /// All outlive the runner. Preconditions: EAL runs, signals SIGINT and SIGTERM are blocked in every thread.
  Runner(const RunSetup& setup, Engine& engine, spdlog::logger& log, StatusPrinter& printer);

  /// Until told to stop. Returns the exit code: 0, or 1 when a summary could not be written.
  int run();

 private:
  void control();
  void wait_for_end();
  void drain();
  /// Take a snapshot and feed the meter; every second, and at the turns of a run.
  void sample();
  void print_status();
  void watch_link();
  int report();
  /// Sleep until `until`, or a signal. A first one asks for the drain, one while draining ends the process.
  bool signalled(Nanos until);

  RunSetup setup_;
  Engine& engine_;
  spdlog::logger& log_;
  StatusPrinter& printer_;
  StatusFacts facts_;
  std::vector<std::unique_ptr<LaneLoop>> loops_;  ///< by post
  std::atomic<bool> stop_{false};
  Meter meter_;
  std::unique_ptr<Snapshot> snapshot_;
  bool draining_ = false;
  bool link_up_ = true;
};

}  // namespace serried::control
