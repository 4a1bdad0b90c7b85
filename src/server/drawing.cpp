#include "server/drawing.h"

#include <algorithm>
#include <map>

#include "machine/view.h"

namespace serried::server {
namespace {

/// What stands in a box behind the CPUs.
enum class Without : unsigned char { lanes, core };

/// Physical cores with nothing to tell apart, by the numbers of their threads: first threads, second ones.
struct Run {
  std::vector<std::vector<unsigned>> threads;
  Without without{};

  void add(const std::vector<unsigned>& cpus) {
    threads.resize(std::max(threads.size(), cpus.size()));
    for (std::size_t i = 0; i < cpus.size(); ++i) threads[i].push_back(cpus[i]);
  }
  [[nodiscard]] std::string box() const {
    std::string by_thread;
    std::vector<unsigned> all;
    for (const std::vector<unsigned>& cpus : threads) {
      by_thread.append(by_thread.empty() ? "" : "+").append(machine::format_cpu_list(cpus));
      all.insert(all.end(), cpus.begin(), cpus.end());
    }
    std::sort(all.begin(), all.end());
    // Where the threads of a core follow one another, so do all of them.
    const std::string joined = machine::format_cpu_list(all);
    const std::string& shorter = joined.size() < by_thread.size() ? joined : by_thread;
    return "[" + shorter + (without == Without::lanes ? " free]" : " -]");
  }
};

class Drawing {
 public:
  Drawing(const Placement& placement, std::span<const Core> cores, std::span<const CpuPlace> machine) {
    for (const CpuPlace& place : machine) places_[place.cpu] = place;
    for (const Core& core : cores) {
      places_[core.at.cpu] = core.at;
      given_.push_back(core.at.cpu);
    }
    for (const CoreAssignment& assignment : placement.assignments)
      for (const LaneId lane : assignment.lanes) lanes_[assignment.core.at.cpu] += " " + lane_name(lane);
    for (const auto& [cpu, place] : places_) nodes_[place.node][place.core].push_back(cpu);
  }

  [[nodiscard]] std::vector<unsigned> nodes() const {
    std::vector<unsigned> numbers;
    for (const auto& [node, cores] : nodes_) numbers.push_back(node);
    return numbers;
  }
  [[nodiscard]] std::vector<std::string> boxes(unsigned node) const {
    std::vector<std::string> boxes;
    Run run;
    const auto end_run = [&] {
      if (!run.threads.empty()) boxes.push_back(run.box());
      run = {};
    };
    for (const auto& [core, cpus] : nodes_.at(node)) {
      const std::string box = box_of(cpus);
      const Without without = is_given(cpus) ? Without::lanes : Without::core;
      if (!box.empty() || (!run.threads.empty() && run.without != without)) end_run();
      if (!box.empty()) {
        boxes.push_back(box);
        continue;
      }
      run.without = without;
      run.add(cpus);
    }
    end_run();
    return boxes;
  }

 private:
  [[nodiscard]] bool is_given(const std::vector<unsigned>& cpus) const {
    return std::any_of(cpus.begin(), cpus.end(),
                       [this](unsigned cpu) { return std::find(given_.begin(), given_.end(), cpu) != given_.end(); });
  }
  /// Empty: none of its threads has a lane.
  [[nodiscard]] std::string box_of(const std::vector<unsigned>& cpus) const {
    std::string text, idle;
    for (const unsigned cpu : cpus)
      if (const auto lanes = lanes_.find(cpu); lanes != lanes_.end())
        text += (text.empty() ? "" : " | ") + std::to_string(cpu) + lanes->second;
      else
        idle += "+" + std::to_string(cpu);
    if (text.empty()) return {};
    return "[" + text.insert(text.find(' '), idle) + "]";
  }

  std::map<unsigned, CpuPlace> places_;
  std::map<unsigned, std::string> lanes_;                                ///< by CPU, " io0 handshake"
  std::vector<unsigned> given_;                                          ///< CPUs of EAL's lcores
  std::map<unsigned, std::map<unsigned, std::vector<unsigned>>> nodes_;  ///< [node][core], its CPUs
};

std::string device_text(const DrawnDevice& device) {
  std::string text = device.name + " ->";
  for (const unsigned lane : device.io_lanes) text += " " + lane_name({LaneKind::io, lane});
  return text;
}

}  // namespace

std::vector<std::string> drawing(const Placement& placement, std::span<const Core> cores,
                                 std::span<const CpuPlace> machine, std::span<const DrawnDevice> devices,
                                 std::size_t columns) {
  const Drawing drawn{placement, cores, machine};
  std::vector<std::string> lines;
  for (const unsigned node : drawn.nodes()) {
    std::string line = "node " + std::to_string(node) + ":";
    const std::string indent(line.size(), ' ');
    const auto add = [&](const std::string& part, const char* gap) {
      if (line.size() > indent.size() && line.size() + part.size() + 1 > columns) {
        lines.push_back(line);
        line = indent;
        gap = " ";
      }
      line += gap + part;
    };
    for (const std::string& box : drawn.boxes(node)) add(box, " ");
    for (const DrawnDevice& device : devices)
      if (device.node == static_cast<int>(node)) add(device_text(device), "   ");
    lines.push_back(line);
  }
  const std::vector<unsigned> nodes = drawn.nodes();
  for (const DrawnDevice& device : devices)
    if (std::find(nodes.begin(), nodes.end(), static_cast<unsigned>(device.node)) == nodes.end())
      lines.push_back((device.node == any_node ? "any node: " : "node " + std::to_string(device.node) + ": ") +
                      device_text(device));
  return lines;
}

}  // namespace serried::server
