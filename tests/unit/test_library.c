/* Finding and refusing plugins: each refusal has a sentence of its own that names the file, what is wrong and what
 * to do. */
#include "plugin/library.h"
#include "plugin/object_file.h"
#include <elf.h>
#include <fcntl.h>
#include "unit/cmocka_all.h"
#include "unit/scratch.h"

#define FIXTURES TEST_BINARY_DIR "/tests/plugins"

static struct plugin_path *fixtures;

static int open_path(void **state) {
  static const char *const folders[] = {FIXTURES};
  unsetenv("WEIR_PLUGIN_PATH");
  fixtures = plugin_path_create(folders, 1);
  return scratch_open(state);
}

static int close_path(void **state) {
  plugin_path_destroy(fixtures);
  return scratch_close(state);
}

static void holds(const char *text, const char *part) {
  if (!strstr(text, part)) print_error("expected: %s\nbut it says: %s\n", part, text);
  assert_non_null(strstr(text, part));
}

/* The plugin is refused, with these two parts in the sentence. */
static void refused_as(
    const struct plugin_path *path, const char *name, uint32_t role, const char *part, const char *other) {
  struct error err = {0};
  char wrap[512];
  assert_null(plugin_open(path, scratch_folder, name, role, &err));
  snprintf(wrap, sizeof wrap, "plugin \"%s\": ", name);
  holds(err.text, wrap);
  holds(err.text, part);
  holds(err.text, other);
}

static void refused(const char *name, const char *part, const char *other) {
  refused_as(fixtures, name, WEIR_TRANSFORM, part, other);
}

/* Copies a fixture into the scratch folder. */
static const char *copied(const char *fixture, const char *name) {
  char command[1024];
  snprintf(command, sizeof command, "cp %s/%s.so %s", FIXTURES, fixture, scratch_path(name));
  assert_int_equal(system(command), 0);
  assert_int_equal(chmod(scratch_path(name), 0755), 0);
  return scratch_path(name);
}

/* ---- Found ---- */

static void a_bare_name_is_found_on_the_path(void **state) {
  (void)state;
  struct error err = {0};
  const struct plugin *plugin = plugin_open(fixtures, "/nowhere", "drop_short", WEIR_TRANSFORM, &err);
  assert_non_null(plugin);
  assert_string_equal(plugin->table->name, "drop_short");
  assert_string_equal(plugin->table->version, "1.2.3");
  holds(plugin->file, "/drop_short.so");
  assert_ptr_equal(plugin_open(fixtures, "/nowhere", "drop_short", 0, &err), plugin);
}

static void a_file_is_relative_to_the_folder(void **state) {
  (void)state;
  struct error err = {0};
  copied("pass", "mine.so");
  const struct plugin *plugin = plugin_open(fixtures, scratch_folder, "./mine.so", WEIR_SINK, &err);
  assert_non_null(plugin);
  assert_string_equal(plugin->table->name, "pass");
  assert_ptr_equal(plugin_open(fixtures, "/", scratch_path("mine.so"), WEIR_SINK, &err), plugin);
}

static void one_of_several_is_chosen_by_name(void **state) {
  (void)state;
  struct error err = {0};
  const struct plugin *plugin = plugin_open(fixtures, "/", "async_enrich:async_enrich_unordered", 0, &err);
  assert_non_null(plugin);
  assert_string_equal(plugin->table->name, "async_enrich_unordered");
  plugin = plugin_open(fixtures, "/", "async_enrich", 0, &err);
  assert_non_null(plugin);
  assert_string_equal(plugin->table->name, "async_enrich");
  plugin = plugin_open(fixtures, "/", FIXTURES "/misbehave.so:misbehave_sync", 0, &err);
  assert_non_null(plugin);
  assert_string_equal(plugin->table->name, "misbehave_sync");
  refused(FIXTURES "/misbehave.so", "several plugins", "of: misbehave, misbehave_sync");
  refused("async_enrich:enrich", "offers no plugin \"enrich\"", "async_enrich, async_enrich_unordered");
}

