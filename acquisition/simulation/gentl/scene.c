/* The camera's eye: asks the scene server for an exposure, one at a time, and listens for its pulses on the hardware line.
 *
 * A request never waits for its answer: a consumer may hold Python's interpreter lock while it writes a register, and the scene may live in
 * the same interpreter. The thread here waits instead.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "producer.h"

enum request { SAYS_OPEN = 1, SAYS_START, SAYS_STOP, SAYS_EXPOSE };
enum reply { SAYS_FRAME = 1, SAYS_LINE0 };
enum fault { FAULT_NONE, FAULT_DROPPED, FAULT_INCOMPLETE, FAULT_DUPLICATED, FAULT_MISSED };

typedef struct {
  uint32_t what, pixel_format, x, y, width, height;
  double exposure_us, gain_db;
  uint64_t shared_size, by_line;
} request_message;

typedef struct {
  uint32_t what, fault;
  uint64_t timestamp_ns;
  double exposure_us;
} reply_message;

static void say(device *of, enum request what) {
  request_message message = {
    .what = what,
    .pixel_format = (uint32_t)get_register(of, R_PixelFormat),
    .x = (uint32_t)get_register(of, R_OffsetX),
    .y = (uint32_t)get_register(of, R_OffsetY),
    .width = (uint32_t)get_register(of, R_Width),
    .height = (uint32_t)get_register(of, R_Height),
    .exposure_us = get_real(of, R_ExposureTime),
    .gain_db = get_real(of, R_Gain),
    .shared_size = of->shared_size,
    .by_line = get_register(of, R_TriggerMode) && get_register(of, R_TriggerSource) == 1,
  };
  /* A scene that does not take it is gone; the thread hears of that. */
  (void)!send(of->socket, &message, sizeof message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void expose(device *of) {
  of->exposing = true;
  of->exposing_run = of->run;
  of->stream.started++;
  say(of, SAYS_EXPOSE);
}

static void miss(device *of) {
  of->missed++;
  note(&of->invalidate, "MissedTriggerCount");
}

void trigger(device *of) {
  if (of->acquiring && !of->exposing) expose(of);
  else miss(of);
}

static void wake(device *of) {
  uint64_t one = 1;
  (void)!write(of->wake, &one, sizeof one);
}

void start_acquisition(device *of) {
  if (of->acquiring) return;
  static const uint64_t unlimited = UINT64_MAX;
  uint64_t mode = get_register(of, R_AcquisitionMode);
  of->frames_left = mode == 0 ? unlimited : mode == 1 ? 1 : get_register(of, R_AcquisitionFrameCount);
  of->acquiring = true;
  of->run++;
  of->frames = 0;
  say(of, SAYS_START);
  wake(of);
}

void stop_acquisition(device *of) {
  if (!of->acquiring) return;
  of->acquiring = false;
  of->run++;
  say(of, SAYS_STOP);
  wake(of);
}

static void finish(device *of, const reply_message *reply) {
  of->exposing = false;
  if (of->exposing_run != of->run) return; /* of a burst that has ended */
  if (reply->fault == FAULT_MISSED) {
    miss(of);
    return;
  }
  of->frames++;
  int copies = reply->fault == FAULT_DROPPED ? 0 : reply->fault == FAULT_DUPLICATED ? 2 : 1;
  while (copies--) deliver(of, reply->fault == FAULT_INCOMPLETE, reply->timestamp_ns, reply->exposure_us);
  if (of->frames_left != UINT64_MAX && !--of->frames_left) stop_acquisition(of);
}

static void lose(device *of) {
  of->gone = true;
  of->exposing = false;
  note(&of->error, "the camera is gone");
  note(&of->stream.error, "the camera is gone");
}

static void hear(device *of) {
  reply_message reply;
  ssize_t got = recv(of->socket, &reply, sizeof reply, MSG_DONTWAIT);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got != sizeof reply) lose(of);
  else if (reply.what == SAYS_FRAME) finish(of, &reply);
  else if (reply.what == SAYS_LINE0 && of->acquiring && get_register(of, R_TriggerMode) && get_register(of, R_TriggerSource) == 1) trigger(of);
}

