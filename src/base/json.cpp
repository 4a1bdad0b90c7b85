#include "base/json.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "base/check.h"

namespace serried::base {

/// Between our values and the library's.
struct Json::Text {
  using Tree = nlohmann::ordered_json;

  static Tree tree_of(const Json& json) {
    const auto convert = [](const auto& value) -> Tree {
      using Value = std::decay_t<decltype(value)>;
      if constexpr (std::is_same_v<Value, Array>) {
        Tree tree = Tree::array();
        for (const Json& element : value) tree.push_back(tree_of(element));
        return tree;
      } else if constexpr (std::is_same_v<Value, Object>) {
        Tree tree = Tree::object();
        for (std::size_t i = 0; i < value.names.size(); ++i) tree[value.names[i]] = tree_of(value.values[i]);
        return tree;
      } else {
        return value;
      }
    };
    return std::visit(convert, json.value_);
  }

  static Json value_of(const Tree& tree) {
    switch (tree.type()) {
      case Tree::value_t::boolean:
        return tree.get<bool>();
      case Tree::value_t::number_integer:
        return tree.get<std::int64_t>();
      case Tree::value_t::number_unsigned:
        return tree.get<std::uint64_t>();
      case Tree::value_t::number_float:
        return tree.get<double>();
      case Tree::value_t::string:
        return tree.get<std::string>();
      case Tree::value_t::array: {
        Json json = array();
        for (const Tree& element : tree) json.push_back(value_of(element));
        return json;
      }
      case Tree::value_t::object: {
        Json json = object();
        auto& members = std::get<Object>(json.value_);
        for (const auto& [name, value] : tree.items()) {  // each name once: of several members of a name the last
          members.names.push_back(name);
          members.values.push_back(value_of(value));
        }
        return json;
      }
      default:
        return nullptr;
    }
  }
};

Json::Json(std::initializer_list<Member> members) : value_(Object{}) {
  for (const Member& member : members) (*this)[member.name] = member.value;
}

Json Json::array() {
  Json json;
  json.value_ = Array{};
  return json;
}

Json Json::object() {
  Json json;
  json.value_ = Object{};
  return json;
}

std::optional<Json> Json::parse(std::string_view text, std::string* fault) {
  const auto refuse = [fault](const std::string& what) {
    if (fault != nullptr) *fault = what;
    return std::nullopt;
  };
  try {
    bool too_deep = false;
    const auto shallow = [&too_deep](int depth, Text::Tree::parse_event_t, const Text::Tree&) {
      too_deep = too_deep || depth >= depth_max;  // of the outermost it is 0
      return depth < depth_max;
    };
    const Text::Tree tree = Text::Tree::parse(text, shallow);
    if (too_deep) return refuse("nested more than " + std::to_string(depth_max) + " deep");
    return Text::value_of(tree);
  } catch (const Text::Tree::exception& error) {
    return refuse(error.what());
  }
}

std::string Json::text(std::optional<unsigned> indent) const {
  return Text::tree_of(*this).dump(indent ? static_cast<int>(*indent) : -1, ' ', false,
                                   Text::Tree::error_handler_t::replace);
}

/// The member of that name; nullptr where there is none, or no object.
const Json* Json::find(std::string_view name) const noexcept {
  const auto at = std::find(names().begin(), names().end(), name);
  return at != names().end() ? &elements()[static_cast<std::size_t>(at - names().begin())] : nullptr;
}

Json& Json::operator[](std::string_view name) {
  if (is_null()) value_ = Object{};
  auto* const object = std::get_if<Object>(&value_);
  SERRIED_CHECK(object != nullptr);
  if (const Json* const member = find(name); member != nullptr) return const_cast<Json&>(*member);
  object->names.emplace_back(name);
  return object->values.emplace_back();
}

void Json::push_back(Json value) {
  if (is_null()) value_ = Array{};
  auto* const elements = std::get_if<Array>(&value_);
  SERRIED_CHECK(elements != nullptr);
  elements->push_back(std::move(value));
}

const Json& Json::member_or_null(std::string_view name) const noexcept {
  static const Json null;
  const Json* const member = find(name);
  return member != nullptr ? *member : null;
}

bool Json::has(std::string_view name) const noexcept { return find(name) != nullptr; }

std::optional<bool> Json::as_bool() const noexcept {
  if (const auto* const value = std::get_if<bool>(&value_)) return *value;
  return std::nullopt;
}

std::optional<double> Json::as_number() const noexcept {
  if (const auto* const value = std::get_if<std::int64_t>(&value_)) return static_cast<double>(*value);
  if (const auto* const value = std::get_if<std::uint64_t>(&value_)) return static_cast<double>(*value);
  if (const auto* const value = std::get_if<double>(&value_)) return *value;
  return std::nullopt;
}

std::optional<std::string> Json::as_text() const {
  if (const auto* const value = std::get_if<std::string>(&value_)) return *value;
  return std::nullopt;
}

const std::vector<Json>& Json::elements() const noexcept {
  static const Array none;
  if (const auto* const array = std::get_if<Array>(&value_)) return *array;
  const auto* const object = std::get_if<Object>(&value_);
  return object != nullptr ? object->values : none;
}

const std::vector<std::string>& Json::names() const noexcept {
  static const std::vector<std::string> none;
  const auto* const object = std::get_if<Object>(&value_);
  return object != nullptr ? object->names : none;
}

}  // namespace serried::base
