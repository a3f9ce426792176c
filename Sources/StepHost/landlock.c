#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <linux/landlock.h>
#include <string.h>
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

/* What a C or Swift runtime reads: libraries, the loader's cache, time zones, the processor count, randomness.
 * All of /proc, because libdispatch watches its workers by /proc/TID/stat and traps where it cannot; what is private
 * to other processes there wants ptrace rights, which Landlock refuses by itself. */
static const char *const system_paths[] = {
    "/lib",      "/lib64",          "/usr/lib",     "/usr/lib64",       "/usr/local/lib", "/usr/share/zoneinfo",
    "/usr/share/locale", "/etc/ld.so.cache", "/etc/localtime", "/etc/nsswitch.conf", "/etc/passwd", "/proc",
    "/sys/devices/system/cpu", "/dev/null", "/dev/zero", "/dev/urandom", "/dev/random",
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

/* Grants each directory of a RUNPATH; $ORIGIN is the plugin's own. */
static void allow_run_path(int ruleset, const char *run_path, const char *origin) {
    static const char *const names[] = {"$ORIGIN", "${ORIGIN}"};
    while (*run_path != '\0') {
        size_t length = strcspn(run_path, ":");
        char entry[PATH_MAX * 2] = "";
        const char *rest = run_path;
        size_t rest_length = length;
        for (size_t i = 0; i < 2; i++) {
            size_t name = strlen(names[i]);
            if (length < name || strncmp(run_path, names[i], name) != 0) continue;
            strcpy(entry, origin);
            rest = run_path + name;
            rest_length = length - name;
        }
        size_t used = strlen(entry);
        if (used + rest_length < sizeof entry) {
            memcpy(entry + used, rest, rest_length);
            entry[used + rest_length] = '\0';
            if (entry[0] == '/') allow(ruleset, entry, readable);
        }
        run_path += length;
        if (*run_path == ':') run_path++;
    }
}

bool landlock_apply(
    const struct settings *settings, const char *path, int file, const char *run_path,
    const struct writable *writable) {
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    if (abi < 1) return false;
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
    if (ruleset < 0) return false;

    char origin[PATH_MAX];
    strcpy(origin, path);
    char *directory = dirname(origin);
    allow_descriptor(ruleset, file, readable);
    allow_run_path(ruleset, run_path, directory);
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
    return applied;
}
