#include "port/driver_messages.h"

#include <bpf/libbpf.h>
#include <dlfcn.h>

#include <gtest/gtest.h>

#include "shared_eal.h"

namespace serried::port {
namespace {

/// What makes libbpf warn: an object file that is not there.
void provoke_libbpf(const std::string& name) { EXPECT_EQ(bpf_object__open_file(name.c_str(), nullptr), nullptr); }

class DriverMessages : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(shared_eal_runs());
    static_cast<void>(take_driver_messages());
    testing::internal::CaptureStderr();
  }
  /// Ends the capture, and holds that nothing went to standard error.
  std::vector<std::string> taken() {
    EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
    return take_driver_messages();
  }
};

TEST_F(DriverMessages, AreKeptAndNotPrinted) {
  provoke_libbpf("/nonexistent/a.o");
  const auto lines = taken();
  ASSERT_FALSE(lines.empty());
  EXPECT_EQ(lines.front().rfind("libbpf: ", 0), 0U) << lines.front();
  EXPECT_NE(lines.front().find("/nonexistent/a.o"), std::string::npos) << lines.front();
  EXPECT_EQ(lines.front().find('\n'), std::string::npos);
  EXPECT_TRUE(take_driver_messages().empty()) << "taken once";
}

TEST_F(DriverMessages, TheOldestGoFirst) {
  for (unsigned i = 0; i < 2 * driver_messages_max; ++i) provoke_libbpf("/nonexistent/" + std::to_string(i) + ".o");
  const auto lines = taken();
  ASSERT_EQ(lines.size(), driver_messages_max);
  EXPECT_NE(lines.back().find("/" + std::to_string(2 * driver_messages_max - 1) + ".o"), std::string::npos)
      << lines.back();
}

TEST_F(DriverMessages, TheOtherLibraryIsHeardToo) {
  void* const libxdp = dlopen("libxdp.so.1", RTLD_NOW | RTLD_NOLOAD);
  if (libxdp == nullptr) {
    static_cast<void>(taken());
    GTEST_SKIP() << "DPDK was built without net_af_xdp";
  }
  using Find = void* (*)(const char* file, const char* section, void* options);
  const auto find = reinterpret_cast<Find>(dlsym(libxdp, "xdp_program__find_file"));
  ASSERT_NE(find, nullptr);
  static_cast<void>(find("serried-nonexistent.o", "xdp", nullptr));
  const auto lines = taken();
  ASSERT_FALSE(lines.empty());
  EXPECT_EQ(lines.back().rfind("libxdp: ", 0), 0U) << lines.back();
  EXPECT_NE(lines.back().find("serried-nonexistent.o"), std::string::npos) << lines.back();
  dlclose(libxdp);
}

}  // namespace
}  // namespace serried::port
