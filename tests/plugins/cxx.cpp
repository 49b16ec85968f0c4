// cxx: a plugin in C++11: drops values that it has seen before. What a class throws is caught before it reaches the
// host.
#include <exception>
#include <string>
#include <unordered_set>
#include <weir/plugin.h>

namespace {

class Seen {
public:
  explicit Seen(const weir_host *host)
      : host_(host), repeated_(host->metric(host, WEIR_COUNTER, "repeated", "Values seen before.")) {}

  weir_result process(const weir_batch *batch) {
    std::int64_t repeated = 0;
    for (std::uint32_t i = 0; i < batch->record_count; i++) {
      const weir_span value = weir_record_at(batch, i)->value;
      if (!value.data) continue;
      if (seen_.insert(std::string(reinterpret_cast<const char *>(value.data), value.size)).second) continue;
      host_->settle(host_, batch, i, 1, WEIR_DROP, nullptr);
      repeated++;
    }
    host_->measure(host_, repeated_, repeated);
    return WEIR_DONE;
  }

  weir_result fail(const char *text) {
    host_->fail(host_, nullptr, weir_text(text));
    return WEIR_BROKEN;
  }

private:
  const weir_host *host_;
  weir_metric *repeated_;
  std::unordered_set<std::string> seen_;
};

std::int32_t create(const weir_host *host, const weir_config *, void *, void **self) {
  try {
    *self = new Seen(host);
    return 0;
  } catch (const std::exception &error) {
    return host->fail(host, nullptr, weir_text(error.what()));
  }
}

void destroy(void *self) { delete static_cast<Seen *>(self); }

weir_result process(void *self, const weir_batch *batch) {
  Seen *seen = static_cast<Seen *>(self);
  try {
    return seen->process(batch);
  } catch (const std::exception &error) {
    return seen->fail(error.what());
  }
}

weir_plugin describe() {
  weir_plugin plugin = weir_plugin();
  plugin.size = sizeof plugin;
  plugin.abi_major = WEIR_ABI_MAJOR;
  plugin.abi_minor = WEIR_ABI_MINOR;
  plugin.name = "cxx";
  plugin.version = "1.0.0";
  plugin.summary = "Drops values that were seen before.";
  plugin.roles = WEIR_TRANSFORM;
  plugin.traits = WEIR_STATEFUL;
  plugin.create = create;
  plugin.destroy = destroy;
  plugin.process = process;
  return plugin;
}

} // namespace

const weir_plugin *weir_plugin_v1(std::uint32_t index) {
  static const weir_plugin plugin = describe();
  return index == 0 ? &plugin : nullptr;
}
