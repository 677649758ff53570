/* Ports: the camera's features as registers, and the documents that name them. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "producer.h"

device *device_of_remote(module *remote) { return (device *)((char *)remote - offsetof(device, remote)); }

uint64_t get_register(const device *of, uint32_t address) {
  uint64_t value;
  memcpy(&value, of->registers + address, sizeof value);
  return value;
}

double get_real(const device *of, uint32_t address) {
  double value;
  memcpy(&value, of->registers + address, sizeof value);
  return value;
}

static void set_register(device *of, uint32_t address, uint64_t value) { memcpy(of->registers + address, &value, sizeof value); }

static void set_real(device *of, uint32_t address, double value) { memcpy(of->registers + address, &value, sizeof value); }

static void set_text(device *of, uint32_t address, const char *text) { snprintf((char *)of->registers + address, TEXT_BYTES, "%s", text); }

void reset_registers(device *of) {
  set_text(of, R_DeviceVendorName, VENDOR);
  set_text(of, R_DeviceModelName, of->camera.model);
  set_text(of, R_DeviceVersion, VERSION);
  set_text(of, R_DeviceSerialNumber, of->camera.serial);
  set_text(of, R_DeviceID, of->camera.serial);
  set_text(of, R_DeviceUserID, of->camera.user_id);
  set_register(of, R_SensorWidth, of->camera.sensor_width);
  set_register(of, R_SensorHeight, of->camera.sensor_height);
  set_register(of, R_SensorFamily, of->camera.family);
  set_register(of, R_Width, of->camera.sensor_width);
  set_register(of, R_Height, of->camera.sensor_height);
  set_register(of, R_PixelFormat, of->camera.format);
  set_real(of, R_ExposureTime, 5000);
  set_real(of, R_AcquisitionFrameRate, 30);
  set_register(of, R_AcquisitionFrameCount, 1);
}

static int format_index(uint64_t pfnc) {
  for (size_t i = 0; i < sizeof FORMATS / sizeof *FORMATS; i++)
    if (FORMATS[i].pfnc == pfnc) return (int)i;
  return -1;
}

size_t payload_size(const device *of) {
  int format = format_index(get_register(of, R_PixelFormat));
  size_t bits = get_register(of, R_Width) * get_register(of, R_Height) * (size_t)FORMATS[format].bits;
  return (bits + 7) / 8 + (get_register(of, R_ChunkModeActive) ? CHUNKS * sizeof(uint64_t) : 0);
}

/* What the camera counts and works out itself. */
static void refresh(device *of) {
  set_register(of, R_PayloadSize, payload_size(of));
  set_register(of, R_MissedTriggerCount, of->missed);
  set_register(of, R_AcquisitionStatus, of->acquiring && get_register(of, R_TriggerMode) && !of->exposing);
}

static bool is_locked_while_acquiring(uint64_t address) {
  static const uint32_t locked[] = {R_Width, R_Height, R_OffsetX, R_OffsetY, R_PixelFormat, R_AcquisitionMode, R_ChunkModeActive, R_TriggerMode,
                                    R_TriggerSource};
  for (size_t i = 0; i < sizeof locked / sizeof *locked; i++)
    if (locked[i] == address) return true;
  return false;
}

/* Whether the registers describe a picture that the sensor can give. */
static bool is_possible(const device *of) {
  int format = format_index(get_register(of, R_PixelFormat));
  return format >= 0 && (uint32_t)FORMATS[format].family == of->camera.family && get_register(of, R_Width) > 0 && get_register(of, R_Height) > 0 &&
         get_register(of, R_Width) + get_register(of, R_OffsetX) <= of->camera.sensor_width &&
         get_register(of, R_Height) + get_register(of, R_OffsetY) <= of->camera.sensor_height;
}

static int32_t write_camera(device *of, uint64_t address, const void *value, size_t length) {
  if (address + length > REGISTERS_SIZE) return fail(GC_INVALID_ADDRESS, "no register there");
  switch (address) {
    case R_AcquisitionStart: start_acquisition(of); return GC_OK;
    case R_AcquisitionStop: stop_acquisition(of); return GC_OK;
    case R_TriggerSoftware:
      if (get_register(of, R_TriggerMode) && !get_register(of, R_TriggerSource)) trigger(of);
      return GC_OK;
    default: break;
  }
  if (of->acquiring && is_locked_while_acquiring(address)) return fail(GC_ACCESS_DENIED, "locked while acquiring");
  uint8_t before[TEXT_BYTES];
  size_t kept = length < sizeof before ? length : sizeof before;
  memcpy(before, of->registers + address, kept);
  memcpy(of->registers + address, value, length);
  if (!is_possible(of)) {
    memcpy(of->registers + address, before, kept);
    return fail(GC_INVALID_VALUE, "the sensor cannot do that");
  }
  /* The amplifier has steps of a tenth of a decibel. */
  if (address == R_Gain) set_real(of, R_Gain, round(get_real(of, R_Gain) * 10) / 10);
  return GC_OK;
}

static const char *document(const module *of, size_t *size) {
  *size = of->kind == KIND_REMOTE ? sizeof CAMERA_XML - 1 : sizeof MODULE_XML - 1;
  return of->kind == KIND_REMOTE ? CAMERA_XML : MODULE_XML;
}

static module *port(void *handle) {
  module *of = handle;
  return of && of->kind >= KIND_SYSTEM && of->kind <= KIND_STREAM ? of : NULL;
}

static bool is_gone(module *of) { return of->kind == KIND_REMOTE && !scene_is_there(device_of_remote(of)); }

