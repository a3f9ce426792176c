/* A step plugin in plain C: text.count counts lines, words and characters, and finds the longest line. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "step_abi.h"

STEP_ABI_NOTE();

static const step_host *host;

static const char description[] =
    "{\"name\":\"text\",\"version\":\"1.0.0\",\"sdk\":\"c\",\"functions\":[{\"name\":\"count\","
    "\"summary\":\"Counts the lines, words and characters of a text\","
    "\"input\":{\"type\":\"object\",\"properties\":{\"text\":{\"type\":\"string\"}},\"required\":[\"text\"]},"
    "\"output\":{\"type\":\"object\",\"properties\":{\"lines\":{\"type\":\"integer\"},\"words\":{\"type\":\"integer\"},"
    "\"characters\":{\"type\":\"integer\"},\"bytes\":{\"type\":\"integer\"},"
    "\"longest_line\":{\"type\":\"object\",\"properties\":{\"number\":{\"type\":\"integer\"},"
    "\"characters\":{\"type\":\"integer\"}},\"required\":[\"number\",\"characters\"]}},"
    "\"required\":[\"lines\",\"words\",\"characters\",\"bytes\",\"longest_line\"]}}]}";

struct statistics {
    unsigned long long lines, words, characters, longest_number, longest_characters;
};

/* One line and what it has is counted at its end; a text without a final newline has a last line all the same. */
static void end_line(struct statistics *statistics, unsigned long long characters) {
    statistics->lines++;
    if (characters > statistics->longest_characters || statistics->longest_number == 0) {
        statistics->longest_characters = characters;
        statistics->longest_number = statistics->lines;
    }
}

static struct statistics count(const char *text, size_t length) {
    struct statistics statistics = {0};
    unsigned long long in_line = 0;
    int in_word = 0;
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)text[i];
        if ((byte & 0xC0) == 0x80) continue; /* the rest of a character that was counted */
        statistics.characters++;
        int is_space = byte == ' ' || (byte >= '\t' && byte <= '\r');
        if (!is_space && !in_word) statistics.words++;
        in_word = !is_space;
        if (byte == '\n') {
            end_line(&statistics, in_line);
            in_line = 0;
        } else if (byte != '\r') {
            in_line++;
        }
    }
    if (length > 0 && text[length - 1] != '\n') end_line(&statistics, in_line);
    return statistics;
}

static void complete(step_call_id call, int32_t status, const char *payload) {
    step_bytes bytes = {(const uint8_t *)payload, strlen(payload)};
    host->complete(host->ctx, call, status, bytes);
}

struct work {
    step_call_id call;
    char *text;
    size_t length;
};

/* Counting a megabyte takes longer than invoke may (R8), so it has a thread of its own. */
static void *run(void *argument) {
    struct work *work = argument;
    struct statistics found = count(work->text, work->length);
    char output[320];
    snprintf(
        output, sizeof output,
        "{\"lines\":%llu,\"words\":%llu,\"characters\":%llu,\"bytes\":%zu,"
        "\"longest_line\":{\"number\":%llu,\"characters\":%llu}}",
        found.lines, found.words, found.characters, work->length, found.longest_number, found.longest_characters);
    complete(work->call, STEP_STATUS_OK, output);
    free(work->text);
    free(work);
    return NULL;
}

static int32_t plugin_open(const step_host *given, step_bytes config) {
    (void)config;
    host = given;
    return 0;
}

static step_bytes plugin_describe(void) {
    return (step_bytes){(const uint8_t *)description, sizeof description - 1};
}

static int32_t plugin_invoke(const step_call *call) {
    if (call->function.len != 5 || memcmp(call->function.ptr, "count", 5) != 0) return 1;
    struct work *work = calloc(1, sizeof *work);
    if (work == NULL) return 2;
    const char *problem = NULL;
    work->call = call->id;
    work->text = json_string_member(call->input.ptr, call->input.len, "text", &work->length, &problem);
    if (work->text == NULL) {
        char payload[160];
        snprintf(payload, sizeof payload, "{\"code\":\"invalid_input\",\"message\":\"%s\"}", problem);
        complete(call->id, STEP_STATUS_FAILED_FINAL, payload);
        free(work);
        return 0;
    }
    pthread_t thread;
    if (pthread_create(&thread, NULL, run, work) != 0) {
        free(work->text);
        free(work);
        return 2;
    }
    pthread_detach(thread);
    return 0;
}

/* A count ends by itself within milliseconds, so there is nothing to cancel, and this plugin asks for nothing. */
static void plugin_cancel(step_call_id call, uint32_t reason) { (void)call, (void)reason; }
static void plugin_reply(uint64_t token, int32_t status, step_bytes value) { (void)token, (void)status, (void)value; }
static void plugin_close(void) {}
static const void *plugin_extension(const char *id) { return (void)id, NULL; }

STEP_EXPORT const step_plugin *step_plugin_entry(uint32_t host_major, uint32_t host_minor) {
    (void)host_minor;
    static const step_plugin plugin = {
        .size = sizeof(step_plugin),
        .abi_major = STEP_ABI_MAJOR,
        .abi_minor = STEP_ABI_MINOR,
        .open = plugin_open,
        .describe = plugin_describe,
        .invoke = plugin_invoke,
        .cancel = plugin_cancel,
        .reply = plugin_reply,
        .close = plugin_close,
        .extension = plugin_extension,
    };
    return host_major == STEP_ABI_MAJOR ? &plugin : NULL;
}
