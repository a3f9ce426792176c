/* The system calls a plugin may make. Landlock guards files by path. This filter guards what Landlock does not cover
 * (signals, limits and scheduling of other processes, modes and owners of files, System V memory, sockets) and what
 * only ABI 2 or newer covers, so that a kernel with ABI 1 confines as well as one with ABI 6. */
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/close_range.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "confinement.h"

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#else
#error "name this machine's audit architecture here"
#endif

/* Calls newer than the headers of Debian 12; the numbers are the same on every architecture. */
#define NEWER_CACHESTAT 451
#define NEWER_FCHMODAT2 452
#define NEWER_STATMOUNT 457
#define NEWER_LISTMOUNT 458
#define NEWER_SETXATTRAT 463
#define NEWER_REMOVEXATTRAT 466
#define NEWER_OPEN_TREE_ATTR 467
#define NEWER_FILE_SETATTR 469
/* The last call this list was checked against (Linux 6.17). Later ones answer ENOSYS until somebody has read them. */
#define CHECKED_CALL_MAX 469
#define X32_CALL_MIN 0x40000000

/* Constants of newer kernels, or hidden by libc's headers. */
#define KERNEL_O_TMPFILE 020000000
#define KERNEL_F_SETSIG 10
#define KERNEL_F_SETOWN_EX 15
#define KERNEL_F_SETLEASE 1024
#define KERNEL_F_NOTIFY 1026
#define KERNEL_F_SETPIPE_SZ 1031
#define KERNEL_F_SETDELEG 1040
#define KERNEL_PR_SCHED_CORE 62
#define KERNEL_PR_SET_MEMORY_MERGE 67
#define KERNEL_TCGETS2 0x802C542Au

#define ALLOW SECCOMP_RET_ALLOW
#define ERROR(number) (SECCOMP_RET_ERRNO | ((number) & SECCOMP_RET_DATA))
#define COUNT(array) (sizeof(array) / sizeof *(array))
#define INSTRUCTIONS_MAX 1024
#define ANY 0xFFFFFFFFu

struct program {
    struct sock_filter code[INSTRUCTIONS_MAX];
    unsigned short count;
    bool overflow;
};

static void put(struct program *program, struct sock_filter instruction) {
    if (program->count == INSTRUCTIONS_MAX) program->overflow = true;
    else program->code[program->count++] = instruction;
}

static void load(struct program *program, size_t offset) {
    put(program, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset));
}

static void answer(struct program *program, uint32_t action) {
    put(program, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, action));
}

/* The call always answers so. */
static void refuse(struct program *program, int call, int error) {
    put(program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)call, 0, 1));
    answer(program, ERROR(error));
}

/* A condition on one 32-bit word of an argument: `action` when (word & mask) is `value`, or is not, with `unless`. */
struct test {
    int argument;
    bool high_word, unless;
    uint32_t mask, value, action;
};

/* The first test that holds decides about the call, otherwise `action`. */
static void decide(struct program *program, int call, const struct test *tests, size_t count, uint32_t action) {
    put(program, (struct sock_filter)BPF_JUMP(
        BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)call, 0, (uint8_t)(4 * count + 1)));
    for (size_t i = 0; i < count; i++) {
        const struct test *test = &tests[i];
        load(program, offsetof(struct seccomp_data, args) + 8 * (size_t)test->argument + (test->high_word ? 4 : 0));
        put(program, (struct sock_filter)BPF_STMT(BPF_ALU | BPF_AND | BPF_K, test->mask));
        put(program, (struct sock_filter)BPF_JUMP(
            BPF_JMP | BPF_JEQ | BPF_K, test->value, test->unless, !test->unless));
        answer(program, test->action);
    }
    answer(program, action);
}

#define DECIDE(program, call, action, ...) \
    do { \
        const struct test tests[] = {__VA_ARGS__}; \
        decide(program, call, tests, COUNT(tests), action); \
    } while (0)
/* Conditions, for the list of DECIDE. */
#define IF(index, bits, number, answered) {.argument = (index), .mask = (bits), .value = (number), .action = (answered)}
#define IF_ANY(index, bits, answered) \
    {.argument = (index), .mask = (bits), .value = 0, .unless = true, .action = (answered)}
