#include "server/runner.h"

#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <regex>
#include <signal.h>
#include <sstream>
#include <thread>
#include <unistd.h>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <rte_eal.h>
#include <rte_ethdev.h>

#include "games/reference/game.h"
#include "port/cpus.h"
#include "port/eal.h"
#include "port/ethdev.h"
#include "server/topology.h"

// The calls by which a driver speaks, which are in no public header.
extern "C" {
struct rte_eth_dev;
rte_eth_dev* rte_eth_dev_get_by_name(const char* name);
int rte_eth_dev_callback_process(rte_eth_dev* device, rte_eth_event_type event, void* details);
}

namespace serried::server {
namespace {

/// EAL starts once a process, without rights, on the core that this test is on; signals are for control to take.
class Run : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    cpus_ = port::allowed_cpus();
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &signals, &signals_before_);
    const auto started = port::start_eal({"--no-huge", "--no-pci", "--no-telemetry", "--no-shconf", "-m", "256",
                                          "--log-level=lib.eal:warning", "-l", std::to_string(cpus_.front()),
                                          "--file-prefix", "serried-test-" + std::to_string(getpid())});
    ASSERT_TRUE(static_cast<bool>(started)) << started.error().message;
  }
  static void TearDownTestSuite() {
    const std::string folder = rte_eal_get_runtime_dir();
    port::stop_eal();
    rmdir(folder.c_str());
    pthread_sigmask(SIG_SETMASK, &signals_before_, nullptr);
    port::run_on(cpus_);
  }

  static config::ServerConfig small(unsigned seconds) {
    config::ServerConfig config;
    config.driver = config::Driver::socket;
    config.addresses = {"127.0.0.1"};
    config.udp_port = 0;
    config.sessions_max = config.players_max = 64;
    config.npcs = 10;
    config.seconds = seconds;
    config.log_level = config::LogLevel::error;
    return config;
  }
  int run(unsigned seconds, const std::string& json) {
    config::ServerConfig config = small(seconds);
    config.json_summary = json;
    return run(config);
  }
  /// A whole run of a server; its exit code. `opened`, if any, is called once it stands on its ports.
  int run(const config::ServerConfig& config, const std::function<void()>& opened = {}) {
    const games::reference::Game game;
    EngineSetup setup;
    setup.game = game.callbacks();
    setup.config = config;
    const auto node = static_cast<int>(place_of(machine_topology().cpus, cpus_.front()).node);
    setup.nodes = {false, {node}, {node}, node, {}};
    auto engine = Engine::open(setup);
    EXPECT_TRUE(static_cast<bool>(engine)) << engine.error().message;
    if (!engine) return -1;
    if (opened) opened();
    process::Output output{[](std::uint64_t) { return std::string{}; }};
    auto logger = telemetry::make_logger(setup.config, output, {});
    telemetry::StatusPrinter printer{config::StatusMode::none, output, false};
    PlaceRequest request;
    request.cores = {{cpus_.front(), place_of(machine_topology().cpus, cpus_.front()), true}};
    request.shards = 1;
    const RunSetup run{setup.config, place(request), cpus_, machine_topology().cpus};
    return Runner{run, *engine.value(), output, *logger.value(), printer}.run();
  }

  static inline std::vector<unsigned> cpus_;
  static inline sigset_t signals_before_;
  const std::filesystem::path json_ =
      std::filesystem::temp_directory_path() / ("serried-run-" + std::to_string(::getpid()) + ".json");
};

TEST_F(Run, EndsWhenItsTimeIsUpAndLeavesItsFigures) {
  EXPECT_EQ(run(1, json_.string()), 0);
  const auto json = nlohmann::json::parse(std::ifstream{json_});
  std::filesystem::remove(json_);
  EXPECT_GE(json["seconds"], 1.0);
  EXPECT_LT(json["seconds"], 5.0);
  EXPECT_GT(json["world_tick"], 10) << "lanes on the main core were polled";
  EXPECT_TRUE(json["accounting"]["balanced"]);
  ASSERT_EQ(json["lanes"].size(), 3U);
  for (const auto& lane : json["lanes"]) {
    EXPECT_GT(lane["polls"], 100) << lane;
    EXPECT_EQ(lane["allocations"], 0) << lane;
    EXPECT_EQ(lane["core"], cpus_.front());
    EXPECT_EQ(lane["cpu"], cpus_.front());
    EXPECT_EQ(lane["node"], place_of(machine_topology().cpus, cpus_.front()).node);
  }
  for (const auto& memory : json["memory"]["placed"]) {
    EXPECT_EQ(memory["node"], place_of(machine_topology().cpus, cpus_.front()).node);
    EXPECT_GT(memory["pages_there"], 0) << memory;
  }
  ASSERT_EQ(json["cores"].size(), 1U);
  const auto& core = json["cores"][0];
  EXPECT_EQ(core["core"], cpus_.front());
  EXPECT_GT(core["run_ns"], 900'000'000);
  EXPECT_GT(core["cpu_ns"], 0);
  EXPECT_LE(core["awake_ns"], core["run_ns"]);
  EXPECT_GT(core["cpu"], 0);
}

