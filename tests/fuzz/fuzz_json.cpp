// fuzz_json.cpp: plugins/common/json.h against simdjson's own parser and a plain model.
//  - a text is valid here exactly when it is valid there, and both read the same values;
//  - edits made by splicing give the same values as edits made one after the other on a tree;
//  - a member of the root that no edit names keeps its bytes;
//  - any text at all, valid or not, can be walked, searched and edited without a fault.
// Input: byte 0 odd: the rest makes a text out of a small grammar; even: the rest behind the edits is the text itself.
#include <common/json.h>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <simdjson.h>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

[[noreturn]] void wrong(const std::string &what, const std::string &text) {
  fprintf(stderr, "fuzz_json: %s\ntext: %s\n", what.c_str(), text.c_str());
  abort();
}

struct bytes {
  const uint8_t *at, *end;
  uint8_t next() { return at < end ? *at++ : 0; }
  uint8_t next(uint8_t below) { return static_cast<uint8_t>(next() % below); }
};

// ---- The model: values without their spelling ----

struct tree {
  json_type type = JSON_NULL;
  bool boolean = false;
  int64_t integer = 0;
  uint64_t natural = 0;
  double number = 0;
  std::string text;
  std::vector<std::pair<std::string, tree>> members; // of an array: without keys
};

bool same(const tree &a, const tree &b) {
  if (a.type != b.type || a.boolean != b.boolean || a.integer != b.integer || a.natural != b.natural) return false;
  if (memcmp(&a.number, &b.number, sizeof a.number) != 0 || a.text != b.text || a.members.size() != b.members.size()) {
    return false;
  }
  for (size_t i = 0; i < a.members.size(); i++) {
    if (a.members[i].first != b.members[i].first || !same(a.members[i].second, b.members[i].second)) return false;
  }
  return true;
}

tree tree_of(simdjson::dom::element element) {
  tree out;
  switch (element.type()) {
  case simdjson::dom::element_type::ARRAY:
    out.type = JSON_ARRAY;
    for (auto child : simdjson::dom::array(element)) out.members.emplace_back("", tree_of(child));
    break;
  case simdjson::dom::element_type::OBJECT:
    out.type = JSON_OBJECT;
    for (auto field : simdjson::dom::object(element)) out.members.emplace_back(field.key, tree_of(field.value));
    break;
  case simdjson::dom::element_type::INT64:
    out.type = JSON_INT;
    out.integer = int64_t(element);
    break;
  case simdjson::dom::element_type::UINT64:
    out.type = JSON_UINT;
    out.natural = uint64_t(element);
    break;
  case simdjson::dom::element_type::DOUBLE:
    out.type = JSON_DOUBLE;
    out.number = double(element);
    break;
  case simdjson::dom::element_type::STRING:
    out.type = JSON_STRING;
    out.text = std::string(std::string_view(element));
    break;
  case simdjson::dom::element_type::BOOL:
    out.type = JSON_BOOL;
    out.boolean = bool(element);
    break;
  default: break;
  }
  return out;
}

// ---- The same out of our reader; false: malformed ----

bool read_tree(
    json_reader *reader, const json_value &value, tree &out, json_error &err, int depth, json_cursor *finished) {
  out = tree();
  out.type = value.type;
  weir_span text;
  json_cursor cursor, inner;
  json_member member;
  switch (value.type) {
  case JSON_BOOL: out.boolean = value.as.boolean; return true;
  case JSON_INT: out.integer = value.as.integer; return true;
  case JSON_UINT: out.natural = value.as.natural; return true;
  case JSON_DOUBLE:
  case JSON_HUGE: out.number = value.as.number; return true;
  case JSON_STRING:
    if (!json_string(reader, &value, &text, &err)) return false;
    out.text.assign(reinterpret_cast<const char *>(text.data), text.size);
    return true;
  case JSON_ARRAY:
  case JSON_OBJECT: break;
  default: return true;
  }
  if (depth > JSON_DEPTH_MAX) return true;
  json_members(&value, &cursor);
  for (;;) {
    json_answer answer = json_next(reader, &cursor, &member, &err);
    if (answer == JSON_BAD) return false;
    if (answer == JSON_ABSENT) break;
    std::string key =
        member.key.data ? std::string(reinterpret_cast<const char *>(member.key.data), member.key.size) : "";
    out.members.emplace_back(key, tree());
    inner = json_cursor();
    if (!read_tree(reader, member.value, out.members.back().second, err, depth + 1, &inner)) return false;
    if (inner.ended && member.index % 2) json_leave(&cursor, &inner); // the other half is stepped over again
  }
  uint32_t count;
  if (!json_count(reader, &value, &count, &err) || count != out.members.size()) return false;
  if (finished) *finished = cursor;
  return true;
}

// ---- Edits ----

struct change {
  bool set;
  std::vector<json_step> path;
  std::string raw;
};

