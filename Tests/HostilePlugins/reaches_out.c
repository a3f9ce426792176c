/* Tries everything that reaches out of its process. Input: "PID DIRECTORY", a process and a directory of the same user.
 * Output: an object with a member for each attempt that succeeded; {} if the seal held. */
#include "fixture.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>

static char output[8192];
static size_t used;

static void note(const char *what, bool done) {
    if (!done) return;
    used += (size_t)snprintf(output + used, sizeof output - used, "%s\"%s\":true", used > 1 ? "," : "", what);
}

/* The call did what it says. */
#define TRY(what, call) note(what, (call) >= 0)

static void try_processes(pid_t pid) {
    struct rlimit limit = {100000, 100000};
    struct sched_param param = {0};
    struct { uint32_t size, policy; uint64_t rest[6]; } attributes = {.size = 48, .policy = SCHED_BATCH};
    cpu_set_t cpus;
    CPU_ZERO(&cpus);
    CPU_SET(0, &cpus);
    struct iovec own = {output, 1}, other = {output, 1};
    siginfo_t info = {.si_code = SI_QUEUE};
    TRY("kill", kill(pid, 0));
    TRY("kill_group", syscall(SYS_kill, -pid, 0));
    TRY("kill_all", syscall(SYS_kill, -1, 0));
    TRY("tkill", syscall(SYS_tkill, pid, 0));
    TRY("tgkill", syscall(SYS_tgkill, pid, pid, 0));
    TRY("rt_sigqueueinfo", syscall(SYS_rt_sigqueueinfo, pid, 0, &info));
    TRY("rt_tgsigqueueinfo", syscall(SYS_rt_tgsigqueueinfo, pid, pid, 0, &info));
    TRY("pidfd_open", syscall(SYS_pidfd_open, pid, 0));
    TRY("ptrace", syscall(SYS_ptrace, 0x4206, pid, 0, 0));
    TRY("process_vm_readv", syscall(SYS_process_vm_readv, pid, &own, 1, &other, 1, 0));
    TRY("prlimit64", syscall(SYS_prlimit64, pid, RLIMIT_NPROC, NULL, &limit));
    TRY("prlimit64_set", syscall(SYS_prlimit64, pid, RLIMIT_NPROC, &limit, NULL));
    TRY("setpriority", setpriority(PRIO_PROCESS, (id_t)pid, 5));
    TRY("setpriority_user", setpriority(PRIO_USER, getuid(), 1));
    TRY("sched_setaffinity", syscall(SYS_sched_setaffinity, pid, sizeof cpus, &cpus));
    TRY("sched_setscheduler", syscall(SYS_sched_setscheduler, pid, SCHED_BATCH, &param));
    TRY("sched_setparam", syscall(SYS_sched_setparam, pid, &param));
    TRY("sched_setattr", syscall(SYS_sched_setattr, pid, &attributes, 0));
    TRY("ioprio_set", syscall(SYS_ioprio_set, 1, pid, (2 << 13) | 7));
    TRY("migrate_pages", syscall(SYS_migrate_pages, pid, 0, NULL, NULL));
    TRY("setsid", setsid());
    TRY("setpgid", setpgid(0, 0));
    TRY("setpgid_parent", setpgid(0, getpgid(getppid())));
    TRY("outlive", prctl(PR_SET_PDEATHSIG, 0));
    TRY("not_dumpable", prctl(PR_SET_DUMPABLE, 0));
    TRY("execve", syscall(SYS_execve, "/bin/true", NULL, NULL));
    TRY("vfork", syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0));
    TRY("unshare", unshare(CLONE_NEWUSER));
    /* A file's owner gets its signals. */
    int ends[2];
    if (pipe(ends) == 0) {
        TRY("fcntl_owner", fcntl(ends[0], F_SETOWN, pid));
        struct { int type; pid_t pid; } owner = {1, pid};
        TRY("fcntl_owner_ex", fcntl(ends[0], 15, &owner));
        TRY("fcntl_signal", fcntl(ends[0], 10, SIGKILL));
        TRY("ioctl_owner", ioctl(ends[0], FIOSETOWN, &pid));
        TRY("pipe_size", fcntl(ends[0], 1031, 1 << 20));
    }
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/mem", pid);
    TRY("proc_mem", open(path, O_RDWR));
    snprintf(path, sizeof path, "/proc/%d/environ", pid);
    TRY("proc_environ", open(path, O_RDONLY));
}