static void the_first_folder_wins(void **state) {
  (void)state;
  struct error err = {0};
  copied("pass", "upper.so");
  const char *const folders[] = {scratch_folder, FIXTURES};
  struct plugin_path *path = plugin_path_create(folders, 2);
  /* It wins even though it does not offer what is meant: other code than what was found is never run. */
  refused_as(path, "upper", WEIR_TRANSFORM, "offers no plugin \"upper\", but: pass", scratch_folder);
  assert_non_null(plugin_open(path, "/", "drop_short", 0, &err));
  plugin_path_destroy(path);
}

static void the_path_comes_from_the_environment_too(void **state) {
  (void)state;
  struct error err = {0};
  setenv("WEIR_PLUGIN_PATH", "/not/here:" FIXTURES "/", 1);
  struct plugin_path *path = plugin_path_create(NULL, 0);
  holds(plugin_path_text(path), "/not/here (no such folder), " FIXTURES ", ");
  assert_non_null(plugin_open(path, "/", "pass", 0, &err));
  plugin_path_destroy(path);
  unsetenv("WEIR_PLUGIN_PATH");
}

static void a_plugin_of_a_later_minor_version_runs(void **state) {
  (void)state;
  struct error err = {0};
  const struct plugin *plugin = plugin_open(fixtures, "/", "future", WEIR_TRANSFORM, &err);
  if (!plugin) print_error("%s\n", err.text);
  assert_non_null(plugin);
  assert_int_equal(plugin->table->abi_minor, 7);
}

/* ---- Refused ---- */

static void a_missing_plugin_names_the_folders_and_a_near_name(void **state) {
  (void)state;
  refused("drop_shrt", "there is no drop_shrt.so in " FIXTURES, "did you mean \"drop_short\"?");
  refused("quite_something_else", "there is no quite_something_else.so in", FIXTURES);
  refused("pass.so", "a file is named with a slash (./pass.so)", "without .so");
  copied("pass", "mine.so");
  refused("./mime.so", "there is no file", "did you mean \"mine.so\"?");
  refused("./folder/mime.so", "there is no file", "folder/mime.so");
  refused("", "name is empty", "");
}

static void what_is_no_elf_object_is_told_so(void **state) {
  (void)state;
  scratch_write("text.so", "/* GNU ld script */\n");
  refused("./text.so", "is not a shared object (ELF)", "it starts with \"/* GNU ld sc\"");
  scratch_write("empty.so", "");
  refused("./empty.so", "is empty", "-shared");
  mkdir(scratch_path("folder.so"), 0755);
  refused("./folder.so", "is a folder, not a file", "");
}

/* Writes a copy of a fixture with one byte changed. */
static void with_byte(const char *name, size_t at, unsigned char byte) {
  const char *path = copied("pass", name);
  int fd = open(path, O_WRONLY);
  assert_int_equal(pwrite(fd, &byte, 1, (off_t)at), 1);
  close(fd);
}

static void another_machine_or_kind_of_file_is_told_so(void **state) {
  (void)state;
  with_byte("arm.so", offsetof(Elf64_Ehdr, e_machine), EM_ARM);
  refused("./arm.so", "is built for 32-bit ARM, this worker is", "build it for this machine");
  with_byte("narrow.so", EI_CLASS, ELFCLASS32);
  refused("./narrow.so", "is built for", "this worker is");
  with_byte("object.so", offsetof(Elf64_Ehdr, e_type), ET_REL);
  refused("./object.so", "is an object file (.o), not a shared object", "-shared");
  with_byte("program.so", offsetof(Elf64_Ehdr, e_type), ET_EXEC);
  refused("./program.so", "is a program, not a shared object", "-shared");
  /* The size of the first segment becomes beyond all files. */
  with_byte("short.so", sizeof(Elf64_Ehdr) + offsetof(Elf64_Phdr, p_filesz) + 5, 1);
  refused("./short.so", "is cut off", "Copy or build it again");
  with_byte("damaged.so", offsetof(Elf64_Ehdr, e_phentsize), 1);
  refused("./damaged.so", "damaged ELF head", "build it again");
}

static void a_file_that_is_cut_off_is_not_mapped(void **state) {
  (void)state;
  struct stat status;
  const char *path = copied("pass", "cut.so");
  assert_int_equal(stat(path, &status), 0);
  /* Wherever it is cut, down to nothing. */
  for (off_t size = status.st_size / 2; size > 8; size /= 2) {
    assert_int_equal(truncate(path, size), 0);
    struct error err = {0};
    assert_false(object_file_is_loadable(path, &err));
    holds(err.text, "cut off");
  }
}