const char *const keys[] = {"a", "b", "c", "a b", "q\"\\", "0", "1", "", "\xC3\xBC"};
const char *const raws[] = {"1", "\"s\"", "{\"a\":1}", "[1,2]", "null", "{}", "[]", "true"};

std::string told(const std::vector<change> &changes) {
  std::string out = "\nedits:";
  for (const change &one : changes) {
    out += one.set ? " set" : " remove";
    for (const json_step &step : one.path) {
      out += "/";
      if (step.key.data) out += "'" + std::string(reinterpret_cast<const char *>(step.key.data), step.key.size) + "'";
      if (step.index != JSON_NO_INDEX) out += std::to_string(step.index);
    }
    if (one.set) out += "=" + one.raw;
  }
  return out;
}

std::vector<change> take_changes(bytes &in) {
  std::vector<change> out;
  for (int i = in.next(6); i > 0; i--) {
    change one;
    one.set = in.next(3) > 0;
    for (int k = in.next(4); k > 0 || (!one.set && one.path.empty()); k--) {
      json_step step = {weir_bytes(nullptr, 0), JSON_NO_INDEX};
      uint8_t kind = in.next(4);
      if (kind < 3) step.key = weir_text(keys[in.next(kind == 0 ? 9 : 3)]);
      if (kind == 2) step.key = weir_text(keys[5 + in.next(2)]);
      if (kind >= 2) step.index = in.next(4);
      if (kind == 2) step.index = static_cast<uint32_t>(step.key.data[0] - '0');
      one.path.push_back(step);
    }
    one.raw = raws[in.next(8)];
    out.push_back(one);
  }
  return out;
}

// False: what stands in the way is neither there nor null.
bool change_tree(tree &at, const change &one, size_t step, const tree &value) {
  if (step == one.path.size()) {
    at = value;
    return true;
  }
  const json_step &name = one.path[step];
  bool last = step + 1 == one.path.size();
  std::string key = name.key.data ? std::string(reinterpret_cast<const char *>(name.key.data), name.key.size) : "";
  if (at.type == JSON_NULL && one.set) {
    at = tree();
    at.type = name.key.data ? JSON_OBJECT : JSON_ARRAY;
  }
  if (at.type != JSON_OBJECT && at.type != JSON_ARRAY) return !one.set;
  bool object = at.type == JSON_OBJECT, seen = false;
  if (object ? !name.key.data : name.index == JSON_NO_INDEX) return !one.set;
  for (size_t i = 0; i < at.members.size(); i++) {
    if (object ? at.members[i].first != key : i != name.index) continue;
    seen = true;
    if (last && !one.set) {
      at.members.erase(at.members.begin() + static_cast<long>(i--));
      if (!object) return true;
      continue;
    }
    if (!change_tree(at.members[i].second, one, step + 1, value)) return false;
  }
  if (seen || !one.set) return true;
  if (!object && name.index != at.members.size()) return false;
  at.members.emplace_back(object ? key : "", tree());
  return change_tree(at.members.back().second, one, step + 1, value);
}

tree parse(simdjson::dom::parser &parser, const std::string &text) {
  simdjson::dom::element element;
  if (parser.parse(text).get(element)) wrong("the result is not JSON", text);
  return tree_of(element);
}

// ---- A text out of a small grammar ----

void space(bytes &in, std::string &out) {
  static const char *const spaces[] = {"", "", "", "", " ", "\n", " \t ", "\r\n"};
  out += spaces[in.next(8)];
}

void make_text(bytes &in, std::string &out, int depth) {
  static const char *const scalars[] = {"null", "true", "false", "0", "-1", "12.5e3", "9223372036854775808", "\"\"",
      "\"x\\n\\u00fc\"", "\"\xE2\x82\xAC\"", "-0.0", "0.1", "1e22", "123456789012345678", "\"\\ud83d\\ude00\"",
      "\"a,b}\""};
  static const char *const spelled[] = {
      "\"a\"", "\"b\"", "\"c\"", "\"a b\"", "\"q\\\"\\\\\"", "\"0\"", "\"\\u0061\"", "\"\"", "\"\xC3\xBC\""};
  uint8_t kind = in.next(6);
  space(in, out);
  if (kind < 2 || depth > 5) {
    out += scalars[in.next(16)];
  } else {
    bool object = kind < 5;
    out += object ? "{" : "[";
    for (int i = in.next(5); i > 0; i--) {
      space(in, out);
      if (object) {
        out += spelled[in.next(9)];
        space(in, out);
        out += ":";
      }
      make_text(in, out, depth + 1);
      if (i > 1) out += ",";
    }
    space(in, out);
    out += object ? "}" : "]";
  }
  space(in, out);
}

// ---- One run ----

struct objects {
  json_reader *reader = json_reader_create(), *second = json_reader_create();
  json_edits *edits = json_edits_create();
  simdjson::dom::parser parser;
};

