#pragma once
#include "espalier/text.h"

namespace espalier {

/** Why a payload is no message, in the order the contract looks for it. */
enum class JsonFault : uint8_t { none, tooLarge, notUtf8, badJson, tooDeep, notObject };

enum class JsonKind : uint8_t { absent, null, boolean, number, string, array, object };

/** One value inside a text that `readObject` has found good. It points into that text, owns nothing, and is valid as long as the text. */
class Json {
 public:
  constexpr Json() = default;
  explicit constexpr Json(Text text) : text_(text) {}

  [[nodiscard]] JsonKind kind() const;
  [[nodiscard]] bool is(JsonKind wanted) const { return kind() == wanted; }
  /** Absent, or null where the contract takes null for absent. */
  [[nodiscard]] bool missing() const;
  /** The value's own text, quotes and brackets included. */
  [[nodiscard]] Text raw() const { return text_; }

  /** Of a boolean. */
  [[nodiscard]] bool boolean() const;
  /** Of a number. Whole numbers up to 2^53 are exact; others to fourteen digits; beyond 1e308 it is infinite. */
  [[nodiscard]] double number() const;
  /** Of a number that is whole and at most `most`; false otherwise. */
  [[nodiscard]] bool whole(uint32_t most, uint32_t& out) const;
  /** Of a string: writes at most `room` bytes of it without escapes, as UTF-8; returns how many it has in all. */
  size_t string(char* out, size_t room) const;
  /** Of a string: is it this one? */
  [[nodiscard]] bool says(Text wanted) const;
  /** Of a string: characters as the contract counts them (UTF-16 units). */
  [[nodiscard]] size_t characters() const;

  /** Of an object: the last member of this name, or an absent value. */
  [[nodiscard]] Json member(Text name) const;

 private:
  Text text_;
};

/** Walks over an object's members, or an array's items (`name` is absent then). */
class JsonWalk {
 public:
  explicit JsonWalk(Json container);
  [[nodiscard]] bool next();
  Json name;
  Json value;

 private:
  const char* at_;
  bool object_;
};

/** Checks a whole payload: at most `maxBytes`, UTF-8, JSON, no deeper than the contract's limit, an object at the top. */
[[nodiscard]] JsonFault readObject(Text payload, size_t maxBytes, Json& out);

}  // namespace espalier