static void no_entry_or_another_major_is_told_so(void **state) {
  (void)state;
  refused("refused_no_entry", "has no function weir_plugin_v1", "WEIR_EXPORT");
  refused("refused_major", "is built for version 2 of the plugin interface", "this worker speaks version 1");
  refused("refused_table_major", "its table says ABI 3", "weir_plugin_v1");
}

static void an_older_shorter_table_is_not_read_beyond_its_end(void **state) {
  (void)state;
  refused("refused_old_table", "a plugin's table has 112 bytes", "build it again");
  refused("refused_no_size", "says that it has 0 bytes", ".size = sizeof(weir_plugin)");
}

static void a_table_with_faults_is_told_so(void **state) {
  (void)state;
  refused("refused_no_process", "has no process()", "create, process and destroy are required");
  refused("refused_duplicate", "offers two plugins named \"refused\"", "refused_duplicate.so");
  refused("refused_nothing", "offers no plugin", "weir_plugin_v1(0) returned NULL");
  refused("endless", "offers more than 64 plugins", "must return NULL");
  refused("refused_name", "small letters", "\"Not a Name\"");
  refused("refused_roles", "has the roles 0x0", "WEIR_TRANSFORM");
  refused("refused_traits", "has the trait 0x40", "newer weir");
}

static void options_with_faults_are_told_so(void **state) {
  (void)state;
  refused("refused_bad_fallback", "option \"wait\" has the fallback \"ten seconds\"", "not a duration such as 30s");
  refused("refused_option_twice", "declares the option \"wait\" twice", "refused_option_twice.so");
  refused("refused_option_type", "option \"wait\" is of type 77", "newer weir");
}

static void what_the_loader_misses_is_told_in_a_sentence(void **state) {
  (void)state;
  refused("refused_unresolved", "needs \"nobody_has_this\"", "link it with that library");
}

static void the_wrong_role_is_told_so(void **state) {
  (void)state;
  refused("batching_sink", "it is a sink and cannot be a stage", "put it under sinks");
  refused_as(fixtures, "upper", WEIR_SINK, "it is a stage and cannot be a sink", "put it under stages");
}

/* ---- Unsafe ---- */

static void a_file_that_others_may_write_is_refused(void **state) {
  (void)state;
  const char *path = copied("pass", "open.so");
  assert_int_equal(chmod(path, 0757), 0);
  refused("./open.so", "can be changed by every user of this machine (mode 0757)", "chmod o-w");
  if (geteuid() == 0) {
    assert_int_equal(chmod(path, 0775), 0);
    refused("./open.so", "can be changed by its group (mode 0775), and this worker runs as root", "chmod g-w");
  }
  assert_int_equal(chmod(path, 0755), 0);
  struct error err = {0};
  assert_non_null(plugin_open(fixtures, scratch_folder, "./open.so", 0, &err));
  /* Being loaded already does not make it safe. */
  assert_int_equal(chmod(path, 0757), 0);
  refused("./open.so", "can be changed by every user", "open.so");
}

static void a_folder_that_others_may_write_is_refused(void **state) {
  (void)state;
  mkdir(scratch_path("a"), 0755);
  mkdir(scratch_path("a/b"), 0755);
  copied("pass", "a/b/p.so");
  chmod(scratch_path("a/b"), 0757);
  refused("./a/b/p.so", "/a/b can be changed by every user of this machine", "chmod o-w");
  chmod(scratch_path("a/b"), 0755);
  chmod(scratch_path("a"), 0757);
  refused("./a/b/p.so", "/a can be changed by every user of this machine", "chmod o-w");
  /* Sticky, like /tmp: others cannot move the folder away. */
  chmod(scratch_path("a"), 01777);
  struct error err = {0};
  assert_non_null(plugin_open(fixtures, scratch_folder, "./a/b/p.so", 0, &err));
}