bool named(const std::vector<change> &changes, const json_member &member) {
  for (const change &one : changes) {
    if (one.path.empty()) return true;
    const json_step &step = one.path[0];
    if (!member.key.data) return true; // elements move
    if (step.key.data && step.key.size == member.key.size && memcmp(step.key.data, member.key.data, step.key.size) == 0)
      return true;
  }
  return false;
}

// Members of the root that no edit names have the same bytes, key and value.
void check_kept(objects &all, const std::vector<change> &changes, const std::string &result) {
  json_error err;
  json_value root;
  json_cursor cursor;
  json_member member;
  weir_span raw;
  size_t from = 0;
  if (!json_root(all.reader, &root, &err) || root.type != JSON_OBJECT) return;
  json_members(&root, &cursor);
  while (json_next(all.reader, &cursor, &member, &err) == JSON_FOUND) {
    if (named(changes, member)) continue;
    if (!json_raw(all.reader, &member.value, &raw, &err)) wrong(err.text, result);
    weir_span text = json_text(all.reader);
    std::string whole(
        reinterpret_cast<const char *>(text.data) + member.key_start, member.value.end - member.key_start);
    size_t found = result.find(whole, from);
    if (found == std::string::npos) wrong("a member that no edit names has changed: " + whole, result);
    from = found;
  }
}

std::string apply(objects &all, const std::vector<change> &changes, const std::string &text, json_answer &answer) {
  json_error err;
  size_t size = 0;
  json_edits_clear(all.edits);
  for (const change &one : changes) {
    auto count = static_cast<uint32_t>(one.path.size());
    bool added = one.set ? json_edits_set(all.edits, one.path.data(), count, weir_bytes(one.raw.data(), one.raw.size()))
                         : json_edits_remove(all.edits, one.path.data(), count);
    if (!added) wrong("an edit was refused", text);
  }
  answer = json_edits_apply(all.edits, all.reader, &size, &err);
  if (answer == JSON_ABSENT) return text;
  if (answer == JSON_BAD) return err.text;
  std::unique_ptr<uint8_t[]> out(new uint8_t[size]); // of its own, so that a byte too many is seen
  json_edits_write(all.edits, out.get());
  return std::string(reinterpret_cast<char *>(out.get()), size);
}

void check_edits(objects &all, const std::vector<change> &changes, const std::string &text, tree model) {
  json_answer answer;
  std::string result = apply(all, changes, text, answer);
  for (const change &one : changes) {
    if (change_tree(model, one, 0, parse(all.parser, one.raw))) continue;
    if (answer != JSON_BAD) wrong("an edit that leads nowhere was made: " + result + told(changes), text);
    return;
  }
  if (answer == JSON_BAD) wrong("the edits were refused: " + result + told(changes), text);
  if (!same(parse(all.parser, result), model)) wrong("the edits gave " + result + told(changes), text);
  check_kept(all, changes, result);
}

void run_text(objects &all, const std::vector<change> &changes, const std::string &text) {
  json_error err = {};
  json_value root;
  tree ours;
  simdjson::dom::element element;
  auto theirs = all.parser.parse(text).get(element);
  bool opened = json_open(all.reader, weir_bytes(text.data(), text.size()), &err);
  if (!opened) {
    if (!theirs) wrong(std::string("refused: ") + err.text, text);
    return;
  }
  bool valid = json_validate(all.reader, &err);
  bool number = theirs == simdjson::NUMBER_ERROR;                 // they have no word for large ones
  bool half = !valid && strstr(err.text, "surrogate") != nullptr; // they let a second half alone pass
  if (valid == bool(theirs) && !number && !half) wrong(std::string(valid ? "too mild" : err.text), text);
  json_error later;
  bool read = json_root(all.reader, &root, &later) && read_tree(all.reader, root, ours, later, 0, nullptr);
  if (valid && !read) wrong(later.text, text);
  if (valid && !theirs) {
    tree model = tree_of(element);
    if (!same(ours, model)) wrong("read otherwise", text);
    check_edits(all, changes, text, model);
  } else {
    json_answer answer;
    apply(all, changes, text, answer);
  }
  for (const change &one : changes) {
    json_value found;
    if (json_root(all.reader, &root, &err) && json_find(all.reader, &root, one.path.data(),
                                                  static_cast<uint32_t>(one.path.size()), &found, &err) == JSON_FOUND) {
      weir_span raw;
      if (json_raw(all.reader, &found, &raw, &err) && raw.size > text.size())
        wrong("a value larger than its text", text);
    }
  }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static objects all;
  static bool ready = all.parser.allocate(1 << 16, JSON_DEPTH_MAX + 1) == simdjson::SUCCESS;
  if (!ready || size > 1 << 16) return 0;
  bytes in = {data, data + size};
  bool made = in.next() & 1;
  std::vector<change> changes = take_changes(in);
  std::string text;
  if (made) {
    make_text(in, text, 0);
  } else {
    text.assign(reinterpret_cast<const char *>(in.at), static_cast<size_t>(in.end - in.at));
  }
  run_text(all, changes, text);
  return 0;
}
