/* object_elf.c: the head of an ELF file, read by hand so that each thing that is wrong has its own sentence. See
 * object_file.h. */
#include "plugin/object_file.h"
#include "base/check.h"
#include "base/text.h"
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#if defined(__x86_64__)
enum { MACHINE_HERE = EM_X86_64 };
#elif defined(__aarch64__)
enum { MACHINE_HERE = EM_AARCH64 };
#else
#error "name this machine for plugins: its ELF number, and its words in machine_name()"
#endif

enum { SEGMENTS_MAX = 256 };

static const char *machine_name(unsigned machine) {
  switch (machine) {
  case EM_X86_64: return "x86-64";
  case EM_AARCH64: return "aarch64";
  case EM_386: return "32-bit x86";
  case EM_ARM: return "32-bit ARM";
  case EM_RISCV: return "RISC-V";
  case EM_PPC64: return "POWER";
  case EM_S390: return "s390x";
  default: return "another machine";
  }
}

static bool check_magic(const char *file, const Elf64_Ehdr *head, size_t size, struct error *err) {
  if (size == 0) return error_set(err, "%s is empty: a plugin is a shared object, built with cc -shared -fPIC", file);
  if (size >= SELFMAG && memcmp(head->e_ident, ELFMAG, SELFMAG) == 0) return true;
  char shown[64];
  text_escape(shown, sizeof shown, weir_bytes(head, size < 12 ? size : 12));
  return error_set(err,
      "%s is not a shared object (ELF): it starts with \"%s\". A plugin is built with cc -shared -fPIC", file, shown);
}

static bool check_machine(const char *file, const Elf64_Ehdr *head, struct error *err) {
  bool wide = head->e_ident[EI_CLASS] == ELFCLASS64, little = head->e_ident[EI_DATA] == ELFDATA2LSB;
  if (wide && little && head->e_machine == MACHINE_HERE) return true;
  return error_set(err, "%s is built for %s%s, this worker is %s: build it for this machine", file,
      machine_name(head->e_machine), little ? "" : " (big-endian)", machine_name(MACHINE_HERE));
}

static bool check_type(const char *file, const Elf64_Ehdr *head, struct error *err) {
  if (head->e_type == ET_DYN) return true;
  return error_set(err, "%s is %s, not a shared object: link it with cc -shared", file,
      head->e_type == ET_REL    ? "an object file (.o)"
      : head->e_type == ET_EXEC ? "a program"
      : head->e_type == ET_CORE ? "a core dump"
                                : "ELF of an unknown type");
}

static bool cut_off(const char *file, struct error *err) {
  return error_set(err, "%s is cut off: it is shorter than its own head says. Copy or build it again", file);
}

/* Every part that will be mapped lies in the file: touching what lies behind its end is SIGBUS. */
static bool check_segments(int fd, const char *file, const Elf64_Ehdr *head, uint64_t file_size, struct error *err) {
  Elf64_Phdr segments[SEGMENTS_MAX];
  if (head->e_phentsize != sizeof *segments || head->e_phnum == 0 || head->e_phnum > SEGMENTS_MAX)
    return error_set(err, "%s has a damaged ELF head (%u segments of %u bytes): build it again", file, head->e_phnum,
        head->e_phentsize);
  size_t size = head->e_phnum * sizeof *segments;
  if (head->e_phoff > file_size || pread(fd, segments, size, (off_t)head->e_phoff) != (ssize_t)size)
    return cut_off(file, err);
  for (unsigned i = 0; i < head->e_phnum; i++) {
    const Elf64_Phdr *segment = &segments[i];
    if (segment->p_offset > file_size || segment->p_filesz > file_size - segment->p_offset) return cut_off(file, err);
  }
  return true;
}

static bool check_open_file(int fd, const char *file, struct error *err) {
  struct stat status;
  Elf64_Ehdr head = {0};
  if (fstat(fd, &status) != 0) return error_errno(err, "%s cannot be looked at", file);
  if (!S_ISREG(status.st_mode))
    return error_set(err, "%s is %s, not a file", file, S_ISDIR(status.st_mode) ? "a folder" : "something special");
  ssize_t size = pread(fd, &head, sizeof head, 0);
  if (size < 0) return error_errno(err, "%s cannot be read", file);
  if (!check_magic(file, &head, (size_t)size, err)) return false;
  if (size < EI_NIDENT + 4) return cut_off(file, err);
  if (!check_machine(file, &head, err) || !check_type(file, &head, err)) return false;
  if ((size_t)size < sizeof head) return cut_off(file, err);
  return check_segments(fd, file, &head, (uint64_t)status.st_size, err);
}

bool object_file_is_loadable(const char *file, struct error *err) {
  must(file != NULL);
  int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return error_errno(err, "%s cannot be read", file);
  bool loadable = check_open_file(fd, file, err);
  close(fd);
  return loadable;
}
