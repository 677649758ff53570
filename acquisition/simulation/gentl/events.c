/* Events: new buffers of a stream, errors of camera and stream, features that changed by themselves. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "producer.h"

void note(event *to, const char *text) {
  if (!to->registered) return;
  to->fired++;
  if (to->waiting < MAX_NOTES) snprintf(to->notes[to->waiting++], TEXT_BYTES, "%s", text);
  pthread_cond_broadcast(&changed);
}

static event *slot(module *source, int32_t type) {
  if (as(KIND_STREAM, source) && type == EVENT_NEW_BUFFER) return &((stream *)source)->new_buffer;
  if (as(KIND_STREAM, source) && type == EVENT_ERROR) return &((stream *)source)->error;
  if (as(KIND_DEVICE, source) && type == EVENT_ERROR) return &((device *)source)->error;
  if (as(KIND_REMOTE, source) && type == EVENT_FEATURE_INVALIDATE) return &device_of_remote(source)->invalidate;
  return NULL;
}

GC_API GCRegisterEvent(void *source, int32_t type, void **handle) {
  event *one = source ? slot(source, type) : NULL;
  if (!one) return fail(GC_NOT_IMPLEMENTED, "the module has no such event");
  if (one->registered) return fail(GC_RESOURCE_IN_USE, "the event is registered already");
  pthread_mutex_lock(&lock);
  *one = (event){.head.kind = KIND_EVENT, .type = type, .source = source, .registered = true};
  pthread_mutex_unlock(&lock);
  *handle = one;
  return GC_OK;
}

GC_API GCUnregisterEvent(void *source, int32_t type) {
  event *one = source ? slot(source, type) : NULL;
  if (!one || !one->registered) return fail(GC_INVALID_PARAMETER, "the event is not registered");
  pthread_mutex_lock(&lock);
  one->registered = false;
  pthread_cond_broadcast(&changed);
  pthread_mutex_unlock(&lock);
  return GC_OK;
}

static frame_buffer *filled(event *of) {
  stream *from = (stream *)of->source;
  frame_buffer *found = NULL;
  for (int i = 0; i < from->announced; i++) {
    frame_buffer *one = from->buffers[i];
    if (one->place == BUFFER_OUTPUT && (!found || one->order < found->order)) found = one;
  }
  return found;
}

static bool has_data(event *of) { return of->type == EVENT_NEW_BUFFER ? filled(of) != NULL : of->waiting > 0; }

static bool is_cut_off(event *of) { return of->type == EVENT_NEW_BUFFER && ((stream *)of->source)->device->gone; }

static int32_t take(event *of, void *buffer, size_t *size) {
  if (of->type == EVENT_NEW_BUFFER) {
    frame_buffer *one = filled(of);
    new_buffer_data data = {one, one->user_ptr};
    int32_t result = give(0, &data, sizeof data, NULL, buffer, size);
    if (result || !buffer) return result;
    one->place = BUFFER_DELIVERED;
    ((stream *)of->source)->delivered++;
    return GC_OK;
  }
  int32_t result = give_text(of->notes[0], NULL, buffer, size);
  if (!result && buffer) memmove(of->notes[0], of->notes[1], --of->waiting * sizeof of->notes[0]);
  return result;
}

GC_API EventGetData(void *handle, void *buffer, size_t *size, uint64_t timeout_ms) {
  event *of = as(KIND_EVENT, handle);
  if (!of) return fail(GC_INVALID_HANDLE, "not an event");
  struct timespec until;
  clock_gettime(CLOCK_MONOTONIC, &until);
  until.tv_sec += (time_t)(timeout_ms == GENTL_INFINITE ? 1000000000 : timeout_ms / 1000);
  until.tv_nsec += (long)(timeout_ms == GENTL_INFINITE ? 0 : timeout_ms % 1000 * 1000000);
  if (until.tv_nsec >= 1000000000) until.tv_sec++, until.tv_nsec -= 1000000000;
  pthread_mutex_lock(&lock);
  bool in_time = true;
  while (in_time && of->registered && !of->killed && !has_data(of) && !is_cut_off(of)) in_time = !pthread_cond_timedwait(&changed, &lock, &until);
  int32_t result;
  if (!of->registered || of->killed) result = fail(GC_ABORT, "the wait was ended");
  else if (has_data(of)) result = take(of, buffer, size);
  else if (is_cut_off(of)) result = fail(GC_IO, "the camera is gone");
  else result = fail(GC_TIMEOUT, "nothing happened in time");
  of->killed = false;
  pthread_mutex_unlock(&lock);
  return result;
}

GC_API EventGetDataInfo(void *handle, const void *data, size_t data_size, int32_t command, int32_t *type, void *buffer, size_t *size) {
  event *of = as(KIND_EVENT, handle);
  if (!of) return fail(GC_INVALID_HANDLE, "not an event");
  if (of->type != EVENT_NEW_BUFFER) return give(IS_STRING, data, data_size, type, buffer, size);
  const new_buffer_data *new_buffer = data;
  if (data_size < sizeof *new_buffer) return fail(GC_INVALID_PARAMETER, "not the data of a new buffer");
  if (command == EVENT_DATA_ID) return give(IS_PTR, &new_buffer->buffer, sizeof new_buffer->buffer, type, buffer, size);
  if (command == EVENT_DATA_VALUE) return give(IS_PTR, &new_buffer->user_ptr, sizeof new_buffer->user_ptr, type, buffer, size);
  return fail(GC_NOT_AVAILABLE, "not known of a new buffer");
}

GC_API EventGetInfo(void *handle, int32_t command, int32_t *type, void *buffer, size_t *size) {
  event *of = as(KIND_EVENT, handle);
  if (!of) return fail(GC_INVALID_HANDLE, "not an event");
  bool buffers = of->type == EVENT_NEW_BUFFER;
  pthread_mutex_lock(&lock);
  size_t waiting = buffers ? filled(of) != NULL : of->waiting;
  pthread_mutex_unlock(&lock);
  switch (command) {
    case EVENT_EVENT_TYPE: return give_i32(of->type, type, buffer, size);
    case EVENT_NUM_IN_QUEUE: return give_size(waiting, type, buffer, size);
    case EVENT_NUM_FIRED: return give_u64(of->fired, type, buffer, size);
    case EVENT_SIZE_MAX: return give_size(buffers ? sizeof(new_buffer_data) : TEXT_BYTES, type, buffer, size);
    case EVENT_DATA_SIZE_MAX: return give_size(buffers ? sizeof(void *) : TEXT_BYTES, type, buffer, size);
    default: return fail(GC_NOT_IMPLEMENTED, "unknown information about the event");
  }
}

/* Filled buffers that the consumer no longer wants wait in the pool again. */
GC_API EventFlush(void *handle) {
  event *of = as(KIND_EVENT, handle);
  if (!of) return fail(GC_INVALID_HANDLE, "not an event");
  pthread_mutex_lock(&lock);
  of->waiting = 0;
  for (frame_buffer *one; of->type == EVENT_NEW_BUFFER && (one = filled(of));) one->place = BUFFER_IDLE;
  pthread_mutex_unlock(&lock);
  return GC_OK;
}

GC_API EventKill(void *handle) {
  event *of = as(KIND_EVENT, handle);
  if (!of) return fail(GC_INVALID_HANDLE, "not an event");
  pthread_mutex_lock(&lock);
  of->killed = true;
  pthread_cond_broadcast(&changed);
  pthread_mutex_unlock(&lock);
  return GC_OK;
}
