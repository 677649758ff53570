/* How every call answers: typed values into the caller's buffer, errors with a text that GCGetLastError tells. */
#include <string.h>

#include "producer.h"

pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
pthread_cond_t changed;

static __thread int32_t last_error;
static __thread char last_text[160];

int32_t fail(int32_t error, const char *text) {
  last_error = error;
  strncpy(last_text, text, sizeof last_text - 1);
  return error;
}

int32_t give(int32_t type, const void *value, size_t length, int32_t *type_out, void *buffer, size_t *size) {
  if (!size) return fail(GC_INVALID_PARAMETER, "no size given");
  if (type_out) *type_out = type;
  if (buffer) {
    if (*size < length) return fail(GC_BUFFER_TOO_SMALL, "the buffer for the answer is too small");
    memcpy(buffer, value, length);
  }
  *size = length;
  return GC_OK;
}

int32_t give_text(const char *text, int32_t *type_out, void *buffer, size_t *size) {
  return give(IS_STRING, text, strlen(text) + 1, type_out, buffer, size);
}

int32_t give_size(size_t value, int32_t *type_out, void *buffer, size_t *size) { return give(IS_SIZET, &value, sizeof value, type_out, buffer, size); }

int32_t give_u64(uint64_t value, int32_t *type_out, void *buffer, size_t *size) { return give(IS_UINT64, &value, sizeof value, type_out, buffer, size); }

int32_t give_u32(uint32_t value, int32_t *type_out, void *buffer, size_t *size) { return give(IS_UINT32, &value, sizeof value, type_out, buffer, size); }

int32_t give_i32(int32_t value, int32_t *type_out, void *buffer, size_t *size) { return give(IS_INT32, &value, sizeof value, type_out, buffer, size); }

int32_t give_bool(bool value, int32_t *type_out, void *buffer, size_t *size) {
  uint8_t byte = value;
  return give(IS_BOOL8, &byte, 1, type_out, buffer, size);
}

void *as(enum kind kind, void *handle) { return handle && ((module *)handle)->kind == kind ? handle : NULL; }

GC_API GCGetLastError(int32_t *error, char *text, size_t *size) {
  if (error) *error = last_error;
  return give_text(last_text, NULL, text, size);
}
