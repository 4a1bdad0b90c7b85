#include "config/profile.h"

#include <algorithm>
#include <filesystem>

#include "base/file.h"
#include "config/toml_sections.h"

namespace serried::config {
namespace {

constexpr std::string_view ending = ".toml";

std::string list_of(const std::vector<std::string>& texts) {
  std::string line;
  for (const std::string& text : texts) line += (line.empty() ? "" : ", ") + text;
  return line;
}

/// Reads one file. Every key is known, or a fault.
class ProfileReader {
 public:
  ProfileReader(const ProfileRequest& request, Profile& profile) : request_(request), profile_(profile) {}

  void read(toml::table& file, ServerConfig& config);
  std::vector<LineFault> faults;

 private:
  using Reader = void (ProfileReader::*)(const std::string& key, toml::node& node);

  void fault(const toml::node& node, std::string key, std::string text) {
    faults.push_back({line_of(node), std::move(key), std::move(text)});
  }
  /// Hand each key of a table to `reader`.
  void each(toml::node& node, const std::string& section, Reader reader);
  std::string text_of(const std::string& key, const toml::node& node);
  std::vector<std::string> list_in(const std::string& key, toml::node& node);

  void profile_key(const std::string& key, toml::node& node);
  void parameter_key(const std::string& key, toml::node& node);
  void eal_key(const std::string& key, toml::node& node);
  void machine_key(const std::string& key, toml::node& node);
  void device_key(const std::string& key, toml::node& node);
  void figures(toml::node& node);
  void unknown(const std::string& key, const toml::node& node) {
    fault(node, key, "is not known; see docs/bare-metal.md, Profiles and checks, for what a profile has");
  }

  void take_values();
  std::vector<std::string> filled_in(const std::string& key, const toml::node& node, const std::string& text);
  void fill_in(const std::string& key, toml::node& node);

