/* The library, its one system and its one interface: opening, closing, and the list of cameras. */
#include <stdlib.h>
#include <string.h>

#include "producer.h"

module the_system = {KIND_SYSTEM, "TLPort", "d3station-bench"};
module the_interface = {KIND_INTERFACE, "InterfacePort", INTERFACE_NAME};
device *devices[MAX_CAMERAS];

static camera listed[MAX_CAMERAS];
static int listed_count, users;

int32_t initialised(void) { return users > 0 ? GC_OK : fail(GC_NOT_INITIALIZED, "GCInitLib was not called"); }

GC_API GCInitLib(void) {
  pthread_mutex_lock(&lock);
  if (!users++) {
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&changed, &attributes);
    pthread_condattr_destroy(&attributes);
  }
  int32_t result = users > 1 ? fail(GC_RESOURCE_IN_USE, "the library is initialised already") : GC_OK;
  if (users > 1) users = 1;
  pthread_mutex_unlock(&lock);
  return result;
}

GC_API DevClose(void *handle);

GC_API GCCloseLib(void) {
  if (initialised()) return GC_NOT_INITIALIZED;
  for (int i = 0; i < MAX_CAMERAS; i++)
    if (devices[i] && devices[i]->open) DevClose(devices[i]);
  for (int i = 0; i < MAX_CAMERAS; i++) {
    free(devices[i]);
    devices[i] = NULL;
  }
  users = 0;
  return GC_OK;
}

GC_API GCGetInfo(int32_t command, int32_t *type, void *buffer, size_t *size) {
  const char *slash = strrchr(library_path(), '/');
  switch (command) {
    case TL_ID: return give_text(the_system.id, type, buffer, size);
    case TL_VENDOR: return give_text(VENDOR, type, buffer, size);
    case TL_MODEL: return give_text("Virtual camera", type, buffer, size);
    case TL_VERSION: return give_text(VERSION, type, buffer, size);
    case TL_TLTYPE: return give_text(TLTYPE, type, buffer, size);
    case TL_NAME: return give_text(slash ? slash + 1 : library_path(), type, buffer, size);
    case TL_PATHNAME: return give_text(library_path(), type, buffer, size);
    case TL_DISPLAYNAME: return give_text("d3station virtual camera", type, buffer, size);
    case TL_CHAR_ENCODING: return give_i32(1, type, buffer, size);
    case TL_VER_MAJOR: return give_u32(1, type, buffer, size);
    case TL_VER_MINOR: return give_u32(5, type, buffer, size);
    default: return fail(GC_NOT_IMPLEMENTED, "unknown information about the system");
  }
}

GC_API TLOpen(void **handle) {
  if (initialised()) return GC_NOT_INITIALIZED;
  *handle = &the_system;
  return GC_OK;
}

GC_API TLClose(void *handle) { return as(KIND_SYSTEM, handle) ? GC_OK : fail(GC_INVALID_HANDLE, "not a system"); }

GC_API TLGetInfo(void *handle, int32_t command, int32_t *type, void *buffer, size_t *size) {
  return as(KIND_SYSTEM, handle) ? GCGetInfo(command, type, buffer, size) : fail(GC_INVALID_HANDLE, "not a system");
}

GC_API TLUpdateInterfaceList(void *handle, uint8_t *has_changed, uint64_t timeout_ms) {
  (void)timeout_ms;
  if (has_changed) *has_changed = 0;
  return as(KIND_SYSTEM, handle) ? GC_OK : fail(GC_INVALID_HANDLE, "not a system");
}

GC_API TLGetNumInterfaces(void *handle, uint32_t *count) {
  *count = 1;
  return as(KIND_SYSTEM, handle) ? GC_OK : fail(GC_INVALID_HANDLE, "not a system");
}

GC_API TLGetInterfaceID(void *handle, uint32_t index, char *id, size_t *size) {
  if (!as(KIND_SYSTEM, handle)) return fail(GC_INVALID_HANDLE, "not a system");
  return index ? fail(GC_INVALID_INDEX, "there is one interface") : give_text(INTERFACE_NAME, NULL, id, size);
}

