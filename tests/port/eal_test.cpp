#include "port/eal.h"

#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <rte_log.h>

#include "port/cpus.h"
#include "port/ethdev.h"
#include "shared_eal.h"
#include "support/restricted.h"

namespace serried::port {
namespace {

const std::vector<std::string> of_a_user = {"--no-huge",      "--no-pci", "-m", "64",          "--no-shconf",
                                            "--no-telemetry", "--lcores", "0",  "--log-level", "error"};

std::vector<std::string> with(std::vector<std::string> arguments, const std::vector<std::string>& more) {
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

std::string fault_of(const std::vector<std::string>& arguments) {
  const auto started = start_eal(arguments);
  return started ? "none" : started.error().message;
}

std::string ring_fault(const std::string& name, unsigned queues = 1, unsigned slots = 64) {
  const auto pair = make_ring_pair(name, queues, slots);
  return pair ? "none" : pair.error().message;
}

#define EXPECT_HAS(text, part) EXPECT_NE((text).find(part), std::string::npos) << (text)

TEST(Eal, BeforeItStartsThereAreNoDevices) {
  in_fresh_process([] {
    EXPECT_FALSE(eal_runs());
    EXPECT_TRUE(ethdev_names().empty());
    EXPECT_HAS(ring_fault("early"), "EAL does not run");
    EthdevConfig config;
    config.device = "net_null0";
    const auto device = EthdevDevice::open(config);
    ASSERT_FALSE(device);
    EXPECT_HAS(device.error().message, "EAL does not run");
    stop_eal();  // harmless, and not yet the end
    EXPECT_EQ(fault_of(of_a_user), "none");
  });
}

TEST(Eal, StartsOnceAndStopsOnce) {
  in_fresh_process([] {
    ASSERT_EQ(fault_of(with(of_a_user, {"--vdev", "net_null0", "--vdev", "net_null1"})), "none");
    EXPECT_TRUE(eal_runs());
    EXPECT_EQ(ethdev_names(), (std::vector<std::string>{"net_null0", "net_null1"}));
    EXPECT_EQ(ethdev_drivers(), (std::vector<std::string>{"net_null", "net_null"}));
    EXPECT_HAS(fault_of(of_a_user), "runs already");
    stop_eal();
    EXPECT_FALSE(eal_runs());
    EXPECT_TRUE(ethdev_names().empty());
    EXPECT_HAS(fault_of(of_a_user), "was stopped and cannot start again");
    stop_eal();
  });
}

/// What we can tell is wrong does not reach EAL, which starts, or dies, only once.
TEST(Eal, ARefusedArgumentLeavesEalStartable) {
  in_fresh_process([] {
    EXPECT_HAS(fault_of({"--in-memory", "--no-huge"}), "exclude one another");
    EXPECT_HAS(fault_of(with(of_a_user, {"--help"})), "testpmd --help");
    EXPECT_HAS(fault_of({"-h"}), "testpmd --help");
    EXPECT_EQ(fault_of(of_a_user), "none");
  });
}

TEST(Eal, SaysWhatToDoAboutAWrongArgument) {
  in_fresh_process([] { EXPECT_HAS(fault_of(with(of_a_user, {"--no-such-option"})), "an argument is wrong"); });
}

TEST(Eal, SaysWhatToDoAboutADriverThatIsNotThere) {
  in_fresh_process([] { EXPECT_HAS(fault_of(with(of_a_user, {"--vdev", "net_nowhere0"})), "--vdev"); });
}

TEST(Eal, ItsLogGoesWhereItIsSent) {
  in_fresh_process([] {
    std::string said;
    log_eal_to([&said](const std::string& text) { said += text; });
    EXPECT_HAS(fault_of(with(of_a_user, {"--vdev", "net_nowhere0"})), "--vdev");
    EXPECT_HAS(said, "net_nowhere0");
  });
}

/// Expect nothing to be said once a scope has ended, also where EAL did not start.
TEST(Eal, ItsLogEndsWithItsScope) {
  for (const bool starts : {true, false})
    in_fresh_process([starts] {
      std::string said;
      {
        const EalScope scope{[&said](const std::string& text) { said += text; }};
        EXPECT_EQ(fault_of(starts ? of_a_user : with(of_a_user, {"--vdev", "net_nowhere0"})) == "none", starts);
        said.clear();
        rte_log(RTE_LOG_ERR, RTE_LOGTYPE_EAL, "within\n");
        EXPECT_HAS(said, "within");
      }
      said.clear();
      EXPECT_FALSE(eal_runs());
      rte_log(RTE_LOG_ERR, RTE_LOGTYPE_EAL, "after\n");
      EXPECT_EQ(said, "");
    });
}

TEST(Eal, SaysWhatToDoAboutMissingHugepages) {
  // More than any machine has: a terabyte.
  in_fresh_process([] {
    const std::string fault = fault_of({"--in-memory", "--no-pci", "-m", "1048576", "--no-telemetry", "--lcores", "0"});
    EXPECT_HAS(fault, "hugepages");
    EXPECT_HAS(fault, "--no-huge");
    EXPECT_HAS(fault, "nr_hugepages");
  });
}

TEST(Eal, RingPairsAreEthdevsUnderTheirNames) {
  ASSERT_TRUE(shared_eal_runs());
  const auto pair = make_ring_pair("eal_pair", 3, 64);
  ASSERT_TRUE(pair) << pair.error().message;
  EXPECT_NE(pair.value().first, pair.value().second);
  const std::vector<std::string> names = ethdev_names();
  for (const std::string& name : {pair.value().first, pair.value().second, std::string("net_null0")})
    EXPECT_EQ(std::count(names.begin(), names.end(), name), 1) << name;
}

TEST(Eal, RingPairsAreRefusedInWords) {
  ASSERT_TRUE(shared_eal_runs());
  const std::size_t before = ethdev_names().size();
  EXPECT_HAS(ring_fault("eal_none", 0), "1 to 16 queues, not 0");
  EXPECT_HAS(ring_fault("eal_many", 17), "1 to 16 queues, not 17");
  EXPECT_HAS(ring_fault("eal_odd", 1, 1000), "power of two");
  EXPECT_EQ(ethdev_names().size(), before);
  EXPECT_EQ(ring_fault("eal_twice"), "none");
  EXPECT_HAS(ring_fault("eal_twice"), "choose another name");
}

TEST(CoreArguments, CpusOfHighNumbersAreCalledByLowOnes) {
  using Words = std::vector<std::string>;
  EXPECT_EQ(core_arguments({}, {0, 1, 127}), Words{}) << "EAL knows them by itself";
  EXPECT_EQ(core_arguments({}, {128, 255, 1'023}), (Words{"--lcores", "0@128,1@255,2@1023"}));
  EXPECT_EQ(core_arguments({"--no-huge"}, {3, 130}), (Words{"--lcores", "0@3,1@130"}));
  for (const char* choice : {"-l", "-l128", "-c", "--lcores", "--lcores=0@130"})
    EXPECT_EQ(core_arguments({"--no-huge", choice}, {128, 129}), Words{}) << choice;
  std::vector<unsigned> many;
  for (unsigned cpu = 0; cpu < 300; ++cpu) many.push_back(cpu);
  const Words all = core_arguments({}, many);
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(std::count(all[1].begin(), all[1].end(), '@'), 128) << "as many lcores as EAL has";
}

TEST(StartEal, SaysWhatTheSystemForbids) {
  for (const long call : {SYS_sched_setaffinity, SYS_sched_getaffinity}) {
    bool skipped = false;
    const std::string said = in_child([&] { return forbid({{call}}); },
                                      [] {
                                        const auto allowed = system_allows_eal(allowed_cpus());
                                        return allowed ? std::string("is allowed") : allowed.error().message;
                                      },
                                      skipped);
    if (skipped) GTEST_SKIP() << "needs seccomp";
    EXPECT_NE(said.find(call == SYS_sched_setaffinity ? "(sched_setaffinity)" : "(sched_getaffinity)"),
              std::string::npos)
        << said;
  }
}

TEST(LcoreArguments, NumberThemByTheirCpus) {
  using Texts = std::vector<std::string>;
  EXPECT_EQ(lcore_arguments({0, 2, 5}), (Texts{"--lcores", "0,2,5"}));
  EXPECT_EQ(lcore_arguments({3, 300}), (Texts{"--lcores", "0@3,1@300"})) << "EAL has 128 numbers";
}

}  // namespace
}  // namespace serried::port
