#include "names.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "step_wire.h"

/* A short name can stand for a text of gigabytes. */
#define DEMANGLER_BYTES_MAX (128u << 20)
#define DEMANGLER_SECONDS_MAX 2

typedef char *(*demangle_function)(const char *, size_t, char *, size_t *, uint32_t);

/* Appends the text as one line; what would end the line, or is no whole character at the cut, is left out. */
static size_t append(uint8_t *into, const char *text, size_t length) {
    if (length > STEP_WIRE_NAME_BYTES_MAX) {
        length = STEP_WIRE_NAME_BYTES_MAX;
        while (length > 0 && ((uint8_t)text[length] & 0xC0) == 0x80) length--;
    }
    size_t used = 0;
    for (size_t i = 0; i < length; i++)
        if (text[i] != '\n') into[used++] = (uint8_t)text[i];
    into[used++] = '\n';
    return used;
}

step_bytes names_translate(void *runtime, step_bytes names) {
    const struct rlimit memory = {DEMANGLER_BYTES_MAX, DEMANGLER_BYTES_MAX};
    const struct rlimit time = {DEMANGLER_SECONDS_MAX, DEMANGLER_SECONDS_MAX};
    if (setrlimit(RLIMIT_DATA, &memory) != 0 || setrlimit(RLIMIT_CPU, &time) != 0) return (step_bytes){0};
    demangle_function demangle = NULL;
    void *symbol = runtime == NULL ? NULL : dlsym(runtime, "swift_demangle");
    memcpy(&demangle, &symbol, sizeof demangle);
    uint8_t *lines = malloc(STEP_WIRE_NAMES_MAX * (STEP_WIRE_NAME_BYTES_MAX + 1u));
    size_t used = 0;
    const char *next = (const char *)names.ptr, *end = next + names.len;
    for (int i = 0; lines != NULL && next < end && i < STEP_WIRE_NAMES_MAX; i++) {
        const char *line_end = memchr(next, '\n', (size_t)(end - next));
        size_t length = (size_t)((line_end == NULL ? end : line_end) - next);
        char *translated = demangle == NULL ? NULL : demangle(next, length, NULL, NULL, 0);
        used += translated == NULL ? append(lines + used, next, length)
                                   : append(lines + used, translated, strlen(translated));
        free(translated);
        next += length + 1;
    }
    return (step_bytes){lines, used};
}