GC_API IFGetInfo(void *handle, int32_t command, int32_t *type, void *buffer, size_t *size) {
  if (!as(KIND_INTERFACE, handle)) return fail(GC_INVALID_HANDLE, "not an interface");
  switch (command) {
    case INTERFACE_ID:
    case INTERFACE_DISPLAYNAME: return give_text(INTERFACE_NAME, type, buffer, size);
    case INTERFACE_TLTYPE: return give_text(TLTYPE, type, buffer, size);
    default: return fail(GC_NOT_IMPLEMENTED, "unknown information about the interface");
  }
}

GC_API TLGetInterfaceInfo(void *handle, const char *id, int32_t command, int32_t *type, void *buffer, size_t *size) {
  if (!as(KIND_SYSTEM, handle)) return fail(GC_INVALID_HANDLE, "not a system");
  return strcmp(id, INTERFACE_NAME) ? fail(GC_INVALID_ID, "no such interface") : IFGetInfo(&the_interface, command, type, buffer, size);
}

GC_API TLOpenInterface(void *handle, const char *id, void **interface) {
  if (!as(KIND_SYSTEM, handle)) return fail(GC_INVALID_HANDLE, "not a system");
  if (strcmp(id, INTERFACE_NAME)) return fail(GC_INVALID_ID, "no such interface");
  *interface = &the_interface;
  return GC_OK;
}

GC_API IFClose(void *handle) { return as(KIND_INTERFACE, handle) ? GC_OK : fail(GC_INVALID_HANDLE, "not an interface"); }

GC_API IFGetParentTL(void *handle, void **system) {
  *system = &the_system;
  return as(KIND_INTERFACE, handle) ? GC_OK : fail(GC_INVALID_HANDLE, "not an interface");
}

GC_API IFUpdateDeviceList(void *handle, uint8_t *has_changed, uint64_t timeout_ms) {
  (void)timeout_ms;
  if (!as(KIND_INTERFACE, handle)) return fail(GC_INVALID_HANDLE, "not an interface");
  camera found[MAX_CAMERAS];
  memset(found, 0, sizeof found);
  int count = find_cameras(found);
  pthread_mutex_lock(&lock);
  bool differs = count != listed_count || memcmp(found, listed, sizeof *found * (size_t)count);
  memcpy(listed, found, sizeof found);
  listed_count = count;
  pthread_mutex_unlock(&lock);
  if (has_changed) *has_changed = differs;
  return GC_OK;
}

GC_API IFGetNumDevices(void *handle, uint32_t *count) {
  *count = (uint32_t)listed_count;
  return as(KIND_INTERFACE, handle) ? GC_OK : fail(GC_INVALID_HANDLE, "not an interface");
}

GC_API IFGetDeviceID(void *handle, uint32_t index, char *id, size_t *size) {
  if (!as(KIND_INTERFACE, handle)) return fail(GC_INVALID_HANDLE, "not an interface");
  return index < (uint32_t)listed_count ? give_text(listed[index].serial, NULL, id, size) : fail(GC_INVALID_INDEX, "no such camera");
}

static device *opened(const char *serial) {
  for (int i = 0; i < MAX_CAMERAS; i++)
    if (devices[i] && devices[i]->open && !strcmp(devices[i]->camera.serial, serial)) return devices[i];
  return NULL;
}

static int32_t tell_camera(const camera *of, int32_t command, int32_t *type, void *buffer, size_t *size) {
  char text[3 * TEXT_BYTES];
  switch (command) {
    case DEVICE_ID:
    case DEVICE_SERIAL_NUMBER: return give_text(of->serial, type, buffer, size);
    case DEVICE_VENDOR: return give_text(VENDOR, type, buffer, size);
    case DEVICE_MODEL: return give_text(of->model, type, buffer, size);
    case DEVICE_TLTYPE: return give_text(TLTYPE, type, buffer, size);
    case DEVICE_DISPLAYNAME:
      strcpy(text, of->model);
      strcat(strcat(strcat(text, " ("), of->serial), ")");
      return give_text(text, type, buffer, size);
    case DEVICE_ACCESS_STATUS: return give_i32(opened(of->serial) ? ACCESS_STATUS_OPEN_READWRITE : ACCESS_STATUS_READWRITE, type, buffer, size);
    case DEVICE_USER_NAME: return give_text(of->user_id, type, buffer, size);
    case DEVICE_VERSION: return give_text(VERSION, type, buffer, size);
    case DEVICE_TIMESTAMP_FREQUENCY: return give_u64(1000000000, type, buffer, size);
    default: return fail(GC_NOT_IMPLEMENTED, "unknown information about the camera");
  }
}

