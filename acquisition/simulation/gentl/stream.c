/* The data stream: buffers that the consumer announces, fills into the input pool, and takes filled out of the output queue. */
#include <stdlib.h>
#include <string.h>

#include "producer.h"

static stream *a_stream(void *handle) {
  stream *of = as(KIND_STREAM, handle);
  return of && of->open ? of : NULL;
}

static frame_buffer *oldest(stream *of, buffer_place place) {
  frame_buffer *found = NULL;
  for (int i = 0; i < of->announced; i++) {
    frame_buffer *one = of->buffers[i];
    if (one->place == place && (!found || one->order < found->order)) found = one;
  }
  return found;
}

static size_t count(const stream *of, buffer_place place) {
  size_t n = 0;
  for (int i = 0; i < of->announced; i++) n += of->buffers[i]->place == place;
  return n;
}

static void put(stream *of, frame_buffer *one, buffer_place place) {
  one->place = place;
  one->order = ++of->order;
  if (place == BUFFER_INPUT) one->filled = 0;
}

static void append_chunks(const device *of, frame_buffer *one, double exposure_us) {
  uint64_t values[CHUNKS] = {one->frame_id, 0, one->timestamp_ns}; /* in the order of description.py's CHUNKS */
  memcpy(&values[1], &exposure_us, sizeof exposure_us);
  one->chunks = 0;
  for (uint32_t i = 0; i < CHUNKS && get_register(of, R_ChunkModeActive); i++) {
    if (!get_register(of, R_ChunkEnable + 8 * i)) continue;
    one->chunk[one->chunks++] = (single_chunk){FIRST_CHUNK + i, (ptrdiff_t)one->filled, sizeof values[i]};
    memcpy(one->base + one->filled, &values[i], sizeof values[i]);
    one->filled += sizeof values[i];
  }
}

void deliver(device *of, bool incomplete, uint64_t timestamp_ns, double exposure_us) {
  stream *to = &of->stream;
  frame_buffer *one = to->grabbing && to->to_acquire ? oldest(to, BUFFER_INPUT) : NULL;
  size_t chunk_room = get_register(of, R_ChunkModeActive) ? CHUNKS * sizeof(uint64_t) : 0, needed = payload_size(of);
  if (!one || one->size < needed) {
    to->underrun++;
    return;
  }
  one->image_size = needed - chunk_room;
  one->incomplete = incomplete;
  one->filled = incomplete ? one->image_size / 2 : one->image_size;
  memcpy(one->base, of->shared, one->filled);
  one->frame_id = of->frames;
  one->timestamp_ns = timestamp_ns;
  one->pixel_format = (uint32_t)get_register(of, R_PixelFormat);
  one->width = (uint32_t)get_register(of, R_Width);
  one->height = (uint32_t)get_register(of, R_Height);
  one->x = (uint32_t)get_register(of, R_OffsetX);
  one->y = (uint32_t)get_register(of, R_OffsetY);
  one->chunks = 0;
  if (!incomplete) append_chunks(of, one, exposure_us);
  put(to, one, BUFFER_OUTPUT);
  to->new_buffer.fired++;
  if (to->to_acquire != GENTL_INFINITE) to->to_acquire--;
}

static int32_t announce(stream *of, void *memory, size_t size, void *user_ptr, bool owned, void **handle) {
  frame_buffer *one = calloc(1, sizeof *one);
  if (!one || of->announced == MAX_BUFFERS) {
    free(one);
    return fail(GC_OUT_OF_MEMORY, "too many buffers");
  }
  one->head = (module){KIND_BUFFER, "BufferPort", ""};
  one->base = memory;
  one->size = size;
  one->user_ptr = user_ptr;
  one->owned = owned;
  pthread_mutex_lock(&lock);
  of->buffers[of->announced++] = one;
  pthread_mutex_unlock(&lock);
  *handle = one;
  return GC_OK;
}

GC_API DSAnnounceBuffer(void *handle, void *memory, size_t size, void *user_ptr, void **buffer) {
  stream *of = a_stream(handle);
  if (!of) return fail(GC_INVALID_HANDLE, "not an open stream");
  return memory && size ? announce(of, memory, size, user_ptr, false, buffer) : fail(GC_INVALID_PARAMETER, "no memory given");
}

