#pragma once
/// A piece of a test in a process of its own, for what changes a process for good.

#include <sys/wait.h>
#include <unistd.h>

namespace serried {

/// The exit code of a process that does this; -1: a signal ended it.
template <class Body>
int code_of_child(const Body& body) {
  const pid_t child = fork();
  if (child == 0) _exit(body());
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace serried
