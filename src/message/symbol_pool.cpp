/// Sorted arrays and binary search: tables of at most a thousand, written once a name and read once a message.

#include "message/symbol_pool.h"

#include <algorithm>

#include "base/check.h"
#include "base/setup.h"
#include "base/utf8.h"

namespace serried::message {

namespace {

/// The first of `count` rising keys that is not below `value`.
template <class Key, class Value>
[[nodiscard]] std::uint16_t lower_bound(std::uint16_t count, const Value& value, Key&& key) noexcept {
  std::uint16_t first = 0;
  while (count != 0) {
    const auto half = static_cast<std::uint16_t>(count / 2);
    if (key(first + half) < value) {
      first = static_cast<std::uint16_t>(first + half + 1);
      count = static_cast<std::uint16_t>(count - half - 1);
    } else {
      count = half;
    }
  }
  return first;
}

/// Make room at `place` of an array whose first `size` entries are used.
template <class Entries, class Entry>
void insert(Entries& entries, std::uint16_t size, std::uint16_t place, const Entry& entry) noexcept {
  std::copy_backward(entries.begin() + place, entries.begin() + size, entries.begin() + size + 1);
  entries[place] = entry;
}

/// Which of `names` is meant, or what tells one unknown name from most others.
[[nodiscard]] std::uint16_t command_of(std::span<const std::string_view> names, std::string_view name) noexcept {
  const auto count = static_cast<std::uint16_t>(std::min<std::size_t>(names.size(), SymbolTable::commands_max));
  const std::uint16_t at = lower_bound(count, name, [&](unsigned i) { return names[i]; });
  if (at < count && names[at] == name) return at;
  std::uint32_t hash = 0x811C9DC5;  // FNV-1a
  for (const char letter : name) hash = (hash ^ static_cast<std::uint8_t>(letter)) * 0x01000193;
  return static_cast<std::uint16_t>(0x8000 | (hash ^ hash >> 15));
}

}  // namespace

SERRIED_SETUP SymbolPool::SymbolPool(std::uint16_t symbols)
    : entries_(symbols), text_(std::min<std::size_t>(text_bytes_max, symbols * symbol_name_bytes_max)) {
  SERRIED_CHECK(symbols >= symbols_min && symbols <= symbols_max);
}

SERRIED_SETUP SymbolBinder::SymbolBinder() : entries_(symbols_min) {}

std::uint16_t SymbolPool::place(std::uint16_t id) const noexcept {
  return lower_bound(size_, id, [&](unsigned i) { return entries_[i].id; });
}

Bound SymbolPool::bind(const Symbol& symbol) noexcept {
  const std::uint16_t at = place(symbol.id);
  if (at < size_ && entries_[at].id == symbol.id)
    return name(entries_[at]) == symbol.name ? Bound::same : Bound::malformed;
  if (size_ == entries_.size() || text_.size() - text_bytes_ < symbol.name.size()) return Bound::full;
  insert(entries_, size_, at, Entry{symbol.id, text_bytes_, static_cast<std::uint16_t>(symbol.name.size())});
  std::copy(symbol.name.begin(), symbol.name.end(), text_.begin() + text_bytes_);
  text_bytes_ = static_cast<std::uint16_t>(text_bytes_ + symbol.name.size());
  ++size_;
  return Bound::fresh;
}

std::string_view SymbolPool::resolve(const SymbolRef& symbol) const noexcept {
  if (symbol.id == 0) return symbol.name;
  const std::uint16_t at = place(symbol.id);
  return at < size_ && entries_[at].id == symbol.id ? name(entries_[at]) : std::string_view{};
}

bool SymbolPool::binds_all(const StateUpdate& update) const noexcept {
  ComponentReader reader(update);
  for (Component component; reader.next(component);)
    if (resolve(component.name).empty()) return false;
  return true;
}

std::uint16_t SymbolTable::place(std::uint16_t id) const noexcept {
  return lower_bound(size_, id, [&](unsigned i) { return ids_[i]; });
}

Bound SymbolTable::bind(std::span<const std::string_view> names, const Symbol& symbol) noexcept {
  const std::uint16_t command = command_of(names, symbol.name);
  const std::uint16_t at = place(symbol.id);
  if (at < size_ && ids_[at] == symbol.id) return commands_[at] == command ? Bound::same : Bound::malformed;
  if (size_ == symbols_min) return Bound::full;
  insert(ids_, size_, at, symbol.id);
  insert(commands_, size_, at, command);
  ++size_;
  return Bound::fresh;
}

std::uint16_t SymbolTable::resolve(std::span<const std::string_view> names, const SymbolRef& symbol) const noexcept {
  std::uint16_t command = unbound;
  if (symbol.id == 0) {
    command = command_of(names, symbol.name);
  } else {
    const std::uint16_t at = place(symbol.id);
    if (at == size_ || ids_[at] != symbol.id) return unbound;
    command = commands_[at];
  }
  return command < 0x8000 ? command : unknown;
}

std::uint16_t SymbolBinder::place(std::string_view name) const noexcept {
  return lower_bound(size_, name, [&](unsigned i) { return entries_[i].name(); });
}

SymbolRef SymbolBinder::refer(std::string_view name) const noexcept {
  const std::uint16_t at = place(name);
  if (at < size_ && entries_[at].name() == name) return {entries_[at].id, {}};
  return {0, name};
}

Symbol SymbolBinder::offer(std::string_view name) const noexcept {
  const bool sendable = !name.empty() && name.size() <= symbol_name_bytes_max && base::is_utf8(name);
  if (!sendable || size_ == symbols_min || refer(name).id != 0) return {};
  return {static_cast<std::uint16_t>(size_ + 1), name};
}

void SymbolBinder::bind(const Symbol& offered) noexcept {
  Entry entry{};
  std::copy(offered.name.begin(), offered.name.end(), entry.text.begin());
  entry.bytes = static_cast<std::uint8_t>(offered.name.size());
  entry.id = static_cast<std::uint8_t>(offered.id);
  insert(entries_, size_, place(offered.name), entry);
  ++size_;
}

}  // namespace serried::message