GC_API DSAllocAndAnnounceBuffer(void *handle, size_t size, void *user_ptr, void **buffer) {
  stream *of = a_stream(handle);
  if (!of) return fail(GC_INVALID_HANDLE, "not an open stream");
  void *memory = malloc(size);
  if (!memory) return fail(GC_OUT_OF_MEMORY, "no memory for a buffer");
  int32_t result = announce(of, memory, size, user_ptr, true, buffer);
  if (result) free(memory);
  return result;
}

static int index_of(const stream *of, const void *handle) {
  for (int i = 0; i < of->announced; i++)
    if (of->buffers[i] == handle) return i;
  return -1;
}

GC_API DSRevokeBuffer(void *handle, void *buffer, void **memory, void **user_ptr) {
  stream *of = a_stream(handle);
  if (!of) return fail(GC_INVALID_HANDLE, "not an open stream");
  pthread_mutex_lock(&lock);
  int at = index_of(of, buffer);
  if (at >= 0) of->buffers[at] = of->buffers[--of->announced];
  pthread_mutex_unlock(&lock);
  if (at < 0) return fail(GC_INVALID_HANDLE, "not a buffer of this stream");
  frame_buffer *one = buffer;
  if (memory) *memory = one->owned ? NULL : one->base;
  if (user_ptr) *user_ptr = one->user_ptr;
  if (one->owned) free(one->base);
  free(one);
  return GC_OK;
}

GC_API DSQueueBuffer(void *handle, void *buffer) {
  stream *of = a_stream(handle);
  if (!of) return fail(GC_INVALID_HANDLE, "not an open stream");
  pthread_mutex_lock(&lock);
  bool known = index_of(of, buffer) >= 0;
  if (known) put(of, buffer, BUFFER_INPUT);
  pthread_mutex_unlock(&lock);
  return known ? GC_OK : fail(GC_INVALID_HANDLE, "not a buffer of this stream");
}

GC_API DSFlushQueue(void *handle, int32_t operation) {
  stream *of = a_stream(handle);
  if (!of) return fail(GC_INVALID_HANDLE, "not an open stream");
  pthread_mutex_lock(&lock);
  for (int i = 0; i < of->announced; i++) {
    frame_buffer *one = of->buffers[i];
    buffer_place place = one->place;
    bool is_free = place == BUFFER_IDLE || place == BUFFER_DELIVERED;
    if (operation == INPUT_TO_OUTPUT && place == BUFFER_INPUT) put(of, one, BUFFER_OUTPUT);
    if (operation == OUTPUT_DISCARD && place == BUFFER_OUTPUT) put(of, one, BUFFER_IDLE);
    if (operation == ALL_TO_INPUT || (operation == UNQUEUED_TO_INPUT && is_free)) put(of, one, BUFFER_INPUT);
    if (operation == ALL_DISCARD && !is_free) put(of, one, BUFFER_IDLE);
  }
  pthread_mutex_unlock(&lock);
  return GC_OK;
}

GC_API DSStartAcquisition(void *handle, int32_t flags, uint64_t frames) {
  (void)flags;
  stream *of = a_stream(handle);
  if (!of) return fail(GC_INVALID_HANDLE, "not an open stream");
  if (of->grabbing) return fail(GC_RESOURCE_IN_USE, "the stream runs already");
  pthread_mutex_lock(&lock);
  of->grabbing = true;
  of->to_acquire = frames;
  of->started = of->delivered = of->underrun = 0;
  pthread_mutex_unlock(&lock);
  return GC_OK;
}

GC_API DSStopAcquisition(void *handle, int32_t flags) {
  (void)flags;
  stream *of = a_stream(handle);
  if (!of) return fail(GC_INVALID_HANDLE, "not an open stream");
  pthread_mutex_lock(&lock);
  of->grabbing = false;
  pthread_mutex_unlock(&lock);
  return GC_OK;
}

GC_API DSClose(void *handle) {
  stream *of = a_stream(handle);
  if (!of) return fail(GC_INVALID_HANDLE, "not an open stream");
  while (of->announced) DSRevokeBuffer(of, of->buffers[0], NULL, NULL);
  of->grabbing = of->open = false;
  return GC_OK;
}

GC_API DSGetParentDev(void *handle, void **parent) {
  stream *of = a_stream(handle);
  if (!of) return fail(GC_INVALID_HANDLE, "not an open stream");
  *parent = of->device;
  return GC_OK;
}

GC_API DSGetBufferID(void *handle, uint32_t index, void **buffer) {
  stream *of = a_stream(handle);
  if (!of) return fail(GC_INVALID_HANDLE, "not an open stream");
  if (index >= (uint32_t)of->announced) return fail(GC_INVALID_INDEX, "no such buffer");
  *buffer = of->buffers[index];
  return GC_OK;
}