static void try_files(const char *directory) {
    char file[512], other[512];
    snprintf(file, sizeof file, "%s/victim", directory);
    snprintf(other, sizeof other, "%s/new", directory);
    struct timeval times[2] = {{0}};
    struct timespec spec[2] = {{0}};
    TRY("read", open(file, O_RDONLY));
    TRY("write", open(file, O_WRONLY));
    TRY("truncate_by_open", open(file, O_RDONLY | O_TRUNC));
    TRY("create", open(other, O_WRONLY | O_CREAT, 0600));
    TRY("list", open(directory, O_RDONLY | O_DIRECTORY));
    TRY("chmod", syscall(SYS_fchmodat, AT_FDCWD, file, 0666));
    TRY("chmod_directory", chmod(directory, 0777));
    int path = open(file, O_PATH);
    if (path >= 0) {
        char through[64];
        snprintf(through, sizeof through, "/proc/self/fd/%d", path);
        TRY("chmod_descriptor", chmod(through, 0666));
        TRY("fchmodat2", syscall(452, path, "", 0666, AT_EMPTY_PATH));
        TRY("reopen", open(through, O_RDONLY));
    }
    TRY("chown", chown(file, getuid(), getgid()));
    TRY("lchown", lchown(file, getuid(), getgid()));
    TRY("fchownat", fchownat(AT_FDCWD, file, getuid(), getgid(), 0));
    TRY("utimes", utimes(file, times));
    TRY("utimensat", utimensat(AT_FDCWD, file, spec, 0));
    TRY("setxattr", syscall(SYS_setxattr, file, "user.x", "1", 1, 0));
    TRY("removexattr", syscall(SYS_removexattr, file, "user.y"));
    TRY("truncate", truncate(file, 0));
    TRY("mknod", mknod(other, S_IFIFO | 0600, 0));
    TRY("mkdir", mkdir(other, 0700));
    TRY("symlink", symlink("/", other));
    TRY("link", link(file, other));
    TRY("rename", rename(file, other));
    TRY("unlink", unlink(file));
    TRY("rmdir", rmdir(directory));
    TRY("own_mknod", mknod("fifo", S_IFIFO | 0600, 0));
    TRY("inotify", inotify_add_watch(inotify_init1(0), directory, IN_CREATE));
    TRY("handle", syscall(SYS_open_by_handle_at, AT_FDCWD, NULL, 0));
    TRY("mount", syscall(SYS_mount, "none", directory, "tmpfs", 0, NULL));
    TRY("openat2", syscall(SYS_openat2, AT_FDCWD, file, NULL, 0));
    TRY("unnamed", open(".", O_TMPFILE | O_RDWR, 0600));
    TRY("system_file", open("/etc/shadow", O_RDONLY));
    TRY("system_write", open("/usr/lib/x", O_WRONLY | O_CREAT, 0600));
}

static void try_sockets(const char *directory) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s/socket", directory);
    for (int family = 1; family <= 45; family++) {
        int types[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_RAW, SOCK_SEQPACKET};
        for (int i = 0; i < 4; i++) {
            int made = socket(family, types[i], 0);
            if (made < 0) continue;
            char what[32];
            snprintf(what, sizeof what, "socket_%d_%d", family, types[i]);
            note(what, true);
            close(made);
        }
    }
    int pair[2];
    note("datagram_pair", socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) == 0);
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0) {
        note("no_pair", true); /* libraries need one */
        return;
    }
    TRY("connect", connect(pair[0], (struct sockaddr *)&address, sizeof address));
    TRY("bind", bind(pair[0], (struct sockaddr *)&address, sizeof address));
    TRY("listen", listen(pair[0], 1));
    TRY("send_to", sendto(pair[0], "x", 1, MSG_NOSIGNAL, (struct sockaddr *)&address, sizeof address));
}