#define UNLESS(index, number, answered) \
    {.argument = (index), .mask = ANY, .value = (number), .unless = true, .action = (answered)}
#define UNLESS_HIGH_ZERO(index, answered) \
    {.argument = (index), .high_word = true, .mask = ANY, .value = 0, .unless = true, .action = (answered)}

/* Calls that no step needs, and the error each answers: one at which libraries fall back, where there is one. */
static const struct {
    int call, error;
} refused[] = {
    /* Other processes. */
    {SYS_ptrace, EPERM}, {SYS_process_vm_readv, EPERM}, {SYS_process_vm_writev, EPERM}, {SYS_kcmp, EPERM},
    {SYS_pidfd_open, EPERM}, {SYS_pidfd_getfd, EPERM}, {SYS_pidfd_send_signal, EPERM}, {SYS_process_madvise, EPERM},
    {SYS_process_mrelease, EPERM}, {SYS_move_pages, EPERM}, {SYS_migrate_pages, EPERM}, {SYS_get_robust_list, EPERM},
    {SYS_perf_event_open, EPERM}, {SYS_tkill, EPERM},
    /* Out of the session and the group, by which the server ends the process and all it started. */
    {SYS_setsid, EPERM}, {SYS_setpgid, EPERM},
    /* The kernel and the machine. */
    {SYS_bpf, EPERM}, {SYS_userfaultfd, EPERM}, {SYS_io_uring_setup, ENOSYS}, {SYS_io_uring_enter, ENOSYS},
    {SYS_io_uring_register, ENOSYS}, {SYS_io_setup, ENOSYS}, {SYS_kexec_load, EPERM}, {SYS_kexec_file_load, EPERM},
    {SYS_init_module, EPERM}, {SYS_finit_module, EPERM}, {SYS_delete_module, EPERM}, {SYS_reboot, EPERM},
    {SYS_swapon, EPERM}, {SYS_swapoff, EPERM}, {SYS_acct, EPERM}, {SYS_syslog, EPERM}, {SYS_quotactl, EPERM},
    {SYS_quotactl_fd, EPERM}, {SYS_settimeofday, EPERM}, {SYS_clock_settime, EPERM}, {SYS_adjtimex, EPERM},
    {SYS_clock_adjtime, EPERM}, {SYS_sethostname, EPERM}, {SYS_setdomainname, EPERM}, {SYS_personality, EPERM},
    {SYS_add_key, EPERM}, {SYS_request_key, EPERM}, {SYS_keyctl, EPERM}, {SYS_vhangup, EPERM},
#if defined(__x86_64__)
    {SYS_iopl, EPERM}, {SYS_ioperm, EPERM}, {SYS_modify_ldt, EPERM},
#endif
    /* Writing out everybody's pages delays the journal; sync cannot fail, so it says nothing. */
    {SYS_sync, 0}, {SYS_syncfs, EPERM},
    /* Namespaces, mounts, and files without their paths. */
    {SYS_mount, EPERM}, {SYS_umount2, EPERM}, {SYS_pivot_root, EPERM}, {SYS_chroot, EPERM}, {SYS_unshare, EPERM},
    {SYS_setns, EPERM}, {SYS_open_tree, EPERM}, {SYS_move_mount, EPERM}, {SYS_fsopen, EPERM}, {SYS_fsconfig, EPERM},
    {SYS_fsmount, EPERM}, {SYS_fspick, EPERM}, {SYS_mount_setattr, EPERM}, {SYS_name_to_handle_at, EPERM},
    {SYS_open_by_handle_at, EPERM}, {NEWER_STATMOUNT, EPERM}, {NEWER_LISTMOUNT, EPERM}, {NEWER_OPEN_TREE_ATTR, EPERM},
    /* Modes, owners, times and attributes by path: Landlock does not guard them, and a process with the server's user
     * could open its keys to everybody or lock it out of its own journal. fchmod says that it did it and does nothing,
     * since libraries call it after they wrote a file: it could close a directory of libraries that the server owns, or
     * make a program that gives its user to whoever runs it. */
    {SYS_fchmod, 0},
#if defined(__x86_64__)
    {SYS_chmod, EPERM}, {SYS_chown, EPERM}, {SYS_lchown, EPERM}, {SYS_mknod, EPERM}, {SYS_utime, EPERM},
    {SYS_utimes, EPERM}, {SYS_futimesat, EPERM}, {SYS_uselib, EPERM},
#endif
    {SYS_fchmodat, EPERM}, {NEWER_FCHMODAT2, EPERM}, {SYS_fchown, EPERM}, {SYS_fchownat, EPERM},
    {SYS_mknodat, EPERM}, {SYS_setxattr, EOPNOTSUPP}, {SYS_lsetxattr, EOPNOTSUPP}, {SYS_fsetxattr, EOPNOTSUPP},
    {SYS_removexattr, EOPNOTSUPP}, {SYS_lremovexattr, EOPNOTSUPP}, {SYS_fremovexattr, EOPNOTSUPP},
    {NEWER_SETXATTRAT, ENOSYS}, {NEWER_REMOVEXATTRAT, ENOSYS}, {NEWER_FILE_SETATTR, ENOSYS},
    /* Landlock guards it from ABI 3 on. */
    {SYS_truncate, EPERM},
    /* Its flags lie in memory that a filter cannot read; callers fall back to openat. */
    {SYS_openat2, ENOSYS},
    /* Names of files in directories that Landlock keeps closed. */
    {SYS_inotify_add_watch, EPERM}, {SYS_fanotify_init, EPERM}, {SYS_fanotify_mark, EPERM},
    {NEWER_CACHESTAT, ENOSYS},
    /* Descriptors on their way are seen by no count, nor is what they hold; streams are written with send. */
    {SYS_sendmsg, EPERM}, {SYS_sendmmsg, EPERM},
    /* Room on the disk beyond the size of a file passes by RLIMIT_FSIZE; callers fall back to writing. */
    {SYS_fallocate, EOPNOTSUPP},
    /* A filter of a plugin's own could write to the kernel's log. */
    {SYS_seccomp, EPERM},
    /* Memory that outlives the process, is shared with others, or is counted by no limit. */
    {SYS_shmget, ENOSYS}, {SYS_shmat, ENOSYS}, {SYS_shmctl, ENOSYS}, {SYS_shmdt, ENOSYS}, {SYS_semget, ENOSYS},
    {SYS_semop, ENOSYS}, {SYS_semtimedop, ENOSYS}, {SYS_semctl, ENOSYS}, {SYS_msgget, ENOSYS}, {SYS_msgsnd, ENOSYS},
    {SYS_msgrcv, ENOSYS}, {SYS_msgctl, ENOSYS}, {SYS_mq_open, ENOSYS}, {SYS_mq_unlink, ENOSYS},
    {SYS_memfd_create, ENOSYS}, {SYS_memfd_secret, ENOSYS}, {SYS_remap_file_pages, ENOSYS},
};