GC_API DSGetInfo(void *handle, int32_t command, int32_t *type, void *buffer, size_t *size) {
  stream *of = a_stream(handle);
  if (!of) return fail(GC_INVALID_HANDLE, "not an open stream");
  switch (command) {
    case STREAM_ID: return give_text(of->head.id, type, buffer, size);
    case STREAM_NUM_DELIVERED: return give_u64(of->delivered, type, buffer, size);
    case STREAM_NUM_UNDERRUN: return give_u64(of->underrun, type, buffer, size);
    case STREAM_NUM_ANNOUNCED: return give_size((size_t)of->announced, type, buffer, size);
    case STREAM_NUM_QUEUED: return give_size(count(of, BUFFER_INPUT), type, buffer, size);
    case STREAM_NUM_AWAIT_DELIVERY: return give_size(count(of, BUFFER_OUTPUT), type, buffer, size);
    case STREAM_NUM_STARTED: return give_u64(of->started, type, buffer, size);
    case STREAM_PAYLOAD_SIZE: return give_size(payload_size(of->device), type, buffer, size);
    case STREAM_IS_GRABBING: return give_bool(of->grabbing, type, buffer, size);
    case STREAM_DEFINES_PAYLOADSIZE: return give_bool(false, type, buffer, size);
    case STREAM_TLTYPE: return give_text(TLTYPE, type, buffer, size);
    case STREAM_NUM_CHUNKS_MAX: return give_size(CHUNKS, type, buffer, size);
    case STREAM_BUF_ANNOUNCE_MIN: return give_size(1, type, buffer, size);
    case STREAM_BUF_ALIGNMENT: return give_size(1, type, buffer, size);
    default: return fail(GC_NOT_IMPLEMENTED, "unknown information about the stream");
  }
}

static int32_t tell_buffer(const frame_buffer *one, int32_t command, int32_t *type, void *buffer, size_t *size) {
  switch (command) {
    case BUFFER_BASE: return give(IS_PTR, &one->base, sizeof one->base, type, buffer, size);
    case BUFFER_SIZE: return give_size(one->size, type, buffer, size);
    case BUFFER_USER_PTR: return give(IS_PTR, &one->user_ptr, sizeof one->user_ptr, type, buffer, size);
    case BUFFER_TIMESTAMP:
    case BUFFER_TIMESTAMP_NS: return give_u64(one->timestamp_ns, type, buffer, size);
    case BUFFER_NEW_DATA:
    case BUFFER_IMAGEPRESENT: return give_bool(one->filled > 0, type, buffer, size);
    case BUFFER_IS_QUEUED: return give_bool(one->place == BUFFER_INPUT || one->place == BUFFER_OUTPUT, type, buffer, size);
    case BUFFER_IS_ACQUIRING:
    case BUFFER_DATA_LARGER_THAN_BUFFER: return give_bool(false, type, buffer, size);
    case BUFFER_IS_INCOMPLETE: return give_bool(one->incomplete, type, buffer, size);
    case BUFFER_TLTYPE: return give_text(TLTYPE, type, buffer, size);
    case BUFFER_SIZE_FILLED: return give_size(one->filled, type, buffer, size);
    case BUFFER_WIDTH: return give_size(one->width, type, buffer, size);
    case BUFFER_HEIGHT: return give_size(one->height, type, buffer, size);
    case BUFFER_XOFFSET: return give_size(one->x, type, buffer, size);
    case BUFFER_YOFFSET: return give_size(one->y, type, buffer, size);
    case BUFFER_XPADDING:
    case BUFFER_YPADDING:
    case BUFFER_IMAGEOFFSET: return give_size(0, type, buffer, size);
    case BUFFER_FRAMEID: return give_u64(one->frame_id, type, buffer, size);
    case BUFFER_PAYLOADTYPE: return give_size(PAYLOAD_IMAGE, type, buffer, size);
    case BUFFER_PIXELFORMAT: return give_u64(one->pixel_format, type, buffer, size);
    case BUFFER_PIXELFORMAT_NAMESPACE: return give_u64(NAMESPACE_PFNC_32BIT, type, buffer, size);
    case BUFFER_DELIVERED_IMAGEHEIGHT: return give_size(one->incomplete ? one->height / 2 : one->height, type, buffer, size);
    case BUFFER_DELIVERED_CHUNKPAYLOADSIZE: return give_size(one->filled, type, buffer, size);
    case BUFFER_PIXEL_ENDIANNESS: return give_i32(LITTLE_ENDIAN_PIXELS, type, buffer, size);
    case BUFFER_DATA_SIZE: return give_size(one->filled, type, buffer, size);
    case BUFFER_CONTAINS_CHUNKDATA: return give_bool(one->chunks > 0, type, buffer, size);
    default: return fail(GC_NOT_AVAILABLE, "not known of the buffer");
  }
}

