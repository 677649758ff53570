/* Which cameras are there: the `.camera` files beside the library whose scene answers at its socket. */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "producer.h"

const char *library_path(void) {
  static Dl_info info;
  if (!info.dli_fname && !dladdr((void *)library_path, &info)) return "";
  return info.dli_fname;
}

static void set(camera *of, const char *key, const char *value) {
  struct {
    const char *key;
    char *text;
    size_t room;
  } texts[] = {
    {"serial", of->serial, sizeof of->serial},
    {"model", of->model, sizeof of->model},
    {"user_id", of->user_id, sizeof of->user_id},
    {"socket", of->socket, sizeof of->socket},
  };
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
    if (!strcmp(key, texts[i].key)) snprintf(texts[i].text, texts[i].room, "%s", value);
  if (!strcmp(key, "sensor_width")) of->sensor_width = (uint32_t)atoi(value);
  if (!strcmp(key, "sensor_height")) of->sensor_height = (uint32_t)atoi(value);
  if (!strcmp(key, "pixel_format")) of->format = (uint32_t)strtoul(value, NULL, 0);
  for (uint32_t i = 0; i < sizeof FAMILIES / sizeof *FAMILIES; i++)
    if (!strcmp(key, "family") && !strcmp(value, FAMILIES[i])) of->family = i;
}

static bool read_camera(const char *path, camera *into) {
  FILE *file = fopen(path, "r");
  if (!file) return false;
  char line[256];
  memset(into, 0, sizeof *into);
  while (fgets(line, sizeof line, file)) {
    line[strcspn(line, "\n")] = 0;
    char *equals = strchr(line, '=');
    if (!equals) continue;
    *equals = 0;
    set(into, line, equals + 1);
  }
  fclose(file);
  return into->serial[0] && into->socket[0] && into->sensor_width && into->sensor_height;
}

static bool answers(const camera *of) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  memcpy(address.sun_path, of->socket, sizeof address.sun_path);
  int probe = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  bool there = probe >= 0 && !connect(probe, (struct sockaddr *)&address, sizeof address);
  if (probe >= 0) close(probe);
  return there;
}

static int by_serial(const void *a, const void *b) { return strcmp(((const camera *)a)->serial, ((const camera *)b)->serial); }

int find_cameras(camera found[MAX_CAMERAS]) {
  char folder[512], path[1024];
  snprintf(folder, sizeof folder, "%s", library_path());
  char *slash = strrchr(folder, '/');
  if (slash) *slash = 0;
  DIR *list = opendir(slash ? folder : ".");
  if (!list) return 0;
  int count = 0;
  for (struct dirent *entry; count < MAX_CAMERAS && (entry = readdir(list));) {
    const char *dot = strrchr(entry->d_name, '.');
    if (!dot || strcmp(dot, ".camera")) continue;
    snprintf(path, sizeof path, "%s/%s", slash ? folder : ".", entry->d_name);
    if (read_camera(path, &found[count]) && answers(&found[count])) count++;
  }
  closedir(list);
  qsort(found, (size_t)count, sizeof *found, by_serial);
  return count;
}
