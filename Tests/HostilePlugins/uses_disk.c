/* Fills its temporary folder in the way that its input, a JSON string, names, and waits to be killed. "leave…" leaves
 * something and completes; "look" tells how much it finds. */
#include "fixture.h"
#include <dirent.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

static char block[1 << 20];

static int write_file(const char *name, int megabytes) {
    int file = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);
    for (int i = 0; i < megabytes; i++)
        if (write(file, block, sizeof block) <= 0) break;
    return file;
}

static int count(void) {
    DIR *directory = opendir(".");
    int found = 0;
    const struct dirent *entry;
    while ((entry = readdir(directory)) != NULL) found += strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..");
    closedir(directory);
    return found;
}

static int32_t act(const step_call *call) {
    char name[64], output[64];
    if (equals(call->input, "\"look\"")) {
        snprintf(output, sizeof output, "%d", count());
        complete(call->id, output);
        return 0;
    }
    if (equals(call->input, "\"leave\"")) close(write_file("left", 0));
    if (equals(call->input, "\"leave_hidden\"")) close(write_file(".left", 0));
    if (equals(call->input, "\"leave_folder\"")) mkdir("folder", 0);
    if (strncmp((const char *)call->input.ptr, "\"leave", 6) == 0) {
        complete(call->id, "\"left\"");
        return 0;
    }
    for (int i = 0;; i++) {
        snprintf(name, sizeof name, "file%d", i);
        if (equals(call->input, "\"files\"")) close(write_file(name, 0));
        if (equals(call->input, "\"bytes\"")) close(write_file(name, 4));
        if (equals(call->input, "\"folders\"") && (mkdir("d", 0700) != 0 || chdir("d") != 0)) break;
        if (equals(call->input, "\"hidden\"") && i == 0) {
            mkdir("d", 0300); /* Its owner can write in it and nobody can list it. */
            close(write_file("d/file", 4));
        }
        if (equals(call->input, "\"unlinked\"")) {
            write_file(name, 4);
            unlink(name);
        }
        if (equals(call->input, "\"mapped\"")) {
            int file = write_file(name, 4);
            if (mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, file, 0) == MAP_FAILED) break;
            close(file);
            unlink(name);
        }
        if (i == 400000) break; /* stops by itself where nothing else does */
        if (i % 16 == 0) usleep(1000);
    }
    for (;;) pause();
}