static void try_memory(void) {
    size_t bytes = 1 << 20;
    int rw = PROT_READ | PROT_WRITE;
    note("shared_memory", mmap(NULL, bytes, rw, MAP_SHARED | MAP_ANONYMOUS, -1, 0) != MAP_FAILED);
    note("growing_memory", mmap(NULL, bytes, rw, MAP_PRIVATE | MAP_ANONYMOUS | 0x100, -1, 0) != MAP_FAILED);
    TRY("memfd", syscall(SYS_memfd_create, "x", 0));
    TRY("memfd_secret", syscall(SYS_memfd_secret, 0));
    TRY("shmget", shmget(IPC_PRIVATE, bytes, IPC_CREAT | 0600));
    TRY("semget", syscall(SYS_semget, IPC_PRIVATE, 1, IPC_CREAT | 0600));
    TRY("msgget", syscall(SYS_msgget, IPC_PRIVATE, IPC_CREAT | 0600));
    TRY("mq_open", syscall(SYS_mq_open, "x", O_CREAT | O_RDWR, 0600, NULL));
    TRY("shm_open", open("/dev/shm/stepstream-hostile", O_RDWR | O_CREAT, 0600));
    TRY("zero_device", open("/dev/zero", O_RDONLY));
    int reserved = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    note("address_space", mmap(NULL, 1ull << 40, PROT_NONE, reserved, -1, 0) != MAP_FAILED);
}

static void try_kernel(void) {
    char set[256] = {0};
    TRY("io_uring", syscall(SYS_io_uring_setup, 1, set));
    TRY("io_setup", syscall(SYS_io_setup, 1, set));
    TRY("bpf", syscall(SYS_bpf, 0, set, 48));
    TRY("perf", syscall(SYS_perf_event_open, set, 0, -1, -1, 0));
    TRY("userfaultfd", syscall(SYS_userfaultfd, 0));
    TRY("add_key", syscall(SYS_add_key, "user", "x", "y", 1, -3));
    TRY("personality", syscall(SYS_personality, 0));
    TRY("syncfs", syscall(SYS_syncfs, 0));
    TRY("future", syscall(500, 0));
    struct { uint16_t count; void *code; } filter = {0, NULL};
    note("own_filter", syscall(SYS_seccomp, 1, 0, &filter) == 0 || errno != EPERM);
    note("own_filter_prctl", prctl(PR_SET_SECCOMP, 2, &filter) == 0 || errno != EPERM);
    TRY("merged_memory", prctl(67, 1, 0, 0, 0));
    struct rlimit stack = {64 << 20, 64 << 20};
    TRY("stack_limit", setrlimit(RLIMIT_STACK, &stack));
}

/* Descriptors and files that no count sees, and files that give the user away. */
static void try_uncounted(void) {
    TRY("own_descriptors", syscall(SYS_close_range, 500, 500, 2));
    note("thread_without_files", syscall(SYS_clone, CLONE_VM | CLONE_SIGHAND | CLONE_THREAD, 0, 0, 0, 0) != -1);
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0) {
        char room[CMSG_SPACE(sizeof(int))] = {0};
        struct iovec part = {output, 1};
        struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = room, .msg_controllen = sizeof room};
        struct cmsghdr *head = CMSG_FIRSTHDR(&message);
        *head = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
        memcpy(CMSG_DATA(head), &pair[0], sizeof(int));
        TRY("sent_descriptor", sendmsg(pair[0], &message, MSG_NOSIGNAL));
        close(pair[0]);
        close(pair[1]);
    }
    struct stat status = {0};
    int file = open("own", O_RDWR | O_CREAT, 0600);
    TRY("fallocate", syscall(SYS_fallocate, file, 1, 0, 1 << 20));
    note("set_user_id", fchmod(file, 04755) == 0 && fstat(file, &status) == 0 && (status.st_mode & 06000) != 0);
    TRY("created_set_user_id", open("other", O_RDWR | O_CREAT, 06755));
    TRY("creat_set_user_id", creat("third", 06755));
    close(file);
    unlink("own");
    int folder = open(".", O_RDONLY | O_DIRECTORY);
    note("closed_folder", fchmod(folder, 0) == 0 && fstat(folder, &status) == 0 && (status.st_mode & 0700) != 0700);
    close(folder);
}

static int32_t act(const step_call *call) {
    char input[512] = "", directory[512] = "";
    int pid = 0;
    if (call->input.len > 2 && call->input.len < sizeof input) memcpy(input, call->input.ptr + 1, call->input.len - 2);
    sscanf(input, "%d %500s", &pid, directory);
    used = (size_t)snprintf(output, sizeof output, "{");
    try_processes(pid);
    try_files(directory);
    try_sockets(directory);
    try_memory();
    try_kernel();
    try_uncounted();
    snprintf(output + used, sizeof output - used, "}");
    complete(call->id, output);
    return 0;
}
