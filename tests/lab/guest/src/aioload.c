/* SPDX-License-Identifier: Apache-2.0
 *
 * aioload: many concurrent direct reads from one CPU.
 *
 *   aioload --cpu N --depth D --size BYTES --count C DEVICE
 *
 * Pins itself to CPU N, submits D reads of BYTES at non-adjacent offsets in one io_submit, waits until all
 * are done, and repeats until C reads were made. Prints the number of concurrent reads: those not completed
 * when the last of a burst was submitted, in the worst burst. One DMA mapping per read: offsets are not
 * adjacent, so nothing is merged. Raw Linux AIO system calls without a library, so that it links statically
 * and starts fast in a guest.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <linux/aio_abi.h>
#include <linux/fs.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static void die(const char *what) {
  fprintf(stderr, "aioload: %s: %s\n", what, strerror(errno));
  exit(1);
}

static long number(const char *text, const char *what) {
  char *end;
  long value = strtol(text, &end, 0);

  if (*text == '\0' || *end != '\0' || value < 0) {
    fprintf(stderr, "aioload: %s needs a number, not '%s'\n", what, text);
    exit(2);
  }
  return value;
}

static void submit_all(aio_context_t context, long count, struct iocb **list) {
  while (count > 0) {
    long taken = syscall(SYS_io_submit, context, count, list);

    if (taken < 0 && errno == EINTR) continue;
    if (taken <= 0) die("io_submit");
    count -= taken;
    list += taken;
  }
}

/* Reaps completed reads, at most `count`: those available now, or (wait) all of them. Returns their number. */
static long reap(aio_context_t context, long count, int wait, long size, struct io_event *events) {
  struct timespec now = {0, 0};
  long total = 0;

  while (total < count) {
    long got = syscall(SYS_io_getevents, context, wait ? 1 : 0, count - total, events, wait ? NULL : &now);

    if (got < 0 && errno == EINTR) continue;
    if (got < 0 || (got == 0 && wait)) die("io_getevents");
    if (got == 0) break;
    for (long i = 0; i < got; i++) {
      if (events[i].res != size) {
        errno = events[i].res < 0 ? (int)-events[i].res : EIO;
        die("read");
      }
    }
    total += got;
  }
  return total;
}

int main(int argc, char **argv) {
  static const struct option options[] = {
      {"cpu", required_argument, NULL, 'c'},
      {"depth", required_argument, NULL, 'd'},
      {"size", required_argument, NULL, 's'},
      {"count", required_argument, NULL, 'n'},
      {NULL, 0, NULL, 0},
  };
  long cpu = -1, depth = 32, size = 4096, count = 4000;
  int choice;

  while ((choice = getopt_long(argc, argv, "c:d:s:n:", options, NULL)) != -1) {
    switch (choice) {
      case 'c':
        cpu = number(optarg, "--cpu");
        break;
      case 'd':
        depth = number(optarg, "--depth");
        break;
      case 's':
        size = number(optarg, "--size");
        break;
      case 'n':
        count = number(optarg, "--count");
        break;
      default:
        return 2;
    }
  }
  if (optind + 1 != argc || depth < 1 || size < 512 || size % 512) {
    fprintf(stderr, "usage: aioload [--cpu N] --depth D --size BYTES --count C DEVICE\n");
    return 2;
  }

  if (cpu >= 0) {
    cpu_set_t set;

    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    if (sched_setaffinity(0, sizeof(set), &set) != 0) die("sched_setaffinity");
  }
  int device = open(argv[optind], O_RDONLY | O_DIRECT | O_CLOEXEC);
  uint64_t bytes = 0;

  if (device < 0) die(argv[optind]);
  if (ioctl(device, BLKGETSIZE64, &bytes) != 0) die("BLKGETSIZE64");
  /* Every second slot of the device, in turn: a gap of one request between any two. */
  uint64_t slots = bytes / ((uint64_t)size * 2);

  if (slots < (uint64_t)depth) {
    fprintf(stderr, "aioload: %s is too small for %ld reads of %ld bytes\n", argv[optind], depth, size);
    return 1;
  }

  aio_context_t context = 0;

  if (syscall(SYS_io_setup, depth, &context) != 0) die("io_setup");
  char *memory = mmap(NULL, (size_t)depth * size, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  struct iocb *blocks = calloc(depth, sizeof(*blocks));
  struct iocb **list = calloc(depth, sizeof(*list));
  struct io_event *events = calloc(depth, sizeof(*events));

  if (memory == MAP_FAILED || !blocks || !list || !events) die("memory");

  uint64_t slot = 0;
  long done = 0, bursts = 0, together = count;

  while (done < count) {
    long batch = count - done < depth ? count - done : depth;

    for (long i = 0; i < batch; i++) {
      blocks[i] = (struct iocb){
          .aio_lio_opcode = IOCB_CMD_PREAD,
          .aio_fildes = device,
          .aio_buf = (uintptr_t)(memory + i * size),
          .aio_nbytes = size,
          .aio_offset = (int64_t)(slot++ % slots) * size * 2,
      };
      list[i] = &blocks[i];
    }
    submit_all(context, batch, list);
    long early = reap(context, batch, 0, size, events);

    if (batch - early < together) together = batch - early;
    reap(context, batch - early, 1, size, events);
    done += batch;
    bursts++;
  }
  printf("aioload: %ld reads of %ld bytes in %ld bursts, %ld in flight together\n", done, size, bursts,
         together);
  return 0;
}
