/* The virtual camera's GenTL producer: what its files share.
 *
 * One camera is one file `<serial>.camera` beside the library, written by the scene server: who it is and the unix socket behind which its
 * scene lives. One lock guards everything, and one condition tells that anything changed: calls are few and short.
 */
#ifndef D3_PRODUCER_H
#define D3_PRODUCER_H

#include <pthread.h>
#include <stdbool.h>

#include "gentl.h"
#include "description.h"

#define TLTYPE "Custom"
#define INTERFACE_NAME "Bench"
#define VERSION "1.0"
#define MAX_CAMERAS 16
#define MAX_BUFFERS 4096
#define MAX_NOTES 8

enum kind { KIND_SYSTEM = 0x5D3A, KIND_INTERFACE, KIND_DEVICE, KIND_REMOTE, KIND_STREAM, KIND_BUFFER, KIND_EVENT };

/* Starts every handle, so that a wrong one is known; those with a port have a name. */
typedef struct {
  enum kind kind;
  const char *port_name;
  char id[TEXT_BYTES];
} module;

typedef struct {
  char serial[TEXT_BYTES], model[TEXT_BYTES], user_id[TEXT_BYTES], socket[108];
  uint32_t sensor_width, sensor_height, family, format;
} camera;

/* A registered event. New buffers are counted by the stream's queue; texts (errors, features that changed by themselves) queue here. */
typedef struct {
  module head;
  int32_t type;
  module *source;
  bool registered, killed;
  uint64_t fired;
  unsigned waiting;
  char notes[MAX_NOTES][TEXT_BYTES];
} event;

typedef enum { BUFFER_IDLE, BUFFER_INPUT, BUFFER_OUTPUT, BUFFER_DELIVERED } buffer_place;

typedef struct {
  module head;
  uint8_t *base;
  size_t size, filled, image_size;
  void *user_ptr;
  bool owned, incomplete;
  buffer_place place;
  uint64_t order, frame_id, timestamp_ns;
  uint32_t pixel_format, width, height, x, y;
  int chunks;
  single_chunk chunk[CHUNKS];
} frame_buffer;

struct device;

typedef struct {
  module head;
  struct device *device;
  bool open, grabbing;
  uint64_t to_acquire, started, delivered, underrun, order;
  int announced;
  frame_buffer *buffers[MAX_BUFFERS];
  event new_buffer, error;
} stream;

typedef struct device {
  module head, remote;
  camera camera;
  bool open, gone, closing, acquiring, exposing;
  uint64_t run, exposing_run, frames, frames_left, missed;
  uint8_t registers[REGISTERS_SIZE];
  stream stream;
  event error, invalidate;
  int socket, wake;
  uint8_t *shared;
  size_t shared_size;
  pthread_t thread;
} device;

extern pthread_mutex_t lock;
extern pthread_cond_t changed;
extern module the_system, the_interface;
extern device *devices[MAX_CAMERAS];

/* answers.c */
int32_t fail(int32_t error, const char *text);
int32_t give(int32_t type, const void *value, size_t length, int32_t *type_out, void *buffer, size_t *size);
int32_t give_text(const char *text, int32_t *type_out, void *buffer, size_t *size);
int32_t give_size(size_t value, int32_t *type_out, void *buffer, size_t *size);
int32_t give_u64(uint64_t value, int32_t *type_out, void *buffer, size_t *size);
int32_t give_u32(uint32_t value, int32_t *type_out, void *buffer, size_t *size);
int32_t give_i32(int32_t value, int32_t *type_out, void *buffer, size_t *size);
int32_t give_bool(bool value, int32_t *type_out, void *buffer, size_t *size);
void *as(enum kind kind, void *handle);
int32_t initialised(void);

/* cameras.c */
int find_cameras(camera found[MAX_CAMERAS]);
const char *library_path(void);

/* registers.c */
uint64_t get_register(const device *of, uint32_t address);
double get_real(const device *of, uint32_t address);
void reset_registers(device *of);
size_t payload_size(const device *of);
device *device_of_remote(module *remote);

/* scene.c */
int32_t open_scene(device *of);
void close_scene(device *of);
bool scene_is_there(device *of);
void start_acquisition(device *of);
void stop_acquisition(device *of);
void trigger(device *of);

/* stream.c */
void deliver(device *of, bool incomplete, uint64_t timestamp_ns, double exposure_us);

/* events.c */
void note(event *to, const char *text);

#endif