static void put_memory(struct program *program) {
    /* Shared memory without a file counts for RLIMIT_AS only, and a region that grows downwards not for RLIMIT_DATA. */
    DECIDE(
        program, SYS_mmap, ALLOW,
        IF(3, MAP_SHARED | MAP_PRIVATE | MAP_ANONYMOUS, MAP_SHARED | MAP_ANONYMOUS, ERROR(EPERM)),
        IF(3, MAP_SHARED_VALIDATE | MAP_ANONYMOUS, MAP_SHARED_VALIDATE | MAP_ANONYMOUS, ERROR(EPERM)),
        IF(3, MAP_GROWSDOWN, MAP_GROWSDOWN, ERROR(EPERM)));
}

static void put_files(struct program *program) {
    /* A file with S_ISUID gives its owner's user, which may be the server's, to whoever runs it. Truncating needs no
     * right of Landlock's before ABI 3 when the file is opened for reading; a file without a name is seen by no count
     * of the temporary folder. */
#if defined(__x86_64__)
    DECIDE(
        program, SYS_open, ALLOW, IF(1, KERNEL_O_TMPFILE, KERNEL_O_TMPFILE, ERROR(EOPNOTSUPP)),
        IF(1, O_TRUNC | O_ACCMODE, O_TRUNC, ERROR(EACCES)), IF_ANY(2, S_ISUID | S_ISGID, ERROR(EPERM)));
    DECIDE(program, SYS_creat, ALLOW, IF_ANY(1, S_ISUID | S_ISGID, ERROR(EPERM)));
#endif
    DECIDE(
        program, SYS_openat, ALLOW, IF(2, KERNEL_O_TMPFILE, KERNEL_O_TMPFILE, ERROR(EOPNOTSUPP)),
        IF(2, O_TRUNC | O_ACCMODE, O_TRUNC, ERROR(EACCES)), IF_ANY(3, S_ISUID | S_ISGID, ERROR(EPERM)));
    /* On an open file only. */
    DECIDE(program, SYS_utimensat, ALLOW, UNLESS(1, 0, ERROR(EPERM)), UNLESS_HIGH_ZERO(1, ERROR(EPERM)));
    /* F_SETOWN and F_SETSIG send signals to other processes; leases hold up the next process that opens the file; large
     * pipes use up the user's share. */
    DECIDE(
        program, SYS_fcntl, ALLOW, IF(1, ANY, F_SETOWN, ERROR(EPERM)), IF(1, ANY, KERNEL_F_SETOWN_EX, ERROR(EPERM)),
        IF(1, ANY, KERNEL_F_SETSIG, ERROR(EPERM)), IF(1, ANY, KERNEL_F_SETLEASE, ERROR(EPERM)),
        IF(1, ANY, KERNEL_F_SETDELEG, ERROR(EPERM)), IF(1, ANY, KERNEL_F_NOTIFY, ERROR(EPERM)),
        IF(1, ANY, KERNEL_F_SETPIPE_SZ, ERROR(EPERM)));
    /* What a C library asks of any descriptor; Landlock guards devices from ABI 5 on. */
    DECIDE(
        program, SYS_ioctl, ERROR(ENOTTY), IF(1, ANY, TCGETS, ALLOW), IF(1, ANY, KERNEL_TCGETS2, ALLOW),
        IF(1, ANY, TIOCGWINSZ, ALLOW), IF(1, ANY, FIONREAD, ALLOW), IF(1, ANY, FIONBIO, ALLOW),
        IF(1, ANY, FIOCLEX, ALLOW), IF(1, ANY, FIONCLEX, ALLOW));
}

