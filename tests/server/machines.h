#pragma once
/// Machines of any shape, as hwloc would describe them: made from its synthetic descriptions, written as XML with NICs
/// put in, and read again as the server reads the one it runs on.

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <hwloc.h>

#include "server/topology.h"

namespace serried::server {

class LoadedTopology {
 public:
  /// `set` says what is loaded.
  template <class Set>
  explicit LoadedTopology(const Set& set) {
    hwloc_topology_init(&topology_);
    hwloc_topology_set_io_types_filter(topology_, HWLOC_TYPE_FILTER_KEEP_IMPORTANT);
    EXPECT_EQ(set(topology_), 0);
    EXPECT_EQ(hwloc_topology_load(topology_), 0);
  }
  ~LoadedTopology() { hwloc_topology_destroy(topology_); }
  LoadedTopology(const LoadedTopology&) = delete;
  LoadedTopology& operator=(const LoadedTopology&) = delete;
  [[nodiscard]] hwloc_topology_t get() const { return topology_; }

 private:
  hwloc_topology_t topology_ = nullptr;
};

/// The XML of "pack:2 [numa] core:4 pu:2".
inline std::string machine_xml(const char* description) {
  const LoadedTopology made{
      [description](hwloc_topology_t topology) { return hwloc_topology_set_synthetic(topology, description); }};
  char* text = nullptr;
  int bytes = 0;
  EXPECT_EQ(hwloc_topology_export_xmlbuffer(made.get(), &text, &bytes, 0), 0);
  std::string xml{text};
  hwloc_free_xmlbuffer(made.get(), text);
  return xml;
}

/// A NIC on bus 0x40 + `number`, put into the `number`th object of a type ("Package").
inline std::string nic_address(unsigned number) {
  char address[16];
  std::snprintf(address, sizeof address, "0000:%02x:00.0", 0x40 + number);
  return address;
}
inline void put_nic(std::string& xml, const std::string& type, unsigned number) {
  std::size_t at = 0;
  const std::string begin = "<object type=\"" + type + "\"";
  for (unsigned i = 0; i <= number; ++i) at = xml.find(begin, i == 0 ? 0 : at + 1);
  ASSERT_NE(at, std::string::npos);
  const std::string address = nic_address(number), index = std::to_string(9'000 + 2 * number);
  const std::string bus = address.substr(5, 2);
  std::size_t inside = xml.find('>', at) + 1;
  for (std::size_t info; (info = xml.find_first_not_of(" \n", inside)) == xml.find("<info ", inside);)
    inside = xml.find('>', info) + 1;  // these come first
  xml.insert(inside, "<object type=\"Bridge\" gp_index=\"" + index +
                         "\" bridge_type=\"0-1\" depth=\"0\" bridge_pci=\"0000:[" + bus + "-" + bus +
                         "]\"><object type=\"PCIDev\" gp_index=\"" + std::to_string(9'001 + 2 * number) +
                         "\" pci_busid=\"" + address +
                         "\" pci_type=\"0200 [8086:1572] [8086:0001] 02\" pci_link_speed=\"0.0\"/></object>");
}

inline Topology read_xml(const std::string& xml) {
  const LoadedTopology loaded{[&xml](hwloc_topology_t topology) {
    return hwloc_topology_set_xmlbuffer(topology, xml.c_str(), static_cast<int>(xml.size()) + 1);
  }};
  return read_topology(loaded.get());
}

/// With a NIC in each of the packages of these numbers.
inline Topology machine_of(const char* description, std::initializer_list<unsigned> nics = {}) {
  std::string xml = machine_xml(description);
  for (const unsigned number : nics) put_nic(xml, "Package", number);
  return read_xml(xml);
}

}  // namespace serried::server
