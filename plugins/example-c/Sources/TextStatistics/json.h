/* As much of JSON as this plugin needs: the value of one string member, and the text of a JSON string. */
#ifndef TEXT_JSON_H
#define TEXT_JSON_H

#include <stddef.h>
#include <stdint.h>

/* Finds the string `member` of a JSON object and decodes its escapes.
 * Returns malloc'ed UTF-8 with *length bytes, or NULL with *problem set to a sentence. */
char *json_string_member(
    const uint8_t *json, size_t bytes, const char *member, size_t *length, const char **problem);

#endif