static int64_t now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000000000LL + now.tv_nsec;
}

/* Exposes at the frame rate while nothing triggers; gives the time to the next frame, -1 for none. */
static int64_t run_free(device *of, int64_t *next) {
  if (!of->acquiring || of->gone || get_register(of, R_TriggerMode)) {
    *next = 0;
    return -1;
  }
  int64_t now = now_ns();
  if (now >= *next && !of->exposing) {
    expose(of);
    *next = now + (int64_t)(1e9 / get_real(of, R_AcquisitionFrameRate));
  }
  return *next > now ? *next - now : 1000000;
}

static void *live(void *argument) {
  device *of = argument;
  int64_t next = 0;
  for (bool closing = false; !closing;) {
    pthread_mutex_lock(&lock);
    int64_t wait = run_free(of, &next);
    struct pollfd sources[] = {{of->wake, POLLIN, 0}, {of->gone ? -1 : of->socket, POLLIN, 0}};
    pthread_mutex_unlock(&lock);
    struct timespec timeout = {wait / 1000000000, wait % 1000000000};
    ppoll(sources, 2, wait < 0 ? NULL : &timeout, NULL);
    uint64_t ignored;
    if (sources[0].revents) (void)!read(of->wake, &ignored, sizeof ignored);
    pthread_mutex_lock(&lock);
    if (sources[1].revents) hear(of);
    pthread_cond_broadcast(&changed);
    closing = of->closing;
    pthread_mutex_unlock(&lock);
  }
  return NULL;
}

bool scene_is_there(device *of) {
  struct pollfd socket = {of->socket, POLLRDHUP, 0};
  return poll(&socket, 1, 0) >= 0 && !socket.revents;
}

/* Memory that the scene paints frames into; the scene gets it with the first message. */
static bool share_memory(device *of) {
  of->shared_size = (size_t)of->camera.sensor_width * of->camera.sensor_height * 3;
  int memory = memfd_create("d3station-frame", MFD_CLOEXEC);
  if (memory < 0) return false;
  void *mapped = ftruncate(memory, (off_t)of->shared_size) ? MAP_FAILED : mmap(NULL, of->shared_size, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
  if (mapped == MAP_FAILED) {
    close(memory);
    return false;
  }
  of->shared = mapped;
  request_message message = {.what = SAYS_OPEN, .shared_size = of->shared_size};
  union {
    char room[CMSG_SPACE(sizeof(int))];
    struct cmsghdr align;
  } control;
  memset(&control, 0, sizeof control);
  struct iovec body = {&message, sizeof message};
  struct msghdr envelope = {.msg_iov = &body, .msg_iovlen = 1, .msg_control = control.room, .msg_controllen = sizeof control.room};
  struct cmsghdr *header = CMSG_FIRSTHDR(&envelope);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int));
  memcpy(CMSG_DATA(header), &memory, sizeof memory);
  bool sent = sendmsg(of->socket, &envelope, MSG_NOSIGNAL) == sizeof message;
  close(memory);
  return sent;
}

int32_t open_scene(device *of) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  memcpy(address.sun_path, of->camera.socket, sizeof address.sun_path);
  of->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  of->socket = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
  bool open = of->wake >= 0 && of->socket >= 0 && !connect(of->socket, (struct sockaddr *)&address, sizeof address) && share_memory(of) &&
              !pthread_create(&of->thread, NULL, live, of);
  if (open) return GC_OK;
  if (of->shared) munmap(of->shared, of->shared_size);
  if (of->wake >= 0) close(of->wake);
  if (of->socket >= 0) close(of->socket);
  return fail(GC_IO, "the camera does not answer");
}

void close_scene(device *of) {
  pthread_mutex_lock(&lock);
  stop_acquisition(of);
  of->closing = true;
  wake(of);
  pthread_mutex_unlock(&lock);
  pthread_join(of->thread, NULL);
  munmap(of->shared, of->shared_size);
  close(of->wake);
  close(of->socket);
}
