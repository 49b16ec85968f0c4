/* fuzz_replay.c: a main() for fuzz targets where there is no libFuzzer: runs each file of a folder once. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int run(const char *folder, const char *name) {
  char path[1024];
  static uint8_t bytes[1 << 21];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  FILE *file = fopen(path, "rb");
  if (!file) return 0;
  size_t size = fread(bytes, 1, sizeof bytes, file);
  fclose(file);
  LLVMFuzzerTestOneInput(bytes, size);
  return 1;
}

int main(int count, char **arguments) {
  if (count != 2) return fprintf(stderr, "usage: %s CORPUS\n", arguments[0]), 2;
  DIR *folder = opendir(arguments[1]);
  if (!folder) return perror(arguments[1]), 2;
  int runs = 0;
  for (struct dirent *entry; (entry = readdir(folder));)
    if (entry->d_name[0] != '.') runs += run(arguments[1], entry->d_name);
  closedir(folder);
  printf("%d files\n", runs);
  return runs ? 0 : 1;
}