GC_API IFGetDeviceInfo(void *handle, const char *id, int32_t command, int32_t *type, void *buffer, size_t *size) {
  if (!as(KIND_INTERFACE, handle)) return fail(GC_INVALID_HANDLE, "not an interface");
  for (int i = 0; i < listed_count; i++)
    if (!strcmp(listed[i].serial, id)) return tell_camera(&listed[i], command, type, buffer, size);
  return fail(GC_INVALID_ID, "no such camera");
}

GC_API DevGetInfo(void *handle, int32_t command, int32_t *type, void *buffer, size_t *size) {
  device *of = as(KIND_DEVICE, handle);
  return of ? tell_camera(&of->camera, command, type, buffer, size) : fail(GC_INVALID_HANDLE, "not a camera");
}

static device *room_for(const camera *one) {
  for (int i = 0; i < MAX_CAMERAS; i++) {
    if (!devices[i] && !(devices[i] = calloc(1, sizeof(device)))) return NULL;
    if (!devices[i]->open) {
      memset(devices[i], 0, sizeof(device));
      devices[i]->camera = *one;
      return devices[i];
    }
  }
  return NULL;
}

GC_API IFOpenDevice(void *handle, const char *id, int32_t access, void **opened_device) {
  (void)access;
  if (!as(KIND_INTERFACE, handle)) return fail(GC_INVALID_HANDLE, "not an interface");
  if (opened(id)) return fail(GC_RESOURCE_IN_USE, "the camera is open already");
  for (int i = 0; i < listed_count; i++) {
    if (strcmp(listed[i].serial, id)) continue;
    device *of = room_for(&listed[i]);
    if (!of) return fail(GC_OUT_OF_MEMORY, "no room for another camera");
    of->head = (module){KIND_DEVICE, "DevicePort", ""};
    of->remote = (module){KIND_REMOTE, "Device", ""};
    of->stream.head = (module){KIND_STREAM, "StreamPort", "Stream0"};
    of->stream.device = of;
    strcpy(of->head.id, of->camera.serial);
    strcpy(of->remote.id, of->camera.serial);
    reset_registers(of);
    int32_t result = open_scene(of);
    of->open = result == GC_OK;
    *opened_device = of;
    return result;
  }
  return fail(GC_INVALID_ID, "no such camera");
}

GC_API DSClose(void *handle);

GC_API DevClose(void *handle) {
  device *of = as(KIND_DEVICE, handle);
  if (!of || !of->open) return fail(GC_INVALID_HANDLE, "not an open camera");
  if (of->stream.open) DSClose(&of->stream);
  close_scene(of);
  of->open = false;
  return GC_OK;
}

GC_API DevGetParentIF(void *handle, void **interface) {
  *interface = &the_interface;
  return as(KIND_DEVICE, handle) ? GC_OK : fail(GC_INVALID_HANDLE, "not a camera");
}

GC_API DevGetPort(void *handle, void **remote) {
  device *of = as(KIND_DEVICE, handle);
  if (!of) return fail(GC_INVALID_HANDLE, "not a camera");
  *remote = &of->remote;
  return GC_OK;
}

GC_API DevGetNumDataStreams(void *handle, uint32_t *count) {
  *count = 1;
  return as(KIND_DEVICE, handle) ? GC_OK : fail(GC_INVALID_HANDLE, "not a camera");
}

GC_API DevGetDataStreamID(void *handle, uint32_t index, char *id, size_t *size) {
  device *of = as(KIND_DEVICE, handle);
  if (!of) return fail(GC_INVALID_HANDLE, "not a camera");
  return index ? fail(GC_INVALID_INDEX, "there is one stream") : give_text(of->stream.head.id, NULL, id, size);
}

GC_API DevOpenDataStream(void *handle, const char *id, void **opened_stream) {
  device *of = as(KIND_DEVICE, handle);
  if (!of) return fail(GC_INVALID_HANDLE, "not a camera");
  if (strcmp(id, of->stream.head.id)) return fail(GC_INVALID_ID, "no such stream");
  if (of->stream.open) return fail(GC_RESOURCE_IN_USE, "the stream is open already");
  of->stream.open = true;
  *opened_stream = &of->stream;
  return GC_OK;
}
