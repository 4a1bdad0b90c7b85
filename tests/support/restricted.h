#pragma once
/// A piece of a test in a process of its own, whose system is poorer than ours: with namespaces, or with system calls
/// that are forbidden to it.

#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <functional>
#include <initializer_list>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <string>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace serried {

/// A system call that fails from now on.
struct ForbiddenCall {
  long number;               ///< SYS_...
  long first_argument = -1;  ///< only with this one; -1: with any
  int error = EPERM;
};

/// Forbid calls to this process, for good. False: the system lets us forbid nothing.
inline bool forbid(std::initializer_list<ForbiddenCall> calls) {
  const auto statement = [](unsigned code, unsigned value) { return sock_filter BPF_STMT(code, value); };
  std::vector<sock_filter> program;
  for (const ForbiddenCall& call : calls) {
    const bool any = call.first_argument < 0;
    program.push_back(statement(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)));
    program.push_back(sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<unsigned>(call.number), 0, 3));
    program.push_back(statement(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, args)));
    program.push_back(sock_filter BPF_JUMP(any ? BPF_JMP | BPF_JGE | BPF_K : BPF_JMP | BPF_JEQ | BPF_K,
                                           any ? 0U : static_cast<unsigned>(call.first_argument), 0, 1));
    program.push_back(statement(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | static_cast<unsigned>(call.error)));
  }
  program.push_back(statement(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  const sock_fprog text{static_cast<unsigned short>(program.size()), program.data()};
  return prctl(PR_SET_NO_NEW_PRIVS, 1UL, 0UL, 0UL, 0UL) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &text) == 0;
}

/// A network namespace for this process, with a loopback interface that is up, and the commands run in it. False: we
/// may not have one.
inline bool enter_network(const std::string& commands) {
  if (unshare(CLONE_NEWNET) != 0) return false;
  return std::system(("ip link set lo up && " + commands).c_str()) == 0;  // NOLINT: one thread
}

inline constexpr int child_skipped = 77;

/// What `body` finds wrong in a child process; empty: nothing. `skipped` when `prepare` could not make it poorer.
inline std::string in_child(const std::function<bool()>& prepare, const std::function<std::string()>& body,
                            bool& skipped) {
  int ends[2];
  if (pipe(ends) != 0) return "no pipe";
  const pid_t child = fork();
  if (child == 0) {
    close(ends[0]);
    if (!prepare()) _exit(child_skipped);
    const std::string wrong = body();
    const bool written = write(ends[1], wrong.data(), wrong.size()) == static_cast<ssize_t>(wrong.size());
    _exit(written ? 0 : 1);
  }
  close(ends[1]);
  std::string wrong;
  char bytes[512];
  for (ssize_t got; (got = read(ends[0], bytes, sizeof bytes)) > 0;) wrong.append(bytes, static_cast<std::size_t>(got));
  close(ends[0]);
  int status = 0;
  if (child < 0 || waitpid(child, &status, 0) != child) return "no child process";
  skipped = WIFEXITED(status) && WEXITSTATUS(status) == child_skipped;
  if (!skipped && status != 0 && wrong.empty()) return "the child process ended with " + std::to_string(status);
  return wrong;
}

}  // namespace serried
