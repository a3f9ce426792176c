#include "json.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 64

struct reader {
    const uint8_t *next, *end;
};

static void skip_space(struct reader *reader) {
    while (reader->next < reader->end && strchr(" \t\r\n", *reader->next) != NULL && *reader->next != 0) reader->next++;
}

static bool take(struct reader *reader, char wanted) {
    skip_space(reader);
    if (reader->next == reader->end || *reader->next != (uint8_t)wanted) return false;
    reader->next++;
    return true;
}

static int hexadecimal(struct reader *reader) {
    int value = 0;
    for (int i = 0; i < 4; i++) {
        if (reader->next == reader->end) return -1;
        uint8_t digit = *reader->next++;
        if (digit >= '0' && digit <= '9') value = value * 16 + digit - '0';
        else if ((digit | 32) >= 'a' && (digit | 32) <= 'f') value = value * 16 + (digit | 32) - 'a' + 10;
        else return -1;
    }
    return value;
}

static size_t put_utf8(char *into, uint32_t code) {
    if (code < 0x80) return into[0] = (char)code, 1;
    if (code < 0x800) return into[0] = (char)(0xC0 | code >> 6), into[1] = (char)(0x80 | (code & 63)), 2;
    if (code < 0x10000) {
        into[0] = (char)(0xE0 | code >> 12);
        into[1] = (char)(0x80 | (code >> 6 & 63));
        into[2] = (char)(0x80 | (code & 63));
        return 3;
    }
    into[0] = (char)(0xF0 | code >> 18);
    into[1] = (char)(0x80 | (code >> 12 & 63));
    into[2] = (char)(0x80 | (code >> 6 & 63));
    into[3] = (char)(0x80 | (code & 63));
    return 4;
}

/* \uXXXX after the u; joins surrogate pairs. False for a lone surrogate. */
static bool take_unicode(struct reader *reader, uint32_t *code) {
    int first = hexadecimal(reader);
    if (first < 0 || (first >= 0xDC00 && first <= 0xDFFF)) return false;
    *code = (uint32_t)first;
    if (first < 0xD800 || first > 0xDBFF) return true;
    if (reader->end - reader->next < 6 || reader->next[0] != '\\' || reader->next[1] != 'u') return false;
    reader->next += 2;
    int second = hexadecimal(reader);
    if (second < 0xDC00 || second > 0xDFFF) return false;
    *code = 0x10000 + ((uint32_t)(first - 0xD800) << 10) + (uint32_t)(second - 0xDC00);
    return true;
}

/* Decodes a string; an escape is never shorter than what it stands for, so the input's length is enough room. */
static char *take_string(struct reader *reader, size_t *length) {
    if (!take(reader, '"')) return NULL;
    char *text = malloc((size_t)(reader->end - reader->next) + 1);
    if (text == NULL) return NULL;
    size_t used = 0;
    while (reader->next < reader->end && *reader->next != '"') {
        uint8_t byte = *reader->next++;
        if (byte != '\\') {
            text[used++] = (char)byte;
            continue;
        }
        if (reader->next == reader->end) break;
        byte = *reader->next++;
        static const char escapes[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
        const char *found = byte == 0 ? NULL : strchr(escapes, byte);
        uint32_t code = 0;
        if (found != NULL) text[used++] = meanings[found - escapes];
        else if (byte == 'u' && take_unicode(reader, &code)) used += put_utf8(text + used, code);
        else break;
    }
    if (!take(reader, '"')) {
        free(text);
        return NULL;
    }
    *length = used;
    return text;
}

static bool skip_value(struct reader *reader, int depth);

static bool skip_container(struct reader *reader, int depth, char close, bool is_object) {
    if (take(reader, close)) return true;
    do {
        size_t length;
        char *key = is_object ? take_string(reader, &length) : NULL;
        if (is_object && key == NULL) return false;
        free(key);
        if (is_object && !take(reader, ':')) return false;
        if (!skip_value(reader, depth + 1)) return false;
    } while (take(reader, ','));
    return take(reader, close);
}

static bool skip_value(struct reader *reader, int depth) {
    skip_space(reader);
    if (depth > DEPTH_MAX || reader->next == reader->end) return false;
    if (*reader->next == '"') {
        size_t length;
        char *text = take_string(reader, &length);
        free(text);
        return text != NULL;
    }
    if (take(reader, '{')) return skip_container(reader, depth, '}', true);
    if (take(reader, '[')) return skip_container(reader, depth, ']', false);
    const uint8_t *start = reader->next; /* a number, true, false or null */
    while (reader->next < reader->end && strchr(" \t\r\n,]}", *reader->next) == NULL) reader->next++;
    return reader->next > start;
}

char *json_string_member(
    const uint8_t *json, size_t bytes, const char *member, size_t *length, const char **problem) {
    struct reader reader = {json, json + bytes};
    *problem = "the input is not a JSON object";
    if (!take(&reader, '{')) return NULL;
    while (!take(&reader, '}')) {
        size_t key_length;
        char *key = take_string(&reader, &key_length);
        if (key == NULL || !take(&reader, ':')) {
            free(key);
            return NULL;
        }
        bool wanted = key_length == strlen(member) && memcmp(key, member, key_length) == 0;
        free(key);
        skip_space(&reader);
        if (wanted && reader.next < reader.end && *reader.next != '"') {
            *problem = "text: a string is expected";
            return NULL;
        }
        if (wanted) return take_string(&reader, length);
        if (!skip_value(&reader, 0)) return NULL;
        (void)take(&reader, ',');
    }
    *problem = "text: missing";
    return NULL;
}
