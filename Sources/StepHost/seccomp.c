#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "confinement.h"

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#else
#error "name this machine's audit architecture here"
#endif

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define ANSWER(value) BPF_STMT(BPF_RET | BPF_K, (value))
#define ERROR(number) (SECCOMP_RET_ERRNO | ((number) & SECCOMP_RET_DATA))
/* When the accumulator equals the number: answer so; otherwise go on. */
#define REFUSE(number, error) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (number), 0, 1), ANSWER(ERROR(error))

/* Calls that no step needs and that reach out of the process or around the other measures. */
static const struct sock_filter always[] = {
    LOAD(arch),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 1, 0),
    ANSWER(SECCOMP_RET_KILL_PROCESS),
    LOAD(nr),
#if defined(__x86_64__)
    BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0x40000000, 0, 1), /* the x32 numbers would pass by the list */
    ANSWER(ERROR(EPERM)),
#endif
    REFUSE(SYS_ptrace, EPERM), REFUSE(SYS_process_vm_readv, EPERM), REFUSE(SYS_process_vm_writev, EPERM),
    REFUSE(SYS_pidfd_getfd, EPERM), REFUSE(SYS_kcmp, EPERM), REFUSE(SYS_process_madvise, EPERM),
    REFUSE(SYS_mount, EPERM), REFUSE(SYS_umount2, EPERM), REFUSE(SYS_pivot_root, EPERM), REFUSE(SYS_chroot, EPERM),
    REFUSE(SYS_open_tree, EPERM), REFUSE(SYS_move_mount, EPERM), REFUSE(SYS_fsopen, EPERM),
    REFUSE(SYS_fsconfig, EPERM), REFUSE(SYS_fsmount, EPERM), REFUSE(SYS_fspick, EPERM),
    REFUSE(SYS_mount_setattr, EPERM), REFUSE(SYS_unshare, EPERM), REFUSE(SYS_setns, EPERM),
    REFUSE(SYS_bpf, EPERM), REFUSE(SYS_perf_event_open, EPERM), REFUSE(SYS_userfaultfd, EPERM),
    REFUSE(SYS_io_uring_setup, ENOSYS), REFUSE(SYS_kexec_load, EPERM), REFUSE(SYS_kexec_file_load, EPERM),
    REFUSE(SYS_init_module, EPERM), REFUSE(SYS_finit_module, EPERM), REFUSE(SYS_delete_module, EPERM),
    REFUSE(SYS_add_key, EPERM), REFUSE(SYS_request_key, EPERM), REFUSE(SYS_keyctl, EPERM),
    REFUSE(SYS_reboot, EPERM), REFUSE(SYS_swapon, EPERM), REFUSE(SYS_swapoff, EPERM),
    REFUSE(SYS_acct, EPERM), REFUSE(SYS_quotactl, EPERM), REFUSE(SYS_name_to_handle_at, EPERM),
    REFUSE(SYS_open_by_handle_at, EPERM), REFUSE(SYS_personality, EPERM),
};

static const struct sock_filter without_processes[] = {
#if defined(SYS_fork)
    REFUSE(SYS_fork, EPERM), REFUSE(SYS_vfork, EPERM),
#endif
    REFUSE(SYS_execve, EPERM), REFUSE(SYS_execveat, EPERM),
    REFUSE(SYS_clone3, ENOSYS), /* its flags lie in memory a filter cannot read; glibc falls back to clone */
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 0, 4),
    LOAD(args[0]),
    BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, CLONE_THREAD, 1, 0),
    ANSWER(ERROR(EPERM)),
    ANSWER(SECCOMP_RET_ALLOW),
};

/* Landlock knows TCP only; UDP, raw and netlink sockets end here. */
static const struct sock_filter without_network[] = {
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 0, 4),
    LOAD(args[0]),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_UNIX, 1, 0),
    ANSWER(ERROR(EACCES)),
    ANSWER(SECCOMP_RET_ALLOW),
};

#define COUNT(array) (sizeof(array) / sizeof *(array))

bool seccomp_apply(const struct settings *settings) {
    struct sock_filter program[COUNT(always) + COUNT(without_processes) + COUNT(without_network) + 1];
    size_t count = 0;
    for (size_t i = 0; i < COUNT(always); i++) program[count++] = always[i];
    for (size_t i = 0; i < COUNT(without_processes) && !settings->allow_processes; i++)
        program[count++] = without_processes[i];
    for (size_t i = 0; i < COUNT(without_network) && !settings->allow_tcp; i++) program[count++] = without_network[i];
    program[count++] = (struct sock_filter)ANSWER(SECCOMP_RET_ALLOW);
    struct sock_fprog filter = {.len = (unsigned short)count, .filter = program};
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}
