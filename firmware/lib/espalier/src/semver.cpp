#include "espalier/semver.h"

namespace espalier {
namespace {

bool isDigit(char c) { return c >= '0' && c <= '9'; }
bool isWordCharacter(char c) { return isDigit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-'; }

/** Takes the words up to the next `.` or the end off the front. */
Text takeWord(Text& rest) {
  size_t size = 0;
  while (size < rest.size && rest.data[size] != '.') size++;
  const Text word(rest.data, size);
  const size_t used = size < rest.size ? size + 1 : size;
  rest = Text(rest.data + used, rest.size - used);
  return word;
}

bool isNumber(Text word) {
  for (size_t i = 0; i < word.size; i++)
    if (!isDigit(word.data[i])) return false;
  return word.size > 0;
}

bool leadsWithZero(Text word) { return word.size > 1 && word.data[0] == '0'; }

/** What stands between - and +, or behind +. */
bool wordsGood(Text words, bool numbersAreNumbers) {
  if (words.size == 0 || words.data[words.size - 1] == '.') return false;
  while (words.size > 0) {
    const Text word = takeWord(words);
    if (word.size == 0 || (numbersAreNumbers && isNumber(word) && leadsWithZero(word))) return false;
    for (size_t i = 0; i < word.size; i++)
      if (!isWordCharacter(word.data[i])) return false;
  }
  return true;
}

struct Parts {
  Text core;
  Text before;
  Text build;
  bool hasBefore = false;
  bool hasBuild = false;
};

Parts partsOf(Text version) {
  Parts parts;
  size_t plus = 0;
  while (plus < version.size && version.data[plus] != '+') plus++;
  size_t dash = 0;
  while (dash < plus && version.data[dash] != '-') dash++;
  parts.core = Text(version.data, dash);
  parts.hasBefore = dash < plus;
  if (parts.hasBefore) parts.before = Text(version.data + dash + 1, plus - dash - 1);
  parts.hasBuild = plus < version.size;
  if (parts.hasBuild) parts.build = Text(version.data + plus + 1, version.size - plus - 1);
  return parts;
}

int sign(int value) { return value < 0 ? -1 : value > 0 ? 1 : 0; }

/** Numbers of any length, without leading zeros. */
int compareNumbers(Text a, Text b) {
  if (a.size != b.size) return a.size < b.size ? -1 : 1;
  return sign(memcmp(a.data, b.data, a.size));
}

int compareWords(Text a, Text b) {
  const bool aNumber = isNumber(a);
  const bool bNumber = isNumber(b);
  if (aNumber && bNumber) return compareNumbers(a, b);
  if (aNumber != bNumber) return aNumber ? -1 : 1;
  const int head = sign(memcmp(a.data, b.data, a.size < b.size ? a.size : b.size));
  if (head != 0) return head;
  return a.size == b.size ? 0 : a.size < b.size ? -1 : 1;
}

int compareLists(Text a, Text b) {
  while (a.size > 0 && b.size > 0) {
    const Text left = takeWord(a);
    const Text right = takeWord(b);
    const int order = compareWords(left, right);
    if (order != 0) return order;
  }
  return a.size == b.size ? 0 : a.size < b.size ? -1 : 1;
}

}  // namespace

bool isSemver(Text version) {
  const Parts parts = partsOf(version);
  Text core = parts.core;
  for (int i = 0; i < 3; i++) {
    const Text word = takeWord(core);
    if (!isNumber(word) || leadsWithZero(word)) return false;
  }
  const bool ended = core.size == 0 && isDigit(parts.core.data[parts.core.size - 1]);
  return ended && (!parts.hasBefore || wordsGood(parts.before, true)) && (!parts.hasBuild || wordsGood(parts.build, false));
}

int compareSemver(Text a, Text b) {
  const Parts left = partsOf(a);
  const Parts right = partsOf(b);
  const int core = compareLists(left.core, right.core);
  if (core != 0) return core;
  if (left.hasBefore != right.hasBefore) return left.hasBefore ? -1 : 1;
  return compareLists(left.before, right.before);
}

}  // namespace espalier