GC_API DSGetBufferInfo(void *handle, void *of_buffer, int32_t command, int32_t *type, void *buffer, size_t *size) {
  stream *of = a_stream(handle);
  if (!of || index_of(of, of_buffer) < 0) return fail(GC_INVALID_HANDLE, "not a buffer of an open stream");
  return tell_buffer(of_buffer, command, type, buffer, size);
}

GC_API DSGetBufferInfoStacked(void *handle, void *of_buffer, buffer_info_stacked *infos, size_t infos_count) {
  for (size_t i = 0; i < infos_count; i++)
    infos[i].result = DSGetBufferInfo(handle, of_buffer, infos[i].command, &infos[i].type, infos[i].buffer, &infos[i].size);
  return GC_OK;
}

GC_API DSGetBufferChunkData(void *handle, void *of_buffer, single_chunk *chunks, size_t *chunks_count) {
  stream *of = a_stream(handle);
  if (!of || index_of(of, of_buffer) < 0) return fail(GC_INVALID_HANDLE, "not a buffer of an open stream");
  const frame_buffer *one = of_buffer;
  size_t here = (size_t)one->chunks;
  if (chunks) {
    if (*chunks_count < here) return fail(GC_BUFFER_TOO_SMALL, "more chunks than asked for");
    memcpy(chunks, one->chunk, here * sizeof *chunks);
  }
  *chunks_count = here;
  return GC_OK;
}

GC_API DSGetNumBufferParts(void *handle, void *of_buffer, uint32_t *parts) {
  (void)handle, (void)of_buffer;
  *parts = 0;
  return GC_OK;
}

GC_API DSGetBufferPartInfo(void *handle, void *of_buffer, uint32_t part, int32_t command, int32_t *type, void *buffer, size_t *size) {
  (void)handle, (void)of_buffer, (void)part, (void)command, (void)type, (void)buffer, (void)size;
  return fail(GC_INVALID_INDEX, "a frame has no parts");
}

/* GenTL 1.6 adds buffers of several segments and streams of several flows; this camera sends one image at a time. */
GC_API DSAnnounceCompositeBuffer(void *handle, size_t segments, void **memories, size_t *sizes, void *user_ptr, void **buffer) {
  (void)handle, (void)segments, (void)memories, (void)sizes, (void)user_ptr, (void)buffer;
  return fail(GC_NOT_IMPLEMENTED, "no composite buffers");
}

GC_API DSGetBufferPartInfoStacked(void *handle, void *of_buffer, void *infos, size_t infos_count) {
  (void)handle, (void)of_buffer, (void)infos, (void)infos_count;
  return fail(GC_NOT_IMPLEMENTED, "a frame has no parts");
}

GC_API DSGetNumFlows(void *handle, uint32_t *flows) {
  *flows = 0;
  return a_stream(handle) ? GC_OK : fail(GC_INVALID_HANDLE, "not an open stream");
}

GC_API DSGetFlowInfo(void *handle, uint32_t flow, int32_t command, int32_t *type, void *buffer, size_t *size) {
  (void)handle, (void)flow, (void)command, (void)type, (void)buffer, (void)size;
  return fail(GC_INVALID_INDEX, "the stream has no flows");
}

GC_API DSGetNumBufferSegments(void *handle, void *of_buffer, uint32_t *segments) {
  *segments = 0;
  return as(KIND_BUFFER, of_buffer) && a_stream(handle) ? GC_OK : fail(GC_INVALID_HANDLE, "not a buffer of an open stream");
}

GC_API DSGetBufferSegmentInfo(void *handle, void *of_buffer, uint32_t segment, int32_t command, int32_t *type, void *buffer, size_t *size) {
  (void)handle, (void)of_buffer, (void)segment, (void)command, (void)type, (void)buffer, (void)size;
  return fail(GC_INVALID_INDEX, "a buffer has no segments");
}
