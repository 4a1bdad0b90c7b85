#include <gtest/gtest.h>

#include "base/json.h"
#include "made_up_server.h"

namespace serried::server {
namespace {

std::vector<Finding> findings() {
  return {{"kernel", "system", "", State::ok, "Linux 6.1", {}},
          {"iommu",
           "device",
           "0000:18:00.0",
           State::missing,
           "none",
           {{Change::Kind::boot, "", "iommu=pt"}, {Change::Kind::module, "", "vfio-pci"}}},
          {"queues", "device", "", State::cannot_tell, "dark", {}}};
}

TEST(CheckText, IsATableWithItsCommandsBelow) {
  EXPECT_EQ(check_text({}, findings(), false),
            "system\n"
            "  kernel              OK           Linux 6.1\n"
            "\n"
            "device\n"
            "  iommu 0000:18:00.0  MISSING      none\n"
            "                                   -> kernel command line: iommu=pt\n"
            "                                   -> modprobe vfio-pci\n"
            "  queues              cannot tell  dark\n"
            "\n"
            "1 OK, 1 missing, 1 cannot tell, 0 advised, 0 not needed\n");
}

TEST(CheckText, ColoursAreOfATerminalAlone) {
  EXPECT_EQ(check_text({}, findings(), false).find('\x1b'), std::string::npos);
  const std::string text = check_text({}, findings(), true);
  EXPECT_NE(text.find("\x1b[31mMISSING    \x1b[0m"), std::string::npos) << text;
}

TEST(CheckText, SaysWhatTheProfileExpects) {
  const ReadyMachine made;
  const Checked checked{made, on_ice()};
  const std::string text = check_text(checked.needs, checked.findings, false);
  EXPECT_NE(text.find("ice.toml: Intel 10 to 100 Gbit/s: E810, E822, E823; not tried here\n"), std::string::npos)
      << text;
  EXPECT_NE(text.find("expected: checksums by the device: rx-ip, rx-udp, tx-ip, tx-udp\n"), std::string::npos);
  EXPECT_NE(text.find("spread by ipv4-udp, ipv6-udp\n"), std::string::npos);
  EXPECT_NE(text.find("73 million and 10.4 million (reckoned"), std::string::npos);
}

TEST(CheckJson, HasTheSameInItsForm) {
  const ReadyMachine made;
  const Checked checked{made, on_ice()};
  const auto json = base::Json::parse(check_json(checked.needs, checked.findings));
  ASSERT_TRUE(json);
  EXPECT_EQ(json->member_or_null("ready").as_bool(), true);
  EXPECT_EQ(json->member_or_null("counts").member_or_null("missing").as_number(), 0);
  EXPECT_EQ(json->member_or_null("items").elements().size(), checked.findings.size());
  const base::Json& first = json->member_or_null("items").elements().front();
  EXPECT_EQ(first.member_or_null("item").as_text(), "configuration");
  EXPECT_EQ(first.member_or_null("group").as_text(), "system");
  EXPECT_EQ(first.member_or_null("subject").as_text(), "");
  EXPECT_EQ(first.member_or_null("state").as_text(), "ok");
  EXPECT_TRUE(first.member_or_null("changes").is_array());
  EXPECT_EQ(json->member_or_null("eal").elements().front().as_text(), "--in-memory");
  EXPECT_EQ(json->member_or_null("profile").member_or_null("driver").as_text(), "net_ice");
  EXPECT_EQ(json->member_or_null("profile").member_or_null("figures").elements().size(), 2U);

  const auto bad = base::Json::parse(check_json({}, findings()));
  ASSERT_TRUE(bad);
  EXPECT_EQ(bad->member_or_null("ready").as_bool(), false);
  EXPECT_FALSE(bad->has("profile"));
  const base::Json& change = bad->member_or_null("items").elements()[1].member_or_null("changes").elements()[0];
  EXPECT_EQ(change.member_or_null("kind").as_text(), "boot");
  EXPECT_EQ(change.member_or_null("where").as_text(), "");
  EXPECT_EQ(change.member_or_null("what").as_text(), "iommu=pt");
  EXPECT_EQ(change.member_or_null("command").as_text(), "kernel command line: iommu=pt");
}

}  // namespace
}  // namespace serried::server
