#include "process/rights.h"

#include <atomic>
#include <csignal>
#include <fstream>
#include <sstream>
#include <string>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include <gtest/gtest.h>

#include "support/child.h"
#include "support/restricted.h"
#include "support/sanitized.h"

namespace serried::process {
namespace {

std::string line_of(const std::string& file, const std::string& name) {
  std::ifstream lines{file};
  for (std::string line; std::getline(lines, line);)
    if (line.starts_with(name + ":")) return line.substr(line.find_first_not_of(" \t", name.size() + 1));
  return {};
}

std::uint64_t rights_of(pid_t thread, const char* set) {
  return std::stoull(line_of("/proc/self/task/" + std::to_string(thread) + "/status", set), nullptr, 16);
}

TEST(Rights, SecretsStayInTheProcess) {
  EXPECT_EQ(code_of_child([] {
              keep_secrets(false);
              rlimit cores{1, 1};
              getrlimit(RLIMIT_CORE, &cores);
              if (cores.rlim_cur != 0 || cores.rlim_max != 0) return 1;
              if (prctl(PR_GET_DUMPABLE) != 0) return 2;
              return prctl(PR_GET_NO_NEW_PRIVS, 0UL, 0UL, 0UL, 0UL) == 1 ? 0 : 3;
            }),
            0);
}

TEST(Rights, CoresCanBeHadOnDemand) {
  EXPECT_EQ(code_of_child([] {
              rlimit before{}, after{};
              getrlimit(RLIMIT_CORE, &before);
              keep_secrets(true);
              getrlimit(RLIMIT_CORE, &after);
              return after.rlim_max == before.rlim_max && prctl(PR_GET_DUMPABLE) == 1 &&
                             prctl(PR_GET_NO_NEW_PRIVS, 0UL, 0UL, 0UL, 0UL) == 1
                         ? 0
                         : 1;
            }),
            0);
}

/// Threads of all kinds: one that works, one that waits in a system call, one that blocks the signals that it may.
TEST(Rights, EveryThreadGivesThemUp) {
  if (rights_of(getpid(), "CapEff") == 0) GTEST_SKIP() << "has none: needs root";
  EXPECT_EQ(code_of_child([] {
              std::atomic<unsigned> running{0};
              std::atomic<pid_t> ids[3] = {};
              int ends[2];
              if (pipe(ends) != 0) return 1;
              const auto begins = [&](unsigned i) {
                ids[i] = gettid();
                ++running;
              };
              std::thread works{[&] {
                begins(0);
                for (;;) std::this_thread::yield();
              }};
              std::thread waits{[&] {
                begins(1);
                char byte = 0;
                if (read(ends[0], &byte, 1) != 1) _exit(9);  // not interrupted
                for (;;) pause();
              }};
              std::thread blocks{[&] {
                sigset_t set;
                sigfillset(&set);
                sigdelset(&set, rights_signal());
                pthread_sigmask(SIG_SETMASK, &set, nullptr);
                begins(2);
                for (;;) pause();
              }};
              for (std::thread* const thread : {&works, &waits, &blocks}) thread->detach();
              while (running != 3) std::this_thread::yield();
              const Right net[] = {Right::net_admin};
              const auto kept = keep_only(net);
              if (!kept || kept.value() != std::vector<std::string>{"CAP_NET_ADMIN"}) return 2;
              for (const auto& id : ids)
                for (const char* set : {"CapEff", "CapPrm"})
                  if (rights_of(id, set) != std::uint64_t{1} << 12) return 3;
              if (rights_of(getpid(), "CapEff") != std::uint64_t{1} << 12) return 4;
              // For good.
              if (!keep_only({}) || rights_of(ids[0], "CapEff") != 0) return 5;
              const auto back = keep_only(net);
              return back && back.value().empty() && rights_of(getpid(), "CapPrm") == 0 ? 0 : 6;
            }),
            0);
}

TEST(Rights, AThreadThatKeepsThemIsAnError) {
  if (rights_of(getpid(), "CapEff") == 0) GTEST_SKIP() << "has none: needs root";
  EXPECT_EQ(code_of_child([] {
              std::atomic<bool> running{false};
              std::thread deaf{[&] {
                sigset_t set;
                sigfillset(&set);
                pthread_sigmask(SIG_SETMASK, &set, nullptr);
                running = true;
                for (;;) pause();
              }};
              deaf.detach();
              while (!running) std::this_thread::yield();
              const auto kept = keep_only({});
              return !kept && kept.error().message.find("1 still have rights") != std::string::npos ? 0 : 1;
            }),
            0);
}

/// Expect an error where threads that have rights cannot be seen, for whatever reason.
TEST(Rights, WhatCannotBeSeenIsAnError) {
  if (rights_of(getpid(), "CapEff") == 0) GTEST_SKIP() << "has none: needs root";
  const auto without_files = [] {
    const rlimit none{0, 0};
    return setrlimit(RLIMIT_NOFILE, &none) == 0;
  };
  const auto without_others = [] { return forbid({{SYS_capget, -1, EPERM}}); };
  for (const bool files : {true, false}) {
    EXPECT_EQ(code_of_child([&] {
                std::thread{[] {
                  for (;;) pause();
                }}.detach();
                if (!(files ? without_files() : without_others())) return 77;
                const auto kept = keep_only({});
                if (kept) return 1;
                const std::string wanted = files ? "/proc/self/task" : "capabilities cannot be read";
                return kept.error().message.find(wanted) != std::string::npos ? 0 : 2;
              }),
              0)
        << files;
  }
}

/// Who starts a program may have blocked the signal, and programs inherit that.
TEST(Rights, TheSignalIsHeardWhereItWasBlocked) {
  if (rights_of(getpid(), "CapEff") == 0) GTEST_SKIP() << "has none: needs root";
  EXPECT_EQ(code_of_child([] {
              sigset_t set;
              sigfillset(&set);
              pthread_sigmask(SIG_SETMASK, &set, nullptr);
              hear_rights_signal();
              std::atomic<pid_t> id{0};
              std::thread{[&] {
                id = gettid();
                for (;;) pause();
              }}.detach();
              while (id == 0) std::this_thread::yield();
              return keep_only({}) && rights_of(id, "CapPrm") == 0 ? 0 : 1;
            }),
            0);
}

TEST(Rights, WhereThereIsNoRightToBpfItIsTheAdministrators) {
  EXPECT_EQ(code_of_child([] {
              const bool known = prctl(PR_CAPBSET_READ, 39UL, 0UL, 0UL, 0UL) >= 0;
              if (right_to_bpf() != (known ? Right::bpf : Right::sys_admin)) return 1;
              // As a kernel before 5.8.
              if (!forbid({{SYS_prctl, PR_CAPBSET_READ, EINVAL}})) return 77;
              if (right_to_bpf() != Right::sys_admin) return 2;
              const Right needed[] = {right_to_bpf()};
              const auto kept = keep_only(needed);
              if (!kept) return 3;
              return kept.value().empty() || kept.value().front() == "CAP_SYS_ADMIN" ? 0 : 4;
            }),
            0);
}

TEST(Rights, MemoryIsLockedOrTheReasonIsSaid) {
  if (sanitized) GTEST_SKIP() << "sanitizers lock no memory, and say that they did";
  EXPECT_EQ(code_of_child([] {
              const auto locked = lock_memory();
              const bool pages = line_of("/proc/self/status", "VmLck") != "0 kB";
              if (locked) {
                // With the rights that it named, and no others, memory can be had.
                if (!pages || !keep_only(locked.value())) return 1;
                return std::vector<char>(std::size_t{64} << 20, 'x').back() == 'x' ? 0 : 3;
              }
              return !pages && locked.error().message.find("ulimit -l") != std::string::npos ? 0 : 2;
            }),
            0);
  EXPECT_EQ(code_of_child([] {
              if (!keep_only({})) return 1;
              const rlimit small{65'536, 65'536};
              setrlimit(RLIMIT_MEMLOCK, &small);
              const auto locked = lock_memory();
              if (locked) return 2;
              return locked.error().message.find("64 KiB") != std::string::npos ? 0 : 3;
            }),
            0);
}

}  // namespace
}  // namespace serried::process
