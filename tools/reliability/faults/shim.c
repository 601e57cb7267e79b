// A library for LD_PRELOAD that puts faults below a server. It makes system calls on sockets fail, or move only a part
// of the bytes, as a kernel may do. faults.js compiles it. Environment variables set it up:
//
//   FAULTS        the probability of each fault, in millionths: "recv.EINTR=10000,send.short=50000". The names are
//                 those in `faults` below
//   FAULTS_SEED   decides which calls get a fault
//   FAULTS_CALLER only calls from a library whose path contains this text get faults
//   FAULTS_STATE  a file that holds a `struct state`. The program that drives the test maps it, too. There it switches
//                 faults on and off, and reads how many there were
//
// An error that breaks a connection really breaks it, so that client and server see the same. After some faults, such as
// EAGAIN, the kernel would report later that the descriptor is ready. The shim makes it report that: it modifies the
// registration with epoll without changing anything in it.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { MAX_FAULTS = 64, MAX_FDS = 1 << 17, MAX_CALLERS = 64 };

enum call { RECV, SEND, ACCEPT, REGISTER, WAIT, DUPLICATE, SHUTDOWN, LISTEN, OPTION, START };

// If `error` is 0, the call moves only a part. If it is LOST, the call moves only a part and says that it moved all. No
// kernel does that. This fault proves that the clients of the test notice lost bytes.
enum { LOST = -1 };
static const struct fault {
  const char *name;
  enum call call;
  int error;
} faults[] = {
  {"recv.EINTR", RECV, EINTR},
  {"recv.EAGAIN", RECV, EAGAIN},
  {"recv.short", RECV, 0},
  {"recv.ECONNRESET", RECV, ECONNRESET},
  {"recv.ETIMEDOUT", RECV, ETIMEDOUT},
  {"recv.ENOMEM", RECV, ENOMEM},
  {"send.EINTR", SEND, EINTR},
  {"send.EAGAIN", SEND, EAGAIN},
  {"send.short", SEND, 0},
  {"send.ENOBUFS", SEND, ENOBUFS},
  {"send.ENOMEM", SEND, ENOMEM},
  {"send.EPIPE", SEND, EPIPE},
  {"send.ECONNRESET", SEND, ECONNRESET},
  {"send.lost", SEND, LOST},
  {"accept.EINTR", ACCEPT, EINTR},
  {"accept.EAGAIN", ACCEPT, EAGAIN},
  {"accept.ECONNABORTED", ACCEPT, ECONNABORTED},
  {"accept.EMFILE", ACCEPT, EMFILE},
  {"accept.ENFILE", ACCEPT, ENFILE},
  {"accept.ENOBUFS", ACCEPT, ENOBUFS},
  {"accept.ENOMEM", ACCEPT, ENOMEM},
  {"accept.EPERM", ACCEPT, EPERM},
  {"accept.EPROTO", ACCEPT, EPROTO},
  {"register.ENOMEM", REGISTER, ENOMEM},
  {"register.ENOSPC", REGISTER, ENOSPC},
  {"wait.EINTR", WAIT, EINTR},
  {"duplicate.EMFILE", DUPLICATE, EMFILE},
  {"shutdown.ENOTCONN", SHUTDOWN, ENOTCONN},
  {"listen.EADDRINUSE", LISTEN, EADDRINUSE},
  {"option.ENOBUFS", OPTION, ENOBUFS},
  {"start.EMFILE", START, EMFILE},
};
enum { FAULTS = sizeof faults / sizeof *faults };

struct state {
  _Atomic uint32_t on;
  // The number of calls that could have failed while faults were on.
  _Atomic uint32_t calls;
  // If this is not 0, exactly this one of these calls fails. Otherwise probabilities decide.
  _Atomic uint32_t nth;
  uint32_t unused;
  _Atomic uint32_t counts[MAX_FAULTS];
};

static struct state nowhere;
static struct state *state = &nowhere;
static uint32_t chances[FAULTS];
static uint64_t seed;
static const char *wanted_caller;