TEST_F(Run, ASignalEndsIt) {
  std::thread killer{[] {
    std::this_thread::sleep_for(std::chrono::milliseconds{300});
    kill(getpid(), SIGTERM);
  }};
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(run(60, {}), 0);
  killer.join();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds{20});
}

/// Stand on two devices, and take the link of one away and give it back. Expect both to be said with its name, and
/// nothing of the other.
TEST_F(Run, ALostLinkIsSaidWithItsName) {
  const auto first = port::make_ring_pair("stays", 1), second = port::make_ring_pair("goes", 1);
  ASSERT_TRUE(first && second);
  config::ServerConfig config = small(4);
  config.driver = config::Driver::ethdev;
  config.udp_port = 40'000;
  config.ports = {first.value().first, second.value().first};
  config.addresses = {"10.0.0.1/24@" + config.ports[0], "10.0.1.1/24@" + config.ports[1]};
  config.log_level = config::LogLevel::info;
  config.log_file = json_.string() + ".log";
  std::thread switcher;
  const auto take_away_and_give_back = [&] {
    const std::uint16_t id = port::EthdevDevice::find(config.ports[1]).value();
    EXPECT_EQ(rte_eth_dev_set_link_down(id), 0);
    switcher = std::thread{[id] {
      std::this_thread::sleep_for(std::chrono::milliseconds{1'800});
      EXPECT_EQ(rte_eth_dev_set_link_up(id), 0);
    }};
  };
  EXPECT_EQ(run(config, take_away_and_give_back), 0);
  switcher.join();
  std::stringstream log;
  log << std::ifstream{config.log_file}.rdbuf();
  std::filesystem::remove(config.log_file);
  EXPECT_NE(log.str().find("link of " + config.ports[1] + " is down"), std::string::npos) << log.str();
  EXPECT_NE(log.str().find("link of " + config.ports[1] + " is up again"), std::string::npos) << log.str();
  EXPECT_EQ(log.str().find("link of " + config.ports[0]), std::string::npos) << log.str();
  for (const std::string& device : config.ports)
    EXPECT_TRUE(std::regex_search(log.str(), std::regex{"buffers of " + device + ": all [0-9]+ came back"}))
        << log.str();
}

/// Let the driver of one of two devices say that it must be reset, as of a virtual function whose NIC is. Expect one
/// sentence with its name, and the end.
TEST_F(Run, ADeviceThatMustBeResetEndsIt) {
  const auto stays = port::make_ring_pair("works", 1), must = port::make_ring_pair("resets", 1);
  ASSERT_TRUE(stays && must);
  config::ServerConfig config = small(60);
  config.driver = config::Driver::ethdev;
  config.udp_port = 40'000;
  config.ports = {stays.value().first, must.value().first};
  config.addresses = {"10.0.0.1/24@" + config.ports[0], "10.0.1.1/24@" + config.ports[1]};
  config.log_file = json_.string() + ".log";
  EXPECT_EQ(run(config,
                [&config] {
                  rte_eth_dev_callback_process(rte_eth_dev_get_by_name(config.ports[1].c_str()),
                                               RTE_ETH_EVENT_INTR_RESET, nullptr);
                }),
            1);
  std::stringstream log;
  log << std::ifstream{config.log_file}.rdbuf();
  std::filesystem::remove(config.log_file);
  const std::string sentence = "error " + config.ports[1] + ": its driver must reset it";
  const std::size_t said = log.str().find(sentence);
  ASSERT_NE(said, std::string::npos) << log.str();
  EXPECT_EQ(log.str().find("must reset it", said + sentence.size()), std::string::npos) << log.str();
  EXPECT_EQ(log.str().find(config.ports[0]), std::string::npos) << log.str();
}

TEST_F(Run, ASummaryThatCannotBeWrittenIsAFailure) { EXPECT_EQ(run(1, "/nowhere/at/all/run.json"), 1); }

}  // namespace
}  // namespace serried::server