/* Limits, scheduling and signals: of this process, or for scheduling of the calling thread, only. */
static void put_processes(struct program *program, uint32_t self) {
    DECIDE(program, SYS_prlimit64, ERROR(EPERM), IF(0, ANY, 0, ALLOW), IF(0, ANY, self, ALLOW));
    static const int of_thread[] = {
        SYS_sched_setaffinity, SYS_sched_setscheduler, SYS_sched_setparam, SYS_sched_setattr};
    for (size_t i = 0; i < COUNT(of_thread); i++) DECIDE(program, of_thread[i], ALLOW, UNLESS(0, 0, ERROR(EPERM)));
    DECIDE(program, SYS_setpriority, ALLOW, UNLESS(0, 0, ERROR(EPERM)), UNLESS(1, 0, ERROR(EPERM)));
    DECIDE(program, SYS_ioprio_set, ALLOW, UNLESS(0, 1, ERROR(EPERM)), UNLESS(1, 0, ERROR(EPERM)));
    static const int signals[] = {SYS_kill, SYS_tgkill, SYS_rt_sigqueueinfo, SYS_rt_tgsigqueueinfo};
    for (size_t i = 0; i < COUNT(signals); i++) DECIDE(program, signals[i], ALLOW, UNLESS(0, self, ERROR(EPERM)));
    /* Death with the server; reading it by /proc, from which the server counts open files; a debugger; filters of its
     * own; memory that the kernel merges with other processes'. */
    DECIDE(
        program, SYS_prctl, ALLOW,
        IF(0, ANY, PR_SET_PDEATHSIG, ERROR(EPERM)), IF(0, ANY, PR_SET_DUMPABLE, ERROR(EPERM)),
        IF(0, ANY, PR_SET_PTRACER, ERROR(EPERM)), IF(0, ANY, PR_SET_MM, ERROR(EPERM)),
        IF(0, ANY, KERNEL_PR_SCHED_CORE, ERROR(EPERM)), IF(0, ANY, PR_SET_SECCOMP, ERROR(EPERM)),
        IF(0, ANY, KERNEL_PR_SET_MEMORY_MERGE, ERROR(EPERM)));
}