// For each descriptor, its registration with epoll.
static struct registration {
  _Atomic int epoll; // the descriptor of the epoll instance, plus 1; 0 if there is none
  uint32_t events;
  uint64_t data;
} registrations[MAX_FDS];

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void load(void) {
  wanted_caller = getenv("FAULTS_CALLER");
  const char *text = getenv("FAULTS_SEED");
  seed = text ? strtoull(text, NULL, 10) : 1;
  const char *file = getenv("FAULTS_STATE");
  if (file) {
    int fd = open(file, O_RDWR | O_CLOEXEC);
    if (fd >= 0) {
      void *at = mmap(NULL, sizeof *state, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
      if (at != MAP_FAILED) state = at;
      close(fd);
    }
  }
  const char *list = getenv("FAULTS");
  for (; list && *list; list += *list == ',') {
    for (int i = 0; i < FAULTS; i++) {
      size_t length = strlen(faults[i].name);
      if (strncmp(list, faults[i].name, length) == 0 && list[length] == '=')
        chances[i] = strtoul(list + length + 1, NULL, 10);
    }
    list += strcspn(list, ",");
  }
}

// Finds the function that this library replaces, which is that of libc.
#define NEXT(name) \
  static __typeof__(&name) next; \
  if (!next) next = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

static uint32_t draw(void) {
  static _Atomic uint64_t number;
  uint64_t z = seed * 0xd1342543de82ef95 + 0x9e3779b97f4a7c15 * (1 + atomic_fetch_add(&number, 1));
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return (uint32_t)((z ^ (z >> 31)) % 1000000);
}

// Tells whether the code at an address belongs to the library of FAULTS_CALLER. Answers are remembered, because a library
// stays where it was loaded.
static bool is_wanted(void *address) {
  if (!wanted_caller || !*wanted_caller) return true;
  static _Atomic uintptr_t known[2][MAX_CALLERS];
  bool wanted = false;
  size_t place = ((uintptr_t)address >> 4) % MAX_CALLERS;
  if (atomic_load(&known[1][place]) == (uintptr_t)address) return true;
  if (atomic_load(&known[0][place]) == (uintptr_t)address) return false;
  Dl_info info;
  if (dladdr(address, &info) && info.dli_fname) wanted = strstr(info.dli_fname, wanted_caller) != NULL;
  atomic_store(&known[wanted][place], (uintptr_t)address);
  return wanted;
}

static bool is_tcp(int fd) {
  int domain, type;
  socklen_t length = sizeof domain;
  NEXT(getsockopt);
  if (next(fd, SOL_SOCKET, SO_DOMAIN, &domain, &length) != 0 || (domain != AF_INET && domain != AF_INET6)) return false;
  length = sizeof type;
  return next(fd, SOL_SOCKET, SO_TYPE, &type, &length) == 0 && type == SOCK_STREAM;
}

// Returns the fault of this call, or NULL if it has none. `at` is an address in the caller. `fd` is a socket, or -1.
static const struct fault *fault_of(enum call call, int fd, void *at) {
  pthread_once(&once, load);
  if (!atomic_load_explicit(&state->on, memory_order_relaxed)) return NULL;
  int saved = errno;
  const struct fault *found = NULL;
  uint32_t nth = atomic_load(&state->nth);
  // epoll_wait is not counted, because how often it is called depends on time.
  if (is_wanted(at) && (fd < 0 || is_tcp(fd)) && !(nth && call == WAIT)) {
    uint32_t number = atomic_fetch_add(&state->calls, 1) + 1;
    uint32_t left = nth ? 0 : draw();
    for (int i = 0; i < FAULTS && !found; i++) {
      if (faults[i].call != call) continue;
      // The n-th call gets the first real error of its list. Errors after which the caller only tries again, and
      // partial results, come by probability only.
      if (nth ? number == nth && faults[i].error != EINTR && faults[i].error != EAGAIN && faults[i].error > 0 : left < chances[i])
        found = &faults[i];
      else if (!nth) left -= chances[i] < left ? chances[i] : left;
    }
    if (found) atomic_fetch_add(&state->counts[found - faults], 1);
  }
  errno = saved;
  return found;
}

// Makes epoll report once more what the descriptor is ready for.
static void ready_again(int fd) {
  if (fd < 0 || fd >= MAX_FDS) return;
  struct registration *place = &registrations[fd];
  int epoll = atomic_load(&place->epoll) - 1;
  if (epoll < 0) return;
  struct epoll_event event = {.events = place->events, .data.u64 = place->data};
  NEXT(epoll_ctl);
  next(epoll, EPOLL_CTL_MOD, fd, &event);
}

static bool breaks(int error) {
  return error == ECONNRESET || error == EPIPE || error == ETIMEDOUT;
}

// Makes the call fail with the error of the fault.
static int fail(const struct fault *fault, int fd) {
  if (breaks(fault->error)) {
    NEXT(shutdown);
    next(fd, SHUT_RDWR);
  }
  if (fault->error == EAGAIN) ready_again(fd);
  errno = fault->error;
  return -1;
}

// Returns how many of `length` bytes a call with a fault moves.
static size_t part(size_t length) {
  return length < 2 ? length : 1 + draw() % (length - 1);
}

#define CALLER __builtin_return_address(0)

// ---- Reading and writing ---------------------------------------------------------------------

#define MOVE(call, fd, length, whole, partial) \
  const struct fault *fault = fault_of(call, fd, CALLER); \
  if (!fault) return whole; \
  if (fault->error > 0) return fail(fault, fd); \
  size_t less = part(length); \
  ssize_t moved = partial; \
  if (fault->error == LOST && moved > 0) return length; \
  int saved = errno; \
  ready_again(fd); \
  errno = saved; \
  return moved

ssize_t recv(int fd, void *bytes, size_t length, int flags) {
  NEXT(recv);
  MOVE(RECV, fd, length, next(fd, bytes, length, flags), next(fd, bytes, less, flags));
}

ssize_t read(int fd, void *bytes, size_t length) {
  NEXT(read);
  MOVE(RECV, fd, length, next(fd, bytes, length), next(fd, bytes, less));
}

ssize_t send(int fd, const void *bytes, size_t length, int flags) {
  NEXT(send);
  MOVE(SEND, fd, length, next(fd, bytes, length, flags), next(fd, bytes, less, flags & ~MSG_MORE));
}

ssize_t write(int fd, const void *bytes, size_t length) {
  NEXT(write);
  MOVE(SEND, fd, length, next(fd, bytes, length), next(fd, bytes, less));
}

// The vectors of a call that moves only a part.
struct cut {
  struct iovec vectors[64];
  int count;
  size_t total;
};

static struct cut cut(const struct iovec *vectors, int count) {
  struct cut result = {.count = 0};
  size_t total = 0;
  if (count > 64) count = 64;
  for (int i = 0; i < count; i++) total += vectors[i].iov_len;
  size_t left = part(total);
  result.total = total;
  for (int i = 0; i < count && (left > 0 || i == 0); i++) {
    result.vectors[i] = vectors[i];
    if (result.vectors[i].iov_len > left) result.vectors[i].iov_len = left;
    left -= result.vectors[i].iov_len;
    result.count = i + 1;
  }
  return result;
}

#define MOVE_VECTORS(call, fd, list, number, whole, partial) \
  const struct fault *fault = fault_of(call, fd, CALLER); \
  if (!fault) return whole; \
  if (fault->error > 0) return fail(fault, fd); \
  struct cut less = cut(list, number); \
  ssize_t moved = partial; \
  if (fault->error == LOST && moved > 0) return less.total; \
  int saved = errno; \
  ready_again(fd); \
  errno = saved; \
  return moved

ssize_t readv(int fd, const struct iovec *vectors, int count) {
  NEXT(readv);
  MOVE_VECTORS(RECV, fd, vectors, count, next(fd, vectors, count), next(fd, less.vectors, less.count));
}

ssize_t writev(int fd, const struct iovec *vectors, int count) {
  NEXT(writev);
  MOVE_VECTORS(SEND, fd, vectors, count, next(fd, vectors, count), next(fd, less.vectors, less.count));
}

static struct msghdr with(const struct msghdr *message, struct cut *less) {
  struct msghdr copy = *message;
  copy.msg_iov = less->vectors;
  copy.msg_iovlen = less->count;
  return copy;
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags) {
  NEXT(sendmsg);
  struct msghdr copy;
  MOVE_VECTORS(SEND, fd, message->msg_iov, message->msg_iovlen, next(fd, message, flags),
               (copy = with(message, &less), next(fd, &copy, flags & ~MSG_MORE)));
}

ssize_t recvmsg(int fd, struct msghdr *message, int flags) {
  NEXT(recvmsg);
  struct msghdr copy;
  MOVE_VECTORS(RECV, fd, message->msg_iov, message->msg_iovlen, next(fd, message, flags),
               (copy = with(message, &less), next(fd, &copy, flags)));
}

// ---- Everything else ---------------------------------------------------------------------------

int accept4(int fd, struct sockaddr *address, socklen_t *length, int flags) {
  NEXT(accept4);
  const struct fault *fault = fault_of(ACCEPT, fd, CALLER);
  if (!fault) return next(fd, address, length, flags);
  if (fault->error == ECONNABORTED) {
    // Close the connection, because the error says that the client has gone.
    int gone = next(fd, NULL, NULL, SOCK_CLOEXEC);
    if (gone < 0) return gone;
    close(gone);
  }
  return fail(fault, fd);
}

int epoll_ctl(int epoll, int operation, int fd, struct epoll_event *event) {
  NEXT(epoll_ctl);
  if (operation == EPOLL_CTL_ADD) {
    const struct fault *fault = fault_of(REGISTER, fd, CALLER);
    if (fault) return fail(fault, fd);
  }
  if (fd < 0 || fd >= MAX_FDS) return next(epoll, operation, fd, event);
  struct registration *place = &registrations[fd];
  if (operation == EPOLL_CTL_DEL) {
    if (atomic_load(&place->epoll) == epoll + 1) atomic_store(&place->epoll, 0);
    return next(epoll, operation, fd, event);
  }
  int result = next(epoll, operation, fd, event);
  if (result == 0) {
    place->events = event->events;
    place->data = event->data.u64;
    atomic_store(&place->epoll, epoll + 1);
  }
  return result;
}

int epoll_wait(int epoll, struct epoll_event *events, int count, int timeout) {
  NEXT(epoll_wait);
  const struct fault *fault = fault_of(WAIT, -1, CALLER);
  return fault ? fail(fault, -1) : next(epoll, events, count, timeout);
}

int close(int fd) {
  NEXT(close);
  if (fd >= 0 && fd < MAX_FDS) atomic_store(&registrations[fd].epoll, 0);
  return next(fd);
}

int shutdown(int fd, int how) {
  NEXT(shutdown);
  const struct fault *fault = fault_of(SHUTDOWN, fd, CALLER);
  if (fault) {
    next(fd, SHUT_RDWR);
    return fail(fault, fd);
  }
  return next(fd, how);
}

int listen(int fd, int backlog) {
  NEXT(listen);
  const struct fault *fault = fault_of(LISTEN, fd, CALLER);
  return fault ? fail(fault, fd) : next(fd, backlog);
}

int setsockopt(int fd, int level, int name, const void *value, socklen_t length) {
  NEXT(setsockopt);
  const struct fault *fault = fault_of(OPTION, fd, CALLER);
  return fault ? fail(fault, fd) : next(fd, level, name, value, length);
}

static int fcntl_of(int (*next)(int, int, ...), int fd, int command, void *argument, void *caller) {
  if (command == F_DUPFD_CLOEXEC) {
    const struct fault *fault = fault_of(DUPLICATE, fd, caller);
    if (fault) return fail(fault, fd);
  }
  return next(fd, command, argument);
}

#define FCNTL(name) \
  int name(int fd, int command, ...) { \
    NEXT(name); \
    va_list list; \
    va_start(list, command); \
    void *argument = va_arg(list, void *); \
    va_end(list); \
    return fcntl_of(next, fd, command, argument, CALLER); \
  }

FCNTL(fcntl)
FCNTL(fcntl64)

int epoll_create1(int flags) {
  NEXT(epoll_create1);
  const struct fault *fault = fault_of(START, -1, CALLER);
  return fault ? fail(fault, -1) : next(flags);
}

int eventfd(unsigned int value, int flags) {
  NEXT(eventfd);
  const struct fault *fault = fault_of(START, -1, CALLER);
  return fault ? fail(fault, -1) : next(value, flags);
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *), void *argument) {
  NEXT(pthread_create);
  return fault_of(START, -1, CALLER) ? EAGAIN : next(thread, attributes, start, argument);
}