  const ProfileRequest& request_;
  Profile& profile_;
};

void ProfileReader::each(toml::node& node, const std::string& section, Reader reader) {
  toml::table* const table = node.as_table();
  if (table == nullptr) return fault(node, section, "is a section; write [" + section + "] and its keys below");
  for (auto&& [key, value] : *table) (this->*reader)(section + "." + std::string{key.str()}, value);
}

std::string ProfileReader::text_of(const std::string& key, const toml::node& node) {
  if (const auto* const text = node.as_string(); text != nullptr) return text->get();
  fault(node, key, "takes a text");
  return {};
}

std::vector<std::string> ProfileReader::list_in(const std::string& key, toml::node& node) {
  std::vector<std::string> texts;
  toml::array* const array = node.as_array();
  if (array == nullptr) {
    fault(node, key, "takes a list of texts");
    return texts;
  }
  for (const toml::node& element : *array)
    for (std::string& text : filled_in(key, node, text_of(key, element))) texts.push_back(std::move(text));
  return texts;
}

void ProfileReader::profile_key(const std::string& key, toml::node& node) {
  if (key == "profile.about")
    profile_.about = text_of(key, node);
  else if (key == "profile.driver")
    profile_.driver = text_of(key, node);
  else if (key == "profile.tried")
    profile_.tried = text_of(key, node);
  else
    unknown(key, node);
}

void ProfileReader::parameter_key(const std::string& key, toml::node& node) {
  constexpr std::size_t prefix = std::string_view{"parameters."}.size();
  toml::table* const table = node.as_table();
  if (table == nullptr) return fault(node, key, "is a section; write [" + key + "] and its keys below");
  ProfileParameter parameter;
  parameter.name = key.substr(prefix);
  for (auto&& [name, value] : *table) {
    const std::string path = std::string(key).append(".").append(name.str());
    if (name == "about")
      parameter.about = text_of(path, value);
    else if (name == "default")
      parameter.values = {text_of(path, value)};
    else
      unknown(path, value);
  }
  profile_.parameters.push_back(std::move(parameter));
}

void ProfileReader::eal_key(const std::string& key, toml::node& node) {
  if (key != "eal.arguments") return unknown(key, node);
  profile_.eal = list_in(key, node);
}

void ProfileReader::machine_key(const std::string& key, toml::node& node) {
  if (key == "machine.hugepages") {
    const std::string text = text_of(key, node);
    profile_.hugepages = text == "needed" ? Pages::needed : Pages::wanted;
    if (text != "needed" && text != "wanted") fault(node, key, "must be needed or wanted");
  } else if (key == "machine.binding") {
    profile_.binding = text_of(key, node);
  } else if (key == "machine.firmware") {
    profile_.firmware = text_of(key, node);
  } else if (key == "machine.firmware_package") {
    profile_.firmware_package = text_of(key, node);
  } else {
    unknown(key, node);
  }
}

void ProfileReader::device_key(const std::string& key, toml::node& node) {
  if (key == "device.queues") {
    const auto* const number = node.as_integer();
    if (number == nullptr || number->get() < 1 || number->get() > 65'535)
      return fault(node, key, "must be a number from 1 on");
    profile_.queues = static_cast<unsigned>(number->get());
  } else if (key == "device.checksums") {
    profile_.checksums = list_in(key, node);
  } else if (key == "device.rss") {
    profile_.rss = list_in(key, node);
  } else {
    unknown(key, node);
  }
}

void ProfileReader::figures(toml::node& node) {
  toml::array* const rows = node.as_array();
  if (rows == nullptr) return fault(node, "figures", "is a list; write [[figures]] and the keys of one below");
  for (toml::node& row : *rows) {
    toml::table* const table = row.as_table();
    if (table == nullptr) return fault(row, "figures", "takes tables; write [[figures]]");
    Figure figure;
    for (auto&& [name, value] : *table) {
      const std::string key = "figures." + std::string{name.str()};
      if (name == "what")
        figure.what = text_of(key, value);
      else if (name == "value")
        figure.value = text_of(key, value);
      else if (name == "source")
        figure.source = text_of(key, value);
      else
        unknown(key, value);
    }
    if (figure.what.empty() || figure.value.empty() || figure.source.empty())
      fault(row, "figures", "needs what, value and source");
    profile_.figures.push_back(std::move(figure));
  }
}

/// What the user gave, in the place of the defaults.
void ProfileReader::take_values() {
  std::vector<std::string> names;
  for (const ProfileParameter& parameter : profile_.parameters) names.push_back(parameter.name);
  std::vector<std::string> given;
  for (const auto& [name, value] : request_.values) {
    const auto found = std::find(names.begin(), names.end(), name);
    if (found == names.end()) {
      faults.push_back({0, name,
                        "is no parameter of this profile" +
                            (names.empty() ? std::string{", which has none"} : "; it has " + list_of(names))});
      continue;
    }
    ProfileParameter& parameter = profile_.parameters[static_cast<std::size_t>(found - names.begin())];
    const bool first = std::find(given.begin(), given.end(), name) == given.end();
    if (value.empty())
      faults.push_back({0, name, "needs a value; write " + name + "=VALUE"});
    else if (first)
      parameter.values = {value};
    else
      parameter.values.push_back(value);
    given.push_back(name);
  }
}

/// `text` once for each value of the parameters that it names. One that is still open stays as it is written.
std::vector<std::string> ProfileReader::filled_in(const std::string& key, const toml::node& node,
                                                  const std::string& text) {
  std::size_t times = 1;
  for (const ProfileParameter& parameter : profile_.parameters)
    if (text.find("{" + parameter.name + "}") != std::string::npos) times = std::max(times, parameter.values.size());
  std::vector<std::string> texts;
  for (std::size_t i = 0; i < times; ++i) {
    std::string out;
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t end = text[at] == '{' ? text.find('}', at) : std::string::npos;
      if (end == std::string::npos) {
        out += text[at++];
        continue;
      }
      const std::string name = text.substr(at + 1, end - at - 1);
      const auto found = std::find_if(profile_.parameters.begin(), profile_.parameters.end(),
                                      [&](const ProfileParameter& parameter) { return parameter.name == name; });
      if (name == "n")
        out += std::to_string(i);
      else if (found == profile_.parameters.end())
        fault(node, key, "names {" + name + "}, which is no parameter of this profile");
      else if (found->values.empty())
        out += text.substr(at, end + 1 - at);
      else if (found->values.size() == 1 || i < found->values.size())
        out += found->values[std::min(i, found->values.size() - 1)];
      else
        faults.push_back({0, name,
                          "is given " + std::to_string(found->values.size()) + " times, and another " +
                              std::to_string(times) + " times; give each NIC its own"});
      at = end + 1;
    }
    texts.push_back(std::move(out));
  }
  return texts;
}

/// Texts of options, where they stand.
void ProfileReader::fill_in(const std::string& key, toml::node& node) {
  if (toml::table* const table = node.as_table()) {
    for (auto&& [name, value] : *table) fill_in(std::string(key).append(".").append(name.str()), value);
  } else if (toml::array* const array = node.as_array()) {
    std::vector<std::string> texts;
    for (toml::node& element : *array) {
      if (!element.is_string()) return;
      for (std::string& text : filled_in(key, node, text_of(key, element))) texts.push_back(std::move(text));
    }
    array->clear();
    for (std::string& text : texts) array->push_back(std::move(text));
  } else if (toml::value<std::string>* const text = node.as_string()) {
    const std::vector<std::string> texts = filled_in(key, node, text->get());
    if (texts.size() == 1)
      text->get() = texts.front();
    else
      fault(node, key, "takes one value, and its parameter is given " + std::to_string(texts.size()) + " times");
  }
}

void ProfileReader::read(toml::table& file, ServerConfig& config) {
  // Parameters first: the texts of all other sections are filled in with them.
  if (toml::node* const parameters = file.get("parameters"); parameters != nullptr)
    each(*parameters, "parameters", &ProfileReader::parameter_key);
  take_values();
  for (auto&& [key, node] : file) {
    const std::string section{key.str()};
    if (section == "profile")
      each(node, section, &ProfileReader::profile_key);
    else if (section == "eal")
      each(node, section, &ProfileReader::eal_key);
    else if (section == "machine")
      each(node, section, &ProfileReader::machine_key);
    else if (section == "device")
      each(node, section, &ProfileReader::device_key);
    else if (section == "figures")
      figures(node);
    else if (section != "parameters" && section != "options")
      unknown(section, node);
  }
  if (profile_.about.empty() || profile_.driver.empty()) faults.push_back({1, "profile", "needs about and driver"});
  toml::node* const options = file.get("options");
  if (options == nullptr) return;
  fill_in("options", *options);
  if (const toml::table* const table = options->as_table())
    read_sections(*table, renamed_options(), config, faults);
  else
    fault(*options, "options", "holds sections; write [options.network] and its keys below");
}

bool is_path(const std::string& name) { return name.find('/') != std::string::npos || name.ends_with(ending); }

std::string parameters_text(const Profile& profile) {
  std::string text;
  for (const ProfileParameter& parameter : profile.parameters)
    text += "    " + parameter.name + ": " + parameter.about +
            (parameter.values.empty() ? "" : " (" + parameter.values.front() + ")") + "\n";
  return text;
}

}  // namespace

const ProfileParameter* Profile::open_parameter() const noexcept {
  for (const ProfileParameter& parameter : parameters)
    if (parameter.values.empty()) return &parameter;
  return nullptr;
}

ProfileRequest parse_profile_request(const std::string& text) {
  ProfileRequest request;
  std::size_t end = std::min(text.find(','), text.size());
  request.name = text.substr(0, end);
  while (end < text.size()) {
    const std::size_t begin = end + 1;
    end = std::min(text.find(',', begin), text.size());
    const std::string one = text.substr(begin, end - begin);
    const std::size_t equal = std::min(one.find('='), one.size());
    request.values.emplace_back(one.substr(0, equal), one.substr(std::min(equal + 1, one.size())));
  }
  return request;
}

std::vector<std::string> profile_folders() {
  namespace fs = std::filesystem;
  std::error_code fault;
  const fs::path here = fs::read_symlink("/proc/self/exe", fault).parent_path();
  std::vector<std::string> folders;
  for (const char* const folder : {"../../dpdk-config/profiles", "../share/serried/profiles"})
    if (const fs::path path = (here / folder).lexically_normal(); fs::is_directory(path, fault))
      folders.push_back(path.string());
  return folders;
}

std::vector<std::string> profile_names(std::span<const std::string> folders) {
  namespace fs = std::filesystem;
  std::vector<std::string> names;
  std::error_code fault;
  for (const std::string& folder : folders)
    for (fs::directory_iterator at(folder, fault), end; !fault && at != end; at.increment(fault))
      if (at->path().extension() == ending) names.push_back(at->path().stem().string());
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

Profile load_profile(const ProfileRequest& request, std::span<const std::string> folders, ServerConfig& config,
                     std::vector<Fault>& faults) {
  std::vector<std::string> files;
  if (is_path(request.name))
    files.push_back(request.name);
  else
    for (const std::string& folder : folders) files.push_back(folder + "/" + request.name + std::string(ending));
  for (const std::string& file : files)
    if (const auto text = base::read_file(file)) return read_profile(*text, file, request, config, faults);
  const std::string names = list_of(profile_names(folders));
  faults.push_back({"--profile " + request.name,
                    is_path(request.name) ? "cannot be read; check the path and its permissions"
                    : names.empty()       ? "is not known, and no profiles are installed; give the path of one"
                                          : "is not known; there are " + names + ", or give the path of one"});
  Profile none;
  none.name = request.name;
  return none;
}

Profile read_profile(const std::string& text, const std::string& file, const ProfileRequest& request,
                     ServerConfig& config, std::vector<Fault>& faults) {
  Profile profile;
  profile.name = request.name;
  toml::table tables;
  try {
    tables = toml::parse(text, file);
  } catch (const toml::parse_error& error) {
    faults.push_back(
        {file + ":" + std::to_string(error.source().begin.line), "is no TOML: " + std::string{error.description()}});
    return profile;
  }
  profile.read = true;
  ProfileReader reader{request, profile};
  reader.read(tables, config);
  // What is wrong with what was given has no line of the file.
  const auto given = std::stable_partition(reader.faults.begin(), reader.faults.end(),
                                           [](const LineFault& fault) { return fault.line == 0; });
  for (auto at = reader.faults.begin(); at != given; ++at) {
    Fault fault{"--profile " + request.name + ": " + at->key, at->text};
    const bool known = std::any_of(faults.begin(), faults.end(), [&](const Fault& other) {
      return other.where == fault.where && other.text == fault.text;
    });
    if (!known) faults.push_back(std::move(fault));
  }
  add_line_faults({given, reader.faults.end()}, file, faults);
  return profile;
}

std::string profiles_text(std::span<const std::string> folders) {
  std::string text;
  for (const std::string& name : profile_names(folders)) {
    ServerConfig config;
    std::vector<Fault> faults;
    const Profile profile = load_profile({name, {}}, folders, config, faults);
    text += name + ": " + profile.about + (profile.tried.empty() ? "; not tried here" : "; tried: " + profile.tried) +
            "\n" + parameters_text(profile);
  }
  return text;
}

}  // namespace serried::config
