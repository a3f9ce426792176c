#include "elf_check.h"

#include <elf.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#if defined(__x86_64__)
#define MACHINE EM_X86_64
#define MACHINE_NAME "x86-64"
#elif defined(__aarch64__)
#define MACHINE EM_AARCH64
#define MACHINE_NAME "aarch64"
#else
#error "name this machine's ELF number here"
#endif

#define PROGRAM_HEADERS_MAX 256
#define DYNAMIC_ENTRIES_MAX 4096

bool problem_set(struct problem *problem, const char *code, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    problem->code = code;
    vsnprintf(problem->message, sizeof problem->message, format, arguments);
    va_end(arguments);
    return false;
}

static bool read_at(int file, uint64_t offset, void *into, size_t count) {
    return pread(file, into, count, (off_t)offset) == (ssize_t)count;
}

static bool check_header(const Elf64_Ehdr *header, uint64_t bytes, struct problem *problem) {
    if (bytes == 0) return problem_set(problem, "not_elf", "the file is empty");
    if (bytes < EI_NIDENT || memcmp(header->e_ident, ELFMAG, SELFMAG) != 0)
        return problem_set(problem, "not_elf", "the file is not an ELF shared object");
    if (header->e_ident[EI_CLASS] != ELFCLASS64)
        return problem_set(problem, "wrong_class", "the file is 32-bit; this host is 64-bit");
    if (header->e_ident[EI_DATA] != ELFDATA2LSB)
        return problem_set(problem, "wrong_machine", "the file is big endian; this host is little endian");
    if (bytes < sizeof *header)
        return problem_set(problem, "truncated", "the file ends inside its ELF header");
    if (header->e_machine != MACHINE)
        return problem_set(
            problem, "wrong_machine", "the file is for ELF machine %u; this host is %s (%u)", header->e_machine,
            MACHINE_NAME, MACHINE);
    if (header->e_type != ET_DYN)
        return problem_set(
            problem, "not_shared_object", "the file is of ELF type %u, not a shared object (%u)", header->e_type,
            ET_DYN);
    if (header->e_phnum == 0 || header->e_phnum > PROGRAM_HEADERS_MAX || header->e_phentsize != sizeof(Elf64_Phdr))
        return problem_set(problem, "not_elf", "the ELF header's program header table makes no sense");
    if (header->e_phoff > bytes || header->e_phnum * sizeof(Elf64_Phdr) > bytes - header->e_phoff)
        return problem_set(problem, "truncated", "the file ends inside its program headers");
    if (header->e_shnum != 0
        && (header->e_shoff > bytes || (uint64_t)header->e_shnum * header->e_shentsize > bytes - header->e_shoff))
        return problem_set(
            problem, "truncated", "the file has %llu bytes, its section headers end at %llu",
            (unsigned long long)bytes,
            (unsigned long long)(header->e_shoff + (uint64_t)header->e_shnum * header->e_shentsize));
    return true;
}

/* The file offset of a virtual address, or UINT64_MAX. */
static uint64_t offset_of(const Elf64_Phdr *segments, int count, uint64_t address) {
    for (int i = 0; i < count; i++)
        if (segments[i].p_type == PT_LOAD && address >= segments[i].p_vaddr
            && address - segments[i].p_vaddr < segments[i].p_filesz)
            return segments[i].p_offset + (address - segments[i].p_vaddr);
    return UINT64_MAX;
}

static void read_run_path(
    int file, const Elf64_Phdr *segments, int count, const Elf64_Phdr *dynamic, char run_path[RUN_PATH_BYTES_MAX]) {
    uint64_t strings = UINT64_MAX, run_path_at = UINT64_MAX;
    bool is_runpath = false;
    uint64_t entries = dynamic->p_filesz / sizeof(Elf64_Dyn);
    for (uint64_t i = 0; i < entries && i < DYNAMIC_ENTRIES_MAX; i++) {
        Elf64_Dyn entry;
        if (!read_at(file, dynamic->p_offset + i * sizeof entry, &entry, sizeof entry) || entry.d_tag == DT_NULL) break;
        if (entry.d_tag == DT_STRTAB) strings = offset_of(segments, count, entry.d_un.d_ptr);
        if (entry.d_tag == DT_RUNPATH || (entry.d_tag == DT_RPATH && !is_runpath)) {
            run_path_at = entry.d_un.d_val;
            is_runpath = entry.d_tag == DT_RUNPATH;
        }
    }
    if (strings == UINT64_MAX || run_path_at == UINT64_MAX) return;
    ssize_t got = pread(file, run_path, RUN_PATH_BYTES_MAX - 1, (off_t)(strings + run_path_at));
    run_path[got > 0 ? got : 0] = '\0';
}

bool elf_check(int file, char run_path[RUN_PATH_BYTES_MAX], struct problem *problem) {
    run_path[0] = '\0';
    struct stat status;
    if (fstat(file, &status) != 0) return problem_set(problem, "file_unreadable", "fstat failed");
    if (!S_ISREG(status.st_mode)) return problem_set(problem, "file_unreadable", "not a regular file");
    uint64_t bytes = (uint64_t)status.st_size;

    Elf64_Ehdr header = {0};
    (void)!pread(file, &header, sizeof header, 0); /* a short read leaves zeros; the size is checked next */
    if (!check_header(&header, bytes, problem)) return false;

    Elf64_Phdr segments[PROGRAM_HEADERS_MAX];
    if (!read_at(file, header.e_phoff, segments, header.e_phnum * sizeof *segments))
        return problem_set(problem, "file_unreadable", "the program headers cannot be read");
    for (int i = 0; i < header.e_phnum; i++)
        if (segments[i].p_offset > bytes || segments[i].p_filesz > bytes - segments[i].p_offset)
            return problem_set(
                problem, "truncated", "the file has %llu bytes, its segment %d ends at %llu", (unsigned long long)bytes,
                i, (unsigned long long)(segments[i].p_offset + segments[i].p_filesz));
    const Elf64_Phdr *dynamic = NULL;
    for (int i = 0; i < header.e_phnum; i++) {
        if (segments[i].p_type != PT_DYNAMIC) continue;
        /* The loader would take the last one, and others the first. */
        if (dynamic != NULL) return problem_set(problem, "not_shared_object", "the file has two dynamic sections");
        dynamic = &segments[i];
    }
    if (dynamic == NULL) return problem_set(problem, "not_shared_object", "the file has no dynamic section");
    read_run_path(file, segments, header.e_phnum, dynamic, run_path);
    return true;
}
