/* Members of JSON objects, as what other programs of emrfs answered is read: a member that is not
 * there, or is of another kind, is as good as empty. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* "" when it is none; OBJECT's. */
const char *emr_json_text_at(const json_t *object, const char *name);
/* 0 when it is none, or below. */
uint64_t emr_json_number_at(const json_t *object, const char *name);
bool emr_json_flag_at(const json_t *object, const char *name);