GC_API GCReadPort(void *handle, uint64_t address, void *buffer, size_t *size) {
  module *of = port(handle);
  if (!of) return fail(GC_INVALID_HANDLE, "not a port");
  size_t xml_size;
  const char *xml = document(of, &xml_size);
  if (address >= XML_ADDRESS) {
    size_t offset = address - XML_ADDRESS;
    if (offset > xml_size) return fail(GC_INVALID_ADDRESS, "behind the document");
    if (*size > xml_size - offset) *size = xml_size - offset;
    memcpy(buffer, xml + offset, *size);
    return GC_OK;
  }
  if (of->kind != KIND_REMOTE) {
    if (address + *size > sizeof of->id) return fail(GC_INVALID_ADDRESS, "no register there");
    memcpy(buffer, of->id + address, *size);
    return GC_OK;
  }
  if (is_gone(of)) return fail(GC_IO, "the camera is gone");
  if (address + *size > REGISTERS_SIZE) return fail(GC_INVALID_ADDRESS, "no register there");
  pthread_mutex_lock(&lock);
  refresh(device_of_remote(of));
  memcpy(buffer, device_of_remote(of)->registers + address, *size);
  pthread_mutex_unlock(&lock);
  return GC_OK;
}

GC_API GCWritePort(void *handle, uint64_t address, const void *buffer, size_t *size) {
  module *of = port(handle);
  if (!of) return fail(GC_INVALID_HANDLE, "not a port");
  if (of->kind != KIND_REMOTE) return fail(GC_ACCESS_DENIED, "the module has nothing to write");
  if (is_gone(of)) return fail(GC_IO, "the camera is gone");
  pthread_mutex_lock(&lock);
  int32_t result = write_camera(device_of_remote(of), address, buffer, *size);
  pthread_mutex_unlock(&lock);
  return result;
}

GC_API GCReadPortStacked(void *handle, port_stack_entry *entries, size_t *count) {
  for (size_t i = 0; i < *count; i++) {
    int32_t result = GCReadPort(handle, entries[i].address, entries[i].buffer, &entries[i].size);
    if (result) {
      *count = i;
      return result;
    }
  }
  return GC_OK;
}

GC_API GCWritePortStacked(void *handle, port_stack_entry *entries, size_t *count) {
  for (size_t i = 0; i < *count; i++) {
    int32_t result = GCWritePort(handle, entries[i].address, entries[i].buffer, &entries[i].size);
    if (result) {
      *count = i;
      return result;
    }
  }
  return GC_OK;
}

GC_API GCGetPortInfo(void *handle, int32_t command, int32_t *type, void *buffer, size_t *size) {
  static const char *const modules[] = {"TLSystem", "TLInterface", "TLDevice", "Device", "TLDataStream"};
  module *of = port(handle);
  if (!of) return fail(GC_INVALID_HANDLE, "not a port");
  switch (command) {
    case PORT_ID: return give_text(of->id, type, buffer, size);
    case PORT_VENDOR: return give_text(VENDOR, type, buffer, size);
    case PORT_MODEL: return give_text("Virtual camera", type, buffer, size);
    case PORT_TLTYPE: return give_text(TLTYPE, type, buffer, size);
    case PORT_MODULE: return give_text(modules[of->kind - KIND_SYSTEM], type, buffer, size);
    case PORT_LITTLE_ENDIAN:
    case PORT_ACCESS_READ: return give_bool(true, type, buffer, size);
    case PORT_ACCESS_WRITE: return give_bool(of->kind == KIND_REMOTE, type, buffer, size);
    case PORT_BIG_ENDIAN:
    case PORT_ACCESS_NA:
    case PORT_ACCESS_NI: return give_bool(false, type, buffer, size);
    case PORT_VERSION: return give_text(VERSION, type, buffer, size);
    case PORT_PORTNAME: return give_text(of->kind == KIND_REMOTE ? of->port_name : "Device", type, buffer, size);
    default: return fail(GC_NOT_IMPLEMENTED, "unknown information about the port");
  }
}

static void write_url(const module *of, char *url, size_t room) {
  size_t size;
  document(of, &size);
  snprintf(url, room, "local:%s.xml;%x;%zx", of->kind == KIND_REMOTE ? "camera" : "module", XML_ADDRESS, size);
}

GC_API GCGetNumPortURLs(void *handle, uint32_t *count) {
  *count = 1;
  return port(handle) ? GC_OK : fail(GC_INVALID_HANDLE, "not a port");
}

GC_API GCGetPortURL(void *handle, char *url, size_t *size) {
  char text[TEXT_BYTES];
  if (!port(handle)) return fail(GC_INVALID_HANDLE, "not a port");
  write_url(handle, text, sizeof text);
  return give_text(text, NULL, url, size);
}

GC_API GCGetPortURLInfo(void *handle, uint32_t index, int32_t command, int32_t *type, void *buffer, size_t *size) {
  char text[TEXT_BYTES];
  size_t document_size;
  module *of = port(handle);
  if (!of) return fail(GC_INVALID_HANDLE, "not a port");
  if (index) return fail(GC_INVALID_INDEX, "there is one document");
  document(of, &document_size);
  switch (command) {
    case URL_URL: write_url(of, text, sizeof text); return give_text(text, type, buffer, size);
    case URL_SCHEMA_VER_MAJOR:
    case URL_SCHEMA_VER_MINOR:
    case URL_FILE_VER_MAJOR: return give_i32(1, type, buffer, size);
    case URL_FILE_VER_MINOR:
    case URL_FILE_VER_SUBMINOR:
    case URL_SCHEME: return give_i32(0, type, buffer, size);
    case URL_FILE_REGISTER_ADDRESS: return give_u64(XML_ADDRESS, type, buffer, size);
    case URL_FILE_SIZE: return give_u64(document_size, type, buffer, size);
    default: return fail(GC_NOT_AVAILABLE, "not known of the document");
  }
}