static void a_link_is_judged_with_what_it_points_to(void **state) {
  (void)state;
  mkdir(scratch_path("real"), 0755);
  mkdir(scratch_path("links"), 0755);
  copied("pass", "real/p.so");
  assert_int_equal(symlink("../real/p.so", scratch_path("links/p.so")), 0);
  struct error err = {0};
  assert_non_null(plugin_open(fixtures, scratch_folder, "./links/p.so", 0, &err));
  chmod(scratch_path("links"), 0757);
  refused("./links/p.so", "/links can be changed by every user", "chmod");
  chmod(scratch_path("links"), 0755);
  chmod(scratch_path("real"), 0757);
  refused("./links/p.so", "/real can be changed by every user", "chmod");
  chmod(scratch_path("real"), 0755);
  chmod(scratch_path("real/p.so"), 0757);
  refused("./links/p.so", "/real/p.so can be changed by every user", "chmod");
}

static void a_file_of_another_user_is_refused(void **state) {
  (void)state;
  if (geteuid() != 0) skip();
  const char *path = copied("pass", "theirs.so");
  assert_int_equal(chown(path, 1234, 0), 0);
  refused("./theirs.so", "belongs to the user without a name (1234)", "chown");
  assert_int_equal(chown(path, 0, 0), 0);
  assert_int_equal(chown(scratch_folder, 1234, 0), 0);
  refused("./theirs.so", scratch_folder, "belongs to the user");
  assert_int_equal(chown(scratch_folder, 0, 0), 0);
}

/* ---- All ---- */

struct seen {
  uint32_t plugins, refusals;
  bool pass, endless, hidden;
};

static void see(void *ctx, const struct plugin *plugin, const char *refusal) {
  struct seen *seen = ctx;
  assert_non_null(plugin->file);
  assert_true((plugin->table == NULL) == (refusal != NULL));
  if (refusal) {
    seen->refusals++;
    seen->endless = seen->endless || strstr(refusal, "more than 64 plugins");
    seen->hidden = seen->hidden || strstr(refusal, "is hidden by");
    return;
  }
  seen->plugins++;
  seen->pass = seen->pass || strcmp(plugin->table->name, "pass") == 0;
}

static void each_plugin_and_each_refusal_is_given(void **state) {
  (void)state;
  struct seen seen = {0};
  const char *const folders[] = {FIXTURES, scratch_folder};
  copied("pass", "pass.so");
  struct plugin_path *path = plugin_path_create(folders, 2);
  plugin_each(path, see, &seen);
  plugin_path_destroy(path);
  assert_true(seen.pass && seen.endless && seen.hidden);
  assert_true(seen.plugins >= 16 && seen.refusals >= 16);
}

int main(void) {
#define IN_SCRATCH(test) cmocka_unit_test_setup_teardown(test, open_path, close_path)
  const struct CMUnitTest tests[] = {
      IN_SCRATCH(a_bare_name_is_found_on_the_path),
      IN_SCRATCH(a_file_is_relative_to_the_folder),
      IN_SCRATCH(one_of_several_is_chosen_by_name),
      IN_SCRATCH(the_first_folder_wins),
      IN_SCRATCH(the_path_comes_from_the_environment_too),
      IN_SCRATCH(a_plugin_of_a_later_minor_version_runs),
      IN_SCRATCH(a_missing_plugin_names_the_folders_and_a_near_name),
      IN_SCRATCH(what_is_no_elf_object_is_told_so),
      IN_SCRATCH(another_machine_or_kind_of_file_is_told_so),
      IN_SCRATCH(a_file_that_is_cut_off_is_not_mapped),
      IN_SCRATCH(no_entry_or_another_major_is_told_so),
      IN_SCRATCH(an_older_shorter_table_is_not_read_beyond_its_end),
      IN_SCRATCH(a_table_with_faults_is_told_so),
      IN_SCRATCH(options_with_faults_are_told_so),
      IN_SCRATCH(what_the_loader_misses_is_told_in_a_sentence),
      IN_SCRATCH(the_wrong_role_is_told_so),
      IN_SCRATCH(a_file_that_others_may_write_is_refused),
      IN_SCRATCH(a_folder_that_others_may_write_is_refused),
      IN_SCRATCH(a_link_is_judged_with_what_it_points_to),
      IN_SCRATCH(a_file_of_another_user_is_refused),
      IN_SCRATCH(each_plugin_and_each_refusal_is_given),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