static void put_new_processes(struct program *program) {
#if defined(SYS_fork)
    refuse(program, SYS_fork, EPERM);
    refuse(program, SYS_vfork, EPERM);
#endif
    refuse(program, SYS_execve, EPERM);
    refuse(program, SYS_execveat, EPERM);
    refuse(program, SYS_clone3, ENOSYS); /* its flags lie in memory a filter cannot read; glibc falls back to clone */
}

/* Every thread has the descriptors and the directories of the process: a table of a thread's own would be as many
 * descriptors again, which neither RLIMIT_NOFILE nor the server's counts see. */
static void put_threads(struct program *program, bool allow_processes) {
    DECIDE(
        program, SYS_clone, allow_processes ? ALLOW : ERROR(EPERM),
        IF(0, CLONE_THREAD | CLONE_FILES, CLONE_THREAD, ERROR(EPERM)),
        IF(0, CLONE_THREAD | CLONE_FS, CLONE_THREAD, ERROR(EPERM)), IF(0, CLONE_THREAD, CLONE_THREAD, ALLOW));
    DECIDE(program, SYS_close_range, ALLOW, IF(2, CLOSE_RANGE_UNSHARE, CLOSE_RANGE_UNSHARE, ERROR(EPERM)));
}

/* Pairs of connected sockets stay. A datagram socket is none of them: it can send to any path. */
static void put_sockets(struct program *program, bool allow_tcp) {
    enum { TYPE = 0xF };
    uint32_t no = ERROR(EACCES);
    DECIDE(
        program, SYS_socketpair, no, UNLESS(0, AF_UNIX, no), IF(1, TYPE, SOCK_STREAM, ALLOW),
        IF(1, TYPE, SOCK_SEQPACKET, ALLOW));
    if (allow_tcp) {
        DECIDE(
            program, SYS_socket, no, IF(1, TYPE, SOCK_DGRAM, no), IF(1, TYPE, SOCK_RAW, no), IF(1, TYPE, SOCK_RDM, no),
            IF(1, TYPE, SOCK_SEQPACKET, no), IF(1, TYPE, SOCK_DCCP, no), IF(1, TYPE, SOCK_PACKET, no),
            IF(0, ANY, AF_INET, ALLOW), IF(0, ANY, AF_INET6, ALLOW));
        return;
    }
    static const int calls[] = {SYS_socket, SYS_connect, SYS_bind, SYS_listen, SYS_accept, SYS_accept4};
    for (size_t i = 0; i < COUNT(calls); i++) refuse(program, calls[i], EACCES);
}

static void build(struct program *program, const struct settings *settings) {
    load(program, offsetof(struct seccomp_data, arch));
    put(program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 1, 0));
    answer(program, SECCOMP_RET_KILL_PROCESS);
    load(program, offsetof(struct seccomp_data, nr));
#if defined(__x86_64__)
    put(program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, X32_CALL_MIN, 0, 1));
    answer(program, ERROR(EPERM)); /* the x32 numbers would pass by the list */
#endif
    put(program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, CHECKED_CALL_MAX, 0, 1));
    answer(program, ERROR(ENOSYS));
    put_memory(program);
    put_files(program);
    put_processes(program, (uint32_t)getpid());
    put_threads(program, settings->allow_processes);
    if (!settings->allow_processes) put_new_processes(program);
    put_sockets(program, settings->allow_tcp);
    for (size_t i = 0; i < COUNT(refused); i++) refuse(program, refused[i].call, refused[i].error);
    answer(program, ALLOW);
}

bool seccomp_apply(const struct settings *settings) {
    static struct program program;
    build(&program, settings);
    if (program.overflow) return false;
    struct sock_fprog filter = {.len = program.count, .filter = program.code};
    /* TSYNC binds every thread of the process; there is only this one, and a test holds that. */
    return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &filter) == 0;
}
