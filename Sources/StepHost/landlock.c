#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "confinement.h"

/* The kernel's interface, spelled out because distribution headers are older than kernels:
 * linux/landlock.h of 6.12, ABI 1 (5.13) to 6. */
struct ruleset_attributes {
    uint64_t handled_files;   /* ABI 1 */
    uint64_t handled_network; /* ABI 4 */
    uint64_t scoped;          /* ABI 6 */
};
#define FILE_EXECUTE (1ull << 0)
#define FILE_READ (1ull << 2)
#define FILE_READ_DIRECTORY (1ull << 3)
#define FILES_ABI_1 ((1ull << 13) - 1)
#define FILE_REFER (1ull << 13)    /* ABI 2 */
#define FILE_TRUNCATE (1ull << 14) /* ABI 3 */
#define FILE_IOCTL (1ull << 15)    /* ABI 5 */
#define NETWORK_TCP 3ull           /* bind and connect */
#define SCOPE_ALL 3ull             /* abstract unix sockets and signals stay inside */
/* What may be granted on something that is not a directory. */
#define FILES_ONLY (FILE_EXECUTE | (1ull << 1) | FILE_READ | FILE_TRUNCATE | FILE_IOCTL)

static const uint64_t readable = FILE_EXECUTE | FILE_READ | FILE_READ_DIRECTORY;

/* Read by a C or Swift runtime besides its libraries: the loader's cache, time zones, the processor count, randomness.
 * All of /proc, because libdispatch watches its workers by /proc/TID/stat and traps where it cannot; what is private
 * to other processes there wants ptrace rights, which Landlock refuses by itself. */
static const char *const system_paths[] = {
    "/usr/share/zoneinfo", "/usr/share/locale", "/etc/ld.so.cache", "/etc/localtime", "/etc/nsswitch.conf",
    "/etc/passwd", "/proc", "/sys/devices/system/cpu", "/dev/null", "/dev/urandom", "/dev/random",
};

static void allow_descriptor(int ruleset, int target, uint64_t access) {
    struct stat status;
    if (fstat(target, &status) != 0) return;
    if (!S_ISDIR(status.st_mode)) access &= FILES_ONLY;
    struct landlock_path_beneath_attr rule = {.allowed_access = access, .parent_fd = target};
    (void)syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
}

static void allow(int ruleset, const char *path, uint64_t access) {
    int target = open(path, O_PATH | O_CLOEXEC);
    if (target < 0) return; /* not on this machine, so nothing to grant */
    allow_descriptor(ruleset, target, access);
    close(target);
}

uint32_t landlock_apply(const struct settings *settings, int file, const struct writable *writable) {
    long offered = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    if (offered < 1 || settings->landlock_abi_max == 0) return 0;
    uint64_t abi = (uint64_t)offered < settings->landlock_abi_max ? (uint64_t)offered : settings->landlock_abi_max;
    struct ruleset_attributes attributes = {.handled_files = FILES_ABI_1};
    size_t attributes_bytes = sizeof attributes.handled_files;
    if (abi >= 2) attributes.handled_files |= FILE_REFER;
    if (abi >= 3) attributes.handled_files |= FILE_TRUNCATE;
    if (abi >= 4) {
        attributes.handled_network = settings->allow_tcp ? 0 : NETWORK_TCP;
        attributes_bytes = 2 * sizeof(uint64_t);
    }
    if (abi >= 5) attributes.handled_files |= FILE_IOCTL;
    if (abi >= 6) {
        attributes.scoped = SCOPE_ALL;
        attributes_bytes = sizeof attributes;
    }
    int ruleset = (int)syscall(SYS_landlock_create_ruleset, &attributes, attributes_bytes, 0);
    if (ruleset < 0) return 0;

    allow_descriptor(ruleset, file, readable);
    for (size_t i = 0; library_directories[i] != NULL; i++) allow(ruleset, library_directories[i], readable);
    for (int i = 0; i < settings->libraries_count; i++) allow(ruleset, settings->libraries[i], readable);
    for (size_t i = 0; i < sizeof system_paths / sizeof *system_paths; i++) allow(ruleset, system_paths[i], readable);
    for (int i = 0; i < settings->readable_count; i++) allow(ruleset, settings->readable[i], readable);
    if (settings->allow_processes) {
        allow(ruleset, "/bin", readable);
        allow(ruleset, "/usr/bin", readable);
    }
    allow(ruleset, "/dev/null", attributes.handled_files);
    uint64_t writing = attributes.handled_files & ~FILE_EXECUTE;
    if (writable->tmp >= 0) allow_descriptor(ruleset, writable->tmp, writing);
    for (int i = 0; i < writable->count; i++) allow_descriptor(ruleset, writable->paths[i], writing);

    bool applied = syscall(SYS_landlock_restrict_self, ruleset, 0) == 0;
    close(ruleset);
    return applied ? (uint32_t)abi : 0;
}
