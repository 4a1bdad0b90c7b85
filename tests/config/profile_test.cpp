#include "config/profile.h"

#include <gtest/gtest.h>

#include "config/config.h"

namespace serried::config {
namespace {

using Texts = std::vector<std::string>;

const std::string whole = R"(
[profile]
about = "a NIC"
driver = "net_ice"
tried = "here"
[parameters.pci]
about = "address"
[parameters.queues]
about = "queues"
default = "1"
[eal]
arguments = ["--in-memory", "--allow={pci},n={n}"]
[machine]
hugepages = "needed"
binding = "vfio-pci"
firmware = "/lib/firmware/x.pkg"
firmware_package = "firmware-x"
[device]
queues = 16
checksums = ["rx-ip"]
rss = ["ipv4-udp"]
[options.network]
port = ["{pci}"]
rx_descriptors = 2048
[options.lanes]
io = "{queues}"
[[figures]]
what = "datagrams a second"
value = "7"
source = "a page"
)";

/// What became of the text of a profile "f", asked for in these words.
struct ProfileText {
  explicit ProfileText(const std::string& text, const std::string& request = "p") {
    profile = read_profile(text, "f", parse_profile_request(request), config, faults);
  }
  [[nodiscard]] bool fault(const std::string& where, const std::string& text) const {
    for (const Fault& row : faults)
      if (row.where == where && row.text.find(text) != std::string::npos) return true;
    return false;
  }
  ServerConfig config;
  std::vector<Fault> faults;
  Profile profile;
};

TEST(ReadProfile, IsReadWhole) {
  const ProfileText read{whole, "p,pci=0000:18:00.0"};
  ASSERT_TRUE(read.faults.empty()) << fault_text(read.faults);
  const Profile& p = read.profile;
  EXPECT_EQ(p.name, "p");
  EXPECT_EQ(p.about, "a NIC");
  EXPECT_EQ(p.driver, "net_ice");
  EXPECT_EQ(p.tried, "here");
  EXPECT_EQ(p.eal, (Texts{"--in-memory", "--allow=0000:18:00.0,n=0"}));
  EXPECT_EQ(p.hugepages, Pages::needed);
  EXPECT_EQ(p.binding, "vfio-pci");
  EXPECT_EQ(p.firmware, "/lib/firmware/x.pkg");
  EXPECT_EQ(p.firmware_package, "firmware-x");
  EXPECT_EQ(p.queues, 16U);
  EXPECT_EQ(p.checksums, Texts{"rx-ip"});
  EXPECT_EQ(p.rss, Texts{"ipv4-udp"});
  ASSERT_EQ(p.figures.size(), 1U);
  EXPECT_EQ(p.figures[0].what, "datagrams a second");
  EXPECT_EQ(p.figures[0].value, "7");
  EXPECT_EQ(p.figures[0].source, "a page");
  EXPECT_EQ(p.open_parameter(), nullptr);
  EXPECT_EQ(read.config.ports, Texts{"0000:18:00.0"});
  EXPECT_EQ(read.config.rx_descriptors, 2'048U);
  EXPECT_EQ(read.config.tx_descriptors, ServerConfig{}.tx_descriptors);
  EXPECT_EQ(read.config.io_lanes, 1U);
}

TEST(ReadProfile, AParameterGivenTwiceIsTwoDevices) {
  const ProfileText read{whole, "p,pci=a,pci=b,queues=4"};
  ASSERT_TRUE(read.faults.empty()) << fault_text(read.faults);
  EXPECT_EQ(read.profile.eal, (Texts{"--in-memory", "--allow=a,n=0", "--allow=b,n=1"}));
  EXPECT_EQ(read.config.ports, (Texts{"a", "b"}));
  EXPECT_EQ(read.config.io_lanes, 4U);
}

TEST(ReadProfile, WhatIsStillOpenIsSaidAndStaysAsItIsWritten) {
  const ProfileText read{whole};
  EXPECT_TRUE(read.faults.empty()) << fault_text(read.faults);
  ASSERT_NE(read.profile.open_parameter(), nullptr);
  EXPECT_EQ(read.profile.open_parameter()->name, "pci");
  EXPECT_EQ(read.config.ports, Texts{"{pci}"});
}

TEST(ReadProfile, MistakesInWhatIsGiven) {
  EXPECT_TRUE((ProfileText{whole, "p,pic=1"}.fault("--profile p: pic", "it has pci, queues")));
  EXPECT_TRUE((ProfileText{whole, "p,pci="}.fault("--profile p: pci", "needs a value")));
  EXPECT_TRUE((ProfileText{whole, "p,pci"}.fault("--profile p: pci", "needs a value")));
  EXPECT_TRUE(
      (ProfileText{"[profile]\nabout = \"a\"\ndriver = \"d\"\n", "p,x=1"}.fault("--profile p: x", "which has none")));
  const ProfileText twice{whole, "p,pci=a,queues=1,queues=2"};
  EXPECT_TRUE(twice.fault("f:26: options.lanes.io", "takes one value")) << fault_text(twice.faults);
  const std::string two =
      "[profile]\nabout = \"a\"\ndriver = \"d\"\n[parameters.x]\n[parameters.y]\n[eal]\n"
      "arguments = [\"{x}{y}\"]\n";
  EXPECT_TRUE(
      (ProfileText{two, "p,x=1,x=2,x=3,y=1,y=2"}.fault("--profile p: y", "is given 2 times, and another 3 times")));
  EXPECT_TRUE((ProfileText{two, "p,x=1,x=2,y=0"}.faults.empty())) << "one for all";
}

TEST(ReadProfile, EveryKeyIsKnownOrAFault) {
  const ProfileText read{
      "[profile]\nabout = \"a\"\ndriver = \"d\"\ncolour = \"red\"\n[eal]\nargument = []\n[machine]\n"
      "hugepages = \"many\"\ncpus = 3\n[device]\nqueues = 0\nspeed = 1\n[zoo]\n[parameters.x]\nkind = 1\n"
      "[options.network]\nzebra = 1\n[[figures]]\nwhat = \"w\"\nwhen = \"now\"\n"};
  EXPECT_TRUE(read.fault("f:4: profile.colour", "not known"));
  EXPECT_TRUE(read.fault("f:6: eal.argument", "not known"));
  EXPECT_TRUE(read.fault("f:8: machine.hugepages", "needed or wanted"));
  EXPECT_TRUE(read.fault("f:9: machine.cpus", "not known"));
  EXPECT_TRUE(read.fault("f:11: device.queues", "from 1 on"));
  EXPECT_TRUE(read.fault("f:12: device.speed", "not known"));
  EXPECT_TRUE(read.fault("f:13: zoo", "not known"));
  EXPECT_TRUE(read.fault("f:15: parameters.x.kind", "not known"));
  EXPECT_TRUE(read.fault("f:17: network.zebra", "not known"));
  EXPECT_TRUE(read.fault("f:20: figures.when", "not known"));
  EXPECT_TRUE(read.fault("f:18: figures", "needs what, value and source"));
  EXPECT_EQ(read.faults.size(), 11U) << fault_text(read.faults);
}

TEST(ReadProfile, WhatHasTheWrongKind) {
  const ProfileText read{
      "eal = 1\nparameters = 2\nfigures = 3\noptions = 4\n[profile]\nabout = 1\ndriver = \"{who}\"\n"
      "[machine]\nbinding = 3\n[device]\nrss = \"ipv4\"\nchecksums = [1, \"{who}\"]\n"};
  EXPECT_TRUE(read.fault("f:1: eal", "is a section"));
  EXPECT_TRUE(read.fault("f:2: parameters", "is a section"));
  EXPECT_TRUE(read.fault("f:3: figures", "is a list"));
  EXPECT_TRUE(read.fault("f:4: options", "holds sections"));
  EXPECT_TRUE(read.fault("f:6: profile.about", "takes a text"));
  EXPECT_TRUE(read.fault("f:9: machine.binding", "takes a text"));
  EXPECT_TRUE(read.fault("f:11: device.rss", "takes a list"));
  EXPECT_TRUE(read.fault("f:12: device.checksums", "takes a text"));
  EXPECT_TRUE(read.fault("f:12: device.checksums", "names {who}"));
  EXPECT_TRUE((ProfileText{"[profile\n"}.fault("f:1", "is no TOML")));
  EXPECT_TRUE((ProfileText{""}.fault("f:1: profile", "needs about and driver")));
}

TEST(ParseProfileRequest, NameAndParameters) {
  const ProfileRequest request = parse_profile_request("ice,pci=0000:18:00.0,x=a=b,y");
  EXPECT_EQ(request.name, "ice");
  ASSERT_EQ(request.values.size(), 3U);
  EXPECT_EQ(request.values[0], (std::pair<std::string, std::string>{"pci", "0000:18:00.0"}));
  EXPECT_EQ(request.values[1], (std::pair<std::string, std::string>{"x", "a=b"}));
  EXPECT_EQ(request.values[2], (std::pair<std::string, std::string>{"y", ""}));
  EXPECT_TRUE(parse_profile_request("ice").values.empty());
}

const Texts tree{std::string{SERRIED_SOURCE_ROOT} + "/dpdk-config/profiles"};

TEST(LoadProfile, ByNameAndByPath) {
  ServerConfig config;
  std::vector<Fault> faults;
  EXPECT_EQ(load_profile({"ice", {{"pci", "0000:18:00.0"}}}, tree, config, faults).driver, "net_ice");
  EXPECT_EQ(config.ports, Texts{"0000:18:00.0"});
  EXPECT_EQ(load_profile({tree.front() + "/ena.toml", {}}, {}, config, faults).driver, "net_ena");
  EXPECT_TRUE(faults.empty()) << fault_text(faults);
  static_cast<void>(load_profile({"icy", {}}, tree, config, faults));
  static_cast<void>(load_profile({"./none.toml", {}}, tree, config, faults));
  static_cast<void>(load_profile({"ice", {}}, {}, config, faults));
  ASSERT_EQ(faults.size(), 3U);
  EXPECT_NE(faults[0].text.find("is not known; there are e1000, ena, i40e, ice"), std::string::npos) << faults[0].text;
  EXPECT_NE(faults[1].text.find("cannot be read"), std::string::npos);
  EXPECT_NE(faults[2].text.find("no profiles are installed"), std::string::npos);
}

/// Those of the tree say what they must, and nothing else; what they set is in range.
TEST(LoadProfile, EveryProfileOfTheTree) {
  const Texts names = profile_names(tree);
  EXPECT_EQ(names.size(), 14U);
  for (const std::string& name : names) {
    SCOPED_TRACE(name);
    ServerConfig config;
    std::vector<Fault> faults;
    const Profile profile = load_profile({name, {}}, tree, config, faults);
    EXPECT_TRUE(faults.empty()) << fault_text(faults);
    EXPECT_NE(profile.hugepages, Pages::unsaid);
    EXPECT_FALSE(profile.eal.empty());
    for (const ProfileParameter& parameter : profile.parameters)
      EXPECT_FALSE(parameter.about.empty()) << parameter.name;
    for (const std::string& type : profile.rss) EXPECT_TRUE(type == "ipv4-udp" || type == "ipv6-udp") << type;
    for (const std::string& type : profile.checksums)
      EXPECT_TRUE(type == "rx-ip" || type == "rx-udp" || type == "tx-ip" || type == "tx-udp") << type;
    EXPECT_EQ(profile.firmware.empty(), profile.firmware_package.empty());
    // Each is usable with nothing but what it asks for, an address and a key.
    ProfileRequest request{name, {}};
    for (const ProfileParameter& parameter : profile.parameters)
      if (parameter.values.empty()) request.values.emplace_back(parameter.name, "x0");
    ServerConfig filled;
    filled.token_key = "key";
    filled.addresses = {"10.0.0.1/24"};
    EXPECT_EQ(load_profile(request, tree, filled, faults).open_parameter(), nullptr);
    check_config(filled, faults);
    EXPECT_TRUE(faults.empty()) << fault_text(faults);
  }
}

TEST(ProfilesText, NamesEachWithItsParameters) {
  const std::string text = profiles_text(tree);
  for (const std::string& name : profile_names(tree)) EXPECT_NE(text.find(name + ": "), std::string::npos) << name;
  EXPECT_NE(text.find("    pci: PCI address of the NIC\n"), std::string::npos) << text;
  EXPECT_NE(text.find("not tried here"), std::string::npos);
  EXPECT_NE(text.find("    socket: Unix socket by which both find one another (/run/serried-memif.sock)\n"),
            std::string::npos);
}

}  // namespace
}  // namespace serried::config
