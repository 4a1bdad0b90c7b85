#include "port/driver_messages.h"

#include <bpf/libbpf.h>
#include <cstdarg>
#include <cstdio>
#include <deque>
#include <dlfcn.h>
#include <mutex>
#include <string_view>
#include <utility>

#include "base/setup.h"

namespace serried::port {
namespace {

// libxdp is a dependency of a plugin and not ours, so its header is not asked for: its levels are those of libbpf.
using Print = int (*)(libbpf_print_level level, const char* format, std::va_list arguments);
constexpr const char* libxdp_name = "libxdp.so.1";

constexpr std::size_t message_bytes_max = 1'024;

struct Kept {
  std::mutex mutex;
  std::deque<std::string> lines;
};
/// Made when it is first asked for: nothing is allocated before main.
Kept& kept() {
  static Kept messages;
  return messages;
}

int keep(libbpf_print_level level, const char* format, std::va_list arguments) {
  if (level == LIBBPF_DEBUG) return 0;
  char text[message_bytes_max];
  if (std::vsnprintf(text, sizeof text, format, arguments) < 0) return 0;
  Kept& to = kept();
  const std::lock_guard lock{to.mutex};
  // What the kernel's verifier says comes as one message of many lines.
  for (std::string_view rest = text; !rest.empty();) {
    const std::size_t end = rest.find('\n');
    if (const std::string_view line = rest.substr(0, end); !line.empty()) to.lines.emplace_back(line);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  }
  while (to.lines.size() > driver_messages_max) to.lines.pop_front();
  return 0;
}

}  // namespace

SERRIED_SETUP void keep_driver_messages() {
  libbpf_set_print(keep);
  // Loaded by EAL or not at all. The handle stays open: the library must not go while it has our function.
  void* const libxdp = dlopen(libxdp_name, RTLD_NOW | RTLD_NOLOAD);
  if (libxdp == nullptr) return;
  if (void* const set_print = dlsym(libxdp, "libxdp_set_print"); set_print != nullptr)
    reinterpret_cast<Print (*)(Print)>(set_print)(keep);
}

SERRIED_SETUP std::vector<std::string> take_driver_messages() {
  std::deque<std::string> taken;
  {
    Kept& from = kept();
    const std::lock_guard lock{from.mutex};
    taken = std::exchange(from.lines, {});
  }
  return {taken.begin(), taken.end()};
}

}  // namespace serried::port
