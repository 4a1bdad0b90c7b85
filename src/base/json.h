#pragma once
/// JSON values, for reports, tokens and the control socket. What reads and writes the text is nlohmann's library: its
/// header costs a compiler three seconds, and only json.cpp includes it.

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace serried::base {

class Json {
 public:
  struct Member;

  Json(std::nullptr_t = nullptr) noexcept {}  // NOLINT: a value is written as it is
  Json(bool value) noexcept : value_(value) {}
  template <std::integral T>
  requires(!std::same_as<T, bool>) Json(T value)
  noexcept {
    if constexpr (std::signed_integral<T>)
      value_ = std::int64_t{value};
    else
      value_ = std::uint64_t{value};
  }
  Json(double value) noexcept : value_(value) {}
  Json(std::string value) noexcept : value_(std::move(value)) {}
  Json(std::string_view value) : value_(std::string(value)) {}
  Json(const char* value) : value_(std::string(value)) {}
  /// An object: {{"name", value}, ...}.
  Json(std::initializer_list<Member> members);
  template <class Value>
  Json(const std::vector<Value>& values) : value_(Array(values.begin(), values.end())) {}
  template <class Value>
  Json(const std::map<std::string, Value>& values);
  [[nodiscard]] static Json array();
  [[nodiscard]] static Json object();

  /// None: the text is not JSON, or nested deeper than depth_max; `fault` then says what and where.
  [[nodiscard]] static std::optional<Json> parse(std::string_view text, std::string* fault = nullptr);
  /// Our values are walked by recursion, and text may come from strangers.
  static constexpr int depth_max = 64;
  /// With `indent` blanks a level, or in one line. Bytes that are not UTF-8 come out as U+FFFD. A number that JSON
  /// cannot write, infinity or no number, comes out as null.
  [[nodiscard]] std::string text(std::optional<unsigned> indent = {}) const;

  /// The member of that name, made where there is none; null becomes an object. Precondition: null or an object.
  Json& operator[](std::string_view name);
  /// One more element; null becomes an array. Precondition: null or an array.
  void push_back(Json value);

  [[nodiscard]] bool is_null() const noexcept { return std::holds_alternative<std::nullptr_t>(value_); }
  [[nodiscard]] bool is_number() const noexcept {
    return value_.index() >= number_first && value_.index() <= number_last;
  }
  [[nodiscard]] bool is_array() const noexcept { return std::holds_alternative<Array>(value_); }
  [[nodiscard]] bool is_object() const noexcept { return std::holds_alternative<Object>(value_); }
  /// The member of that name; null where there is none, or no object.
  [[nodiscard]] const Json& member_or_null(std::string_view name) const noexcept;
  [[nodiscard]] bool has(std::string_view name) const noexcept;
  /// The value as what it is; none where it is something else.
  [[nodiscard]] std::optional<bool> as_bool() const noexcept;
  [[nodiscard]] std::optional<double> as_number() const noexcept;
  [[nodiscard]] std::optional<std::string> as_text() const;
  /// Elements of an array, or values of an object, whose names are those of its members, in their order; none of
  /// anything else.
  [[nodiscard]] const std::vector<Json>& elements() const noexcept;
  [[nodiscard]] const std::vector<std::string>& names() const noexcept;

 private:
  struct Text;
  [[nodiscard]] const Json* find(std::string_view name) const noexcept;
  using Array = std::vector<Json>;
  struct Object {
    std::vector<std::string> names;
    Array values;
  };
  static constexpr std::size_t number_first = 2, number_last = 4;
  std::variant<std::nullptr_t, bool, std::int64_t, std::uint64_t, double, std::string, Array, Object> value_;
};

struct Json::Member {
  std::string name;
  Json value;
};

template <class Value>
Json::Json(const std::map<std::string, Value>& values) : value_(Object{}) {
  for (const auto& [name, value] : values) (*this)[name] = value;
}

}  // namespace serried::base
